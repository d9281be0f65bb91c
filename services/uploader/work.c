#include "work.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cloud/retry.h"

/* Wake-ups within this time are served together; it is also what a batch of links may grow in. */
#define GATHER_NS 20000000u
/* Entries begun in one turn of the loop, in multiples of the slots. */
#define TURN_ROUNDS 4
/* After so many attempts, if others went through meanwhile, a slot goes on with the next entry; the
 * queue offers this one again when it begins anew. */
#define ATTEMPTS_IN_SLOT 8
/* So many failures in a row are the store's, not one object's. */
#define OUTAGE_STREAK 3
#define FLOWS_KEPT    512

struct slot {
	struct put put; /* .key empty: the slot is free */
	bool out;       /* with the store; else it waits until at_ns */
	bool hashed;
	bool at_store; /* stored, only its entry could not be removed */
	unsigned attempts;
	uint64_t at_ns; /* of a free slot: it rests until then */
};

struct flow {
	char key[SPOOL_KEY_MAX], id[33];
};

struct work {
	struct loop *loop;
	struct queue *queue;
	struct object_store *store;
	struct work_conf conf;
	struct work_calls calls;
	struct work_counts *counts;
	struct slot *slots;
	struct flow *flows;
	EVP_MD_CTX *md;
	uint64_t next_ns;    /* when the next turn is planned */
	uint64_t failing_ns; /* first failure since the last success; 0: none */
	unsigned streak;     /* failures since the last success */
	bool trouble, draining;
};

static void turn(void *arg);

static void plan(struct work *w, uint64_t when_ns)
{
	if (when_ns >= w->next_ns || w->draining)
		return;
	w->next_ns = when_ns;
	loop_at(w->loop, when_ns, turn, w);
}

void work_wake(struct work *w)
{
	plan(w, clock_mono_ns() + GATHER_NS);
}

/* FNV-1a; the table is only a convenience, a forged collision costs one object its flow id. */
static struct flow *flow_place(struct work *w, const char *key, size_t n)
{
	uint32_t h = 2166136261u;
	for (size_t i = 0; i < n; i++)
		h = (h ^ (uint8_t)key[i]) * 16777619u;
	return &w->flows[h % FLOWS_KEPT];
}

void work_flow(struct work *w, const char *key, size_t nkey, const char *id, size_t nid)
{
	if (nkey == 0 || nkey >= SPOOL_KEY_MAX || nid != 32)
		return;
	for (size_t i = 0; i < nid; i++)
		if (!strchr("0123456789abcdef", id[i]) || !id[i])
			return;
	struct flow *f = flow_place(w, key, nkey);
	memcpy(f->key, key, nkey);
	f->key[nkey] = '\0';
	memcpy(f->id, id, nid);
	f->id[nid] = '\0';
}

static void release(struct slot *s)
{
	if (s->put.fd >= 0)
		close(s->put.fd);
	*s = (struct slot){.put.fd = -1};
}

static void trouble(struct work *w, bool begins, bool stuck, const char *why)
{
	char text[512];
	if (w->trouble == begins)
		return;
	w->trouble = begins;
	if (begins)
		snprintf(text, sizeof text, "objects are kept in the queue: %s", why);
	else
		snprintf(text, sizeof text, "objects are stored again");
	if (w->calls.trouble)
		w->calls.trouble(w->calls.arg, begins, stuck, text);
}

static void wait(struct work *w, struct slot *s, uint64_t now, uint64_t ns)
{
	s->out = false;
	s->at_ns = now + ns;
	plan(w, s->at_ns);
}

static void failed(struct work *w, struct slot *s, bool stuck, const char *why, uint64_t wait_ns)
{
	uint64_t now = clock_mono_ns();
	w->counts->retries++;
	w->streak++;
	if (stuck)
		w->counts->stuck++;
	if (!w->failing_ns) {
		w->failing_ns = now;
		log_warn("object not stored, will be tried again", "key=%s error=\"%s\"",
			 s->put.key, why);
	}
	if (stuck || now - w->failing_ns >= w->conf.trouble_ns)
		trouble(w, true, stuck, why);
	uint64_t ns = stuck ? retry_delay_ns(1, w->conf.stuck_ns, w->conf.stuck_ns, retry_random())
			    : retry_delay_ns(s->attempts, w->conf.retry_first_ns,
					     w->conf.retry_max_ns, retry_random());
	if (s->attempts >= ATTEMPTS_IN_SLOT)
		release(s);
	wait(w, s, now, ns > wait_ns ? ns : wait_ns);
}

static void set_aside(struct work *w, struct slot *s, const char *why)
{
	log_error("object set aside", "key=%s error=\"%s\"", s->put.key, why);
	int rc = queue_bad(w->queue, s->put.key);
	if (rc && rc != -ENOENT) {
		failed(w, s, false, strerror(-rc), 0);
		return;
	}
	w->counts->set_aside++;
	release(s);
}

static void succeeded(struct work *w, struct slot *s)
{
	uint64_t now = clock_mono_ns();
	char url[PATH_MAX + SPOOL_KEY_MAX];
	snprintf(url, sizeof url, "%s%s", w->store->destination, s->put.key);
	struct stored done = {
		.put = &s->put, .url = url, .stored_ns = clock_real_ns(), .attempts = s->attempts};
	if (w->calls.stored && !s->at_store)
		w->calls.stored(w->calls.arg, &done);
	s->at_store = true;
	int rc = queue_done(w->queue, s->put.key);
	if (rc) {
		failed(w, s, false, strerror(-rc), 0);
		return;
	}
	w->counts->stored++;
	w->counts->stored_bytes += s->put.bytes;
	release(s);
	plan(w, now);
	bool outage = w->streak >= OUTAGE_STREAK;
	w->streak = 0;
	w->failing_ns = 0;
	trouble(w, false, false, NULL);
	if (!outage)
		return;
	/* The fault is over: nobody needs to wait any longer. */
	for (size_t i = 0; i < w->store->slots; i++)
		if (!w->slots[i].out)
			w->slots[i].at_ns = now;
}

static void on_done(void *arg, struct put *p, enum outcome r, const char *why, uint64_t wait_ns)
{
	struct work *w = arg;
	struct slot *s = (struct slot *)p; /* its first member */
	s->out = false;
	switch (r) {
	case OUTCOME_OK:
		succeeded(w, s);
		break;
	case OUTCOME_REFUSED:
		set_aside(w, s, why);
		break;
	case OUTCOME_STUCK:
	case OUTCOME_RETRY:
		failed(w, s, r == OUTCOME_STUCK, why, wait_ns);
		break;
	}
	plan(w, clock_mono_ns());
}

static int hash(struct work *w, struct put *p)
{
	uint8_t block[1 << 16];
	unsigned n = 0;
	ssize_t got;
	if (EVP_DigestInit_ex(w->md, EVP_sha256(), NULL) != 1)
		return -ENOMEM;
	p->bytes = 0;
	while ((got = pread(p->fd, block, sizeof block, (off_t)p->bytes)) > 0) {
		EVP_DigestUpdate(w->md, block, (size_t)got);
		p->bytes += (uint64_t)got;
	}
	if (got < 0)
		return -errno;
	return EVP_DigestFinal_ex(w->md, p->sha256, &n) == 1 ? 0 : -EIO;
}

/* Opens and hashes the entry, once. 0; -ENOENT when it is gone; -errno. */
static int prepare(struct work *w, struct slot *s)
{
	struct stat st;
	int rc = 0;
	if (s->put.fd < 0)
		rc = queue_get(w->queue, s->put.key, &s->put.fd);
	if (!rc && fstat(s->put.fd, &st) == 0 && !S_ISREG(st.st_mode))
		rc = -EISDIR;
	if (!rc && !s->hashed)
		rc = hash(w, &s->put);
	s->hashed = !rc;
	return rc;
}

static void start(struct work *w, struct slot *s)
{
	s->attempts++;
	s->out = true;
	if (s->at_store) {
		succeeded(w, s);
		return;
	}
	int rc = prepare(w, s);
	if (rc == -ENOENT) {
		release(s);
	} else if (rc && s->attempts >= ATTEMPTS_IN_SLOT) {
		set_aside(w, s, strerror(-rc));
	} else if (rc) {
		failed(w, s, false, strerror(-rc), 0);
	} else {
		w->counts->attempts++;
		w->store->class->put(w->store, &s->put);
	}
}

static struct slot *free_slot(struct work *w, uint64_t now)
{
	for (size_t i = 0; i < w->store->slots; i++)
		if (!w->slots[i].put.key[0] && w->slots[i].at_ns <= now)
			return &w->slots[i];
	return NULL;
}

static bool at_hand(const struct work *w, const char *key)
{
	for (size_t i = 0; i < w->store->slots; i++)
		if (strcmp(w->slots[i].put.key, key) == 0)
			return true;
	return false;
}

/* Takes entries until the slots are full or the queue ends. True when it stopped for the length of
 * the turn. */
static bool fill(struct work *w, uint64_t now)
{
	char key[SPOOL_KEY_MAX];
	struct slot *s;
	for (size_t i = 0; i < w->store->slots * TURN_ROUNDS; i++) {
		if (!(s = free_slot(w, now)))
			return false;
		int rc = queue_next(w->queue, key);
		if (rc < 0)
			log_error("queue cannot be read", "error=\"%s\"", strerror(-rc));
		if (rc <= 0)
			return false;
		if (at_hand(w, key))
			continue;
		*s = (struct slot){.put.fd = -1};
		memcpy(s->put.key, key, sizeof key);
		const struct flow *f = flow_place(w, key, strlen(key));
		if (strcmp(f->key, key) == 0)
			memcpy(s->put.flow_id, f->id, sizeof f->id);
		start(w, s);
	}
	return true;
}

static void turn(void *arg)
{
	struct work *w = arg;
	uint64_t now = clock_mono_ns();
	bool more = false;
	w->next_ns = UINT64_MAX;
	for (size_t i = 0; i < w->store->slots; i++)
		if (w->slots[i].put.key[0] && !w->slots[i].out && w->slots[i].at_ns <= now)
			start(w, &w->slots[i]);
	more = fill(w, now);
	if (w->store->class->flush)
		w->store->class->flush(w->store);
	if (w->store->class->tidy && w->store->class->tidy(w->store))
		more = true;
	for (size_t i = 0; i < w->store->slots; i++)
		if (!w->slots[i].out && w->slots[i].at_ns > now)
			plan(w, w->slots[i].at_ns);
	plan(w, more ? now : now + w->conf.scan_ns);
}

int work_new(struct loop *l, struct queue *q, struct object_store *s, const struct work_conf *conf,
	     const struct work_calls *calls, struct work_counts *counts, struct work **out)
{
	struct work *w = calloc(1, sizeof *w);
	if (!w)
		return -ENOMEM;
	w->loop = l;
	w->queue = q;
	w->store = s;
	w->conf = *conf;
	w->calls = *calls;
	w->counts = counts;
	w->next_ns = UINT64_MAX;
	w->slots = calloc(s->slots, sizeof *w->slots);
	w->flows = calloc(FLOWS_KEPT, sizeof *w->flows);
	w->md = EVP_MD_CTX_new();
	if (!w->slots || !w->flows || !w->md) {
		work_free(&w);
		return -ENOMEM;
	}
	for (size_t i = 0; i < s->slots; i++)
		w->slots[i].put.fd = -1;
	s->done = on_done;
	s->arg = w;
	plan(w, 0);
	*out = w;
	return 0;
}

void work_free(struct work **wp)
{
	struct work *w = *wp;
	if (!w)
		return;
	loop_at(w->loop, UINT64_MAX, turn, w);
	for (size_t i = 0; w->slots && i < w->store->slots; i++)
		release(&w->slots[i]);
	free(w->slots);
	free(w->flows);
	EVP_MD_CTX_free(w->md);
	free(w);
	*wp = NULL;
}

void work_drain(struct work *w, int ms)
{
	w->draining = true;
	if (w->store->class->flush)
		w->store->class->flush(w->store);
	if (w->store->class->drain)
		w->store->class->drain(w->store, ms);
}

void work_gauges(const struct work *w, uint64_t *under_way, uint64_t *waiting)
{
	*under_way = *waiting = 0;
	for (size_t i = 0; i < w->store->slots; i++) {
		if (!w->slots[i].put.key[0])
			continue;
		++*under_way;
		if (!w->slots[i].out)
			++*waiting;
	}
}

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
#include "flow_ids.h"

/* Wake-ups within this time are served together; a batch of links grows meanwhile. */
#define GATHER_NS (20 * NS_PER_MS)
/* Entries begun in one turn of the loop, in multiples of the slots. */
#define TURN_ROUNDS 4
/* After this many attempts a slot goes on with the next entry; the queue offers this one again when
 * it begins anew. */
#define ATTEMPTS_IN_SLOT 8

struct slot {
	struct put put; /* .key empty: the slot is free */
	bool out;       /* with the store; else it waits for its next attempt */
	bool hashed;
	bool at_store;            /* stored, only its entry could not be removed */
	struct attempts attempts; /* at_ns of a free slot: it rests until then */
};

struct work {
	struct loop *loop;
	struct queue *queue;
	struct object_store *store;
	struct work_conf conf;
	struct work_calls calls;
	struct work_counts *counts;
	struct slot *slots;
	struct flow_ids *flows;
	EVP_MD_CTX *md;
	struct retry retry;
	uint64_t next_ns; /* when the next turn is planned */
	bool draining;
};

static void work_turn(void *arg);

static void work_plan(struct work *w, uint64_t when_ns)
{
	if (when_ns >= w->next_ns || w->draining)
		return;
	w->next_ns = when_ns;
	loop_at(w->loop, when_ns, work_turn, w);
}

void work_wake(struct work *w)
{
	work_plan(w, clock_mono_ns() + GATHER_NS);
}

void work_flow(struct work *w, const char *key, size_t nkey, const char *id, size_t nid)
{
	flow_ids_add(w->flows, key, nkey, id, nid);
}

static void slot_release(struct slot *s)
{
	if (s->put.fd >= 0)
		close(s->put.fd);
	*s = (struct slot){.put.fd = -1};
}

static void slot_failed(struct work *w, struct slot *s, const struct failure *f)
{
	w->counts->retries++;
	w->counts->stuck += f->outcome == OUTCOME_STUCK;
	if (!w->retry.streak)
		log_warn("object not stored, will be tried again", "key=%s error=\"%s\"",
			 s->put.key, f->why);
	retry_failed(&w->retry, &s->attempts, f, clock_mono_ns(), retry_random());
	uint64_t at_ns = s->attempts.at_ns;
	if (s->attempts.n >= ATTEMPTS_IN_SLOT)
		slot_release(s);
	s->out = false;
	s->attempts.at_ns = at_ns;
	work_plan(w, at_ns);
}

/* The queue or the disk failed, not the store. */
static void slot_failed_here(struct work *w, struct slot *s, int rc)
{
	const struct failure f = {.outcome = OUTCOME_RETRY, .why = strerror(-rc)};
	slot_failed(w, s, &f);
}

static void slot_set_aside(struct work *w, struct slot *s, const char *why)
{
	log_error("object set aside", "key=%s error=\"%s\"", s->put.key, why);
	int rc = queue_bad(w->queue, s->put.key);
	if (rc && rc != -ENOENT) {
		slot_failed_here(w, s, rc);
		return;
	}
	w->counts->set_aside++;
	slot_release(s);
}

static void slot_stored(struct work *w, struct slot *s)
{
	uint64_t now = clock_mono_ns();
	char url[PATH_MAX + OBJECT_KEY_MAX];
	snprintf(url, sizeof url, "%s%s", w->store->destination, s->put.key);
	struct stored done = {.put = &s->put,
			      .url = url,
			      .stored_ns = clock_real_ns(),
			      .attempts = s->attempts.n};
	if (w->calls.stored && !s->at_store)
		w->calls.stored(w->calls.arg, &done);
	s->at_store = true;
	int rc = queue_done(w->queue, s->put.key);
	if (rc) {
		slot_failed_here(w, s, rc);
		return;
	}
	w->counts->stored++;
	w->counts->stored_bytes += s->put.bytes;
	slot_release(s);
	work_plan(w, now);
	/* The fault is over: nobody needs to wait any longer. */
	if (retry_passed(&w->retry))
		for (size_t i = 0; i < w->store->slots; i++)
			if (!w->slots[i].out)
				w->slots[i].attempts.at_ns = now;
}

static void on_done(void *arg, struct put *p, enum outcome r, const char *why, uint64_t wait_ns)
{
	struct work *w = arg;
	struct slot *s = (struct slot *)p; /* its first member */
	s->out = false;
	switch (r) {
	case OUTCOME_OK:
		slot_stored(w, s);
		break;
	case OUTCOME_REFUSED:
		slot_set_aside(w, s, why);
		break;
	case OUTCOME_STUCK:
	case OUTCOME_RETRY:
		slot_failed(w, s,
			    &(const struct failure){.outcome = r, .why = why, .wait_ns = wait_ns});
		break;
	}
	work_plan(w, clock_mono_ns());
}

static int slot_hash(struct work *w, struct put *p)
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
static int slot_open(struct work *w, struct slot *s)
{
	struct stat st;
	int rc = 0;
	if (s->put.fd < 0)
		rc = queue_get(w->queue, s->put.key, &s->put.fd);
	if (!rc && fstat(s->put.fd, &st) == 0 && !S_ISREG(st.st_mode))
		rc = -EISDIR;
	if (!rc && !s->hashed)
		rc = slot_hash(w, &s->put);
	s->hashed = !rc;
	return rc;
}

static void slot_start(struct work *w, struct slot *s)
{
	s->attempts.n++;
	s->out = true;
	if (s->at_store) {
		slot_stored(w, s);
		return;
	}
	int rc = slot_open(w, s);
	if (rc == -ENOENT) {
		slot_release(s);
	} else if (rc && s->attempts.n >= ATTEMPTS_IN_SLOT) {
		slot_set_aside(w, s, strerror(-rc));
	} else if (rc) {
		slot_failed_here(w, s, rc);
	} else {
		w->counts->attempts++;
		w->store->class->put(w->store, &s->put);
	}
}

static struct slot *work_free_slot(struct work *w, uint64_t now)
{
	for (size_t i = 0; i < w->store->slots; i++)
		if (!w->slots[i].put.key[0] && w->slots[i].attempts.at_ns <= now)
			return &w->slots[i];
	return NULL;
}

static bool work_has(const struct work *w, const char *key)
{
	for (size_t i = 0; i < w->store->slots; i++)
		if (strcmp(w->slots[i].put.key, key) == 0)
			return true;
	return false;
}

/* Takes entries until the slots are full or the queue ends. True when it stopped for the length of
 * the turn. */
static bool work_fill(struct work *w, uint64_t now)
{
	char key[OBJECT_KEY_MAX];
	struct slot *s;
	for (size_t i = 0; i < w->store->slots * TURN_ROUNDS; i++) {
		if (!(s = work_free_slot(w, now)))
			return false;
		int rc = queue_next(w->queue, key);
		if (rc < 0)
			log_error("queue cannot be read", "error=\"%s\"", strerror(-rc));
		if (rc <= 0)
			return false;
		if (work_has(w, key))
			continue;
		*s = (struct slot){.put.fd = -1};
		memcpy(s->put.key, key, sizeof key);
		snprintf(s->put.flow_id, sizeof s->put.flow_id, "%s", flow_ids_find(w->flows, key));
		slot_start(w, s);
	}
	return true;
}

static void work_turn(void *arg)
{
	struct work *w = arg;
	uint64_t now = clock_mono_ns();
	bool more = false;
	w->next_ns = UINT64_MAX;
	for (size_t i = 0; i < w->store->slots; i++)
		if (w->slots[i].put.key[0] && !w->slots[i].out && w->slots[i].attempts.at_ns <= now)
			slot_start(w, &w->slots[i]);
	more = work_fill(w, now);
	if (w->store->class->flush)
		w->store->class->flush(w->store);
	if (w->store->class->tidy && w->store->class->tidy(w->store))
		more = true;
	for (size_t i = 0; i < w->store->slots; i++)
		if (!w->slots[i].out && w->slots[i].attempts.at_ns > now)
			work_plan(w, w->slots[i].attempts.at_ns);
	work_plan(w, more ? now : now + w->conf.scan_ns);
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
	const struct retry_conf rc = {.first_ns = conf->retry_first_ns,
				      .max_ns = conf->retry_max_ns,
				      .stuck_ns = conf->stuck_ns,
				      .alert_ns = conf->trouble_ns,
				      .begins = "objects are kept in the queue",
				      .ends = "objects are stored again"};
	retry_init(&w->retry, &rc, calls->trouble, calls->arg);
	w->slots = calloc(s->slots, sizeof *w->slots);
	w->flows = calloc(1, sizeof *w->flows);
	w->md = EVP_MD_CTX_new();
	if (!w->slots || !w->flows || !w->md) {
		work_free(&w);
		return -ENOMEM;
	}
	for (size_t i = 0; i < s->slots; i++)
		w->slots[i].put.fd = -1;
	s->done = on_done;
	s->arg = w;
	work_plan(w, 0);
	*out = w;
	return 0;
}

void work_free(struct work **wp)
{
	struct work *w = *wp;
	if (!w)
		return;
	loop_at(w->loop, UINT64_MAX, work_turn, w);
	for (size_t i = 0; w->slots && i < w->store->slots; i++)
		slot_release(&w->slots[i]);
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

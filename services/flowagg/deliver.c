#include "flowagg/deliver.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "flowagg/flowagg_count.h"
#include "pkt/capfile.h"
#include "pkt/flowid.h"
#include "proto/codec.h"
#include "storage/journal.h"

#define WRITE_BUFFER (64u << 10)

/* A batch is also full at this many bytes, because pending files take room on disk and time to
 * flush. */
#define BATCH_BYTES (64u << 20)

/* What is said about a file once it is delivered. */
struct announcement {
	struct seal_record record;
	char key[OBJECT_KEY_MAX];
	char flow_id[FLOWID_TEXT];
	char proto[8];
	struct name_ends ends;
	enum agg_reason reason;
	bool bundle;
	uint64_t flows, packets, init_ns, last_ns, payload_bytes, first;
};

/* A queue entry in spool/evicted/: there until it is recorded. */
struct eviction {
	char consumer[64], key[OBJECT_KEY_MAX];
	uint64_t packets;
	bool recorded; /* by a run that was killed before the entry's end */
};
#define EVICTIONS 128

static void deliver_recover(struct deliver *d);

int deliver_init(struct deliver *d, const struct deliver_options *o, struct bus *bus,
		 uint64_t *metrics)
{
	*d = (struct deliver){.bus = bus,
			      .sensor = o->sensor,
			      .journal_dir = o->journal_dir,
			      .m = metrics,
			      .fd = -1,
			      .log.fd = -1};
	ledger_init(&d->evicted, o->evicted_path, LEDGER_MAX_BYTES);
	d->pending = calloc(SPOOL_BATCH, sizeof *d->pending);
	d->buf = malloc(WRITE_BUFFER);
	d->evictions = calloc(EVICTIONS, sizeof *d->evictions);
	int rc = d->pending && d->buf && d->evictions ? 0 : -ENOMEM;
	if (!rc)
		rc = spool_open(o->spool_dir, o->consumers, o->nconsumers, o->limits, &d->spool);
	if (!rc)
		rc = seallog_open(o->log_path, o->from, &d->log);
	if (rc)
		deliver_fini(d);
	else
		deliver_recover(d);
	return rc;
}

void deliver_fini(struct deliver *d)
{
	spool_close(&d->spool);
	if (d->log.fd >= 0)
		seallog_close(&d->log);
	ledger_close(&d->evicted);
	free(d->evictions);
	free(d->pending);
	free(d->buf);
	d->evictions = NULL;
	d->pending = NULL;
	d->buf = NULL;
}

static void unhex(const char *text, uint8_t out[16])
{
	for (int i = 0; i < 32; i++) {
		uint8_t v = (uint8_t)(text[i] <= '9' ? text[i] - '0' : text[i] - 'a' + 10);
		out[i / 2] = (uint8_t)(i % 2 ? out[i / 2] | v : v << 4);
	}
}

static void deliver_describe(const struct deliver *d, const struct agg_sealed *s,
			     struct announcement *a)
{
	*a = (struct announcement){
		.record = {.number = s->number, .file_bytes = s->file_bytes},
		.reason = s->reason,
		.bundle = !s->flow,
		.flows = s->flows,
		.packets = s->packets,
		.init_ns = s->init_ns,
		.last_ns = s->last_ns,
		.payload_bytes = s->payload_bytes,
		.first = s->first,
	};
	memcpy(a->key, s->key, sizeof a->key);
	flowid(d->sensor, 0, s->key, a->flow_id);
	unhex(a->flow_id, a->record.id);
	if (s->flow) {
		name_ends(s->flow, &a->ends);
		name_proto(s->flow->key.proto, a->proto);
	}
}

static int deliver_write_out(struct deliver *d)
{
	for (size_t at = 0; at < d->fill;) {
		ssize_t w = write(d->fd, d->buf + at, d->fill - at);
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return w < 0 ? -errno : -ENOSPC;
		at += (size_t)w;
	}
	d->fill = 0;
	return 0;
}

static int deliver_put(void *arg, const void *p, size_t n)
{
	struct deliver *d = arg;
	const uint8_t *from = p;
	int rc = 0;

	while (n && !rc) {
		size_t k = WRITE_BUFFER - d->fill < n ? WRITE_BUFFER - d->fill : n;
		memcpy(d->buf + d->fill, from, k);
		d->fill += k;
		from += k;
		n -= k;
		if (d->fill == WRITE_BUFFER)
			rc = deliver_write_out(d);
	}
	return rc;
}

static int deliver_write_file(struct deliver *d, const struct agg_sealed *s)
{
	int rc = spool_create(d->spool, s->key, s->file_bytes, &d->fd);

	if (rc)
		return rc;
	d->fill = 0;
	rc = agg_write(s, deliver_put, d);
	if (!rc)
		rc = deliver_write_out(d);
	if (rc)
		spool_drop(d->spool);
	return rc;
}

/* Logs once that the disk refuses, and once that it works again. */
static void deliver_report(struct deliver *d, int rc)
{
	if (rc && !d->error)
		log_error("spool cannot be written", "error=\"%s\"", strerror(-rc));
	else if (!rc && d->error)
		log_info("spool works again", NULL);
	d->error = rc;
}

/* Whether waiting cannot help: the file is too large for the filesystem, or its name is not
 * possible there. */
static bool deliver_is_final(int rc)
{
	return rc == -EFBIG || rc == -ENAMETOOLONG || rc == -EINVAL;
}

static void deliver_note_eviction(void *arg, const char *consumer, const char *key, int fd)
{
	struct deliver *d = arg;
	struct eviction *e = &d->evictions[d->nevictions++];

	snprintf(e->consumer, sizeof e->consumer, "%s", consumer);
	snprintf(e->key, sizeof e->key, "%s", key);
	e->packets = 0;
	(void)capfile_count(fd, &e->packets); /* of a file of ours */
	e->recorded = false;
}

/* Records the evictions, then deletes their entries. 0, or -errno: they stay. */
static int deliver_end_evictions(struct deliver *d)
{
	struct ledger_line v[EVICTIONS];
	size_t n = 0;

	for (size_t i = 0; i < d->nevictions; i++) {
		const struct eviction *e = &d->evictions[i];
		if (!e->recorded)
			v[n++] = (struct ledger_line){e->consumer, e->key, e->packets, 1};
	}
	int rc = n ? ledger_add(&d->evicted, v, n) : 0;
	if (rc)
		return rc;
	for (size_t i = 0; i < d->nevictions; i++) {
		const struct eviction *e = &d->evictions[i];
		rc = spool_evicted(d->spool, e->consumer, e->key);
		if (rc)
			log_warn("evicted bundle not removed", "key=%s error=\"%s\"", e->key,
				 strerror(-rc));
		/* The queues' entries of one file come one after the other. */
		if (e->recorded || (i && strcmp(e->key, d->evictions[i - 1].key) == 0))
			continue;
		d->m[FLOWAGG_DROPPED_EVICTED] += e->packets;
		d->m[FLOWAGG_DROPPED_EVICTED_FILES]++;
	}
	d->nevictions = 0;
	return 0;
}

static int deliver_is_recorded(void *arg, const struct ledger_line *r)
{
	struct deliver *d = arg;

	for (size_t i = 0; i < d->nevictions && r->key; i++) {
		struct eviction *e = &d->evictions[i];
		e->recorded |= strcmp(e->key, r->key) == 0 && strcmp(e->consumer, r->consumer) == 0;
	}
	return 0;
}

/* Finishes evictions that a killed run left. What cannot be done now waits for the next start,
 * because it is in no queue. */
static void deliver_recover(struct deliver *d)
{
	int rc = spool_left(d->spool, EVICTIONS, deliver_note_eviction, d);

	if (!rc && d->nevictions)
		rc = ledger_read(d->evicted.path, deliver_is_recorded, d);
	if (!rc)
		rc = deliver_end_evictions(d);
	if (rc)
		log_warn("evicted bundles are left", "error=\"%s\"", strerror(-rc));
	d->nevictions = 0;
}

/* Evicts one file. 1; 0: there is no bundle to evict; -errno. */
static int deliver_evict(struct deliver *d)
{
	int rc = d->nevictions > EVICTIONS - SPOOL_QUEUES ? deliver_end_evictions(d) : 0;

	return rc ? rc : spool_evict(d->spool, deliver_note_eviction, d);
}

/* 1; 0: the spool stays too full for the file; -errno: the disk refuses to make room. */
static int deliver_make_room(struct deliver *d, const struct agg_sealed *f)
{
	int rc;

	while ((rc = spool_room(d->spool, f->key, f->file_bytes)) == 0) {
		rc = deliver_evict(d);
		if (rc == 0 && d->npending) {
			/* A bundle may be among the files that are not in the queues yet. */
			rc = deliver_commit(d);
			if (!rc)
				continue;
		}
		if (rc <= 0)
			return rc;
	}
	return rc == 1;
}

int deliver_seal(void *arg, const struct agg_sealed *s)
{
	struct deliver *d = arg;
	struct announcement a;
	int rc = 0;

	deliver_describe(d, s, &a);
	if (seallog_knows(&d->log, &a.record)) {
		d->m[FLOWAGG_PACKETS_AGAIN] += s->packets;
		return 0;
	}
	if (d->npending == SPOOL_BATCH || d->pending_bytes >= BATCH_BYTES)
		rc = deliver_commit(d);
	if (rc)
		return rc;
	rc = deliver_make_room(d, s);
	if (rc < 0) {
		deliver_report(d, rc);
		return rc;
	}
	if (!rc) {
		d->m[FLOWAGG_DROPPED_SPOOL] += s->packets;
		d->m[FLOWAGG_DROPPED_SPOOL_FILES]++;
		return 0;
	}
	rc = deliver_write_file(d, s);
	if (rc && deliver_is_final(rc)) {
		log_warn("file given up", "key=%s packets=%" PRIu64 " error=\"%s\"", s->key,
			 s->packets, strerror(-rc));
		d->m[FLOWAGG_DROPPED_DISK] += s->packets;
		d->m[FLOWAGG_DROPPED_DISK_FILES]++;
		return 0;
	}
	if (rc) {
		deliver_report(d, rc);
		return rc;
	}
	d->pending[d->npending++] = a;
	d->pending_packets += a.packets;
	d->pending_bytes += s->file_bytes;
	return 0;
}

static void deliver_announce(struct deliver *d, const struct announcement *a)
{
	struct msg_flow m = {
		.key = bytes_str(a->key),
		.flows = a->flows,
		.packets = a->packets,
		.file_bytes = a->record.file_bytes,
		.init_ns = a->init_ns,
		.last_ns = a->last_ns,
		.reason = bytes_str(agg_reason_text(a->reason)),
		.first_packet = a->first,
	};
	struct buf body;

	if (!a->bundle) {
		m.flow_id = bytes_str(a->flow_id);
		m.proto = bytes_str(a->proto);
		m.src_addr = bytes_str(a->ends.src);
		m.src_port = a->ends.sport;
		m.dst_addr = bytes_str(a->ends.dst);
		m.dst_port = a->ends.dport;
		m.payload_bytes = a->payload_bytes;
	}
	buf_init(&body, 64u << 10);
	if (msg_encode(&msg_flow_schema, &m, &body) == 0)
		bus_publish(d->bus, "flow", buf_bytes(&body));
	buf_fini(&body);
}

static int deliver_into_queues(struct deliver *d)
{
	struct seal_record records[SPOOL_BATCH];

	/* The packets of a file must be on disk in the journal before the file is visible.
	 * Otherwise, after a power loss, their numbers would go to other packets, and a replay
	 * would not give this file. */
	int rc = journal_flush(d->journal_dir);
	if (!rc)
		rc = spool_commit(d->spool);
	if (rc)
		return rc;
	for (size_t i = 0; i < d->npending; i++)
		records[i] = d->pending[i].record;
	/* If we crash, unrecorded seals are only delivered twice: the same bytes under the same
	 * key. */
	if (seallog_add(&d->log, records, d->npending))
		log_warn("seals not recorded", NULL);
	spool_forget(d->spool);
	for (size_t i = 0; i < d->npending; i++) {
		d->m[FLOWAGG_PACKETS_DELIVERED] += d->pending[i].packets;
		d->m[FLOWAGG_FILES_DELIVERED]++;
		deliver_announce(d, &d->pending[i]);
	}
	d->npending = 0;
	d->pending_packets = d->pending_bytes = 0;
	return 0;
}

int deliver_commit(struct deliver *d)
{
	if (!d->npending && !d->nevictions)
		return 0;
	int rc = deliver_end_evictions(d);
	if (!rc && d->npending)
		rc = deliver_into_queues(d);
	deliver_report(d, rc);
	return rc;
}

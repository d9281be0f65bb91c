#include "work/serve.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "conf.h"
#include "proto/codec.h"
#include "storage/records.h"

/* Between savings of the table of payload classes, and looks at the GeoIP files. */
#define SAVE_NS (60 * NS_PER_S)
/* What a record needs beside its payload: parts, and the envelope. */
#define RECORD_REST (1u << 20)

static void publish(void *arg, struct bytes b)
{
	const struct serve *s = arg;

	bus_publish(s->svc->bus, "analysis", b);
}

int serve_flush(struct serve *s)
{
	const struct record_batch_out out = {.records = s->records,
					     .queue = s->queue,
					     .outside = s->queue ? &s->outside : NULL,
					     .publish = publish,
					     .arg = s};
	uint64_t stuck = s->batch_counts.stuck_entries;

	if (record_batch_is_empty(&s->batch))
		return 0;
	int rc = record_batch_flush(&s->batch, &out, clock_real_ns(), &s->batch_counts);
	if (s->batch_counts.stuck_entries > stuck)
		log_warn("queue entries cannot be removed", "entries=%" PRIu64,
			 s->batch_counts.stuck_entries - stuck);
	return rc;
}

/* encode: appends the record as it is published, where its payload may be cut. A record that is too
 * large for the bus leaves nothing there. 0 or -ENOMEM. */
static int encode(struct serve *s, struct buf *to)
{
	size_t at = to->n;
	struct msg_analysis m = s->worker.record.m;
	struct bytes cuts[RECORD_MAX_CUTS + 1];
	uint64_t most = s->conf->record_bytes < (BUS_MAX_FRAME - RECORD_REST) / 2
				? s->conf->record_bytes
				: (BUS_MAX_FRAME - RECORD_REST) / 2;

	if (m.payload.n > most) {
		memcpy(cuts, m.truncated.v, m.truncated.n * sizeof cuts[0]);
		cuts[m.truncated.n] = bytes_str("published");
		m.truncated = (struct msg_strs){.v = cuts, .n = m.truncated.n + 1};
		m.payload.n = (size_t)most;
		m.readable.n = (size_t)most;
		s->count[ANALYZER_PUBLISHED_CUT]++;
	}
	int rc = msg_encode(&msg_analysis_schema, &m, to);
	if (!rc && to->n - at > BUS_MAX_FRAME - 4096)
		rc = -EFBIG;
	if (rc) {
		s->count[ANALYZER_NOT_PUBLISHED]++;
		buf_back(to, at);
	}
	return rc == -ENOMEM ? rc : 0;
}

/* add_record: the worker's record into the batch. A bundle can hold more than a batch: then the
 * first records go out before the rest is read. The entries so far are done by then; this one joins
 * when it is whole. */
static int add_record(struct serve *s)
{
	struct record_batch *b = &s->batch;

	int rc = record_batch_has_enough(b) ? serve_flush(s) : 0;
	if (!rc)
		rc = worker_json(&s->worker, &b->lines);
	if (!rc)
		rc = encode(s, &b->bodies);
	if (!rc)
		return record_batch_record(b);
	record_batch_drop(b);
	return rc;
}

int serve_read(struct serve *s, int fd, struct record_source *src, struct worker_result *res)
{
	struct record_batch_mark mark = record_batch_mark(&s->batch);
	size_t added = 0;

	int rc = worker_open(&s->worker, fd, src);
	while (!rc && (rc = worker_next(&s->worker)) == 1) {
		rc = add_record(s);
		added += !rc;
	}
	rc = worker_close(&s->worker, rc, res);
	if (rc)
		worker_forget(&s->worker,
			      s->worker.given - added + record_batch_back(&s->batch, mark));
	return rc;
}

static int open_history(struct serve *s)
{
	int rc = svc_path(s->svc, "analyzer/seen", s->seen_path, sizeof s->seen_path);

	if (!rc)
		rc = fs_make_dir(s->page_dir, 0750);
	if (!rc)
		rc = class_seen_load(s->worker.history.seen, s->seen_path);
	if (rc == -EBADMSG) {
		log_warn("table of payload classes was damaged and is begun anew", "path=%s.bad",
			 s->seen_path);
		rc = 0;
	}
	if (rc)
		log_error("cannot open", "what=\"%s\" error=\"%s\"", s->page_dir, strerror(-rc));
	return rc;
}

static void save_history(const struct serve *s)
{
	if (!class_seen_dirty(s->worker.history.seen))
		return;
	int rc = class_seen_save(s->worker.history.seen, s->seen_path);
	if (rc)
		log_warn("table of payload classes not saved", "path=%s error=\"%s\"", s->seen_path,
			 strerror(-rc));
}

static void on_minute(void *arg)
{
	struct serve *s = arg;
	const char *path;

	save_history(s);
	if (s->worker.geo && who_geo_refresh(s->worker.geo, &path) < 0)
		log_warn("not a GeoIP file", "path=\"%s\" hint=\"the old one stays in use\"", path);
}

static int open_records(struct serve *s)
{
	char path[PATH_MAX];

	int rc = svc_path(s->svc, "analyzer", s->page_dir, sizeof s->page_dir);
	if (!rc)
		rc = svc_path(s->svc, "analyzer.outside", s->outside_path, sizeof s->outside_path);
	ledger_init(&s->outside, s->outside_path, LEDGER_MAX_BYTES);
	if (!rc)
		rc = svc_path(s->svc, "records/analysis", path, sizeof path);
	if (!rc)
		rc = records_open(path, s->conf->keep_days, s->conf->plain_days, &s->records);
	if (rc)
		log_error("cannot open", "what=\"records/analysis\" error=\"%s\"", strerror(-rc));
	return rc;
}

int serve_start(struct serve *s, struct svc *svc)
{
	s->svc = svc;
	record_batch_init(&s->batch, RECORD_LINE_MAX(s->conf->stream_bytes) + RECORD_BATCH_FULL);
	int rc = open_records(s);
	if (!rc)
		rc = worker_init(&s->worker, s->conf, s->page_dir);
	if (!rc)
		rc = open_history(s);
	if (!rc)
		rc = loop_every(svc->loop, SAVE_NS, on_minute, s);
	return rc ? rc : s->input->start(s, &s->input_state);
}

static void count(struct serve *s)
{
	const struct worker_counts *w = &s->worker.counts;
	struct class_seen_stats seen;

	class_seen_stats(s->worker.history.seen, &seen);
	s->count[ANALYZER_CLASSES] = seen.classes;
	s->count[ANALYZER_CLASSES_EVICTED] = seen.evicted;
	s->count[ANALYZER_ENTRIES] = s->batch_counts.entries;
	s->count[ANALYZER_RECORDS] = s->batch_counts.records;
	s->count[ANALYZER_SET_ASIDE] = s->batch_counts.set_aside;
	s->count[ANALYZER_STUCK] = s->batch_counts.stuck_entries;
	s->count[ANALYZER_BYTES] = w->bytes;
	s->count[ANALYZER_PACKETS] = w->packets;
	s->count[ANALYZER_PAGED_OUT] = w->paged_out;
	s->count[ANALYZER_TURNED_AWAY] = w->turned_away;
	s->count[ANALYZER_UNDECODED] = w->undecoded;
	s->count[ANALYZER_OUTSIDE] = w->outside;
	s->count[ANALYZER_FRAGMENTS] = w->fragments;
	s->count[ANALYZER_UNFINISHED] = w->unfinished;
	s->count[ANALYZER_REPEATED] = w->repeated;
}

void serve_tick(struct serve *s)
{
	if (!s->records)
		return; /* the last one, after drain */
	count(s);
	s->input->tick(s->input_state);
	records_tidy(s->records, clock_real_ns(), clock_mono_ns());
}

void serve_drain(struct serve *s)
{
	s->input->drain(s->input_state);
	save_history(s);
	count(s);
	records_close(&s->records);
	ledger_close(&s->outside);
	worker_fini(&s->worker);
	record_batch_fini(&s->batch);
}

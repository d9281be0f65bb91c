#include "work/serve.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fs.h"
#include "conf.h"
#include "proto/codec.h"
#include "storage/ledger.h"
#include "storage/records.h"

/* Between savings of the table of payload classes, and looks at the GeoIP files. */
#define SAVE_NS 60000000000u
/* What a record needs beside its payload: parts, and the envelope. */
#define RECORD_REST (1u << 20)

const struct metric serve_metrics[M_COUNT] = {
	[M_ENTRIES] = {"entries", METRIC_COUNTER, "files",
		       "capture files read and taken off the queue"},
	[M_RECORDS] = {"records", METRIC_COUNTER, "records", "written to records/analysis"},
	[M_BYTES] = {"read_bytes", METRIC_COUNTER, "bytes", "of capture files"},
	[M_PACKETS] = {"packets", METRIC_COUNTER, "packets", "in them"},
	[M_PAGED_OUT] = {"paged_out", METRIC_COUNTER, "flows",
			 "set aside on disk while memory was short"},
	[M_PUBLISHED_CUT] = {"published_cut", METRIC_COUNTER, "records",
			     "published with their payload cut; whole in the file"},
	[M_SET_ASIDE] = {"set_aside", METRIC_DROP, "files",
			 "broken ones, moved to spool/bad/analyzer"},
	[M_RETRIES] = {"retries", METRIC_COUNTER, "tries",
		       "that failed and are repeated: disk full, no memory"},
	[M_STUCK] = {"stuck", METRIC_COUNTER, "files",
		     "whose entry could not be removed: they are read again"},
	[M_TURNED_AWAY] = {"turned_away", METRIC_DROP, "packets", "of flows beyond max_flows"},
	[M_UNDECODED] = {"undecoded", METRIC_DROP, "packets", "broken, or of an unknown link type"},
	[M_OUTSIDE] =
		{"outside", METRIC_COUNTER, "packets",
		 "in no record's count: turned away, undecoded, not IP, or fragments that complete "
		 "no datagram"},
	[M_FRAGMENTS] = {"fragments", METRIC_COUNTER, "packets", "IP fragments"},
	[M_UNFINISHED] = {"unfinished_datagrams", METRIC_DROP, "datagrams",
			  "whose fragments did not all come"},
	[M_NOT_PUBLISHED] = {"not_published", METRIC_DROP, "records",
			     "too large for the bus; in the file"},
	[M_CLASSES] = {"classes", METRIC_GAUGE, "classes", "payload classes remembered"},
	[M_CLASSES_EVICTED] = {"classes_evicted", METRIC_DROP, "classes",
			       "forgotten for newer ones"},
	[M_WAITING] = {"waiting", METRIC_GAUGE, "files", "in the queue (counted up to 100000)"},
	[M_REPEATED] = {"repeated", METRIC_COUNTER, "records",
			"sqs: were written already when their object came again"},
	[M_SQS_RECEIVED] = {"sqs_received", METRIC_COUNTER, "messages", "sqs: received"},
	[M_SQS_FINISHED] = {"sqs_finished", METRIC_COUNTER, "messages", "sqs: done and deleted"},
	[M_SQS_LEFT] = {"sqs_left", METRIC_DROP, "messages",
			"sqs: that cannot be done, left to the dead-letter queue"},
	[M_SQS_IGNORED] = {"sqs_ignored", METRIC_COUNTER, "messages",
			   "sqs: about no stored object, such as s3:TestEvent"},
	[M_SQS_IN_HAND] = {"sqs_in_hand", METRIC_GAUGE, "messages", "sqs: at hand now"},
	[M_SQS_RETRIES] = {"sqs_retries", METRIC_COUNTER, "tries",
			   "sqs: objects not got for now, and tried again"},
	[M_SQS_STUCK] = {"sqs_stuck", METRIC_COUNTER, "tries",
			 "sqs: of these, for a reason that needs a person"},
	[M_SQS_ERRORS] = {"sqs_errors", METRIC_COUNTER, "requests",
			  "sqs: that the queue did not do"},
	[M_SQS_EXTENDED] = {"sqs_extended", METRIC_COUNTER, "times",
			    "sqs: a message at hand was kept invisible for longer"},
	[M_SQS_EXPIRED] = {"sqs_expired", METRIC_COUNTER, "messages",
			   "sqs: could not be kept and went back to the queue unfinished"},
	[M_SQS_GIVEN_BACK] = {"sqs_given_back", METRIC_COUNTER, "messages",
			      "sqs: at hand when the service ended, visible again at once"},
};
const size_t serve_nmetrics = M_COUNT;
uint64_t serve_values[M_COUNT];

struct serve serve;
static char seen_path[PATH_MAX], page_dir[PATH_MAX], outside_path[PATH_MAX];
static struct ledger outside;
static int flushed; /* what the last flush returned */

static void publish(void *arg, struct bytes b)
{
	(void)arg;
	bus_publish(serve.svc->bus, "analysis", b);
}

int serve_flush(void)
{
	const struct record_batch_out out = {.records = serve.records,
					     .queue = serve.queue,
					     .outside = serve.queue ? &outside : NULL,
					     .publish = publish};
	uint64_t stuck = serve.counts.stuck_entries;

	if (record_batch_is_empty(&serve.batch))
		return 0;
	flushed = record_batch_flush(&serve.batch, &out, clock_real_ns(), &serve.counts);
	if (serve.counts.stuck_entries > stuck)
		log_warn("queue entries cannot be removed", "entries=%" PRIu64,
			 serve.counts.stuck_entries - stuck);
	return flushed;
}

/* encode: the record as it is published, to the end of `to`: its payload may be cut. */
static int encode(const struct record *r, struct buf *to)
{
	size_t at = to->n;
	struct msg_analysis m = r->m;
	struct bytes cuts[RECORD_MAX_CUTS + 1];
	uint64_t most = settings.record_bytes < (BUS_MAX_FRAME - RECORD_REST) / 2
				? settings.record_bytes
				: (BUS_MAX_FRAME - RECORD_REST) / 2;

	if (m.payload.n > most) {
		memcpy(cuts, m.truncated.v, m.truncated.n * sizeof cuts[0]);
		cuts[m.truncated.n] = bytes_str("published");
		m.truncated = (struct msg_strs){.v = cuts, .n = m.truncated.n + 1};
		m.payload.n = (size_t)most;
		m.readable.n = (size_t)most;
		serve_values[M_PUBLISHED_CUT]++;
	}
	int rc = msg_encode(&msg_analysis_schema, &m, to);
	if (!rc && to->n - at > BUS_MAX_FRAME - 4096)
		rc = -EFBIG;
	if (rc) {
		serve_values[M_NOT_PUBLISHED]++;
		buf_back(to, at);
	}
	return rc == -ENOMEM ? rc : 0;
}

static int take(void *arg, const struct record *r, struct bytes line)
{
	struct record_batch *b = &serve.batch;

	(void)arg, (void)line; /* it is in the batch */
	int rc = record_batch_has_enough(b) ? flushed : 0;
	if (!rc)
		rc = encode(r, &b->bodies);
	if (rc) {
		record_batch_drop(b);
		return rc;
	}
	rc = record_batch_record(b);
	/* A bundle can hold more than a batch; then its first records go out before the rest is
	 * read. The entries so far are done by then: this one joins when it is whole. A failure is
	 * the next record's, or of who flushes the rest. */
	if (!rc && record_batch_has_enough(b))
		(void)serve_flush();
	return rc;
}

int serve_read(int fd, struct record_source *src, struct worker_result *res)
{
	struct record_batch_mark mark = record_batch_mark(&serve.batch);
	int rc = worker_read(&serve.worker, fd, src, res);
	if (rc) {
		size_t n = record_batch_back(&serve.batch, mark);
		if (serve.worker.dedup)
			dedup_back(serve.worker.dedup, n);
	}
	return rc;
}

static int open_history(struct svc *s)
{
	int rc = svc_path(s, "analyzer/seen", seen_path, sizeof seen_path);

	if (!rc)
		rc = fs_make_dir(page_dir, 0750);
	if (!rc)
		rc = class_seen_load(serve.worker.history.seen, seen_path);
	if (rc == -EBADMSG) {
		log_warn("table of payload classes was damaged and is begun anew", "path=%s.bad",
			 seen_path);
		rc = 0;
	}
	if (rc)
		log_error("cannot open", "what=\"%s\" error=\"%s\"", page_dir, strerror(-rc));
	return rc;
}

static void save(void)
{
	if (!class_seen_dirty(serve.worker.history.seen))
		return;
	int rc = class_seen_save(serve.worker.history.seen, seen_path);
	if (rc)
		log_warn("table of payload classes not saved", "path=%s error=\"%s\"", seen_path,
			 strerror(-rc));
}

static void look_after(void *arg)
{
	const char *path;

	(void)arg;
	save();
	if (serve.worker.geo && who_geo_refresh(serve.worker.geo, &path) < 0)
		log_warn("a GeoIP file is none", "path=\"%s\" hint=\"the old one stays in use\"",
			 path);
}

int serve_start(struct svc *s)
{
	char path[PATH_MAX];
	size_t line = RECORD_LINE_MAX(settings.stream_bytes);

	serve.svc = s;
	serve.input = settings.sqs ? &input_sqs : &input_queue;
	record_batch_init(&serve.batch, line + RECORD_BATCH_FULL);
	int rc = svc_path(s, "analyzer", page_dir, sizeof page_dir);
	if (!rc)
		rc = svc_path(s, "analyzer.outside", outside_path, sizeof outside_path);
	ledger_init(&outside, outside_path, LEDGER_MAX_BYTES);
	if (!rc)
		rc = svc_path(s, "records/analysis", path, sizeof path);
	if (!rc)
		rc = records_open(path, settings.keep_days, settings.plain_days, &serve.records);
	if (rc) {
		log_error("cannot open", "what=\"records/analysis\" error=\"%s\"", strerror(-rc));
		return rc;
	}
	rc = worker_init(&serve.worker, page_dir, &serve.batch.lines, take, NULL);
	if (!rc)
		rc = open_history(s);
	if (!rc)
		rc = loop_every(s->loop, SAVE_NS, look_after, NULL);
	return rc ? rc : serve.input->start(s);
}

static void fill_values(void)
{
	const struct worker_counts *d = &serve.worker.counts;
	struct class_seen_stats seen;

	class_seen_stats(serve.worker.history.seen, &seen);
	serve_values[M_CLASSES] = seen.classes;
	serve_values[M_CLASSES_EVICTED] = seen.evicted;
	serve_values[M_ENTRIES] = serve.counts.entries;
	serve_values[M_RECORDS] = serve.counts.records;
	serve_values[M_SET_ASIDE] = serve.counts.set_aside;
	serve_values[M_STUCK] = serve.counts.stuck_entries;
	serve_values[M_BYTES] = d->bytes;
	serve_values[M_PACKETS] = d->packets;
	serve_values[M_PAGED_OUT] = d->paged_out;
	serve_values[M_TURNED_AWAY] = d->turned_away;
	serve_values[M_UNDECODED] = d->undecoded;
	serve_values[M_OUTSIDE] = d->outside;
	serve_values[M_FRAGMENTS] = d->fragments;
	serve_values[M_UNFINISHED] = d->unfinished;
	serve_values[M_REPEATED] = d->repeated;
}

void serve_tick(struct svc *s)
{
	(void)s;
	if (!serve.records)
		return; /* the last one, after drain */
	fill_values();
	serve.input->tick();
	records_tidy(serve.records, clock_real_ns(), clock_mono_ns());
}

void serve_drain(struct svc *s)
{
	(void)s;
	serve.input->drain();
	save();
	fill_values();
	records_close(&serve.records);
	ledger_close(&outside);
	worker_fini(&serve.worker);
	record_batch_fini(&serve.batch);
}

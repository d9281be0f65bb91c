#include "serve.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "batch.h"
#include "history.h"
#include "input.h"
#include "pkt/capfile.h"
#include "proto/codec.h"
#include "rt/records.h"
#include "rt/spool.h"
#include "settings.h"
#include "who/geo.h"

#define S 1000000000u

/* One turn of the loop works so long before others have theirs. */
#define TURN_NS (20u * 1000000)
#define SCAN_NS (2 * (uint64_t)S)
/* After a failure: the first wait, doubled up to the last. */
#define RETRY_FIRST_NS ((uint64_t)S / 4)
#define RETRY_LAST_NS  (30 * (uint64_t)S)
/* Ticks between savings of the table of payload classes and looks at the GeoIP files, and between
 * counts of the queue. */
#define SAVE_TICKS  60
#define COUNT_TICKS 10
#define COUNT_MAX   100000
/* What a record needs beside its payload: parts, and the envelope. */
#define RECORD_REST (1u << 20)

enum {
	M_ENTRIES,
	M_RECORDS,
	M_BYTES,
	M_PACKETS,
	M_PAGED_OUT,
	M_PUBLISHED_CUT,
	M_SET_ASIDE,
	M_RETRIES,
	M_STUCK,
	M_TURNED_AWAY,
	M_UNDECODED,
	M_OUTSIDE,
	M_FRAGMENTS,
	M_UNFINISHED,
	M_NOT_PUBLISHED,
	M_CLASSES,
	M_CLASSES_EVICTED,
	M_WAITING,
	M_COUNT
};

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
	[M_OUTSIDE] = {"outside", METRIC_COUNTER, "packets",
		       "in no record's count: turned away, undecoded, not IP, or fragments that "
		       "complete no datagram"},
	[M_FRAGMENTS] = {"fragments", METRIC_COUNTER, "packets", "IP fragments"},
	[M_UNFINISHED] = {"unfinished_datagrams", METRIC_DROP, "datagrams",
			  "whose fragments did not all come"},
	[M_NOT_PUBLISHED] = {"not_published", METRIC_DROP, "records",
			     "too large for the bus; in the file"},
	[M_CLASSES] = {"classes", METRIC_GAUGE, "classes", "payload classes remembered"},
	[M_CLASSES_EVICTED] = {"classes_evicted", METRIC_DROP, "classes",
			       "forgotten for newer ones"},
	[M_WAITING] = {"waiting", METRIC_GAUGE, "files", "in the queue (counted up to 100000)"},
};
const size_t serve_nmetrics = M_COUNT;
uint64_t serve_values[M_COUNT];

static struct {
	struct svc *svc;
	struct queue *queue;
	struct records *records;
	struct history history;
	struct record record;
	struct who_geo *geo;
	struct msg_geo geo_of;
	struct batch batch;
	struct batch_counts counts;
	struct buf line, body;
	struct input_options input;
	char destination[PATH_MAX + 16];
	char seen_path[PATH_MAX], page_dir[PATH_MAX];
	uint64_t retry_ns; /* the wait that is on; 0: none */
	unsigned ticks;
} an;

static void turn(void *arg);

static void resume(void *arg)
{
	(void)arg;
	loop_busy(an.svc->loop, turn, NULL);
}

static void wake(void *arg)
{
	if (!an.retry_ns)
		resume(arg);
}

/* rest: something failed that time may mend. */
static void rest(const char *what, const char *key, int rc)
{
	serve_values[M_RETRIES]++;
	an.retry_ns = !an.retry_ns                      ? RETRY_FIRST_NS
		      : an.retry_ns * 2 < RETRY_LAST_NS ? an.retry_ns * 2
							: RETRY_LAST_NS;
	log_warn(what, "key=%s error=\"%s\" wait_ms=%" PRIu64, key, strerror(-rc),
		 an.retry_ns / 1000000);
	loop_busy(an.svc->loop, NULL, NULL);
	loop_at(an.svc->loop, clock_mono_ns() + an.retry_ns, resume, NULL);
}

static void publish(void *arg, struct bytes body)
{
	(void)arg;
	bus_publish(an.svc->bus, "analysis", body);
}

static int flush(void)
{
	const struct batch_out out = {.records = an.records, .queue = an.queue, .publish = publish};
	uint64_t stuck = an.counts.stuck_entries;
	int rc = batch_flush(&an.batch, &out, clock_real_ns(), &an.counts);

	if (an.counts.stuck_entries > stuck)
		log_warn("queue entries cannot be removed", "entries=%" PRIu64,
			 an.counts.stuck_entries - stuck);
	return rc;
}

/* encode: the record as it is published: its payload may be cut. */
static int encode(const struct record *r)
{
	struct msg_analysis m = r->m;
	struct bytes cuts[RECORD_MAX_CUTS + 1];
	uint64_t most = settings.record_bytes < (BUS_MAX_FRAME - RECORD_REST) / 2
				? settings.record_bytes
				: (BUS_MAX_FRAME - RECORD_REST) / 2;

	buf_reset(&an.body);
	if (m.payload.n > most) {
		memcpy(cuts, m.truncated.v, m.truncated.n * sizeof cuts[0]);
		cuts[m.truncated.n] = bytes_str("published");
		m.truncated = (struct msg_strs){.v = cuts, .n = m.truncated.n + 1};
		m.payload.n = (size_t)most;
		m.readable.n = (size_t)most;
		serve_values[M_PUBLISHED_CUT]++;
	}
	int rc = msg_encode(&msg_analysis_schema, &m, &an.body);
	if (!rc && an.body.n > BUS_MAX_FRAME - 4096)
		rc = -EFBIG;
	if (rc) {
		serve_values[M_NOT_PUBLISHED]++;
		buf_reset(&an.body);
		an.body.failed = false;
	}
	return rc == -ENOMEM ? rc : 0;
}

static int one_record(void *arg, struct record *r, const struct flow *f)
{
	struct history_in in;
	struct history_out h;

	(void)arg;
	history_of(r, f, &in);
	history_note(&an.history, &in, &h);
	r->m.first_seen = h.first_seen;
	r->m.two_phase = h.two_phase;
	r->m.tool = bytes_str(h.tool.name);
	r->m.tool_reason = bytes_str(h.tool.reason);
	if (an.geo && who_geo_look(an.geo, &r->src, &an.geo_of))
		r->m.geo = &an.geo_of;
	buf_reset(&an.line);
	int rc = msg_json(&msg_analysis_schema, &r->m, &an.line);
	if (!rc)
		rc = encode(r);
	if (rc)
		return rc;
	/* A bundle can hold more than a batch; then its first records go out before the rest is
	 * read. */
	if (an.batch.lines.n >= BATCH_FULL) {
		rc = flush();
		if (rc)
			return rc;
	}
	return batch_record(&an.batch, buf_bytes(&an.line), buf_bytes(&an.body));
}

static void count(const struct input_result *res)
{
	const struct flows_counts *c = &res->counts;
	const struct defrag_counts *d = &res->defrag;

	serve_values[M_BYTES] += res->offset;
	serve_values[M_PACKETS] += c->packets;
	serve_values[M_PAGED_OUT] += c->paged_out;
	serve_values[M_TURNED_AWAY] += c->turned_away;
	serve_values[M_UNDECODED] += c->broken + c->link;
	serve_values[M_OUTSIDE] += c->outside;
	serve_values[M_FRAGMENTS] += d->fragments;
	serve_values[M_UNFINISHED] += d->timed_out + d->evicted + res->incomplete;
}

/* analyse: one entry into the batch. 0, or -errno: nothing is done with it for now. */
static int analyse(const char *key)
{
	char s3path[sizeof an.destination + SPOOL_KEY_MAX];
	struct record_source src = {.sensor = an.svc->common.sensor, .key = key, .s3path = s3path};
	struct input_result res = {0};
	struct capfile *c;
	char err[192];
	int fd;
	struct batch_mark mark = batch_mark(&an.batch);

	int rc = queue_get(an.queue, key, &fd);
	if (rc)
		return rc == -ENOENT ? 0 : rc;
	snprintf(s3path, sizeof s3path, "%s%s", an.destination, key);
	rc = capfile_open_fd(fd, &c, err, sizeof err);
	if (!rc) {
		rc = input_read(&an.input, c, &an.record, &src, one_record, NULL, &res);
		capfile_close(&c);
		snprintf(err, sizeof err, "%s", res.error);
		/* A disk that fails to read is no better the next time. */
		if (!rc || rc == -EIO)
			rc = res.rc;
		count(&res);
	}
	bool bad = rc == -EBADMSG || rc == -EIO;
	if (bad)
		log_warn("broken capture file", "key=%s records=%" PRIu64 " error=\"%s\"", key,
			 res.records, err);
	if (rc && !bad) {
		batch_back(&an.batch, mark);
		return rc;
	}
	batch_entry(&an.batch, key, bad);
	return 0;
}

/* turn: entries until the time is over or the queue is at its end. */
static void turn(void *arg)
{
	uint64_t begin = clock_mono_ns();
	char key[SPOOL_KEY_MAX] = "";
	int rc = 0;
	bool end = false;

	(void)arg;
	/* What failed before goes first. */
	if (!batch_is_empty(&an.batch))
		rc = flush();
	while (!rc && !batch_is_full(&an.batch) && clock_mono_ns() - begin < TURN_NS) {
		rc = queue_next(an.queue, key);
		if (rc <= 0) {
			end = true;
			break;
		}
		rc = analyse(key);
		if (rc) {
			rest("entry stays in the queue", key, rc);
			queue_rewind(an.queue);
			return;
		}
	}
	if (rc < 0) {
		rest("queue cannot be read", key, rc);
		return;
	}
	if (!batch_is_empty(&an.batch))
		rc = flush();
	if (rc) {
		rest("records cannot be written", "", rc);
		return;
	}
	an.retry_ns = 0;
	if (end)
		loop_busy(an.svc->loop, NULL, NULL);
}

static void on_flow(void *arg, const struct bus_msg *msg)
{
	(void)msg;
	wake(arg);
}

static int open_history(struct svc *s)
{
	int rc = svc_path(s, "analyzer", an.page_dir, sizeof an.page_dir);

	if (!rc)
		rc = svc_path(s, "analyzer/seen", an.seen_path, sizeof an.seen_path);
	if (!rc && mkdir(an.page_dir, 0750) && errno != EEXIST)
		rc = -errno;
	if (!rc)
		rc = history_init(&an.history, (size_t)settings.classes, (size_t)settings.sources);
	if (!rc) {
		rc = seen_load(an.history.seen, an.seen_path);
		if (rc == -EBADMSG) {
			log_warn("table of payload classes was damaged and is begun anew",
				 "path=%s.bad", an.seen_path);
			rc = 0;
		}
	}
	if (!settings.page_dir)
		an.input.flows.page_dir = an.page_dir;
	return rc;
}

static int open_destination(const struct svc *s)
{
	char objects[PATH_MAX], here[PATH_MAX] = "";

	if (settings.destination) {
		snprintf(an.destination, sizeof an.destination, "%s", settings.destination);
		return 0;
	}
	int rc = svc_path(s, "objects", objects, sizeof objects);
	if (!rc && objects[0] != '/' && !getcwd(here, sizeof here))
		rc = -errno;
	if (!rc && (size_t)snprintf(an.destination, sizeof an.destination, "file://%s%s%s/", here,
				    here[0] ? "/" : "", objects) >= sizeof an.destination)
		rc = -ENAMETOOLONG;
	return rc;
}

int serve_start(struct svc *s)
{
	char path[PATH_MAX];
	const char *what = "records/analysis";
	size_t line = (size_t)settings.stream_bytes * 10 + (8u << 20);

	an.svc = s;
	an.input = settings_input(1);
	batch_init(&an.batch, line + BATCH_FULL);
	buf_init(&an.line, line);
	buf_init(&an.body, line);
	int rc = record_init(&an.record, an.input.flows.stream.max_bytes);
	if (!rc)
		rc = open_destination(s);
	if (!rc)
		rc = svc_path(s, "records/analysis", path, sizeof path);
	if (!rc)
		rc = records_open(path, settings.keep_days, settings.plain_days, &an.records);
	if (!rc) {
		what = "analyzer";
		rc = open_history(s);
	}
	if (!rc) {
		what = "spool";
		rc = svc_path(s, "spool", path, sizeof path);
	}
	if (!rc)
		rc = queue_open(path, "analyzer", &an.queue);
	if (!rc && (settings.geo_place || settings.geo_asn)) {
		what = "GeoIP file";
		rc = who_geo_new(settings.geo_place, settings.geo_asn, &an.geo);
	}
	if (rc) {
		log_error("cannot open", "what=\"%s\" error=\"%s\"", what, strerror(-rc));
		return rc;
	}
	rc = svc_subscribe(s, "flowagg", "flow", on_flow, NULL);
	if (!rc)
		rc = loop_every(s->loop, SCAN_NS, wake, NULL);
	if (rc)
		log_error("loop", "error=\"%s\"", strerror(-rc));
	else
		resume(NULL);
	return rc;
}

static void save(void)
{
	if (!seen_dirty(an.history.seen))
		return;
	int rc = seen_save(an.history.seen, an.seen_path);
	if (rc)
		log_warn("table of payload classes not saved", "path=%s error=\"%s\"", an.seen_path,
			 strerror(-rc));
}

static void fill_values(void)
{
	struct seen_stats seen;

	seen_stats(an.history.seen, &seen);
	serve_values[M_CLASSES] = seen.classes;
	serve_values[M_CLASSES_EVICTED] = seen.evicted;
	serve_values[M_ENTRIES] = an.counts.entries;
	serve_values[M_RECORDS] = an.counts.records;
	serve_values[M_SET_ASIDE] = an.counts.set_aside;
	serve_values[M_STUCK] = an.counts.stuck_entries;
}

void serve_tick(struct svc *s)
{
	(void)s;
	if (!an.records)
		return; /* the last one, after drain */
	fill_values();
	if (an.ticks % COUNT_TICKS == 0)
		serve_values[M_WAITING] = queue_count(an.queue, COUNT_MAX);
	if (++an.ticks % SAVE_TICKS == 0) {
		save();
		if (an.geo && who_geo_refresh(an.geo) < 0)
			log_warn("a GeoIP file is none", "hint=\"the old one stays in use\"");
	}
	records_tidy(an.records, clock_real_ns());
}

void serve_drain(struct svc *s)
{
	(void)s;
	if (!batch_is_empty(&an.batch) && flush())
		log_warn("records at hand are not written",
			 "hint=\"their entries stay in the queue\"");
	save();
	fill_values();
	records_close(&an.records);
	queue_close(&an.queue);
	who_geo_free(&an.geo);
	history_fini(&an.history);
	record_fini(&an.record);
	batch_fini(&an.batch);
	buf_fini(&an.line);
	buf_fini(&an.body);
}

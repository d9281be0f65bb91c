/*
 * lurker-uploader: from the queue to the store.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cloud/http_client.h"
#include "conf.h"
#include "pkt/capfile.h"
#include "proto/codec.h"
#include "rt/svc.h"
#include "storage/ledger.h"
#include "storage/observed.h"
#include "storage/spool.h"
#include "store_dir.h"
#include "work.h"

#define S 1000000000u

/* So many waiting entries are counted for the gauge, and so often. */
#define WAITING_MAX  100000
#define WAITING_EACH 10

static struct conf conf;

enum {
	M_STORED,
	M_STORED_BYTES,
	M_TRIES,
	M_RETRIES,
	M_STUCK,
	M_SET_ASIDE,
	M_UNDER_WAY,
	M_RETRYING,
	M_WAITING,
	M_DIR_LINKED,
	M_DIR_COPIED,
	M_DIR_KEPT,
	M_DIR_REPLACED,
	M_ARCHIVE_BYTES,
	M_ARCHIVE_REMOVED,
	M_ARCHIVE_REMOVED_BYTES,
	M_S3_ERRORS_5XX,
	M_S3_ERRORS_4XX,
	M_S3_ERRORS_NETWORK,
	M_S3_THROTTLED,
	M_S3_SKEWED,
	M_S3_RENEWED,
	M_SNS_ANNOUNCED,
	M_COUNT
};

static const struct metric metrics[M_COUNT] = {
	[M_STORED] = {"stored", METRIC_COUNTER, "objects", "stored and taken off the queue"},
	[M_STORED_BYTES] = {"stored_bytes", METRIC_COUNTER, "bytes", "their bytes"},
	[M_TRIES] = {"tries", METRIC_COUNTER, "tries", "objects handed to the store"},
	[M_RETRIES] = {"retries", METRIC_COUNTER, "tries", "tries that failed and are repeated"},
	[M_STUCK] = {"stuck", METRIC_COUNTER, "tries",
		     "of these, for a reason that needs a person"},
	[M_SET_ASIDE] = {"set_aside", METRIC_DROP, "objects",
			 "refused for good or unreadable, moved to spool/bad/uploader"},
	[M_UNDER_WAY] = {"under_way", METRIC_GAUGE, "objects", "at hand now"},
	[M_RETRYING] = {"retrying", METRIC_GAUGE, "objects", "of these, waiting for another try"},
	[M_WAITING] = {"waiting", METRIC_GAUGE, "objects",
		       "in the queue, those at hand included (counted up to 100000)"},
	[M_DIR_LINKED] = {"dir_linked", METRIC_COUNTER, "objects", "stored as hard links"},
	[M_DIR_COPIED] = {"dir_copied", METRIC_COUNTER, "objects",
			  "copied, from another filesystem"},
	[M_DIR_KEPT] = {"dir_kept", METRIC_COUNTER, "objects", "were there already"},
	[M_DIR_REPLACED] = {"dir_replaced", METRIC_COUNTER, "objects",
			    "took the place of other bytes under the same key"},
	[M_ARCHIVE_BYTES] = {"archive_bytes", METRIC_GAUGE, "bytes",
			     "disk space of the directory's objects, where it is limited"},
	[M_ARCHIVE_REMOVED] = {"archive_removed", METRIC_DROP, "objects",
			       "old objects removed to stay below max_bytes"},
	[M_ARCHIVE_REMOVED_BYTES] = {"archive_removed_bytes", METRIC_DROP, "bytes",
				     "their disk space"},
	[M_S3_ERRORS_5XX] = {"s3_errors_5xx", METRIC_COUNTER, "answers", "the service failed"},
	[M_S3_ERRORS_4XX] = {"s3_errors_4xx", METRIC_COUNTER, "answers", "the service refused"},
	[M_S3_ERRORS_NETWORK] = {"s3_errors_network", METRIC_COUNTER, "requests",
				 "no answer: connection, TLS, timeout"},
	[M_S3_THROTTLED] = {"s3_throttled", METRIC_COUNTER, "answers", "429, or 503 (SlowDown)"},
	[M_S3_SKEWED] = {"s3_skewed", METRIC_COUNTER, "times",
			 "this machine's clock was found to be wrong, and allowed for"},
	[M_S3_RENEWED] = {"s3_renewed", METRIC_COUNTER, "answers",
			  "credentials were refused as expired or unknown"},
	[M_SNS_ANNOUNCED] = {"sns_announced", METRIC_COUNTER, "objects", "published to the topic"},
};

static uint64_t values[M_COUNT];
static char log_path[PATH_MAX];

static struct {
	struct queue *queue;
	struct object_store *store;
	struct work *work;
	struct work_counts counts;
	struct store_dir_counts dir;
	struct store_s3_counts s3;
	struct observed observed;
	unsigned ticks;
	struct buf body;
	struct ledger log; /* of what is in S3 */
	uint64_t unnoted, unnoted_entries;
} up;

static const char *directory(const struct svc *s, char path[PATH_MAX])
{
	if (conf.directory && *conf.directory)
		return conf.directory;
	return svc_path(s, "objects", path, PATH_MAX) == 0 ? path : NULL;
}

static int check(struct svc *s)
{
	char path[PATH_MAX], text[PATH_MAX + 16] = "";
	const struct store_s3_conf s3 = conf_s3(&conf, s->common.sensor);
	int rc = 0;
	if (conf.store == CONF_S3) {
		rc = store_s3_check(&s3, text, sizeof text);
	} else {
		const char *dir = directory(s, path);
		rc = dir ? store_dir_url(dir, text, sizeof text) : -ENAMETOOLONG;
		if (rc)
			snprintf(text, sizeof text, "directory: %s", strerror(-rc));
	}
	if (rc)
		log_error("configuration", "error=\"%s\"", text);
	return rc;
}

static struct bytes hex(const uint8_t *p, size_t n, char *out)
{
	for (size_t i = 0; i < n; i++)
		sprintf(out + 2 * i, "%02x", p[i]);
	return bytes_of(out, 2 * n);
}

/* The bucket cannot be counted: what went there is noted, before it leaves the queue. What the disk
 * refuses is in the next line, as a sum. */
static void note_stored(const struct put *p)
{
	struct ledger_line v[2] = {{"uploader", p->key, 0, 1},
				   {"uploader", NULL, up.unnoted, up.unnoted_entries}};
	int fd = lseek(p->fd, 0, SEEK_SET) == 0 ? fcntl(p->fd, F_DUPFD_CLOEXEC, 0) : -1;

	if (fd >= 0)
		(void)capfile_count(fd, &v[0].packets); /* of a file of flowagg's */
	if (ledger_add(&up.log, v, up.unnoted_entries ? 2 : 1) == 0) {
		up.unnoted = up.unnoted_entries = 0;
		return;
	}
	up.unnoted += v[0].packets;
	up.unnoted_entries++;
}

static void announce(void *arg, const struct stored *d)
{
	struct svc *s = arg;
	char sum[65];
	struct msg_object m = {
		.key = bytes_str(d->put->key),
		.url = bytes_str(d->url),
		.bytes = d->put->bytes,
		.sha256 = hex(d->put->sha256, sizeof d->put->sha256, sum),
		.stored_ns = d->stored_ns,
		.attempts = d->attempts > 1 ? d->attempts : 0,
	};
	if (conf.store == CONF_S3)
		note_stored(d->put);
	buf_reset(&up.body);
	if (msg_encode(&msg_object_schema, &m, &up.body) == 0)
		bus_publish(s->bus, "object", buf_bytes(&up.body));
	log_debug("object stored", "key=%s bytes=%" PRIu64, d->put->key, d->put->bytes);
}

static void trouble(void *arg, bool begins, bool stuck, const char *message)
{
	svc_trouble(arg, "upload", begins, stuck, message);
}

static void on_flow(void *arg, const struct bus_msg *msg)
{
	struct msg_flow m;
	struct msg_arena none = {0};
	(void)arg;
	if (msg_decode(&msg_flow_schema, msg->body, &m, &none) == 0 && m.flow_id.p)
		work_flow(up.work, (const char *)m.key.p, m.key.n, (const char *)m.flow_id.p,
			  m.flow_id.n);
	work_wake(up.work);
}

/* Before the loop goes. */
static void close_work(void)
{
	work_free(&up.work);
	if (up.store)
		up.store->class->free(up.store);
	up.store = NULL;
}

static void load_observed(struct svc *s)
{
	int rc = observed_load(&up.observed, s->common.state_dir);
	if (rc)
		log_warn("cannot read", "path=%s/observed error=\"%s\"", s->common.state_dir,
			 strerror(-rc));
}

static int start(struct svc *s)
{
	char path[PATH_MAX];
	const struct work_conf wc = {
		.retry_first_ns = S / 4,
		.retry_max_ns = (uint64_t)conf.retry_max_s * S,
		.stuck_ns = (uint64_t)(conf.retry_max_s > 60 ? conf.retry_max_s : 60) * S,
		.scan_ns = 3u * (uint64_t)S,
		.trouble_ns = 60u * (uint64_t)S,
	};
	const struct work_calls calls = {.stored = announce, .trouble = trouble, .arg = s};
	buf_init(&up.body, 1u << 16);
	struct store_s3_conf s3 = conf_s3(&conf, s->common.sensor);
	const char *what = conf.store == CONF_S3 ? conf.s3_bucket : directory(s, path);
	s3.observed = &up.observed;
	load_observed(s);
	ledger_init(&up.log, log_path, LEDGER_MAX_BYTES);
	up.log.unflushed = true;
	int rc = svc_path(s, "uploader.stored", log_path, sizeof log_path);
	if (!rc)
		rc = conf.store == CONF_S3
			     ? store_s3_new(s->loop, &s3, &up.s3, &up.store)
			     : store_dir_new(what, conf.max_bytes, &up.dir, &up.store);
	if (!rc) {
		log_info("storing", "destination=%s", up.store->destination);
		what = "spool";
		rc = svc_path(s, "spool", path, sizeof path);
	}
	if (!rc)
		rc = queue_open(path, "uploader", &up.queue);
	if (!rc)
		rc = work_new(s->loop, up.queue, up.store, &wc, &calls, &up.counts, &up.work);
	if (rc) {
		log_error("cannot open", "what=%s error=\"%s\"", what, strerror(-rc));
		close_work();
		return rc;
	}
	rc = svc_subscribe(s, "flowagg", "flow", on_flow, NULL);
	if (rc)
		close_work();
	return rc;
}

static void tick(struct svc *s)
{
	load_observed(s);
	values[M_STORED] = up.counts.stored;
	values[M_STORED_BYTES] = up.counts.stored_bytes;
	values[M_TRIES] = up.counts.attempts;
	values[M_RETRIES] = up.counts.retries;
	values[M_STUCK] = up.counts.stuck;
	values[M_SET_ASIDE] = up.counts.set_aside;
	values[M_DIR_LINKED] = up.dir.linked;
	values[M_DIR_COPIED] = up.dir.copied;
	values[M_DIR_KEPT] = up.dir.kept;
	values[M_DIR_REPLACED] = up.dir.replaced;
	values[M_ARCHIVE_BYTES] = up.dir.archive_bytes;
	values[M_ARCHIVE_REMOVED] = up.dir.removed;
	values[M_ARCHIVE_REMOVED_BYTES] = up.dir.removed_bytes;
	values[M_S3_ERRORS_5XX] = up.s3.errors_5xx;
	values[M_S3_ERRORS_4XX] = up.s3.errors_4xx;
	values[M_S3_ERRORS_NETWORK] = up.s3.errors_network;
	values[M_S3_THROTTLED] = up.s3.throttled;
	values[M_S3_SKEWED] = up.s3.skewed;
	values[M_S3_RENEWED] = up.s3.renewed;
	values[M_SNS_ANNOUNCED] = up.s3.announced;
	if (up.work)
		work_gauges(up.work, &values[M_UNDER_WAY], &values[M_RETRYING]);
	if (up.queue && up.ticks++ % WAITING_EACH == 0)
		values[M_WAITING] = queue_count(up.queue, WAITING_MAX);
}

static void drain(struct svc *s)
{
	(void)s;
	work_drain(up.work, 5000);
	close_work();
}

static const char *const dir_calls[] = {"flock", NULL};
static const char *const s3_calls[] = {"flock", HTTP_CALLS, NULL};

static struct svc_desc desc;

/* Before the sandbox is shut: a directory needs no network. */
static int choose_calls(struct svc *s)
{
	(void)s;
	desc.calls = conf.store == CONF_S3 ? s3_calls : dir_calls;
	return 0;
}

static struct svc_desc desc = {
	.name = "uploader",
	.details =
		"Reads its queue STATE_DIR/spool/queue/uploader, oldest first, woken by the topic\n"
		"`flow` and by looking every 3 s. Writes each file under its key to the store, by\n"
		"default the directory STATE_DIR/objects, else an S3 bucket, publishes `object`,\n"
		"and then removes the entry; an outage keeps all of them there. What the store\n"
		"refuses for good goes to STATE_DIR/spool/bad/uploader. Needs no privilege; for "
		"S3\n"
		"the network, and credentials with s3:PutObject (and sns:Publish). Prints log "
		"lines\n"
		"on standard error, nothing on standard output.",
	.opts = conf_opts,
	.conf = &conf,
	.endpoint = &conf.endpoint,
	.metrics = metrics,
	.nmetrics = M_COUNT,
	.values = values,
	.check = check,
	.open = choose_calls,
	.start = start,
	.tick = tick,
	.drain = drain,
};

int main(int argc, char **argv)
{
	int code = svc_main(&desc, argc, argv);
	queue_close(&up.queue);
	ledger_close(&up.log);
	observed_fini(&up.observed);
	buf_fini(&up.body);
	return code;
}

/*
 * lurker-uploader: from the queue to the store.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/codec.h"
#include "rt/spool.h"
#include "rt/svc.h"
#include "store_dir.h"
#include "work.h"

#define S 1000000000u

/* So many waiting entries are counted for the gauge, and so often. */
#define WAITING_MAX  100000
#define WAITING_EACH 10

struct conf {
	const char *endpoint;
	int store;
	const char *directory;
	uint64_t max_bytes;
	int64_t retry_max_s;
};

static struct conf conf;

enum { STORE_DIR };
static const char *const stores[] = {"dir", NULL};

#define AT(field) offsetof(struct conf, field)
static const struct opt opts[] = {
	SVC_OPT_ENDPOINT(struct conf),
	{.name = "store",
	 .type = OPT_ENUM,
	 .offset = AT(store),
	 .def = "dir",
	 .choices = stores,
	 .help = "where objects go: a local directory"},
	{.name = "directory",
	 .type = OPT_STR,
	 .offset = AT(directory),
	 .help = "dir: the directory; by default STATE_DIR/objects, where storing a file is one "
		 "hard link"},
	{.name = "max_bytes",
	 .type = OPT_SIZE,
	 .offset = AT(max_bytes),
	 .def = "10GiB",
	 .min = 0,
	 .max = INT64_MAX,
	 .unit = "bytes",
	 .help = "dir: disk space its objects may take; beyond it the oldest hours' objects are "
		 "removed; 0: no limit"},
	{.name = "retry_max_s",
	 .type = OPT_INT,
	 .offset = AT(retry_max_s),
	 .def = "30",
	 .min = 1,
	 .max = 3600,
	 .unit = "s",
	 .help = "longest wait between two tries of one object"},
};
#undef AT

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
};

static uint64_t values[M_COUNT];

static struct {
	struct queue *queue;
	struct store *store;
	struct work *work;
	struct work_counts counts;
	struct store_dir_counts dir;
	unsigned ticks;
	struct buf body;
} up;

static const char *directory(const struct svc *s, char path[PATH_MAX])
{
	if (conf.directory && *conf.directory)
		return conf.directory;
	return svc_path(s, "objects", path, PATH_MAX) == 0 ? path : NULL;
}

static int check(struct svc *s)
{
	char path[PATH_MAX], url[PATH_MAX + 16];
	const char *dir = directory(s, path);
	if (!dir || store_dir_url(dir, url, sizeof url) != 0) {
		log_error("configuration", "error=\"the path of the directory is too long\"");
		return -ENAMETOOLONG;
	}
	return 0;
}

static struct bytes hex(const uint8_t *p, size_t n, char *out)
{
	for (size_t i = 0; i < n; i++)
		sprintf(out + 2 * i, "%02x", p[i]);
	return bytes_of(out, 2 * n);
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
		.attempts = d->tries > 1 ? d->tries : 0,
	};
	buf_reset(&up.body);
	if (msg_encode(&msg_object_schema, &m, &up.body) == 0)
		bus_publish(s->bus, "object", buf_bytes(&up.body));
	log_debug("object stored", "key=%s bytes=%" PRIu64, d->put->key, d->put->bytes);
}

static void trouble(void *arg, bool begins, bool stuck, const char *message)
{
	struct svc *s = arg;
	struct msg_alert a = {
		.kind = bytes_str("upload"),
		.severity = bytes_str(!begins ? "info"
				      : stuck ? "critical"
					      : "warning"),
		.message = bytes_str(message),
		.ts_ns = clock_real_ns(),
		.state = bytes_str(begins ? "begin" : "end"),
	};
	svc_alert(s, &a);
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
	const char *what = directory(s, path);
	int rc = store_dir_new(what, conf.max_bytes, &up.dir, &up.store);
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
		log_error("cannot open", "path=%s error=\"%s\"", what, strerror(-rc));
		return rc;
	}
	rc = svc_subscribe(s, "flowagg", "flow", on_flow, NULL);
	if (rc)
		work_free(&up.work);
	return rc;
}

static void tick(struct svc *s)
{
	(void)s;
	values[M_STORED] = up.counts.stored;
	values[M_STORED_BYTES] = up.counts.stored_bytes;
	values[M_TRIES] = up.counts.tries;
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
	if (up.work)
		work_gauges(up.work, &values[M_UNDER_WAY], &values[M_RETRYING]);
	if (up.queue && up.ticks++ % WAITING_EACH == 0)
		values[M_WAITING] = queue_count(up.queue, WAITING_MAX);
}

static void drain(struct svc *s)
{
	(void)s;
	work_drain(up.work, 5000);
	work_free(&up.work); /* before the loop */
}

static const struct svc_desc desc = {
	.name = "uploader",
	.summary = "stores sealed capture files as objects",
	.details =
		"Reads its queue STATE_DIR/spool/queue/uploader, oldest first, woken by the topic\n"
		"`flow` and by looking every 3 s. Writes each file under its key to the store, by\n"
		"default the directory STATE_DIR/objects, publishes `object`, and then removes\n"
		"the entry; what the store refuses for good goes to STATE_DIR/spool/bad/uploader.\n"
		"Needs no privilege. Prints log lines on standard error, nothing on standard "
		"output.",
	.opts = opts,
	.nopts = sizeof(opts) / sizeof(*opts),
	.conf = &conf,
	.endpoint = &conf.endpoint,
	.metrics = metrics,
	.nmetrics = M_COUNT,
	.values = values,
	.check = check,
	.start = start,
	.tick = tick,
	.drain = drain,
};

int main(int argc, char **argv)
{
	int code = svc_main(&desc, argc, argv);
	queue_close(&up.queue);
	if (up.store)
		up.store->class->free(up.store);
	buf_fini(&up.body);
	return code;
}

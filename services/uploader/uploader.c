#include "uploader.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "pkt/digest.h"
#include "proto/codec.h"

/* The gauge of waiting entries counts at most this many, once in this many ticks. */
#define WAITING_MAX  100000
#define WAITING_EACH 10
/* Of the ten seconds a service has to end. */
#define DRAIN_MS 5000

static const char *uploader_directory(const struct svc *s, char path[PATH_MAX])
{
	const struct uploader *u = s->state;
	if (u->conf.directory && *u->conf.directory)
		return u->conf.directory;
	return svc_path(s, "objects", path, PATH_MAX) == 0 ? path : NULL;
}

int uploader_check(struct svc *s)
{
	struct uploader *u = s->state;
	char path[PATH_MAX], text[PATH_MAX + 16] = "";
	const struct store_s3_conf s3 = conf_s3(&u->conf, s->common.sensor);
	int rc = 0;
	if (u->conf.store == CONF_S3) {
		rc = store_s3_check(&s3, text, sizeof text);
	} else {
		const char *dir = uploader_directory(s, path);
		rc = dir ? store_dir_url(dir, text, sizeof text) : -ENAMETOOLONG;
		if (rc)
			snprintf(text, sizeof text, "directory: %s", strerror(-rc));
	}
	if (rc)
		log_error("configuration", "error=\"%s\"", text);
	return rc;
}

static void uploader_announce(void *arg, const struct stored *d)
{
	struct uploader *u = arg;
	char sum[2 * sizeof d->put->sha256 + 1];
	digest_hex(d->put->sha256, sizeof d->put->sha256, sum);
	struct msg_object m = {
		.key = bytes_str(d->put->key),
		.url = bytes_str(d->url),
		.bytes = d->put->bytes,
		.sha256 = bytes_str(sum),
		.stored_ns = d->stored_ns,
		.attempts = d->attempts > 1 ? d->attempts : 0,
	};
	if (u->conf.store == CONF_S3)
		stored_ledger_note(&u->stored, d->put);
	buf_reset(&u->body);
	if (msg_encode(&msg_object_schema, &m, &u->body) == 0)
		bus_publish(u->svc->bus, "object", buf_bytes(&u->body));
	log_debug("object stored", "key=%s bytes=%" PRIu64, d->put->key, d->put->bytes);
}

static void uploader_alert(void *arg, bool begins, bool stuck, const char *message)
{
	struct uploader *u = arg;
	svc_trouble(u->svc, "upload", begins, stuck, message);
}

static void uploader_on_flow(void *arg, const struct bus_msg *msg)
{
	struct uploader *u = arg;
	struct msg_flow m;
	struct msg_arena none = {0};
	if (msg_decode(&msg_flow_schema, msg->body, &m, &none) == 0 && m.flow_id.p)
		work_flow(u->work, (const char *)m.key.p, m.key.n, (const char *)m.flow_id.p,
			  m.flow_id.n);
	work_wake(u->work);
}

/* Before the loop goes. */
static void uploader_close(struct uploader *u)
{
	work_free(&u->work);
	if (u->store)
		u->store->class->free(u->store);
	u->store = NULL;
}

static void uploader_load_observed(struct svc *s)
{
	struct uploader *u = s->state;
	int rc = observed_load(&u->observed, s->common.state_dir);
	if (rc)
		log_warn("cannot read", "path=%s/observed error=\"%s\"", s->common.state_dir,
			 strerror(-rc));
}

/* Opens the store that the configuration names; *what is it, for the log. */
static int uploader_open_store(struct svc *s, char path[PATH_MAX], const char **what)
{
	struct uploader *u = s->state;
	struct store_s3_conf s3 = conf_s3(&u->conf, s->common.sensor);
	*what = u->conf.store == CONF_S3 ? u->conf.s3_bucket : uploader_directory(s, path);
	s3.observed = &u->observed;
	int rc = svc_path(s, "uploader.stored", u->stored.path, sizeof u->stored.path);
	if (rc)
		return rc;
	stored_ledger_init(&u->stored);
	rc = u->conf.store == CONF_S3 ? store_s3_new(s->loop, &s3, &u->s3, &u->store)
				      : store_dir_new(*what, u->conf.max_bytes, &u->dir, &u->store);
	if (!rc)
		log_info("storing", "destination=%s", u->store->destination);
	return rc;
}

int uploader_start(struct svc *s)
{
	struct uploader *u = s->state;
	char path[PATH_MAX];
	const char *what;
	const struct work_conf wc = conf_work(&u->conf);
	const struct work_calls calls = {
		.stored = uploader_announce, .trouble = uploader_alert, .arg = u};
	u->svc = s;
	buf_init(&u->body, 1u << 16);
	uploader_load_observed(s);
	int rc = uploader_open_store(s, path, &what);
	if (!rc) {
		what = "spool";
		rc = svc_path(s, "spool", path, sizeof path);
	}
	if (!rc)
		rc = queue_open(path, "uploader", &u->queue);
	if (!rc)
		rc = work_new(s->loop, u->queue, u->store, &wc, &calls, &u->counts, &u->work);
	if (rc) {
		log_error("cannot open", "what=%s error=\"%s\"", what, strerror(-rc));
		uploader_close(u);
		return rc;
	}
	rc = svc_subscribe(s, "flowagg", "flow", uploader_on_flow, u);
	if (rc)
		uploader_close(u);
	return rc;
}

void uploader_tick(struct svc *s)
{
	struct uploader *u = s->state;
	uint64_t *v = u->values;
	uploader_load_observed(s);
	v[UPLOADER_STORED] = u->counts.stored;
	v[UPLOADER_STORED_BYTES] = u->counts.stored_bytes;
	v[UPLOADER_TRIES] = u->counts.attempts;
	v[UPLOADER_RETRIES] = u->counts.retries;
	v[UPLOADER_STUCK] = u->counts.stuck;
	v[UPLOADER_SET_ASIDE] = u->counts.set_aside;
	v[UPLOADER_DIR_LINKED] = u->dir.linked;
	v[UPLOADER_DIR_COPIED] = u->dir.copied;
	v[UPLOADER_DIR_KEPT] = u->dir.kept;
	v[UPLOADER_DIR_REPLACED] = u->dir.replaced;
	v[UPLOADER_ARCHIVE_BYTES] = u->dir.archive_bytes;
	v[UPLOADER_ARCHIVE_REMOVED] = u->dir.removed;
	v[UPLOADER_ARCHIVE_REMOVED_BYTES] = u->dir.removed_bytes;
	v[UPLOADER_S3_ERRORS_5XX] = u->s3.errors_5xx;
	v[UPLOADER_S3_ERRORS_4XX] = u->s3.errors_4xx;
	v[UPLOADER_S3_ERRORS_NETWORK] = u->s3.errors_network;
	v[UPLOADER_S3_THROTTLED] = u->s3.throttled;
	v[UPLOADER_S3_SKEWED] = u->s3.skewed;
	v[UPLOADER_S3_RENEWED] = u->s3.renewed;
	v[UPLOADER_SNS_ANNOUNCED] = u->s3.announced;
	if (u->work)
		work_gauges(u->work, &v[UPLOADER_UNDER_WAY], &v[UPLOADER_RETRYING]);
	if (u->queue && u->ticks++ % WAITING_EACH == 0)
		v[UPLOADER_WAITING] = queue_count(u->queue, WAITING_MAX);
}

void uploader_drain(struct svc *s)
{
	struct uploader *u = s->state;
	work_drain(u->work, DRAIN_MS);
	uploader_close(u);
}

void uploader_fini(struct uploader *u)
{
	queue_close(&u->queue);
	stored_ledger_close(&u->stored);
	observed_fini(&u->observed);
	buf_fini(&u->body);
}

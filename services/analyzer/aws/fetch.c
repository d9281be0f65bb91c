#include "aws/fetch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cloud/aws.h"
#include "cloud/http_client.h"
#include "table/scratch.h"

#define URL_MAX 8192
/* Wait for credentials that are on their way, and after none were found. */
#define CREDS_SOON_NS  UINT64_C(200000000)
#define CREDS_LATER_NS UINT64_C(5000000000)

struct fetch {
	struct fetch_conf conf;
	struct buf url;
};

/* One object under way. */
struct job {
	struct fetch *fetch;
	fetch_fn done;
	void *arg;
	int fd;
};

int fetch_url(struct buf *out, const struct fetch_conf *conf, const struct event_object *o)
{
	int rc = s3_base(out, conf->endpoint, conf->region, o->bucket, conf->style);
	return rc ? rc : http_escape(out, o->key, true);
}

int fetch_new(const struct fetch_conf *conf, struct fetch **out)
{
	struct fetch *f = calloc(1, sizeof *f);
	if (!f)
		return -ENOMEM;
	f->conf = *conf;
	buf_init(&f->url, URL_MAX);
	*out = f;
	return 0;
}

void fetch_free(struct fetch **fp)
{
	if (*fp)
		buf_fini(&(*fp)->url);
	free(*fp);
	*fp = NULL;
}

/* What the uploader said is printable; another text is nobody's. */
static void take_text(const struct http_response *a, const char *name, char *out, size_t n)
{
	const char *text = http_header(a, name);
	if (!text || strlen(text) >= n)
		return;
	for (const char *p = text; *p; p++)
		if (*p < ' ' || *p > '~')
			return;
	snprintf(out, n, "%s", text);
}

static void finish(struct job *j, const struct fetch_got *got)
{
	fetch_fn done = j->done;
	void *arg = j->arg;
	if (got->result != OUTCOME_OK && j->fd >= 0)
		close(j->fd);
	free(j);
	done(arg, got);
}

static void on_response(void *arg, const struct http_response *a)
{
	struct job *j = arg;
	struct fetch_got got = {.fd = j->fd, .wait_ns = a->wait_ns};
	struct verdict v;
	char why[96];

	if (a->cut) {
		snprintf(why, sizeof why, "the object is larger than s3_max_bytes (%llu)",
			 (unsigned long long)j->fetch->conf.max_bytes);
		got.result = OUTCOME_REFUSED;
		got.why = why;
	} else if (!aws_good(a)) {
		aws_judge(j->fetch->conf.creds, a, "S3", &v);
		got.result = a->status == 404 ? OUTCOME_REFUSED : v.result;
		got.forbidden = a->status == 403 && strcmp(v.code, "AccessDenied") == 0;
		got.why = v.why;
	} else {
		take_text(a, "x-amz-meta-sensor", got.sensor, sizeof got.sensor);
		take_text(a, "x-amz-meta-observed", got.observed, sizeof got.observed);
	}
	finish(j, &got);
}

static void fail(struct job *j, enum outcome result, const char *why, uint64_t wait_ns)
{
	const struct fetch_got got = {.result = result, .why = why, .wait_ns = wait_ns, .fd = -1};
	finish(j, &got);
}

void fetch_object(struct fetch *f, const struct event_object *o, fetch_fn done, void *arg)
{
	struct job *j = malloc(sizeof *j);
	const struct creds *creds;
	const char *why;

	if (!j) {
		const struct fetch_got got = {
			.result = OUTCOME_RETRY, .why = "no memory", .fd = -1};
		done(arg, &got);
		return;
	}
	*j = (struct job){.fetch = f, .done = done, .arg = arg, .fd = -1};
	int rc = creds_get(f->conf.creds, &creds, &why);
	if (rc) {
		fail(j, rc == -ENOENT ? OUTCOME_STUCK : OUTCOME_RETRY, why,
		     rc == -EAGAIN ? CREDS_SOON_NS : CREDS_LATER_NS);
		return;
	}
	buf_reset(&f->url);
	rc = fetch_url(&f->url, &f->conf, o);
	if (!rc)
		rc = buf_addc(&f->url, '\0');
	if (rc) {
		fail(j, OUTCOME_REFUSED, "the key is too long", 0);
		return;
	}
	j->fd = scratch_open(f->conf.dir);
	if (j->fd < 0) {
		fail(j, OUTCOME_RETRY, strerror(-j->fd), 0);
		return;
	}
	struct http_request r = {
		.method = "GET",
		.url = (const char *)f->url.p,
		.into = true,
		.into_fd = j->fd,
		.into_max = f->conf.max_bytes,
		.creds = creds,
		.service = "s3",
		.region = f->conf.region,
		.done = on_response,
		.arg = j,
	};
	rc = http_send(f->conf.http, &r);
	if (rc)
		fail(j, OUTCOME_RETRY, strerror(-rc), 0);
}

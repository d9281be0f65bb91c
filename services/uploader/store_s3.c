#include "store_s3.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cloud/aws.h"
#include "cloud/http_client.h"
#include "pkt/digest.h"
#include "sns.h"
#include "storage/observed.h"

/* Requests beside the uploads: for credentials. */
#define SPARE_CALLS 2
/* An error's body is a few hundred bytes. */
#define ANSWER_MAX 8192
#define CONNECT_MS 10000
/* Wait for credentials that are on their way, and after none were found. */
#define CREDS_SOON_NS  (200 * NS_PER_MS)
#define CREDS_LATER_NS (5 * NS_PER_S)

/* put.stage: what of the object's way is behind it. */
enum { STAGE_NEW, STAGE_STORED };

/* One upload. */
struct s3_call {
	struct store_s3 *store;
	struct put *put; /* NULL: free */
	struct buf body; /* of the Publish request */
};

struct store_s3 {
	struct object_store store;
	struct store_s3_conf conf;
	struct store_s3_counts *counts;
	struct http *http;
	struct creds_chain *creds;
	struct buf base, prefix, url;
	char region[32], topic_region[32], destination[512];

	struct s3_call *calls;
};

static struct store_s3 *s3_of(struct object_store *s)
{
	return (struct store_s3 *)s;
}

static bool given(const char *text)
{
	return text && *text;
}

/* A value for a header: no line ends, no characters of other alphabets. */
static bool header_safe(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

int store_s3_destination(const struct store_s3_conf *conf, char *out, size_t n)
{
	struct buf b;
	buf_init(&b, n ? n - 1 : 0);
	buf_addf(&b, "s3://%s/", conf->bucket);
	int rc = s3_prefix(&b, conf->prefix ? conf->prefix : "");
	if (!rc)
		rc = b.rc;
	if (!rc) {
		memcpy(out, b.p, b.n);
		out[b.n] = '\0';
	}
	buf_fini(&b);
	return rc;
}

int store_s3_check(const struct store_s3_conf *c, char *why, size_t n)
{
	char text[512];
	struct buf base;
	const char *wrong = NULL;
	buf_init(&base, 1024);
	if (!given(c->bucket))
		wrong = "store s3 needs s3_bucket";
	else if (!s3_bucket_valid(c->bucket))
		wrong = "s3_bucket is not the name of a bucket";
	else if (store_s3_destination(c, text, sizeof text) != 0)
		wrong = "s3_prefix: a path of printable characters such as sensors/one, without a "
			"/ at the beginning";
	else if (s3_base(&base, c->endpoint, "region", c->bucket, c->style) != 0)
		wrong = "s3_endpoint: a URL such as https://host:port";
	else if (given(c->topic) && sns_region(c->topic, text) != 0)
		wrong = "sns_topic: an ARN such as arn:aws:sns:eu-central-1:123456789012:name";
	else if (given(c->sns_endpoint) && strncmp(c->sns_endpoint, "http://", 7) != 0 &&
		 strncmp(c->sns_endpoint, "https://", 8) != 0)
		wrong = "sns_endpoint: a URL such as https://host:port";
	else if (given(c->storage_class) && !header_safe(c->storage_class))
		wrong = "s3_storage_class: printable characters only";
	else if (given(c->creds.key_id) != given(c->creds.secret_file))
		wrong = "access_key_id and secret_file go together";
	buf_fini(&base);
	if (wrong)
		snprintf(n ? why : text, n ? n : sizeof text, "%s", wrong);
	return wrong ? -EINVAL : 0;
}

static void end(struct s3_call *c, enum outcome r, const char *why, uint64_t wait_ns)
{
	struct object_store *s = &c->store->store;
	struct put *p = c->put;
	c->put = NULL;
	s->done(s->arg, p, r, why, wait_ns);
}

/* Judges a response that is no success, and ends the upload with it. */
static void end_failed(struct s3_call *c, const struct http_response *a, const char *what)
{
	struct store_s3 *s = c->store;
	struct verdict v;
	s->counts->skewed += aws_judge(s->creds, a, what, &v);
	s->counts->renewed += v.credentials;
	if (a->curl)
		s->counts->errors_network++;
	else if (a->status == 429 || a->status == 503)
		s->counts->throttled++;
	else if (a->status >= 500)
		s->counts->errors_5xx++;
	else
		s->counts->errors_4xx++;
	end(c, v.result, v.why, a->wait_ns);
}

static void on_published(void *arg, const struct http_response *a)
{
	struct s3_call *c = arg;
	if (!aws_good(a)) {
		end_failed(c, a, "SNS");
		return;
	}
	c->store->counts->announced++;
	end(c, OUTCOME_OK, NULL, 0);
}

static void full_key(const struct store_s3 *s, const struct put *p, struct buf *out)
{
	buf_add(out, s->prefix.p, s->prefix.n);
	buf_adds(out, p->key);
	buf_addc(out, '\0');
}

/* The credentials of now, or NULL: the upload has ended. */
static const struct creds *credentials(struct s3_call *c)
{
	const struct creds *creds;
	const char *why;
	int rc = creds_get(c->store->creds, &creds, &why);
	if (rc == 0)
		return creds;
	end(c, rc == -ENOENT ? OUTCOME_STUCK : OUTCOME_RETRY, why,
	    rc == -EAGAIN ? CREDS_SOON_NS : CREDS_LATER_NS);
	return NULL;
}

static void send(struct s3_call *c, struct http_request *r)
{
	int rc = http_send(c->store->http, r);
	if (rc)
		end(c, OUTCOME_RETRY, strerror(-rc), 0);
}

static void publish(struct s3_call *c)
{
	struct store_s3 *s = c->store;
	const struct creds *creds = credentials(c);
	char url[256];
	struct buf key;
	if (!creds)
		return;
	buf_init(&key, 1024);
	full_key(s, c->put, &key);
	struct sns_object o = {.bucket = s->conf.bucket,
			       .key = (const char *)key.p,
			       .region = s->region,
			       .bytes = c->put->bytes,
			       .stored_s = (uint64_t)time(NULL)};
	buf_reset(&c->body);
	int rc = key.rc ? key.rc : sns_publish(&c->body, s->conf.topic, &o);
	buf_fini(&key);
	if (rc) {
		end(c, OUTCOME_RETRY, strerror(-rc), 0);
		return;
	}
	if (given(s->conf.sns_endpoint))
		snprintf(url, sizeof url, "%s/", s->conf.sns_endpoint);
	else
		snprintf(url, sizeof url, "https://sns.%s.amazonaws.com/", s->topic_region);
	struct http_request r = {
		.method = "POST",
		.url = url,
		.headers = {"Content-Type: application/x-www-form-urlencoded"},
		.body = buf_bytes(&c->body),
		.creds = creds,
		.service = "sns",
		.region = s->topic_region,
		.done = on_published,
		.arg = c,
	};
	send(c, &r);
}

static void on_stored(void *arg, const struct http_response *a)
{
	struct s3_call *c = arg;
	if (!aws_good(a)) {
		end_failed(c, a, "S3");
		return;
	}
	c->put->stage = STAGE_STORED;
	if (given(c->store->conf.topic))
		publish(c);
	else
		end(c, OUTCOME_OK, NULL, 0);
}

/* Header lines of one request. */
struct lines {
	struct http_request *request;
	char text[8][600];
	size_t n;
};

static void __attribute__((format(printf, 2, 3))) add(struct lines *l, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(l->text[l->n], sizeof l->text[0], fmt, ap);
	va_end(ap);
	l->request->headers[l->n] = l->text[l->n];
	l->n++;
}

static void put_object(struct s3_call *c)
{
	struct store_s3 *s = c->store;
	const struct put *p = c->put;
	const struct creds *creds = credentials(c);
	char sha256[65], observed[OBSERVED_PAIR];
	if (!creds)
		return;
	digest_hex(p->sha256, sizeof p->sha256, sha256);
	buf_reset(&s->url);
	buf_add(&s->url, s->base.p, s->base.n);
	http_escape(&s->url, p->key, true);
	if (buf_addc(&s->url, '\0') != 0) {
		end(c, OUTCOME_REFUSED, "the key is too long", 0);
		return;
	}
	struct http_request r = {
		.method = "PUT",
		.url = (const char *)s->url.p,
		.from_fd = true,
		.fd = p->fd,
		.fd_bytes = p->bytes,
		.creds = creds,
		.service = "s3",
		.region = s->region,
		.sha256 = sha256,
		.done = on_stored,
		.arg = c,
	};
	struct lines l = {.request = &r};
	add(&l, "Content-Type: application/vnd.tcpdump.pcap");
	add(&l, "x-amz-meta-sha256: %s", sha256);
	if (given(s->conf.sensor) && header_safe(s->conf.sensor))
		add(&l, "x-amz-meta-sensor: %.256s", s->conf.sensor);
	if (s->conf.observed && observed_of_key(s->conf.observed, p->key, observed))
		add(&l, "x-amz-meta-observed: %s", observed);
	if (p->flow_id[0])
		add(&l, "x-amz-meta-flow-id: %s", p->flow_id);
	if (given(s->conf.storage_class))
		add(&l, "x-amz-storage-class: %.64s", s->conf.storage_class);
	/* Without a key's id: libcurl 7.88 sorts that header's line before this one, and the
	 * signature would be wrong. */
	if (s->conf.sse != S3_SSE_NONE)
		add(&l, "x-amz-server-side-encryption: %s",
		    s->conf.sse == S3_SSE_KMS ? "aws:kms" : "AES256");
	send(c, &r);
}

static void s3_put(struct object_store *store, struct put *p)
{
	struct store_s3 *s = s3_of(store);
	struct s3_call *c = s->calls;
	while (c->put)
		c++; /* the worker hands over no more than store.slots at once */
	c->put = p;
	if (p->stage == STAGE_STORED)
		publish(c);
	else
		put_object(c);
}

static void s3_drain(struct object_store *store, int ms)
{
	http_drain(s3_of(store)->http, ms);
}

static void s3_free(struct object_store *store)
{
	struct store_s3 *s = s3_of(store);
	creds_free(&s->creds);
	http_free(&s->http);
	for (size_t i = 0; s->calls && i < s->conf.uploads; i++)
		buf_fini(&s->calls[i].body);
	buf_fini(&s->base);
	buf_fini(&s->prefix);
	buf_fini(&s->url);
	free(s->calls);
	free(s);
}

static const struct object_store_class s3_class = {
	.name = "s3", .put = s3_put, .drain = s3_drain, .free = s3_free};

int store_s3_new(struct loop *l, const struct store_s3_conf *conf, struct store_s3_counts *counts,
		 struct object_store **out)
{
	struct store_s3 *s = calloc(1, sizeof *s);
	struct http_conf hc = {.calls = conf->uploads + SPARE_CALLS,
			       .ca_file = conf->ca_file,
			       .connect_ms = CONNECT_MS,
			       .stall_s = conf->stall_s,
			       .response_max = ANSWER_MAX};
	if (!s)
		return -ENOMEM;
	s->conf = *conf;
	s->counts = counts;
	s->store = (struct object_store){
		.class = &s3_class, .slots = conf->uploads, .destination = s->destination};
	buf_init(&s->base, 1024);
	buf_init(&s->prefix, 1024);
	buf_init(&s->url, 4096);
	s->calls = calloc(conf->uploads, sizeof *s->calls);
	int rc = s->calls ? 0 : -ENOMEM;
	for (size_t i = 0; !rc && i < conf->uploads; i++) {
		s->calls[i].store = s;
		buf_init(&s->calls[i].body, 1u << 16);
	}
	creds_region(conf->region, conf->creds.profile, s->region);
	if (!rc)
		rc = store_s3_destination(conf, s->destination, sizeof s->destination);
	if (!rc)
		rc = s3_prefix(&s->prefix, conf->prefix ? conf->prefix : "");
	if (!rc)
		rc = s3_base(&s->base, conf->endpoint, s->region, conf->bucket, conf->style);
	if (!rc && s->prefix.n) {
		buf_addc(&s->prefix, '\0');
		rc = http_escape(&s->base, (const char *)s->prefix.p, true);
		s->prefix.n--;
	}
	if (!rc && given(conf->topic))
		rc = sns_region(conf->topic, s->topic_region);
	if (!rc)
		rc = http_new(l, &hc, &s->http);
	s->conf.creds.region = s->region;
	if (!rc)
		rc = creds_new(&s->conf.creds, s->http, &s->creds);
	if (rc) {
		s3_free(&s->store);
		return rc;
	}
	/* So that the first object need not wait for them. */
	const struct creds *creds;
	const char *why;
	creds_get(s->creds, &creds, &why);
	*out = &s->store;
	return 0;
}

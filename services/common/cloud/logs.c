#include "cloud/logs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "cloud/aws.h"
#include "cloud/json_text.h"
#include "cloud/shorten.h"

/* A text of control characters becomes six times as long in JSON; the records' own escapes
 * twice. */
#define BODY_MAX (8u << 20)

struct logs {
	struct http *http;
	struct creds_chain *creds;
	struct logs_conf conf;
	struct logs_counts counts;
	struct logs_batch batch;
	struct buf text, body;
	char url[256];
	logs_done_fn done;
	void *arg;
};

enum logs_add logs_add(struct logs *c, struct bytes text, struct json_object *json, int64_t init_s)
{
	int64_t now_ms = (int64_t)time(NULL) * 1000;
	size_t max = LOGS_EVENT_MAX - LOGS_EVENT_ADD;
	bool large = text.n > max;
	if (large) {
		buf_reset(&c->text);
		if ((json ? record_shorten(json, max, &c->text)
			  : record_shorten_text(text, max, &c->text)) != 0) {
			c->counts.left++;
			return LOGS_LEFT;
		}
		text = buf_bytes(&c->text);
	}
	enum logs_add took = logs_batch_add(&c->batch, text, init_s * 1000, now_ms);
	c->counts.left += took == LOGS_LEFT;
	c->counts.shortened += took == LOGS_TAKEN && large;
	return took;
}

static void end(struct logs *c, enum outcome r, const char *why, uint64_t wait_ns)
{
	c->done(c->arg, r, why, wait_ns);
}

static void call(struct logs *c, const char *action, http_fn done)
{
	char target[64];
	const struct creds *creds;
	const char *why;
	int rc = creds_get(c->creds, &creds, &why);
	if (rc) {
		end(c, rc == -ENOENT ? OUTCOME_STUCK : OUTCOME_RETRY, why, 0);
		return;
	}
	snprintf(target, sizeof target, "X-Amz-Target: Logs_20140328.%s", action);
	struct http_request r = {
		.method = "POST",
		.url = c->url,
		.headers = {"Content-Type: application/x-amz-json-1.1", target},
		.body = buf_bytes(&c->body),
		.creds = creds,
		.service = "logs",
		.region = c->conf.region,
		.done = done,
		.arg = c,
	};
	rc = http_send(c->http, &r);
	if (rc)
		end(c, OUTCOME_RETRY, strerror(-rc), 0);
}

static void judge(struct logs *c, const struct http_response *a, struct verdict *v)
{
	aws_judge(c->creds, a, "CloudWatch Logs", v);
}

static void end_failed(struct logs *c, const struct http_response *a, const struct verdict *v)
{
	end(c, v->result, v->why, a->wait_ns);
}

/* Names of group, and of the stream when asked for, as the request's body. */
static void name_body(struct logs *c, bool stream)
{
	buf_reset(&c->body);
	buf_adds(&c->body, "{\"logGroupName\":");
	json_text(&c->body, bytes_str(c->conf.group));
	if (stream) {
		buf_adds(&c->body, ",\"logStreamName\":");
		json_text(&c->body, bytes_str(c->conf.stream));
	}
	buf_addc(&c->body, '}');
}

/* True when the response is a success, or says that the thing was there already. */
static bool made(struct logs *c, const struct http_response *a)
{
	struct verdict v;
	if (aws_good(a))
		return true;
	judge(c, a, &v);
	if (strcmp(v.code, "ResourceAlreadyExistsException") == 0)
		return true;
	end_failed(c, a, &v);
	return false;
}

static void on_stream(void *arg, const struct http_response *a)
{
	struct logs *c = arg;
	if (made(c, a)) {
		log_info("log stream made", "group=\"%s\" stream=\"%s\"", c->conf.group,
			 c->conf.stream);
		logs_send(c);
	}
}

static void on_group(void *arg, const struct http_response *a)
{
	struct logs *c = arg;
	if (!made(c, a))
		return;
	name_body(c, true);
	call(c, "CreateLogStream", on_stream);
}

static void on_put(void *arg, const struct http_response *a)
{
	struct logs *c = arg;
	struct verdict v;
	if (aws_good(a)) {
		size_t rejected = logs_batch_rejected(&c->batch, a->body);
		c->counts.left += rejected;
		if (rejected)
			log_warn("log events rejected by their time", "events=%zu", rejected);
		end(c, OUTCOME_OK, NULL, 0);
		return;
	}
	judge(c, a, &v);
	if (strcmp(v.code, "ResourceNotFoundException") == 0) {
		name_body(c, false);
		call(c, "CreateLogGroup", on_group);
	} else if (strcmp(v.code, "DataAlreadyAcceptedException") == 0) {
		end(c, OUTCOME_OK, NULL, 0);
	} else {
		end_failed(c, a, &v);
	}
}

void logs_send(struct logs *c)
{
	buf_reset(&c->body);
	int rc = logs_batch_body(&c->batch, c->conf.group, c->conf.stream, &c->body);
	if (rc)
		end(c, OUTCOME_REFUSED, strerror(-rc), 0);
	else
		call(c, "PutLogEvents", on_put);
}

void logs_clear(struct logs *c)
{
	logs_batch_clear(&c->batch);
}

size_t logs_gathered(const struct logs *c)
{
	return c->batch.n;
}

const struct logs_counts *logs_counts(const struct logs *c)
{
	return &c->counts;
}

void logs_free(struct logs **cp)
{
	struct logs *c = *cp;
	if (!c)
		return;
	logs_batch_fini(&c->batch);
	buf_fini(&c->text);
	buf_fini(&c->body);
	free(c);
	*cp = NULL;
}

int logs_new(struct http *h, struct creds_chain *creds, const struct logs_conf *conf,
	     logs_done_fn done, void *arg, struct logs **out)
{
	struct logs *c = calloc(1, sizeof *c);
	if (!c)
		return -ENOMEM;
	c->http = h;
	c->creds = creds;
	c->conf = *conf;
	c->done = done;
	c->arg = arg;
	buf_init(&c->text, LOGS_EVENT_MAX);
	buf_init(&c->body, BODY_MAX);
	int n = conf->endpoint && *conf->endpoint
			? snprintf(c->url, sizeof c->url, "%s/", conf->endpoint)
			: snprintf(c->url, sizeof c->url, "https://logs.%s.amazonaws.com%s/",
				   conf->region, strncmp(conf->region, "cn-", 3) == 0 ? ".cn" : "");
	int rc = n < 0 || (size_t)n >= sizeof c->url ? -ENAMETOOLONG : logs_batch_init(&c->batch);
	if (rc)
		logs_free(&c);
	else
		*out = c;
	return rc;
}

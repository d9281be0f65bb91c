#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cloud/aws.h"
#include "json_text.h"
#include "logs_batch.h"
#include "rt/log.h"
#include "sinks.h"

/* A text of control characters becomes six times as long in JSON; the records' own escapes twice. */
#define BODY_MAX (8u << 20)

struct cloudwatch {
	struct sink sink;
	struct sinks_env env;
	struct cloudwatch_conf conf;
	struct logs_batch batch;
	struct buf text, body;
	char url[256], region[32];
};

static struct cloudwatch *cw_of(struct sink *s)
{
	return (struct cloudwatch *)s;
}

static enum sink_add cw_add(struct sink *s, const struct record *r)
{
	struct cloudwatch *c = cw_of(s);
	struct bytes text = r->line;
	int64_t now_ms = (int64_t)time(NULL) * 1000;
	size_t max = LOGS_EVENT_MAX - LOGS_EVENT_ADD;
	bool large = text.n > max;
	if (large) {
		buf_reset(&c->text);
		if (logs_shorten(r->json, max, &c->text) != 0) {
			s->counts.left++;
			return SINK_LEFT;
		}
		text = buf_bytes(&c->text);
	}
	enum sink_add took = logs_batch_add(&c->batch, text, r->init_s * 1000, now_ms);
	s->counts.left += took == SINK_LEFT;
	s->counts.shortened += took == SINK_TAKEN && large;
	return took;
}

static void end(struct cloudwatch *c, enum sink_result r, const char *why, uint64_t wait_ns)
{
	c->sink.done(c->sink.arg, r, why, wait_ns);
}

static void call(struct cloudwatch *c, const char *action, http_fn done)
{
	char target[64];
	const struct creds *creds;
	const char *why;
	int rc = creds_get(c->env.creds, &creds, &why);
	if (rc) {
		end(c, rc == -ENOENT ? SINK_STUCK : SINK_RETRY, why, 0);
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
		.region = c->region,
		.done = done,
		.arg = c,
	};
	rc = http_send(c->env.http, &r);
	if (rc)
		end(c, SINK_RETRY, strerror(-rc), 0);
}

static void judge(struct cloudwatch *c, const struct http_answer *a, struct verdict *v)
{
	aws_judge(c->env.creds, a, "CloudWatch Logs", v);
}

static void end_failed(struct cloudwatch *c, const struct http_answer *a, const struct verdict *v)
{
	static const enum sink_result results[] = {[ANSWER_GOOD] = SINK_DELIVERED,
						   [ANSWER_RETRY] = SINK_RETRY,
						   [ANSWER_STUCK] = SINK_STUCK,
						   [ANSWER_REFUSED] = SINK_REFUSED};
	end(c, results[v->result], v->why, a->wait_ns);
}

/* Names of group, and of the stream when asked for, as the request's body. */
static void name_body(struct cloudwatch *c, bool stream)
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

static void cw_send(struct sink *s);

/* True when the answer is a success, or says that the thing was there already. */
static bool made(struct cloudwatch *c, const struct http_answer *a)
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

static void on_stream(void *arg, const struct http_answer *a)
{
	struct cloudwatch *c = arg;
	if (made(c, a)) {
		log_info("log stream made", "group=\"%s\" stream=\"%s\"", c->conf.group,
			 c->conf.stream);
		cw_send(&c->sink);
	}
}

static void on_group(void *arg, const struct http_answer *a)
{
	struct cloudwatch *c = arg;
	if (!made(c, a))
		return;
	name_body(c, true);
	call(c, "CreateLogStream", on_stream);
}

/* Events that the service did not want by their time: it names the first that was too new, the last too old. */
static void count_rejected(struct cloudwatch *c, struct bytes body)
{
	static const char *const keys[] = {"tooOldLogEventEndIndex", "expiredLogEventEndIndex"};
	struct json_tokener *t = json_tokener_new_ex(8);
	struct json_object *o =
		t && body.n ? json_tokener_parse_ex(t, (const char *)body.p, (int)body.n) : NULL;
	struct json_object *info, *v;
	if (o && json_object_object_get_ex(o, "rejectedLogEventsInfo", &info)) {
		int64_t old = 0, from = (int64_t)c->batch.n;
		for (size_t i = 0; i < 2; i++)
			if (json_object_object_get_ex(info, keys[i], &v) &&
			    json_object_get_int64(v) > old)
				old = json_object_get_int64(v);
		if (json_object_object_get_ex(info, "tooNewLogEventStartIndex", &v))
			from = json_object_get_int64(v);
		if (old >= 0 && old <= (int64_t)c->batch.n)
			c->sink.counts.left += (uint64_t)old;
		if (from >= 0 && from < (int64_t)c->batch.n)
			c->sink.counts.left += c->batch.n - (uint64_t)from;
		log_warn("log events rejected by their time", "info=\"%s\"",
			 json_object_to_json_string_ext(info, JSON_C_TO_STRING_NOSLASHESCAPE));
	}
	json_object_put(o);
	if (t)
		json_tokener_free(t);
}

static void on_put(void *arg, const struct http_answer *a)
{
	struct cloudwatch *c = arg;
	struct verdict v;
	if (aws_good(a)) {
		count_rejected(c, a->body);
		end(c, SINK_DELIVERED, NULL, 0);
		return;
	}
	judge(c, a, &v);
	if (strcmp(v.code, "ResourceNotFoundException") == 0) {
		name_body(c, false);
		call(c, "CreateLogGroup", on_group);
	} else if (strcmp(v.code, "DataAlreadyAcceptedException") == 0) {
		end(c, SINK_DELIVERED, NULL, 0);
	} else {
		end_failed(c, a, &v);
	}
}

static void cw_send(struct sink *s)
{
	struct cloudwatch *c = cw_of(s);
	buf_reset(&c->body);
	int rc = logs_batch_body(&c->batch, c->conf.group, c->conf.stream, &c->body);
	if (rc)
		end(c, SINK_REFUSED, strerror(-rc), 0);
	else
		call(c, "PutLogEvents", on_put);
}

static void cw_clear(struct sink *s)
{
	logs_batch_clear(&cw_of(s)->batch);
}

static void cw_drain(struct sink *s, int ms)
{
	http_drain(cw_of(s)->env.http, ms);
}

static void cw_free(struct sink *s)
{
	struct cloudwatch *c = cw_of(s);
	logs_batch_fini(&c->batch);
	buf_fini(&c->text);
	buf_fini(&c->body);
	free(c);
}

static const struct sink_class cw_class = {.name = "cloudwatch",
					   .add = cw_add,
					   .send = cw_send,
					   .clear = cw_clear,
					   .drain = cw_drain,
					   .free = cw_free};

int sink_cloudwatch_new(const struct sinks_env *env, const struct cloudwatch_conf *conf,
			struct sink **out)
{
	struct cloudwatch *c = calloc(1, sizeof *c);
	if (!c)
		return -ENOMEM;
	c->sink.class = &cw_class;
	c->env = *env;
	c->conf = *conf;
	buf_init(&c->text, LOGS_EVENT_MAX);
	buf_init(&c->body, BODY_MAX);
	snprintf(c->region, sizeof c->region, "%s", conf->region);
	int n = conf->endpoint && *conf->endpoint
			? snprintf(c->url, sizeof c->url, "%s/", conf->endpoint)
			: snprintf(c->url, sizeof c->url, "https://logs.%s.amazonaws.com%s/",
				   c->region, strncmp(c->region, "cn-", 3) == 0 ? ".cn" : "");
	int rc = n < 0 || (size_t)n >= sizeof c->url ? -ENAMETOOLONG : logs_batch_init(&c->batch);
	if (rc)
		cw_free(&c->sink);
	else
		*out = &c->sink;
	return rc;
}

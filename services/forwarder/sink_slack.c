#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sink_http.h"
#include "sinks.h"
#include "slack_text.h"

/* Records that one message may stand for; beyond them the delivery waits. */
#define SLACK_RECORDS 100000
#define BODY_MAX      (1u << 18)

struct slack {
	struct sink sink;
	struct http *http;
	const struct conf *conf;
	struct slack_text text;
	struct buf body;
};

static struct slack *slack_of(struct sink *s)
{
	return (struct slack *)s;
}

static enum sink_add slack_add(struct sink *s, const struct record *r)
{
	struct slack *k = slack_of(s);
	if (k->text.n == SLACK_RECORDS)
		return SINK_FULL;
	if (slack_text_add(&k->text, r->json) == 0)
		return SINK_TAKEN;
	s->counts.left++;
	return SINK_LEFT;
}

static void on_response(void *arg, const struct http_response *a)
{
	/* 400 is invalid_payload; a wrong or revoked URL is 403, 404 or 410. */
	static const long refused[] = {400, 0};
	struct slack *k = arg;
	struct verdict v;
	enum outcome r = sink_response(a, "Slack", refused, &v);
	uint64_t every_ns = (uint64_t)k->conf->slack_every_s * 1000000000u;
	k->sink.done(k->sink.arg, r, v.why, r == OUTCOME_OK ? every_ns : a->wait_ns);
}

static void slack_send(struct sink *s)
{
	struct slack *k = slack_of(s);
	buf_reset(&k->body);
	int rc = slack_text_body(&k->text, &k->body);
	if (rc) {
		s->done(s->arg, OUTCOME_REFUSED, strerror(-rc), 0);
		return;
	}
	struct http_request r = {.method = "POST",
				 .url = k->conf->slack_url,
				 .headers = {"Content-Type: application/json"},
				 .body = buf_bytes(&k->body),
				 .done = on_response,
				 .arg = k};
	sink_request(s, k->http, &r);
}

static void slack_clear(struct sink *s)
{
	slack_text_clear(&slack_of(s)->text);
}

static void slack_free(struct sink *s)
{
	struct slack *k = slack_of(s);
	slack_text_fini(&k->text);
	buf_fini(&k->body);
	free(k);
}

static int slack_check(const struct conf *c, char *why, size_t n)
{
	return sink_url("slack_url", c->slack_url, why, n);
}

static int slack_new(const struct sink_env *env, struct sink **out)
{
	struct slack *k = calloc(1, sizeof *k);
	if (!k)
		return -ENOMEM;
	k->sink.class = &sink_slack;
	k->http = env->http;
	k->conf = env->conf;
	slack_text_init(&k->text);
	buf_init(&k->body, BODY_MAX);
	*out = &k->sink;
	return 0;
}

const struct sink_class sink_slack = {.name = "slack",
				      .check = slack_check,
				      .new = slack_new,
				      .add = slack_add,
				      .send = slack_send,
				      .clear = slack_clear,
				      .free = slack_free};

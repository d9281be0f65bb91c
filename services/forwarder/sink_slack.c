#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/answer.h"
#include "sinks.h"
#include "slack_text.h"

/* Records that one message may stand for; beyond them the lane waits. */
#define SLACK_RECORDS 100000
#define BODY_MAX      (1u << 18)

struct slack {
	struct sink sink;
	struct sinks_env env;
	struct slack_conf conf;
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

static void on_answer(void *arg, const struct http_answer *a)
{
	struct slack *k = arg;
	struct verdict v;
	answer_judge(a, false, false, "Slack", &v);
	enum sink_result r = v.result == ANSWER_GOOD    ? SINK_DELIVERED
			     : v.result == ANSWER_RETRY ? SINK_RETRY
							: SINK_STUCK;
	/* 400 is invalid_payload; a wrong or revoked URL is 403, 404 or 410. */
	if (!a->curl && a->status == 400)
		r = SINK_REFUSED;
	k->sink.done(k->sink.arg, r, v.why, r == SINK_DELIVERED ? k->conf.every_ns : a->wait_ns);
}

static void slack_send(struct sink *s)
{
	struct slack *k = slack_of(s);
	buf_reset(&k->body);
	int rc = slack_text_body(&k->text, &k->body);
	if (rc) {
		s->done(s->arg, SINK_REFUSED, strerror(-rc), 0);
		return;
	}
	struct http_request r = {.method = "POST",
				 .url = k->conf.url,
				 .headers = {"Content-Type: application/json"},
				 .body = buf_bytes(&k->body),
				 .done = on_answer,
				 .arg = k};
	rc = http_send(k->env.http, &r);
	if (rc)
		s->done(s->arg, SINK_RETRY, strerror(-rc), 0);
}

static void slack_clear(struct sink *s)
{
	slack_text_clear(&slack_of(s)->text);
}

static void slack_drain(struct sink *s, int ms)
{
	http_drain(slack_of(s)->env.http, ms);
}

static void slack_free(struct sink *s)
{
	struct slack *k = slack_of(s);
	slack_text_fini(&k->text);
	buf_fini(&k->body);
	free(k);
}

static const struct sink_class slack_class = {.name = "slack",
					      .add = slack_add,
					      .send = slack_send,
					      .clear = slack_clear,
					      .drain = slack_drain,
					      .free = slack_free};

int sink_slack_new(const struct sinks_env *env, const struct slack_conf *conf, struct sink **out)
{
	struct slack *k = calloc(1, sizeof *k);
	if (!k)
		return -ENOMEM;
	k->sink.class = &slack_class;
	k->env = *env;
	k->conf = *conf;
	slack_text_init(&k->text);
	buf_init(&k->body, BODY_MAX);
	*out = &k->sink;
	return 0;
}

#include <errno.h>
#include <stdlib.h>

#include "cloud/logs.h"
#include "sinks.h"

struct cloudwatch {
	struct sink sink;
	struct http *http;
	struct logs *logs;
};

static struct cloudwatch *cw_of(struct sink *s)
{
	return (struct cloudwatch *)s;
}

static enum sink_add cw_add(struct sink *s, const struct record *r)
{
	static const enum sink_add results[] = {
		[LOGS_TAKEN] = SINK_TAKEN, [LOGS_FULL] = SINK_FULL, [LOGS_LEFT] = SINK_LEFT};
	struct cloudwatch *c = cw_of(s);
	enum logs_add took = logs_add(c->logs, r->line, r->json, r->init_s);
	s->counts.left = logs_counts(c->logs)->left;
	s->counts.shortened = logs_counts(c->logs)->shortened;
	return results[took];
}

static void on_done(void *arg, enum answer r, const char *why, uint64_t wait_ns)
{
	static const enum sink_result results[] = {[ANSWER_GOOD] = SINK_DELIVERED,
						   [ANSWER_RETRY] = SINK_RETRY,
						   [ANSWER_STUCK] = SINK_STUCK,
						   [ANSWER_REFUSED] = SINK_REFUSED};
	struct cloudwatch *c = arg;
	c->sink.counts.left = logs_counts(c->logs)->left;
	c->sink.done(c->sink.arg, results[r], why, wait_ns);
}

static void cw_send(struct sink *s)
{
	logs_send(cw_of(s)->logs);
}

static void cw_clear(struct sink *s)
{
	logs_clear(cw_of(s)->logs);
}

static void cw_drain(struct sink *s, int ms)
{
	http_drain(cw_of(s)->http, ms);
}

static void cw_free(struct sink *s)
{
	logs_free(&cw_of(s)->logs);
	free(s);
}

static const struct sink_class cw_class = {.name = "cloudwatch",
					   .add = cw_add,
					   .send = cw_send,
					   .clear = cw_clear,
					   .drain = cw_drain,
					   .free = cw_free};

int sink_cloudwatch_new(const struct sinks_env *env, const struct logs_conf *conf,
			struct sink **out)
{
	struct cloudwatch *c = calloc(1, sizeof *c);
	if (!c)
		return -ENOMEM;
	c->sink.class = &cw_class;
	c->http = env->http;
	int rc = logs_new(env->http, env->creds, conf, on_done, c, &c->logs);
	if (rc)
		cw_free(&c->sink);
	else
		*out = &c->sink;
	return rc;
}

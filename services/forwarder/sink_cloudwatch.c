#include <errno.h>
#include <stdlib.h>

#include "cloud/logs.h"
#include "sink_http.h"
#include "sinks.h"

struct cloudwatch {
	struct sink sink;
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
	enum logs_add took = logs_add(c->logs, r->line, r->json, (int64_t)r->init_ts);
	s->counts.left = logs_counts(c->logs)->left;
	s->counts.shortened = logs_counts(c->logs)->shortened;
	return results[took];
}

static void on_done(void *arg, enum outcome r, const char *why, uint64_t wait_ns)
{
	struct cloudwatch *c = arg;
	c->sink.counts.left = logs_counts(c->logs)->left;
	c->sink.done(c->sink.arg, r, why, wait_ns);
}

static void cw_send(struct sink *s)
{
	logs_send(cw_of(s)->logs);
}

static void cw_clear(struct sink *s)
{
	logs_clear(cw_of(s)->logs);
}

static void cw_free(struct sink *s)
{
	logs_free(&cw_of(s)->logs);
	free(s);
}

static int cw_check(const struct conf *c, char *why, size_t n)
{
	return sink_url("cloudwatch_endpoint", c->cloudwatch_endpoint, why, n);
}

static int cw_new(const struct sink_env *env, struct sink **out)
{
	const struct conf *conf = env->conf;
	bool stream = conf->cloudwatch_stream && *conf->cloudwatch_stream;
	const struct logs_conf lc = {.group = conf->cloudwatch_group,
				     .stream = stream ? conf->cloudwatch_stream : env->sensor,
				     .region = env->region,
				     .endpoint = conf->cloudwatch_endpoint};
	struct cloudwatch *c = calloc(1, sizeof *c);
	if (!c)
		return -ENOMEM;
	c->sink.class = &sink_cloudwatch;
	int rc = logs_new(env->http, env->creds, &lc, on_done, c, &c->logs);
	if (rc)
		cw_free(&c->sink);
	else
		*out = &c->sink;
	return rc;
}

const struct sink_class sink_cloudwatch = {.name = "cloudwatch",
					   .check = cw_check,
					   .new = cw_new,
					   .add = cw_add,
					   .send = cw_send,
					   .clear = cw_clear,
					   .free = cw_free};

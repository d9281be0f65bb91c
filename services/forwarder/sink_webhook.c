#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cloud/secret.h"
#include "sink_http.h"
#include "sinks.h"

#define WEBHOOK_RECORDS 10000

struct webhook {
	struct sink sink;
	struct http *http;
	const struct conf *conf;
	struct buf body;
	size_t n;
};

static struct webhook *hook_of(struct sink *s)
{
	return (struct webhook *)s;
}

static enum sink_add hook_add(struct sink *s, const struct record *r)
{
	struct webhook *h = hook_of(s);
	if (r->line.n + 1 > h->conf->webhook_max_bytes) {
		s->counts.left++;
		return SINK_LEFT;
	}
	if (h->n == WEBHOOK_RECORDS || h->body.n + r->line.n + 1 > h->conf->webhook_max_bytes ||
	    buf_add(&h->body, r->line.p, r->line.n) != 0 || buf_addc(&h->body, '\n') != 0)
		return SINK_FULL;
	h->n++;
	return SINK_TAKEN;
}

static void on_response(void *arg, const struct http_response *a)
{
	static const long refused[] = {400, 413, 422, 0};
	struct webhook *h = arg;
	struct verdict v;
	enum outcome r = sink_response(a, "webhook", refused, &v);
	h->sink.done(h->sink.arg, r, v.why, a->wait_ns);
}

static void hook_send(struct sink *s)
{
	struct webhook *h = hook_of(s);
	char token[4096], line[4200];
	struct http_request r = {.method = "POST",
				 .url = h->conf->webhook_url,
				 .headers = {"Content-Type: application/x-ndjson"},
				 .body = buf_bytes(&h->body),
				 .done = on_response,
				 .arg = h};
	const char *file = h->conf->webhook_token_file;
	/* Read each time, so that a new token needs no restart. */
	if (file && *file) {
		if (secret_line(file, token, sizeof token) != 0) {
			s->done(s->arg, OUTCOME_STUCK,
				"the file of the webhook's token cannot be read", 0);
			return;
		}
		snprintf(line, sizeof line, "Authorization: Bearer %s", token);
		r.headers[1] = line;
	}
	sink_request(s, h->http, &r);
}

static void hook_clear(struct sink *s)
{
	buf_reset(&hook_of(s)->body);
	hook_of(s)->n = 0;
}

static void hook_free(struct sink *s)
{
	buf_fini(&hook_of(s)->body);
	free(s);
}

static int hook_check(const struct conf *c, char *why, size_t n)
{
	return sink_url("webhook_url", c->webhook_url, why, n);
}

static int hook_new(const struct sink_env *env, struct sink **out)
{
	struct webhook *h = calloc(1, sizeof *h);
	if (!h)
		return -ENOMEM;
	h->sink.class = &sink_webhook;
	h->http = env->http;
	h->conf = env->conf;
	buf_init(&h->body, h->conf->webhook_max_bytes);
	*out = &h->sink;
	return 0;
}

const struct sink_class sink_webhook = {.name = "webhook",
					.check = hook_check,
					.new = hook_new,
					.add = hook_add,
					.send = hook_send,
					.clear = hook_clear,
					.free = hook_free};

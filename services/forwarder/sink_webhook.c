#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cloud/answer.h"
#include "sinks.h"

#define WEBHOOK_RECORDS 10000

struct webhook {
	struct sink sink;
	struct sinks_env env;
	struct webhook_conf conf;
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
	if (r->line.n + 1 > h->conf.max_bytes) {
		s->counts.left++;
		return SINK_LEFT;
	}
	if (h->n == WEBHOOK_RECORDS || h->body.n + r->line.n + 1 > h->conf.max_bytes ||
	    buf_add(&h->body, r->line.p, r->line.n) != 0 || buf_addc(&h->body, '\n') != 0)
		return SINK_FULL;
	h->n++;
	return SINK_TAKEN;
}

static void on_answer(void *arg, const struct http_answer *a)
{
	struct webhook *h = arg;
	struct verdict v;
	answer_judge(a, false, false, "webhook", &v);
	enum sink_result r = v.result == ANSWER_GOOD    ? SINK_DELIVERED
			     : v.result == ANSWER_RETRY ? SINK_RETRY
							: SINK_STUCK;
	if (!a->curl && (a->status == 413 || a->status == 400 || a->status == 422))
		r = SINK_REFUSED;
	h->sink.done(h->sink.arg, r, v.why, a->wait_ns);
}

/* "Authorization: Bearer TOKEN" from the file, read each time so that a new token needs no restart. */
static int bearer(const char *path, char *line, size_t n)
{
	char token[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t got = read(fd, token, sizeof token - 1);
	close(fd);
	size_t len = 0;
	while (got > 0 && len < (size_t)got && token[len] > ' ' && token[len] < 0x7f)
		len++;
	if (!len)
		return -EINVAL;
	snprintf(line, n, "Authorization: Bearer %.*s", (int)len, token);
	return 0;
}

static void hook_send(struct sink *s)
{
	struct webhook *h = hook_of(s);
	char line[4200];
	struct http_request r = {.method = "POST",
				 .url = h->conf.url,
				 .headers = {"Content-Type: application/x-ndjson"},
				 .body = buf_bytes(&h->body),
				 .done = on_answer,
				 .arg = h};
	if (h->conf.token_file && *h->conf.token_file) {
		int rc = bearer(h->conf.token_file, line, sizeof line);
		if (rc) {
			s->done(s->arg, SINK_STUCK,
				"the file of the webhook's token cannot be read", 0);
			return;
		}
		r.headers[1] = line;
	}
	int rc = http_send(h->env.http, &r);
	if (rc)
		s->done(s->arg, SINK_RETRY, strerror(-rc), 0);
}

static void hook_clear(struct sink *s)
{
	buf_reset(&hook_of(s)->body);
	hook_of(s)->n = 0;
}

static void hook_drain(struct sink *s, int ms)
{
	http_drain(hook_of(s)->env.http, ms);
}

static void hook_free(struct sink *s)
{
	buf_fini(&hook_of(s)->body);
	free(s);
}

static const struct sink_class hook_class = {.name = "webhook",
					     .add = hook_add,
					     .send = hook_send,
					     .clear = hook_clear,
					     .drain = hook_drain,
					     .free = hook_free};

int sink_webhook_new(const struct sinks_env *env, const struct webhook_conf *conf,
		     struct sink **out)
{
	struct webhook *h = calloc(1, sizeof *h);
	if (!h)
		return -ENOMEM;
	h->sink.class = &hook_class;
	h->env = *env;
	h->conf = *conf;
	buf_init(&h->body, conf->max_bytes);
	*out = &h->sink;
	return 0;
}

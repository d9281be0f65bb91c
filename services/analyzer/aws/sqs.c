#include "aws/sqs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/aws.h"
#include "cloud/http_client.h"

/* A request names at most ten handles. */
#define BODY_MAX (64u << 10)

enum { GET, DELETE, KEEP, KINDS };

/* One kind of request. */
struct ask {
	struct sqs *sqs;
	const char *action;
	struct buf body;
	size_t n; /* messages asked for, or entries */
	sqs_message_fn take;
	sqs_end_fn done;
	void *arg;
};

struct sqs {
	struct sqs_conf conf;
	char endpoint[256], region[32];
	struct ask asks[KINDS];
};

int sqs_new(const struct sqs_conf *conf, struct sqs **out)
{
	static const char *const actions[KINDS] = {"ReceiveMessage", "DeleteMessageBatch",
						   "ChangeMessageVisibilityBatch"};
	struct sqs *s = calloc(1, sizeof *s);
	if (!s)
		return -ENOMEM;
	s->conf = *conf;
	for (size_t i = 0; i < KINDS; i++) {
		s->asks[i] = (struct ask){.sqs = s, .action = actions[i]};
		buf_init(&s->asks[i].body, BODY_MAX);
	}
	int rc = sqs_queue(conf->url, s->endpoint, s->region);
	if (!s->region[0])
		snprintf(s->region, sizeof s->region, "%s", conf->region);
	if (rc)
		sqs_free(&s);
	*out = s;
	return rc;
}

void sqs_free(struct sqs **sp)
{
	for (size_t i = 0; *sp && i < KINDS; i++)
		buf_fini(&(*sp)->asks[i].body);
	free(*sp);
	*sp = NULL;
}

static void fail(const struct ask *a, enum outcome result, const char *why, uint64_t wait_ns)
{
	const struct sqs_end end = {.result = result, .why = why, .wait_ns = wait_ns};
	a->done(a->arg, &end);
}

static void on_entry(void *arg, size_t i, bool gone, struct bytes code)
{
	struct sqs_end *end = arg;
	(void)code;
	end->failed |= 1u << i;
	if (gone)
		end->gone |= 1u << i;
}

static void on_response(void *arg, const struct http_response *http)
{
	struct ask *a = arg;
	struct sqs_end end = {.wait_ns = http->wait_ns};
	struct verdict v;
	int rc;

	if (!aws_good(http)) {
		aws_judge(a->sqs->conf.creds, http, "SQS", &v);
		/* A request of ours that is wrong as such is so every time. */
		end.result = v.result == OUTCOME_REFUSED ? OUTCOME_STUCK : v.result;
		end.why = v.why;
		a->done(a->arg, &end);
		return;
	}
	if (a->take) {
		rc = sqs_received(http->body, a->n, a->take, a->arg);
		end.unusable = rc > 0 ? (unsigned)rc : 0;
	} else {
		rc = sqs_failed(http->body, a->n, on_entry, &end);
	}
	if (rc < 0)
		fail(a, OUTCOME_RETRY, "SQS: the response cannot be read", 0);
	else
		a->done(a->arg, &end);
}

static void ask(struct ask *a, int rc, int64_t patience_s)
{
	const struct sqs *s = a->sqs;
	const struct creds *creds;
	const char *why;
	char target[64];

	if (rc) {
		fail(a, OUTCOME_RETRY, strerror(-rc), 0);
		return;
	}
	rc = creds_get(s->conf.creds, &creds, &why);
	if (rc) {
		fail(a, rc == -ENOENT ? OUTCOME_STUCK : OUTCOME_RETRY, why, 0);
		return;
	}
	snprintf(target, sizeof target, "X-Amz-Target: AmazonSQS.%s", a->action);
	struct http_request r = {
		.method = "POST",
		.url = s->endpoint,
		.headers = {SQS_CONTENT_TYPE, target},
		.body = buf_bytes(&a->body),
		.patience_s = patience_s,
		.creds = creds,
		.service = "sqs",
		.region = s->region,
		.done = on_response,
		.arg = a,
	};
	rc = http_send(s->conf.http, &r);
	if (rc)
		fail(a, OUTCOME_RETRY, strerror(-rc), 0);
}

void sqs_get(struct sqs *s, unsigned max, unsigned visibility_s, sqs_message_fn take,
	     sqs_end_fn done, void *arg)
{
	struct ask *a = &s->asks[GET];
	a->n = max;
	a->take = take;
	a->done = done;
	a->arg = arg;
	buf_reset(&a->body);
	ask(a, sqs_receive(&a->body, s->conf.url, max, visibility_s), SQS_WAIT_S);
}

void sqs_stop_get(struct sqs *s)
{
	http_cancel(s->conf.http, on_response, &s->asks[GET]);
}

static void batch(struct ask *a, const char *const *handles, const unsigned *visibility_s, size_t n,
		  sqs_end_fn done, void *arg)
{
	a->n = n;
	a->done = done;
	a->arg = arg;
	buf_reset(&a->body);
	ask(a, sqs_batch(&a->body, a->sqs->conf.url, handles, visibility_s, n), 0);
}

void sqs_delete(struct sqs *s, const char *const *handles, size_t n, sqs_end_fn done, void *arg)
{
	batch(&s->asks[DELETE], handles, NULL, n, done, arg);
}

void sqs_keep(struct sqs *s, const char *const *handles, const unsigned *visibility_s, size_t n,
	      sqs_end_fn done, void *arg)
{
	batch(&s->asks[KEEP], handles, visibility_s, n, done, arg);
}

/*
 * One invocation at a time:
 *
 *   next ─► get its objects, a few at once ─► records ─► out ─► response or error
 *
 * The response of an event of SQS says which of its messages failed.
 *
 * What can pass is tried again until shortly before the function's time is over. Neither the disk
 * (but for /tmp) nor the bus is used. (AWS Lambda Developer Guide, "Using the Lambda runtime API
 * for custom runtimes".)
 */
#include "input/input_lambda.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cloud/json_text.h"
#include "input/lambda_run.h"
#include "rt/sandbox.h"

/* Requests beside: of the runtime API, of CloudWatch Logs. */
#define MORE_CALLS 2
#define EVENT_MAX  (8u << 20)
/* So long before the end of the function's time, what is not done is given up. */
#define MARGIN_NS (2 * NS_PER_S)
/* No further objects while so much waits to go out. */
#define OUT_FULL      (8u << 20)
#define OUT_MAX       (96u << 20)
#define RETRY_MAX_NS  (5 * NS_PER_S)
#define CREDS_SOON_NS (NS_PER_S / 5)
/* What is kept of the memory for one record's text. */
#define LINE_KEEP (256u << 10)

const char *const input_lambda_calls[] = {"pwrite64", HTTP_CALLS, NULL};

static void lambda_step(void *arg);

/* answer: ends the invocation. why NULL: response. */
static void lambda_respond(struct input_lambda *la, const char *why)
{
	char what[sizeof la->id + 32];
	size_t failed = 0;

	for (size_t i = 0; i < la->event.n; i++)
		failed += la->event.v[i].failed;
	log_each(LOG_LEVEL_INFO, "invocation done",
		 "id=%s items=%zu failed=%zu objects=%" PRIu64 " records=%" PRIu64 " ms=%" PRIu64,
		 la->id, la->event.n, why && !failed ? 1 : failed, la->objects, la->records,
		 (clock_mono_ns() - la->begin_ns) / NS_PER_MS);
	la->answering = true;
	snprintf(what, sizeof what, "invocation/%s/%s", la->id, why ? "error" : "response");
	if (why) {
		lambda_error_body(la, "Lurker.Event", why);
	} else {
		buf_reset(&la->body);
		lambda_response(&la->body, &la->event);
	}
	lambda_event_fini(&la->event);
	lambda_tell(la, what, lambda_on_told);
}

static void lambda_fail(struct input_lambda *la, struct lambda_item *item, const char *path,
			const char *why)
{
	char text[400];

	item->failed = true;
	snprintf(text, sizeof text, "%.160s%s%.200s", why, path ? ": " : "", path ? path : "");
	log_clean(text, '.');
	log_each(LOG_LEVEL_ERROR, "message failed", "id=%s receives=%u error=\"%s\"",
		 item->id[0] ? item->id : la->id, item->receives, text);
}

static bool lambda_at_end(struct input_lambda *la)
{
	for (size_t i = 0; i < LAMBDA_FETCHES; i++)
		if (la->fetch[i].used && !la->fetch[i].stale)
			return false;
	return la->item == la->event.n;
}

/* over: all that could be done is done, and out. */
static void lambda_end(struct input_lambda *la)
{
	const char *why = NULL;

	for (size_t i = 0; i < la->event.n; i++)
		if (la->event.v[i].failed && !la->event.sqs)
			why = "not all objects could be analysed; the log says which";
	lambda_respond(la, why);
}

/* Called when nothing waits to go out. */
static void on_drained(void *arg)
{
	struct input_lambda *la = arg;

	if (la->busy && !la->answering)
		loop_at(la->loop, clock_mono_ns(), lambda_step, la);
}

/* give_up: the function's time is nearly over: what is not done fails, and comes again. */
static void lambda_give_up(struct input_lambda *la)
{
	for (size_t i = 0; i < LAMBDA_FETCHES; i++) {
		struct lambda_fetch *f = &la->fetch[i];
		if (!f->used || f->stale)
			continue;
		lambda_fail(la, &la->event.v[f->item], la->event.v[f->item].event.v[f->object].key,
			    "not done in the function's time");
		f->stale = f->out;
		f->used = f->out;
	}
	for (; la->item < la->event.n; la->item++, la->object = 0)
		if (la->event.v[la->item].rc == 0 && la->object < la->event.v[la->item].event.n)
			lambda_fail(la, &la->event.v[la->item], NULL,
				    "not done in the function's time");
	size_t lost = lambda_out_drop(la->out);
	if (lost) {
		/* Nobody knows which of them are out: all come again, and are made again. */
		worker_forget(&la->worker, lost);
		for (size_t i = 0; i < la->event.n; i++)
			la->event.v[i].failed = true;
		log_error("records could not be delivered in the function's time", "records=%zu",
			  lost);
	}
}

/* lambda_take: the record that the worker has just made. 0 or -errno. */
static int lambda_take(struct input_lambda *la)
{
	buf_reset(&la->line);
	int rc = worker_json(&la->worker, &la->line);
	if (!rc)
		rc = lambda_out_put(la->out, buf_bytes(&la->line),
				    (int64_t)(la->worker.record.m.init_ts / NS_PER_S));
	buf_spare(&la->line, LINE_KEEP);
	return rc;
}

static void lambda_send(struct input_lambda *la)
{
	int rc = lambda_out_send(la->out);
	if (rc) {
		log_error("standard output is closed", "error=\"%s\"", strerror(-rc));
		lambda_stop(la, 1);
	}
}

static int lambda_read_object(struct input_lambda *la, const struct event_object *o,
			      const struct fetch_got *got, struct worker_result *res)
{
	struct input_object in;
	size_t n = 0;

	input_object_init(&in, o, got, la->svc->common.sensor);
	int rc = worker_open(&la->worker, got->fd, &in.source);
	while (!rc && (rc = worker_next(&la->worker)) == 1) {
		rc = lambda_take(la);
		n += !rc;
	}
	rc = worker_close(&la->worker, rc, res);
	if (rc) {
		lambda_out_back(la->out, n);
		worker_forget(&la->worker, la->worker.given);
		return rc;
	}
	la->objects++;
	la->records += n;
	return 0;
}

static void on_fetched(void *arg, const struct fetch_got *got)
{
	struct lambda_fetch *f = arg;
	struct input_lambda *la = f->la;

	f->out = false;
	if (f->stale) {
		if (got->result == OUTCOME_OK)
			close(got->fd);
		*f = (struct lambda_fetch){.la = la};
		return;
	}
	struct lambda_item *item = &la->event.v[f->item];
	const struct event_object *o = &item->event.v[f->object];
	struct worker_result res;
	const char *why = got->why;
	bool again = got->result == OUTCOME_RETRY;

	if (got->result == OUTCOME_OK) {
		int rc = lambda_read_object(la, o, got, &res);
		again = rc == -ENOMEM || rc == -ENOSPC || rc == -EIO;
		why = rc ? strerror(-rc) : NULL;
		if (!rc && res.broken)
			lambda_fail(la, item, o->key, res.why);
	}
	uint64_t now = clock_mono_ns();
	if (again) {
		const struct failure failure = {
			.outcome = OUTCOME_RETRY, .why = why, .wait_ns = got->wait_ns};
		retry_failed(&la->retry, &f->attempts, &failure, now, retry_random());
		log_warn("will be tried again", "what=objects error=\"%s\"", why);
	} else {
		if (why)
			lambda_fail(la, item, o->key, why);
		f->used = false;
	}
	loop_at(la->loop, now, lambda_step, la);
}

static bool lambda_advance(struct input_lambda *la, size_t *item, size_t *object)
{
	for (; la->item < la->event.n; la->item++, la->object = 0) {
		if (la->object < la->event.v[la->item].event.n && la->event.v[la->item].rc == 0) {
			*item = la->item;
			*object = la->object++;
			return true;
		}
	}
	return false;
}

/* step: begins what can be begun; ends the invocation when all is done. */
static void lambda_step(void *arg)
{
	struct input_lambda *la = arg;
	uint64_t now = clock_mono_ns(), due = la->until_ns;
	const struct creds *creds;
	const char *why;

	if (!la->busy || la->answering)
		return;
	if (now >= la->until_ns) {
		lambda_give_up(la);
		lambda_end(la);
		return;
	}
	if (creds_get(la->cloud.creds, &creds, &why) == -EAGAIN) {
		loop_at(la->loop, now + CREDS_SOON_NS, lambda_step, la);
		return;
	}
	for (size_t i = 0; i < LAMBDA_FETCHES; i++) {
		struct lambda_fetch *f = &la->fetch[i];
		if (!f->used && lambda_out_bytes(la->out) < OUT_FULL) {
			*f = (struct lambda_fetch){.la = la};
			f->used = lambda_advance(la, &f->item, &f->object);
		}
		if (f->used && !f->out && f->attempts.at_ns <= now) {
			f->out = true;
			f->attempts.n++;
			fetch_object(la->cloud.fetch, &la->event.v[f->item].event.v[f->object],
				     on_fetched, f);
		}
		if (f->used && !f->out && f->attempts.at_ns < due)
			due = f->attempts.at_ns;
	}
	loop_at(la->loop, due, lambda_step, la);
	if (lambda_out_waiting(la->out))
		lambda_send(la);
	if (lambda_at_end(la) && !lambda_out_waiting(la->out) && la->busy && !la->answering)
		lambda_end(la);
}

/* The deadline is told in milliseconds of the real clock. */
static uint64_t deadline(const char *text)
{
	uint64_t now = clock_mono_ns(), real = clock_real_ns();
	uint64_t ms = text ? strtoull(text, NULL, 10) : 0;
	uint64_t left = ms > real / NS_PER_MS ? ms * NS_PER_MS - real : 60 * NS_PER_S;

	return now + (left > 2 * MARGIN_NS ? left - MARGIN_NS : left / 2);
}

void lambda_begin(struct input_lambda *la, const struct http_response *a)
{
	const char *id = http_header(a, "lambda-runtime-aws-request-id");

	if (!id || !*id || strlen(id) >= sizeof la->id ||
	    strspn(id, "0123456789abcdefABCDEF-") != strlen(id)) {
		log_error("an invocation without an id", NULL);
		lambda_stop(la, 1);
		return;
	}
	snprintf(la->id, sizeof la->id, "%s", id);
	la->begin_ns = clock_mono_ns();
	la->until_ns = deadline(http_header(a, "lambda-runtime-deadline-ms"));
	la->busy = true;
	la->answering = false;
	la->item = la->object = 0;
	la->objects = la->records = 0;
	int rc = lambda_event_read(a->body, &la->event);
	if (rc) {
		char why[sizeof la->event.why];
		snprintf(why, sizeof why, "%s", rc == -ENOMEM ? "no memory" : la->event.why);
		log_each(LOG_LEVEL_ERROR, "event refused", "id=%s error=\"%s\"", la->id, why);
		lambda_respond(la, why);
		return;
	}
	for (size_t i = 0; i < la->event.n; i++)
		if (la->event.v[i].rc)
			lambda_fail(la, &la->event.v[i], NULL, la->event.v[i].event.why);
	lambda_step(la);
}

static int lambda_confine(const struct svc *s)
{
	char err[256] = "";
	int rc = sandbox_drop(s->common.user, err, sizeof err);
	if (!rc && s->common.sandbox)
		rc = sandbox_seccomp(input_lambda_calls, err, sizeof err);
	if (rc)
		log_error("sandbox", "error=\"%s\"", *err ? err : strerror(-rc));
	return rc;
}

static int lambda_open(struct input_lambda *la)
{
	const char *tmp = getenv("TMPDIR"), *stream = getenv("AWS_LAMBDA_LOG_STREAM_NAME");
	const char *dir = la->conf->page_dir ? la->conf->page_dir : tmp && *tmp ? tmp : "/tmp";

	int rc = cloud_open(&la->cloud, &la->conf->cloud, la->loop, NULL,
			    LAMBDA_FETCHES + MORE_CALLS, EVENT_MAX, dir);
	if (rc)
		return rc;
	const struct lambda_out_conf oc = {.loop = la->loop,
					   .cloud = &la->cloud,
					   .group = la->conf->log_group,
					   .stream = la->conf->log_stream ? la->conf->log_stream
						     : stream             ? stream
									  : la->svc->common.sensor,
					   .endpoint = la->conf->log_endpoint,
					   .limit = OUT_MAX +
						    RECORD_LINE_MAX(la->conf->stream_bytes),
					   .drained = on_drained,
					   .arg = la};
	rc = worker_init(&la->worker, la->conf, dir);
	if (!rc)
		rc = worker_remember(&la->worker, (size_t)la->conf->sqs_remember, NULL);
	if (!rc)
		rc = lambda_out_new(&oc, &la->out);
	return rc;
}

static int lambda_serve(struct input_lambda *la)
{
	buf_init(&la->body, 4u << 20);
	retry_init(&la->retry,
		   &(const struct retry_conf){.first_ns = NS_PER_S / 5, .max_ns = RETRY_MAX_NS},
		   NULL, NULL);
	buf_init(&la->line, RECORD_LINE_MAX(la->conf->stream_bytes));
	int rc = loop_new(&la->loop);
	if (!rc)
		rc = lambda_confine(la->svc);
	if (!rc)
		rc = lambda_open(la);
	if (rc && la->cloud.http) {
		lambda_error_body(la, "Lurker.Init", strerror(-rc));
		lambda_tell(la, "init/error", lambda_on_init_error);
		http_drain(la->cloud.http, 5000);
	}
	if (!rc) {
		log_info("started", "version=%s region=%s out=\"%s\"", LURKER_VERSION,
			 la->cloud.region,
			 la->conf->log_group ? la->conf->log_group : "standard output");
		lambda_next(la);
		rc = loop_run(la->loop);
	}
	lambda_event_fini(&la->event);
	lambda_out_free(&la->out);
	cloud_close(&la->cloud);
	worker_fini(&la->worker);
	loop_free(&la->loop);
	buf_fini(&la->body);
	buf_fini(&la->line);
	return rc ? 1 : la->code;
}

int input_lambda_run(struct svc *s, const struct conf *c)
{
	const char *api = getenv("AWS_LAMBDA_RUNTIME_API");

	if (!api || !*api) {
		log_error("AWS_LAMBDA_RUNTIME_API is not set",
			  "hint=\"--lambda is what runs inside a Lambda function\"");
		return 2;
	}
	struct input_lambda *la = calloc(1, sizeof *la);
	if (!la) {
		log_error("cannot begin", "error=\"%s\"", strerror(ENOMEM));
		return 1;
	}
	la->svc = s;
	la->conf = c;
	for (size_t i = 0; i < LAMBDA_FETCHES; i++)
		la->fetch[i].la = la;
	snprintf(la->api, sizeof la->api, "http://%.200s/2018-06-01/runtime/", api);
	int code = lambda_serve(la);
	free(la);
	return code;
}

/*
 * One invocation at a time:
 *
 *   next ─► get its objects, a few at once ─► records ─► out ─► response (which messages of SQS failed), or error
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

#include "aws/lambda_out.h"
#include "base/clock.h"
#include "cloud/json_text.h"
#include "cloud/retry.h"
#include "conf.h"
#include "input/input_object.h"
#include "rt/sandbox.h"
#include "work/worker.h"

#define S UINT64_C(1000000000)
/* Objects at once. */
#define FETCHES 8
/* Requests beside: of the runtime API, of CloudWatch Logs. */
#define MORE_CALLS 2
#define EVENT_MAX  (8u << 20)
/* So long before the end of the function's time, what is not done is given up. */
#define MARGIN_NS (2 * S)
/* No further objects while so much waits to go out. */
#define OUT_FULL      (8u << 20)
#define OUT_MAX       (96u << 20)
#define RETRY_MAX_NS  (5 * S)
#define CREDS_SOON_NS (S / 5)
#define NEXT_TRIES    5

const char *const input_lambda_calls[] = {"pwrite64", HTTP_CALLS, NULL};

/* An object under way, or waiting for its next try. */
struct fetching {
	bool used, out;
	bool stale; /* its invocation is over */
	size_t item, object;
	struct attempts attempts;
};

static struct {
	struct svc *svc;
	struct loop *loop;
	struct cloud cloud;
	struct worker worker;
	struct lambda_out *out;
	int code; /* exit code */
	unsigned next_tries;
	char api[256];
	struct buf body; /* of what is told to the API */
	/* The invocation. */
	bool busy, answering;
	char id[128];
	uint64_t begin_ns, until_ns; /* CLOCK_MONOTONIC */
	struct lambda_event event;
	size_t item, object; /* the next to be begun */
	struct fetching fetching[FETCHES];
	struct retry retry; /* nobody is told: Lambda has alarms for functions that fail */
	uint64_t objects, records;
} la;

static void step(void *arg);

static void stop(int code)
{
	la.code = code;
	loop_stop(la.loop);
}

static void next(void *arg);

/* What the API does not take is its trouble: the next invocation comes all the same. */
static void on_told(void *arg, const struct http_response *a)
{
	(void)arg;
	if (a->curl || a->status / 100 != 2)
		log_warn("answer not taken", "id=%s status=%ld error=\"%s\"", la.id, a->status,
			 a->curl ? a->error : "");
	la.busy = false;
	next(NULL);
}

static void tell(const char *what, http_fn done)
{
	char url[sizeof la.api + sizeof la.id + 64];

	snprintf(url, sizeof url, "%s%s", la.api, what);
	const struct http_request r = {.method = "POST",
				       .url = url,
				       .headers = {"Content-Type: application/json"},
				       .body = buf_bytes(&la.body),
				       .direct = true,
				       .done = done};
	int rc = la.body.rc ? la.body.rc : http_send(la.cloud.http, &r);
	if (rc) {
		log_error("cannot answer", "error=\"%s\"", strerror(-rc));
		stop(1);
	}
}

static void error_body(const char *type, const char *message)
{
	buf_reset(&la.body);
	buf_addf(&la.body, "{\"errorType\":\"%s\",\"errorMessage\":", type);
	json_text(&la.body, bytes_str(message));
	buf_adds(&la.body, ",\"stackTrace\":[]}");
}

/* answer: ends the invocation. why NULL: response. */
static void answer(const char *why)
{
	char what[sizeof la.id + 32];
	size_t failed = 0;

	for (size_t i = 0; i < la.event.n; i++)
		failed += la.event.v[i].failed;
	log_each(LOG_LEVEL_INFO, "invocation done",
		 "id=%s items=%zu failed=%zu objects=%" PRIu64 " records=%" PRIu64 " ms=%" PRIu64,
		 la.id, la.event.n, why && !failed ? 1 : failed, la.objects, la.records,
		 (clock_mono_ns() - la.begin_ns) / 1000000);
	la.answering = true;
	snprintf(what, sizeof what, "invocation/%s/%s", la.id, why ? "error" : "response");
	if (why) {
		error_body("Lurker.Event", why);
	} else {
		buf_reset(&la.body);
		lambda_response(&la.body, &la.event);
	}
	lambda_event_fini(&la.event);
	tell(what, on_told);
}

static void fail(struct lambda_item *item, const char *path, const char *why)
{
	char text[400];

	item->failed = true;
	snprintf(text, sizeof text, "%.160s%s%.200s", why, path ? ": " : "", path ? path : "");
	log_clean(text, '.');
	log_each(LOG_LEVEL_ERROR, "message failed", "id=%s receives=%u error=\"%s\"",
		 item->id[0] ? item->id : la.id, item->receives, text);
}

static bool at_end(void)
{
	for (size_t i = 0; i < FETCHES; i++)
		if (la.fetching[i].used && !la.fetching[i].stale)
			return false;
	return la.item == la.event.n;
}

/* over: all that could be done is done, and out. */
static void over(void)
{
	const char *why = NULL;

	for (size_t i = 0; i < la.event.n; i++)
		if (la.event.v[i].failed && !la.event.sqs)
			why = "not all objects could be analysed; the log says which";
	answer(why);
}

/* Called when nothing waits to go out. */
static void on_drained(void *arg)
{
	(void)arg;
	if (la.busy && !la.answering)
		loop_at(la.loop, clock_mono_ns(), step, NULL);
}

/* give_up: the function's time is nearly over: what is not done fails, and comes again. */
static void give_up(void)
{
	for (size_t i = 0; i < FETCHES; i++) {
		struct fetching *f = &la.fetching[i];
		if (!f->used || f->stale)
			continue;
		fail(&la.event.v[f->item], la.event.v[f->item].event.v[f->object].key,
		     "not done in the function's time");
		f->stale = f->out;
		f->used = f->out;
	}
	for (; la.item < la.event.n; la.item++, la.object = 0)
		if (la.event.v[la.item].rc == 0 && la.object < la.event.v[la.item].event.n)
			fail(&la.event.v[la.item], NULL, "not done in the function's time");
	size_t lost = lambda_out_drop(la.out);
	if (lost) {
		/* Nobody knows which of them are out: all come again, and are made again. */
		dedup_back(la.worker.dedup, lost);
		for (size_t i = 0; i < la.event.n; i++)
			la.event.v[i].failed = true;
		log_error("records could not be delivered in the function's time", "records=%zu",
			  lost);
	}
}

static int take(void *arg, const struct record *r, struct bytes line)
{
	(void)arg;
	return lambda_out_put(la.out, line, (int64_t)(r->m.init_ts / S));
}

static void send_out(void)
{
	int rc = lambda_out_send(la.out);
	if (rc) {
		log_error("standard output is closed", "error=\"%s\"", strerror(-rc));
		stop(1);
	}
}

static int read_object(const struct event_object *o, const struct fetch_got *got,
		       struct worker_result *res)
{
	struct input_object in;
	size_t waiting = lambda_out_waiting(la.out);

	input_object_init(&in, o, got, la.svc->common.sensor);
	int rc = worker_read(&la.worker, got->fd, &in.source, res);
	size_t n = lambda_out_waiting(la.out) - waiting;
	if (rc) {
		lambda_out_back(la.out, n);
		dedup_back(la.worker.dedup, n);
		return rc;
	}
	la.objects++;
	la.records += n;
	return 0;
}

static void on_fetched(void *arg, const struct fetch_got *got)
{
	struct fetching *f = arg;

	f->out = false;
	if (f->stale) {
		if (got->result == OUTCOME_OK)
			close(got->fd);
		*f = (struct fetching){0};
		return;
	}
	struct lambda_item *item = &la.event.v[f->item];
	const struct event_object *o = &item->event.v[f->object];
	struct worker_result res;
	const char *why = got->why;
	bool again = got->result == OUTCOME_RETRY;

	if (got->result == OUTCOME_OK) {
		int rc = read_object(o, got, &res);
		again = rc == -ENOMEM || rc == -ENOSPC || rc == -EIO;
		why = rc ? strerror(-rc) : NULL;
		if (!rc && res.broken)
			fail(item, o->key, res.why);
	}
	uint64_t now = clock_mono_ns();
	if (again) {
		const struct failure failure = {
			.outcome = OUTCOME_RETRY, .why = why, .wait_ns = got->wait_ns};
		retry_failed(&la.retry, &f->attempts, &failure, now, retry_random());
		log_warn("will be tried again", "what=objects error=\"%s\"", why);
	} else {
		if (why)
			fail(item, o->key, why);
		f->used = false;
	}
	loop_at(la.loop, now, step, NULL);
}

static bool advance(size_t *item, size_t *object)
{
	for (; la.item < la.event.n; la.item++, la.object = 0) {
		if (la.object < la.event.v[la.item].event.n && la.event.v[la.item].rc == 0) {
			*item = la.item;
			*object = la.object++;
			return true;
		}
	}
	return false;
}

/* step: begins what can be begun; ends the invocation when all is done. */
static void step(void *arg)
{
	uint64_t now = clock_mono_ns(), due = la.until_ns;
	const struct creds *creds;
	const char *why;

	(void)arg;
	if (!la.busy || la.answering)
		return;
	if (now >= la.until_ns) {
		give_up();
		over();
		return;
	}
	if (creds_get(la.cloud.creds, &creds, &why) == -EAGAIN) {
		loop_at(la.loop, now + CREDS_SOON_NS, step, NULL);
		return;
	}
	for (size_t i = 0; i < FETCHES; i++) {
		struct fetching *f = &la.fetching[i];
		if (!f->used && lambda_out_bytes(la.out) < OUT_FULL) {
			*f = (struct fetching){0};
			f->used = advance(&f->item, &f->object);
		}
		if (f->used && !f->out && f->attempts.at_ns <= now) {
			f->out = true;
			f->attempts.n++;
			fetch_object(la.cloud.fetch, &la.event.v[f->item].event.v[f->object],
				     on_fetched, f);
		}
		if (f->used && !f->out && f->attempts.at_ns < due)
			due = f->attempts.at_ns;
	}
	loop_at(la.loop, due, step, NULL);
	if (lambda_out_waiting(la.out))
		send_out();
	if (at_end() && !lambda_out_waiting(la.out) && la.busy && !la.answering)
		over();
}

/* The deadline is told in milliseconds of the real clock. */
static uint64_t deadline(const char *text)
{
	uint64_t now = clock_mono_ns(), real = clock_real_ns();
	uint64_t ms = text ? strtoull(text, NULL, 10) : 0;
	uint64_t left = ms > real / 1000000 ? ms * 1000000 - real : 60 * S;

	return now + (left > 2 * MARGIN_NS ? left - MARGIN_NS : left / 2);
}

static void begin(const struct http_response *a)
{
	const char *id = http_header(a, "lambda-runtime-aws-request-id");

	if (!id || !*id || strlen(id) >= sizeof la.id ||
	    strspn(id, "0123456789abcdefABCDEF-") != strlen(id)) {
		log_error("an invocation without an id", NULL);
		stop(1);
		return;
	}
	snprintf(la.id, sizeof la.id, "%s", id);
	la.begin_ns = clock_mono_ns();
	la.until_ns = deadline(http_header(a, "lambda-runtime-deadline-ms"));
	la.busy = true;
	la.answering = false;
	la.item = la.object = 0;
	la.objects = la.records = 0;
	int rc = lambda_event_read(a->body, &la.event);
	if (rc) {
		char why[sizeof la.event.why];
		snprintf(why, sizeof why, "%s", rc == -ENOMEM ? "no memory" : la.event.why);
		log_each(LOG_LEVEL_ERROR, "event refused", "id=%s error=\"%s\"", la.id, why);
		answer(why);
		return;
	}
	for (size_t i = 0; i < la.event.n; i++)
		if (la.event.v[i].rc)
			fail(&la.event.v[i], NULL, la.event.v[i].event.why);
	step(NULL);
}

static void on_next(void *arg, const struct http_response *a)
{
	(void)arg;
	if (!a->curl && a->status == 200) {
		la.next_tries = 0;
		begin(a);
		return;
	}
	log_warn("no invocation", "status=%ld error=\"%s\"", a->status, a->curl ? a->error : "");
	/* A refusal is the runtime's end, says its guide. */
	if (!a->curl || ++la.next_tries > NEXT_TRIES)
		stop(1);
	else
		loop_at(la.loop, clock_mono_ns() + la.next_tries * (S / 10), next, NULL);
}

static void next(void *arg)
{
	char url[sizeof la.api + 32];

	(void)arg;
	snprintf(url, sizeof url, "%sinvocation/next", la.api);
	const struct http_request r = {
		.method = "GET", .url = url, .patience_s = -1, .direct = true, .done = on_next};
	int rc = http_send(la.cloud.http, &r);
	if (rc) {
		log_error("cannot ask for an invocation", "error=\"%s\"", strerror(-rc));
		stop(1);
	}
}

static void on_init_error(void *arg, const struct http_response *a)
{
	(void)arg;
	(void)a;
}

static int confine(const struct svc *s)
{
	char err[256] = "";
	int rc = sandbox_drop(s->common.user, err, sizeof err);
	if (!rc && s->common.sandbox)
		rc = sandbox_seccomp(input_lambda_calls, err, sizeof err);
	if (rc)
		log_error("sandbox", "error=\"%s\"", *err ? err : strerror(-rc));
	return rc;
}

static int open_all(struct svc *s)
{
	const char *tmp = getenv("TMPDIR"), *stream = getenv("AWS_LAMBDA_LOG_STREAM_NAME");
	const char *dir = settings.page_dir ? settings.page_dir : tmp && *tmp ? tmp : "/tmp";

	int rc = cloud_open(&la.cloud, &settings.cloud, la.loop, NULL, FETCHES + MORE_CALLS,
			    EVENT_MAX, dir);
	if (rc)
		return rc;
	const struct lambda_out_conf oc = {.loop = la.loop,
					   .cloud = &la.cloud,
					   .group = settings.log_group,
					   .stream = settings.log_stream ? settings.log_stream
						     : stream            ? stream
									 : s->common.sensor,
					   .endpoint = settings.log_endpoint,
					   .limit =
						   OUT_MAX + RECORD_LINE_MAX(settings.stream_bytes),
					   .drained = on_drained};
	rc = worker_init(&la.worker, dir, NULL, take, NULL);
	if (!rc)
		rc = worker_remember(&la.worker, (size_t)settings.sqs_remember, NULL);
	if (!rc)
		rc = lambda_out_new(&oc, &la.out);
	return rc;
}

int input_lambda_run(struct svc *s)
{
	const char *api = getenv("AWS_LAMBDA_RUNTIME_API");

	if (!api || !*api) {
		log_error("AWS_LAMBDA_RUNTIME_API is not set",
			  "hint=\"--lambda is what runs inside a Lambda function\"");
		return 2;
	}
	la.svc = s;
	la.code = 0;
	snprintf(la.api, sizeof la.api, "http://%.200s/2018-06-01/runtime/", api);
	buf_init(&la.body, 4u << 20);
	retry_init(&la.retry, &(const struct retry_conf){.first_ns = S / 5, .max_ns = RETRY_MAX_NS},
		   NULL, NULL);
	int rc = loop_new(&la.loop);
	if (!rc)
		rc = confine(s);
	if (!rc)
		rc = open_all(s);
	if (rc && la.cloud.http) {
		error_body("Lurker.Init", strerror(-rc));
		tell("init/error", on_init_error);
		http_drain(la.cloud.http, 5000);
	}
	if (!rc) {
		log_info("started", "version=%s region=%s out=\"%s\"", LURKER_VERSION,
			 la.cloud.region,
			 settings.log_group ? settings.log_group : "standard output");
		next(NULL);
		rc = loop_run(la.loop);
	}
	lambda_event_fini(&la.event);
	lambda_out_free(&la.out);
	cloud_close(&la.cloud);
	worker_fini(&la.worker);
	loop_free(&la.loop);
	buf_fini(&la.body);
	return rc ? 1 : la.code;
}

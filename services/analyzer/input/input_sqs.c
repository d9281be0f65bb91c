/*
 * input_sqs: capture files from S3, named by the messages of a queue, which any number of workers
 * share.
 *
 *   receive ─► get each object ─► records into the file, published ─► delete the message
 *
 * A message is deleted when its records are on disk, not before. What can pass is tried again while
 * the message is kept invisible, so that an outage does not use up its receives; meanwhile none are
 * received. What cannot be done at all is not deleted: it comes again until the queue's redrive
 * policy moves it to the dead-letter queue.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "input/sqs_worker.h"

/* Receive, delete, keep. */
#define SQS_CALLS 3
/* What comes together within this time is flushed together. */
#define GATHER_NS     (20 * NS_PER_MS)
#define KEEP_NS       NS_PER_S
#define CREDS_SOON_NS (200 * NS_PER_MS)
/* Of the ten seconds a service has to end. */
#define DRAIN_FETCH_MS 4000
#define DRAIN_SQS_MS   3000

static void input_sqs_step(void *arg);
static void input_sqs_flush(void *arg);

static void input_sqs_plan(struct input_sqs *w, uint64_t when_ns)
{
	if (!w->draining)
		loop_at(w->serve->svc->loop, when_ns, input_sqs_step, w);
}

static void input_sqs_trouble(void *arg, bool begins, bool stuck, const char *message)
{
	struct input_sqs *w = arg;

	svc_trouble(w->serve->svc, "sqs", begins, stuck, message);
}

static void begin_retry(struct input_sqs *w)
{
	struct retry_conf c = {.first_ns = SERVE_RETRY_FIRST_NS,
			       .max_ns = (uint64_t)w->serve->conf->retry_max_s * NS_PER_S,
			       .stuck_ns = 60 * NS_PER_S,
			       .alert_ns = 60 * NS_PER_S};
#define SERVICE(member, what)                                 \
	c.begins = "SQS worker: trouble with " what;          \
	c.ends = "SQS worker: trouble with " what " is over"; \
	retry_init(&w->member, &c, input_sqs_trouble, w)
	SERVICE(s3, "objects");
	SERVICE(queue, "the queue");
	SERVICE(deletion, "deletion");
	SERVICE(visibility, "visibility");
#undef SERVICE
}

void input_sqs_failed(struct retry *r, const char *what, struct attempts *a, enum outcome outcome,
		      const char *why, uint64_t wait_ns)
{
	const struct failure f = {.outcome = outcome, .why = why, .wait_ns = wait_ns};
	if (!r->streak)
		log_warn("will be tried again", "what=\"%s\" error=\"%s\"", what, why);
	retry_failed(r, a, &f, clock_mono_ns(), retry_random());
}

/* leave: not deleted, so that it goes to the dead-letter queue in its time. */
static void input_sqs_leave(struct input_sqs *w, struct inflight_message *m)
{
	if (!inflight_said(&w->inflight, m->id)) {
		w->serve->count[ANALYZER_SQS_LEFT]++;
		log_each(LOG_LEVEL_ERROR, "message left to the dead-letter queue",
			 "id=%s receives=%u error=\"%s\"", m->id, m->receives, m->spoilt);
	} else {
		log_debug("message left again", "id=%s receives=%u error=\"%s\"", m->id,
			  m->receives, m->spoilt);
	}
	inflight_drop(m);
}

/* spoil: the message cannot be done. Texts of others become one line of the log. */
static void mark_spoilt(struct inflight_message *m, const char *what, const char *why)
{
	const char *key = m->next < m->event.n ? m->event.v[m->next].key : "";

	if (m->spoilt[0])
		return;
	snprintf(m->spoilt, sizeof m->spoilt, "%s%.120s%s%.150s", what, why, *key ? ": " : "", key);
	log_clean(m->spoilt, '.');
}

static void plan_flush(struct input_sqs *w, uint64_t when_ns)
{
	if (w->flush_planned && when_ns > clock_mono_ns())
		return;
	w->flush_planned = true;
	loop_at(w->serve->svc->loop, when_ns, input_sqs_flush, w);
}

/* next_object: one is behind us, for good or not. */
static void next_object(struct input_sqs *w, struct inflight_message *m)
{
	uint64_t now = clock_mono_ns();

	m->attempts = (struct attempts){.at_ns = now};
	m->first_ns = 0;
	m->state = ++m->next < m->event.n ? INFLIGHT_READY : INFLIGHT_READ;
	if (m->state == INFLIGHT_READ)
		plan_flush(w, record_batch_is_full(&w->serve->batch) ||
					      !inflight_count(&w->inflight, INFLIGHT_OUT)
				      ? now
				      : now + GATHER_NS);
}

static void input_sqs_later(struct input_sqs *w, struct inflight_message *m)
{
	m->state = INFLIGHT_READY;
	input_sqs_plan(w, m->attempts.at_ns);
}

/* read_object: the object's records, or what is wrong with it. */
static void read_object(struct input_sqs *w, struct inflight_message *m,
			const struct fetch_got *got)
{
	struct input_object o;
	struct worker_result res;
	input_object_init(&o, &m->event.v[m->next], got, w->serve->svc->common.sensor);
	int rc = serve_read(w->serve, got->fd, &o.source, &res);
	if (rc) {
		/* This host's trouble: no memory, no disk. */
		w->serve->count[ANALYZER_RETRIES]++;
		log_warn("object stays in the queue", "path=%s error=\"%s\"", o.s3path,
			 strerror(-rc));
		m->attempts.at_ns =
			clock_mono_ns() + retry_delay_ns(m->attempts.n, SERVE_RETRY_FIRST_NS,
							 SERVE_RETRY_LAST_NS, retry_random());
		input_sqs_later(w, m);
		plan_flush(w, clock_mono_ns());
		return;
	}
	if (res.broken)
		mark_spoilt(m, "broken capture file: ", res.why);
	next_object(w, m);
}

static void on_fetched(void *arg, const struct fetch_got *got)
{
	struct sqs_fetch *fetch = arg;
	struct input_sqs *w = fetch->w;
	struct inflight_message *m = fetch->m;

	if (m->state != INFLIGHT_OUT) { /* given back meanwhile */
		if (got->result == OUTCOME_OK)
			close(got->fd);
		return;
	}
	if (got->result == OUTCOME_OK) {
		bool outage = retry_passed(&w->s3);
		w->good_ns = clock_mono_ns();
		/* The fault is over: nobody needs to wait any longer. */
		for (size_t i = 0; outage && i < w->inflight.n; i++)
			w->inflight.v[i].attempts.at_ns = w->good_ns;
		read_object(w, m, got);
	} else if (got->result == OUTCOME_REFUSED || (got->forbidden && m->first_ns < w->good_ns)) {
		/* Without the right to list, a missing object is forbidden: when others can be got,
		 * it is this one's fault. */
		mark_spoilt(m, "", got->why);
		next_object(w, m);
	} else {
		w->serve->count[ANALYZER_SQS_RETRIES]++;
		w->serve->count[ANALYZER_SQS_STUCK] += got->result == OUTCOME_STUCK;
		input_sqs_failed(&w->s3, "objects", &m->attempts, got->result, got->why,
				 got->wait_ns);
		input_sqs_later(w, m);
	}
	input_sqs_plan(w, clock_mono_ns());
}

/* flush: what was read is on disk and published; its messages are done. */
static void input_sqs_flush(void *arg)
{
	struct input_sqs *w = arg;
	w->flush_planned = false;
	int rc = serve_flush(w->serve);
	if (rc) {
		uint64_t ns = retry_delay_ns(++w->flush_attempts, SERVE_RETRY_FIRST_NS,
					     SERVE_RETRY_LAST_NS, retry_random());
		w->serve->count[ANALYZER_RETRIES]++;
		log_warn("records cannot be written", "error=\"%s\" wait_ms=%" PRIu64,
			 strerror(-rc), ns / NS_PER_MS);
		plan_flush(w, clock_mono_ns() + ns);
		return;
	}
	w->flush_attempts = 0;
	for (size_t i = 0; i < w->inflight.n; i++) {
		struct inflight_message *m = &w->inflight.v[i];
		if (m->state != INFLIGHT_READ)
			continue;
		if (m->spoilt[0])
			input_sqs_leave(w, m);
		else
			m->state = INFLIGHT_DONE;
	}
	input_sqs_plan(w, clock_mono_ns());
}

static void on_message(void *arg, const struct sqs_message *in)
{
	struct input_sqs *w = arg;

	struct inflight_message *m =
		inflight_add(&w->inflight, in, clock_mono_ns(), sqs_visible_ns(w));
	if (!m)
		return; /* more than were asked for: they come again */
	w->serve->count[ANALYZER_SQS_RECEIVED]++;
	int rc = event_read(in->body, &m->event);
	if (rc == -ENOMEM) {
		inflight_drop(m);
	} else if (rc) {
		mark_spoilt(m, "no event of S3: ", m->event.why);
		input_sqs_leave(w, m);
	} else if (!m->event.n) {
		w->serve->count[ANALYZER_SQS_IGNORED]++;
		log_each(LOG_LEVEL_DEBUG, "message about no stored object",
			 "id=%s test_events=%u others=%u", m->id, m->event.tests, m->event.others);
		m->state = INFLIGHT_DONE;
	}
}

static void on_received(void *arg, const struct sqs_end *end)
{
	struct input_sqs *w = arg;

	uint64_t now = clock_mono_ns();

	w->getting = false;
	if (end->result == OUTCOME_OK) {
		retry_passed(&w->queue);
		w->get = (struct attempts){.at_ns = now};
		if (end->unusable)
			log_warn("messages without id, handle or body", "messages=%u",
				 end->unusable);
	} else {
		w->serve->count[ANALYZER_SQS_ERRORS]++;
		input_sqs_failed(&w->queue, "the queue", &w->get, end->result, end->why,
				 end->wait_ns);
	}
	input_sqs_plan(w, now);
}

static void on_deleted(void *arg, const struct sqs_end *end)
{
	struct input_sqs *w = arg;

	uint64_t now = clock_mono_ns();

	w->deleting = false;
	w->delete.at_ns = now;
	if (end->result != OUTCOME_OK || (end->failed & ~end->gone)) {
		w->serve->count[ANALYZER_SQS_ERRORS]++;
		input_sqs_failed(&w->deletion, "deletion", &w->delete,
				 end->result == OUTCOME_OK ? OUTCOME_RETRY : end->result,
				 end->why ? end->why : "a message was not deleted", end->wait_ns);
	} else {
		w->delete.n = 0;
		retry_passed(&w->deletion);
	}
	for (size_t i = 0; end->result == OUTCOME_OK && i < w->deleted.n; i++) {
		struct inflight_message *m = inflight_of(&w->deleted, i);
		if (!m || ((end->failed & ~end->gone) >> i & 1))
			continue;
		w->serve->count[ANALYZER_SQS_FINISHED] += !(end->gone >> i & 1);
		inflight_drop(m);
	}
	input_sqs_plan(w, now);
}

static void input_sqs_delete(struct input_sqs *w, uint64_t now)
{
	if (w->deleting || now < w->delete.at_ns)
		return;
	inflight_done(&w->inflight, &w->deleted);
	if (!w->deleted.n)
		return;
	w->deleting = true;
	w->delete.n++;
	sqs_delete(w->sqs, w->deleted.handles, w->deleted.n, on_deleted, w);
}

static void input_sqs_receive(struct input_sqs *w, uint64_t now)
{
	size_t room = inflight_count(&w->inflight, INFLIGHT_FREE);
	size_t most = w->inflight.n < 2 * SQS_BATCH ? (w->inflight.n + 1) / 2 : SQS_BATCH;
	bool outage = room < w->inflight.n && (retry_in_outage(&w->s3) || w->flush_attempts);

	/* Full batches: a request costs the same for one message and for ten. */
	if (w->getting || now < w->get.at_ns || room < most || outage)
		return;
	w->getting = true;
	w->get.n++;
	sqs_get(w->sqs, (unsigned)most, (unsigned)w->serve->conf->sqs_visibility_s, on_message,
		on_received, w);
}

/* step: begins what can be begun. */
static void input_sqs_step(void *arg)
{
	struct input_sqs *w = arg;
	uint64_t now = clock_mono_ns();
	const struct creds *creds;
	const char *why;

	if (creds_get(w->cloud.creds, &creds, &why) == -EAGAIN) {
		input_sqs_plan(w, now + CREDS_SOON_NS);
		return;
	}
	for (size_t i = 0; i < w->inflight.n; i++) {
		struct inflight_message *m = &w->inflight.v[i];
		if (m->state != INFLIGHT_READY || m->attempts.at_ns > now)
			continue;
		m->state = INFLIGHT_OUT;
		m->attempts.n++;
		if (!m->first_ns)
			m->first_ns = now;
		fetch_object(w->cloud.fetch, &m->event.v[m->next], on_fetched, &w->fetches[i]);
	}
	input_sqs_delete(w, now);
	input_sqs_receive(w, now);
	uint64_t next = inflight_next(&w->inflight);
	if (!w->deleting && inflight_count(&w->inflight, INFLIGHT_DONE) && w->delete.at_ns < next)
		next = w->delete.at_ns;
	if (!w->getting && w->get.at_ns > now && w->get.at_ns < next)
		next = w->get.at_ns;
	input_sqs_plan(w, next);
}

static int input_sqs_open(struct input_sqs *w)
{
	const struct conf *c = w->serve->conf;
	struct svc *s = w->serve->svc;
	char dir[PATH_MAX], endpoint[256], region[32] = "";

	int rc = svc_path(s, "records/analysis", dir, sizeof dir);
	if (!rc)
		rc = worker_remember(&w->serve->worker, (size_t)c->sqs_remember, dir);
	if (!rc)
		rc = inflight_init(&w->inflight, (size_t)c->sqs_messages);
	if (!rc)
		rc = (w->fetches = calloc(w->inflight.n, sizeof *w->fetches)) ? 0 : -ENOMEM;
	for (size_t i = 0; !rc && i < w->inflight.n; i++)
		w->fetches[i] = (struct sqs_fetch){.w = w, .m = &w->inflight.v[i]};
	if (!rc)
		rc = sqs_queue(c->sqs, endpoint, region);
	if (!rc)
		rc = cloud_open(&w->cloud, &c->cloud, s->loop, region,
				(size_t)c->sqs_messages + SQS_CALLS, SQS_RESPONSE_MAX,
				w->serve->worker.reading.flows.page_dir);
	const struct sqs_conf conf = {.http = w->cloud.http,
				      .creds = w->cloud.creds,
				      .url = c->sqs,
				      .region = w->cloud.region};
	if (!rc)
		rc = sqs_new(&conf, &w->sqs);
	if (!rc)
		rc = loop_every(s->loop, KEEP_NS, sqs_visibility_keep, w);
	if (rc) {
		log_error("cannot start", "error=\"%s\"", strerror(-rc));
		return rc;
	}
	log_info("working on a queue", "url=%s region=%s remembered=%zu", c->sqs,
		 region[0] ? region : w->cloud.region, dedup_count(w->serve->worker.dedup));
	input_sqs_plan(w, 0);
	return 0;
}

static int input_sqs_start(struct serve *s, void **state)
{
	struct input_sqs *w = calloc(1, sizeof *w);

	*state = w;
	if (!w)
		return -ENOMEM;
	w->serve = s;
	begin_retry(w);
	return input_sqs_open(w);
}

static void input_sqs_tick(void *state)
{
	struct input_sqs *w = state;

	w->serve->count[ANALYZER_SQS_IN_HAND] =
		w->inflight.n - inflight_count(&w->inflight, INFLIGHT_FREE);
}

static void input_sqs_drain(void *state)
{
	struct input_sqs *w = state;
	uint64_t end = clock_mono_ns() + DRAIN_FETCH_MS * NS_PER_MS;

	w->draining = true;
	while (inflight_count(&w->inflight, INFLIGHT_OUT) && clock_mono_ns() < end)
		http_drain(w->cloud.http, 50);
	sqs_stop_get(w->sqs);
	input_sqs_flush(w);
	end = clock_mono_ns() + DRAIN_SQS_MS * NS_PER_MS;
	for (uint64_t now; (now = clock_mono_ns()) < end; http_drain(w->cloud.http, 50)) {
		input_sqs_delete(w, now);
		sqs_visibility_give_back(w);
		if (!w->deleting && !w->keeping)
			break;
	}
	cloud_close(&w->cloud);
	sqs_free(&w->sqs);
	inflight_fini(&w->inflight);
	free(w->fetches);
	free(w);
}

const struct input input_sqs = {
	.start = input_sqs_start, .tick = input_sqs_tick, .drain = input_sqs_drain};

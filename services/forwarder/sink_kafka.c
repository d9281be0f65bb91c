/*
 * A batch is handed to librdkafka as a whole, without copying it, and is delivered when each
 * message has been confirmed by all replicas in sync. When the same batch is sent again, only what
 * was not confirmed goes: of a partition, and so of a source address, that is always its last part.
 * librdkafka tries for as long as it takes; a batch of which nothing more is confirmed for stall_s
 * is taken back from it, and the delivery decides when it goes on.
 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cloud/secret.h"
#include "cloud/shorten.h"
#include "kafka_conf.h"
#include "rt/loop.h"
#include "sinks.h"

/* So many may come twice after a crash. */
#define BATCH_RECORDS 2000
#define BATCH_BYTES   (2u << 20)
/* An address as text is shorter. */
#define KEY_MAX 64
/* For a response that is waited for; nothing else of the service goes on meanwhile. */
#define ASK_MS 1000

struct message {
	size_t at; /* in text: the record, then its key */
	uint32_t n, nkey;
	int64_t ms;
	bool confirmed;
};

struct kafka {
	struct sink sink;
	struct sink_env env;
	rd_kafka_t *producer; /* NULL: to be made */
	rd_kafka_queue_t *events;
	int wake; /* eventfd: there are events */
	struct buf text, one;
	struct message *messages;
	size_t n;
	size_t out; /* messages with librdkafka */
	bool sending, taken_back;
	enum outcome result; /* of the delivery under way, so far */
	char why[320];
	/* What was last heard of the brokers, for when nothing more is. */
	enum outcome heard;
	char heard_why[320];
};

static struct kafka *kafka_of(struct sink *s)
{
	return (struct kafka *)s;
}

/* What an error of librdkafka or a broker means for the batch. */
static enum outcome meaning(rd_kafka_resp_err_t err)
{
	switch (err) {
	case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
	case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
	case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
	case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
	case RD_KAFKA_RESP_ERR_INVALID_RECORD:
		return OUTCOME_REFUSED;
	case RD_KAFKA_RESP_ERR__AUTHENTICATION:
	case RD_KAFKA_RESP_ERR__SSL:
	case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
	case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
	case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
	case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
	case RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM:
	case RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT:
	case RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS:
	case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
		return OUTCOME_STUCK;
	default:
		return OUTCOME_RETRY;
	}
}

static void __attribute__((format(printf, 3, 4)))
fault(struct kafka *k, enum outcome r, const char *fmt, ...)
{
	va_list ap;
	if (r <= k->result)
		return;
	k->result = r;
	va_start(ap, fmt);
	vsnprintf(k->why, sizeof k->why, fmt, ap);
	va_end(ap);
}

static void on_stall(void *arg);

static void close_producer(struct kafka *k)
{
	if (!k->producer)
		return;
	rd_kafka_queue_destroy(k->events);
	rd_kafka_destroy(k->producer);
	k->producer = NULL;
	k->out = 0;
}

/* A producer is over after some errors; the next one goes on. The error, or 0, and its text. */
static rd_kafka_resp_err_t fatal(struct kafka *k, char *text, size_t n)
{
	return k->producer ? rd_kafka_fatal_error(k->producer, text, n) : 0;
}

static int open_producer(struct kafka *k)
{
	static const uint64_t one = 1;
	const struct conf *c = k->env.conf;
	char why[256], password[1024];
	rd_kafka_conf_t *conf;
	if (kafka_conf(c, &conf, why, sizeof why) != 0) {
		fault(k, OUTCOME_STUCK, "Kafka: %s", why);
		return -EINVAL;
	}
	if (c->kafka_sasl != CONF_SASL_NONE) {
		int rc = secret_line(c->kafka_password_file, password, sizeof password);
		if (!rc)
			rd_kafka_conf_set(conf, "sasl.password", password, NULL, 0);
		explicit_bzero(password, sizeof password);
		if (rc) {
			fault(k, OUTCOME_STUCK, "Kafka: kafka_password_file: %s", strerror(-rc));
			rd_kafka_conf_destroy(conf);
			return rc;
		}
	}
	rd_kafka_conf_set_events(conf,
				 RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG);
	k->producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
	if (!k->producer) {
		fault(k, OUTCOME_STUCK, "Kafka: %s", why);
		rd_kafka_conf_destroy(conf);
		return -EINVAL;
	}
	rd_kafka_set_log_queue(k->producer, NULL);
	k->events = rd_kafka_queue_get_main(k->producer);
	rd_kafka_queue_io_event_enable(k->events, k->wake, &one, sizeof one);
	eventfd_write(k->wake, one); /* what is there already gives no event */
	return 0;
}

static void end(struct kafka *k)
{
	loop_at(k->env.loop, UINT64_MAX, on_stall, k);
	k->sending = false;
	if (fatal(k, NULL, 0))
		close_producer(k);
	k->sink.done(k->sink.arg, k->result, k->result == OUTCOME_OK ? NULL : k->why, 0);
}

static void watch(struct kafka *k)
{
	loop_at(k->env.loop, clock_mono_ns() + (uint64_t)k->env.conf->stall_s * 1000000000u,
		on_stall, k);
}

/* Each message comes back by its report, unless it was confirmed meanwhile. */
static void take_back(struct kafka *k)
{
	if (k->taken_back)
		return;
	k->taken_back = true;
	rd_kafka_purge(k->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
					    RD_KAFKA_PURGE_F_NON_BLOCKING);
}

/* The brokers are there, but nothing is confirmed: what they say of the topic. librdkafka keeps a
 * refusal to itself. */
static void ask_topic(struct kafka *k)
{
	const char *name = k->env.conf->kafka_topic;
	const struct rd_kafka_metadata *m;
	rd_kafka_topic_t *topic = rd_kafka_topic_new(k->producer, name, NULL);
	if (!topic)
		return;
	if (rd_kafka_metadata(k->producer, 0, topic, &m, ASK_MS) == 0) {
		for (int i = 0; i < m->topic_cnt; i++)
			if (m->topics[i].err)
				fault(k, meaning(m->topics[i].err), "Kafka: topic %s: %s", name,
				      rd_kafka_err2str(m->topics[i].err));
		rd_kafka_metadata_destroy(m);
	}
	rd_kafka_topic_destroy(topic);
}

static void on_stall(void *arg)
{
	struct kafka *k = arg;
	if (!k->sending)
		return;
	if (k->heard > OUTCOME_OK)
		fault(k, k->heard, "%s", k->heard_why);
	else
		ask_topic(k);
	fault(k, OUTCOME_RETRY, "Kafka: no broker confirms what was sent");
	if (!k->taken_back) {
		take_back(k);
		watch(k);
		return;
	}
	close_producer(k);
	end(k);
}

static void on_report(struct kafka *k, const rd_kafka_message_t *r)
{
	struct message *m = r->_private;
	char text[256];
	k->out--;
	if (!r->err) {
		m->confirmed = true;
		k->heard = OUTCOME_OK;
		return;
	}
	rd_kafka_resp_err_t err = fatal(k, text, sizeof text);
	if (err)
		fault(k, meaning(err), "Kafka: %s", text);
	fault(k, meaning(r->err), "Kafka: topic %s: %s", k->env.conf->kafka_topic,
	      rd_kafka_err2str(r->err));
}

static void on_error(struct kafka *k, rd_kafka_event_t *e)
{
	rd_kafka_resp_err_t err = rd_kafka_event_error(e);
	char text[256];
	bool over = err == RD_KAFKA_RESP_ERR__FATAL;
	if (over)
		err = fatal(k, text, sizeof text);
	else
		snprintf(text, sizeof text, "%s", rd_kafka_event_error_string(e));
	if (k->heard <= meaning(err)) {
		k->heard = meaning(err);
		snprintf(k->heard_why, sizeof k->heard_why, "Kafka: %s", text);
	}
	log_warn("kafka", "error=\"%s\"", text);
	if (!k->sending)
		return;
	/* A refused password is not worth the wait, once every broker has said so. */
	if (over || (err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && k->heard == OUTCOME_STUCK)) {
		fault(k, k->heard, "%s", k->heard_why);
		take_back(k);
	}
}

static void on_log(rd_kafka_event_t *e)
{
	const char *facility, *text;
	int level;
	if (rd_kafka_event_log(e, &facility, &text, &level) == 0)
		log_debug("librdkafka", "level=%d facility=%s text=\"%s\"", level, facility, text);
}

static void on_event(struct kafka *k, rd_kafka_event_t *e)
{
	const rd_kafka_message_t *r;
	switch (rd_kafka_event_type(e)) {
	case RD_KAFKA_EVENT_DR:
		while ((r = rd_kafka_event_message_next(e)))
			on_report(k, r);
		if (k->sending)
			watch(k);
		break;
	case RD_KAFKA_EVENT_ERROR:
		on_error(k, e);
		break;
	case RD_KAFKA_EVENT_LOG:
		on_log(e);
		break;
	}
}

static void on_wake(void *arg)
{
	struct kafka *k = arg;
	uint64_t count;
	rd_kafka_event_t *e;
	if (read(k->wake, &count, sizeof count) < 0 && errno != EAGAIN)
		log_error("eventfd", "error=\"%s\"", strerror(errno));
	while (k->producer && (e = rd_kafka_queue_poll(k->events, 0))) {
		on_event(k, e);
		rd_kafka_event_destroy(e);
	}
	if (k->sending && k->out == 0)
		end(k);
}

static rd_kafka_resp_err_t produce(struct kafka *k, struct message *m)
{
	uint8_t *record = k->text.p + m->at;
	const rd_kafka_vu_t parts[] = {
		{RD_KAFKA_VTYPE_TOPIC, .u.cstr = k->env.conf->kafka_topic},
		{RD_KAFKA_VTYPE_VALUE, .u.mem = {record, m->n}},
		{RD_KAFKA_VTYPE_KEY, .u.mem = {m->nkey ? record + m->n : NULL, m->nkey}},
		{RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = m->ms},
		{RD_KAFKA_VTYPE_OPAQUE, .u.ptr = m},
	};
	rd_kafka_error_t *e = rd_kafka_produceva(k->producer, parts, sizeof parts / sizeof *parts);
	rd_kafka_resp_err_t err = rd_kafka_error_code(e); /* of NULL: 0 */
	rd_kafka_error_destroy(e);
	return err;
}

static void kafka_send(struct sink *s)
{
	struct kafka *k = kafka_of(s);
	k->sending = true;
	k->taken_back = false;
	k->result = OUTCOME_OK;
	if (fatal(k, NULL, 0))
		close_producer(k);
	bool open = k->producer || open_producer(k) == 0;
	for (size_t i = 0; open && i < k->n && k->result == OUTCOME_OK; i++) {
		if (k->messages[i].confirmed)
			continue;
		rd_kafka_resp_err_t err = produce(k, &k->messages[i]);
		if (err)
			fault(k, meaning(err), "Kafka: topic %s: %s", k->env.conf->kafka_topic,
			      rd_kafka_err2str(err));
		else
			k->out++;
	}
	if (k->out)
		watch(k);
	else
		end(k);
}

static enum sink_add kafka_add(struct sink *s, const struct record *r)
{
	struct kafka *k = kafka_of(s);
	struct json_object *source;
	struct bytes text = r->line, key = {0};
	size_t max = (size_t)k->env.conf->kafka_max_bytes - KEY_MAX;
	bool large = text.n > max;
	if (k->n == BATCH_RECORDS)
		return SINK_FULL;
	if (json_object_object_get_ex(r->json, "src_addr", &source) &&
	    json_object_is_type(source, json_type_string))
		key = bytes_str(json_object_get_string(source));
	if (key.n > KEY_MAX)
		key.n = 0;
	if (large) {
		buf_reset(&k->one);
		if (record_shorten(r->json, max, &k->one) != 0) {
			s->counts.left++;
			return SINK_LEFT;
		}
		text = buf_bytes(&k->one);
	}
	if (k->n && k->text.n + text.n + key.n > BATCH_BYTES)
		return SINK_FULL;
	struct message m = {.at = k->text.n,
			    .n = (uint32_t)text.n,
			    .nkey = (uint32_t)key.n,
			    .ms = (int64_t)(r->init_ts * 1000)};
	buf_add(&k->text, text.p, text.n);
	if (buf_add(&k->text, key.p, key.n) != 0)
		return SINK_FULL;
	k->messages[k->n++] = m;
	s->counts.shortened += large;
	return SINK_TAKEN;
}

static void kafka_clear(struct sink *s)
{
	struct kafka *k = kafka_of(s);
	buf_reset(&k->text);
	k->n = 0;
}

static void kafka_drain(struct sink *s, int ms)
{
	struct kafka *k = kafka_of(s);
	uint64_t stop = clock_mono_ns() + (uint64_t)ms * 1000000u, now;
	struct pollfd p = {.fd = k->wake, .events = POLLIN};
	while (k->sending && (now = clock_mono_ns()) < stop) {
		poll(&p, 1, (int)((stop - now) / 1000000u) + 1);
		on_wake(k);
	}
}

static void kafka_free(struct sink *s)
{
	struct kafka *k = kafka_of(s);
	close_producer(k); /* before what it sends goes */
	loop_at(k->env.loop, UINT64_MAX, on_stall, k);
	if (k->wake >= 0) {
		loop_forget_fd(k->env.loop, k->wake);
		close(k->wake);
	}
	buf_fini(&k->text);
	buf_fini(&k->one);
	free(k->messages);
	free(k);
}

static int kafka_check(const struct conf *c, char *why, size_t n)
{
	rd_kafka_conf_t *conf = NULL;
	int rc = kafka_conf(c, &conf, why, n);
	if (conf)
		rd_kafka_conf_destroy(conf);
	return rc;
}

static int kafka_new(const struct sink_env *env, struct sink **out)
{
	struct kafka *k = calloc(1, sizeof *k);
	if (!k)
		return -ENOMEM;
	size_t max = (size_t)env->conf->kafka_max_bytes;
	k->sink.class = &sink_kafka;
	k->env = *env;
	buf_init(&k->text, BATCH_BYTES + max);
	buf_init(&k->one, max);
	k->messages = calloc(BATCH_RECORDS, sizeof *k->messages);
	k->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int rc = !k->messages  ? -ENOMEM
		 : k->wake < 0 ? -errno
			       : loop_fd(env->loop, k->wake, on_wake, k);
	if (rc)
		kafka_free(&k->sink);
	else
		*out = &k->sink;
	return rc;
}

static const char *const kafka_calls[] = {"pipe2", NULL}; /* librdkafka */

const struct sink_class sink_kafka = {.name = "kafka",
				      .calls = kafka_calls,
				      .check = kafka_check,
				      .new = kafka_new,
				      .add = kafka_add,
				      .send = kafka_send,
				      .clear = kafka_clear,
				      .drain = kafka_drain,
				      .free = kafka_free};

/*
 * What arrives is untrusted: frames are bounded by ZMQ_MAXMSGSIZE, the envelope is decoded by the
 * codec, names and sequence by gaps.h; what does not fit is counted and dropped before the service
 * sees it.
 *
 * libzmq reconnects after a lost connection, but never after a peer that broke the protocol: one
 * frame that is too large, or a key that is refused, would end the subscription for good. So a
 * monitor socket tells when a connection ended, and when libzmq shows no sign of trying again, we
 * do. A message that does not end is ended by us (inflow.h).
 */
#include "rt/bus_sub.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "base/log.h"
#include "proto/codec.h"
#include "rt/gaps.h"
#include "rt/inflow.h"
#include "rt/loop.h"

#define PER_TURN 64 /* messages handled before others get their turn */

struct bus_sub {
	const struct bus_end *end;
	void *socket, *monitor;
	struct gaps *gaps;
	struct bus_counts *counts;
	char endpoint[BUS_MAX_ENDPOINT];
	char producer[GAPS_PRODUCER + 1]; /* empty: subscribed by endpoint, any name */
	char topic[GAPS_TOPIC + 1];       /* empty: all */
	int lost_s; /* since the connection ended without another attempt; -1: it did not */
	struct inflow inflow;
	bus_fn fn;
	void *arg;
};

struct frames {
	zmq_msg_t msg[3];
	size_t n;     /* frames that came; those beyond three are dropped */
	size_t bytes; /* of all */
};

/* Receives one message. False when there is none. */
static bool receive(void *socket, struct frames *f)
{
	bool more = true;
	for (f->n = f->bytes = 0; more; f->n++) {
		zmq_msg_t part;
		zmq_msg_init(&part);
		if (zmq_msg_recv(&part, socket, ZMQ_DONTWAIT) < 0) {
			zmq_msg_close(&part);
			break;
		}
		more = zmq_msg_more(&part);
		f->bytes += zmq_msg_size(&part);
		if (f->n < 3) {
			zmq_msg_init(&f->msg[f->n]);
			zmq_msg_move(&f->msg[f->n], &part);
		}
		zmq_msg_close(&part);
	}
	return f->n > 0;
}

static void release(struct frames *f)
{
	for (size_t i = 0; i < f->n && i < 3; i++)
		zmq_msg_close(&f->msg[i]);
}

static struct bytes frame_bytes(struct frames *f, size_t i)
{
	return bytes_of(zmq_msg_data(&f->msg[i]), zmq_msg_size(&f->msg[i]));
}

/* Reads a message's frames into m. 0 or -errno. */
static int understand(struct bus_sub *s, struct frames *f, struct bus_msg *m)
{
	if (f->n != 3)
		return -EBADMSG;
	struct msg_envelope e;
	struct msg_arena none = {0};
	struct bytes topic = frame_bytes(f, 0), envelope = frame_bytes(f, 1);
	int rc = envelope.n > BUS_MAX_ENVELOPE
			 ? -EMSGSIZE
			 : msg_decode(&msg_envelope_schema, envelope, &e, &none);
	if (rc < 0)
		return rc;
	if (e.v != BUS_VERSION || (s->topic[0] && !bytes_eq(topic, bytes_str(s->topic))) ||
	    (s->producer[0] && !bytes_eq(e.producer, bytes_str(s->producer))))
		return -EBADMSG;
	*m = (struct bus_msg){.topic = topic,
			      .sensor = e.sensor,
			      .producer = e.producer,
			      .epoch = e.epoch,
			      .seq = e.seq,
			      .ts_ns = e.ts,
			      .body = frame_bytes(f, 2)};
	return gaps_note(s->gaps, e.sensor, e.producer, topic, e.epoch, e.seq, &m->missed,
			 &m->new_epoch);
}

static void on_message(void *arg)
{
	struct bus_sub *s = arg;
	struct frames f;
	int i = 0;
	for (; i < PER_TURN && receive(s->socket, &f); i++) {
		struct bus_msg m;
		int rc = understand(s, &f, &m);
		inflow_took(&s->inflow, f.bytes);
		if (rc < 0) {
			s->counts->malformed++;
			log_warn("message refused", "endpoint=%s error=\"%s\"", s->endpoint,
				 strerror(-rc));
		} else {
			s->counts->received++;
			s->counts->missed += m.missed;
			s->fn(s->arg, &m);
		}
		release(&f);
	}
	if (i < PER_TURN)
		inflow_none_waits(&s->inflow);
}

/* An event is two frames: number and value (of a connection: its descriptor), then the address. */
static void on_event(void *arg)
{
	struct bus_sub *s = arg;
	struct frames f;
	for (int i = 0; i < PER_TURN && receive(s->monitor, &f); i++) {
		uint16_t event = 0;
		int32_t value = -1;
		const uint8_t *p = zmq_msg_data(&f.msg[0]);
		if (zmq_msg_size(&f.msg[0]) >= sizeof event + sizeof value) {
			memcpy(&event, p, sizeof event);
			memcpy(&value, p + sizeof event, sizeof value);
		}
		if (event == ZMQ_EVENT_CONNECTED)
			inflow_open(&s->inflow, value);
		else if (event == ZMQ_EVENT_DISCONNECTED)
			inflow_close(&s->inflow);
		s->lost_s = event == ZMQ_EVENT_DISCONNECTED ? 0 : -1;
		release(&f);
	}
}

static void connect_again(struct bus_sub *s, const char *reason)
{
	log_warn("connecting again", "endpoint=%s reason=\"%s\"", s->endpoint, reason);
	s->lost_s = -1;
	inflow_close(&s->inflow);
	zmq_disconnect(s->socket, s->endpoint);
	if (zmq_connect(s->socket, s->endpoint) < 0)
		s->lost_s = 0;
}

bool bus_sub_remote(const struct bus_sub *s)
{
	return strncmp(s->endpoint, "tcp://", 6) == 0;
}

void bus_sub_bound(struct bus_sub *s)
{
	if (!inflow_too_much(&s->inflow))
		return;
	s->counts->malformed++;
	connect_again(s, "too much came that is no whole message");
}

void bus_sub_mend(struct bus_sub *s)
{
	/* libzmq's own next attempt is announced at once; two seconds leave no doubt. */
	if (s->lost_s < 0 || ++s->lost_s < 2)
		return;
	connect_again(s, "the last connection was ended by a protocol error");
}

static int open_monitor(struct bus_sub *s, unsigned id)
{
	char address[64];
	snprintf(address, sizeof address, "inproc://monitor-%u", id);
	int events = ZMQ_EVENT_CONNECTED | ZMQ_EVENT_CONNECT_DELAYED | ZMQ_EVENT_CONNECT_RETRIED |
		     ZMQ_EVENT_DISCONNECTED;
	if (zmq_socket_monitor(s->socket, address, events) < 0)
		return bus_end_rc();
	s->monitor = zmq_socket(s->end->ctx, ZMQ_PAIR);
	if (!s->monitor || zmq_connect(s->monitor, address) < 0)
		return bus_end_rc();
	return 0;
}

int bus_sub_new(const struct bus_end *e, unsigned id, const char *producer, const char *topic,
		bus_fn fn, void *arg, struct bus_counts *counts, struct bus_sub **out)
{
	char err[512] = "";
	bool by_name = !strstr(producer, "://");
	if (strlen(topic) > GAPS_TOPIC || (by_name && strlen(producer) > GAPS_PRODUCER))
		return -EINVAL;
	struct bus_sub *s = calloc(1, sizeof *s);
	if (!s)
		return -ENOMEM;
	*s = (struct bus_sub){.end = e, .counts = counts, .lost_s = -1, .fn = fn, .arg = arg};
	inflow_init(&s->inflow);
	strcpy(s->topic, topic);
	strcpy(s->producer, by_name ? producer : "");

	int rc = gaps_new(&s->gaps);
	if (rc == 0)
		rc = bus_end_sub(e, producer, topic, &s->socket, s->endpoint, err, sizeof err);
	/* On this host a connection is there at once; its event comes to a monitor that was there
	 * before. */
	if (rc == 0)
		rc = open_monitor(s, id);
	if (rc == 0 && zmq_connect(s->socket, s->endpoint) < 0) {
		rc = bus_end_rc();
		snprintf(err, sizeof err, "cannot connect to %s: %s", s->endpoint, strerror(-rc));
	}
	if (rc == 0)
		rc = loop_zmq(e->loop, s->socket, on_message, s);
	if (rc == 0)
		rc = loop_zmq(e->loop, s->monitor, on_event, s);
	if (rc < 0) {
		log_error("cannot subscribe", "producer=%s error=\"%s\"", producer,
			  err[0] ? err : strerror(-rc));
		bus_sub_free(&s);
		return rc;
	}
	*out = s;
	return 0;
}

void bus_sub_free(struct bus_sub **sp)
{
	struct bus_sub *s = *sp;
	if (!s)
		return;
	inflow_close(&s->inflow);
	if (s->monitor)
		zmq_close(s->monitor);
	if (s->socket)
		zmq_close(s->socket);
	gaps_free(&s->gaps);
	free(s);
	*sp = NULL;
}

/*
 * bus: one PUB socket bound, one SUB socket a subscription.
 *
 * What arrives is untrusted: frames are bounded by ZMQ_MAXMSGSIZE, the envelope is decoded by the
 * codec, names and sequence by gaps.h; what does not fit is counted and dropped before the service
 * sees it.
 */
#include "rt/bus.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

#include "proto/codec.h"
#include "rt/gaps.h"
#include "rt/keys.h"
#include "rt/log.h"
#include "rt/loop.h"
#include "rt/zap.h"

#define BUS_MAX_SUBS      32
#define BUS_MAX_TOPICS    16
#define BUS_MAX_ENDPOINT  256
#define BUS_MAX_ENVELOPE  512   /* bytes; also the most that a subscriber may send us */
#define BUS_PER_TURN      64    /* messages handled before others get their turn */
#define BUS_RECONNECT_MS  100   /* after a refused connection, doubling … */
#define BUS_RECONNECT_MAX 2000  /* … up to this: an absent producer costs nothing */
#define BUS_HEARTBEAT_MS  10000 /* tcp: a peer that vanished is noticed */

struct topic {
	char name[GAPS_TOPIC + 1];
	uint64_t seq; /* of the next message */
};

struct sub {
	struct bus *bus;
	void *socket;
	struct gaps *gaps;
	char producer[GAPS_PRODUCER + 1]; /* empty: subscribed by endpoint, any name */
	char topic[GAPS_TOPIC + 1];       /* empty: all */
	bus_fn fn;
	void *arg;
};

struct bus {
	struct bus_options o;
	struct loop *loop;
	void *ctx, *pub;
	struct zap *zap;
	uint64_t epoch;
	struct topic topics[BUS_MAX_TOPICS];
	size_t ntopics;
	struct sub *subs[BUS_MAX_SUBS];
	size_t nsubs;
	struct buf envelope;
	struct bus_counts counts;
};

static int zmq_rc(void)
{
	/* Beyond ZMQ_HAUSNUMERO are ZeroMQ's own codes, which no errno stands for. */
	return errno < ZMQ_HAUSNUMERO ? -errno : -EIO;
}

/* --- endpoints --- */

static bool is_tcp(const char *endpoint)
{
	return strncmp(endpoint, "tcp://", 6) == 0;
}

static const char *ipc_path(const char *endpoint)
{
	return strncmp(endpoint, "ipc://", 6) == 0 ? endpoint + 6 : NULL;
}

/* The endpoint of a producer given by name or by endpoint. */
static int endpoint_of(const struct bus *b, const char *producer, char *out, size_t n)
{
	int len = strstr(producer, "://")
			  ? snprintf(out, n, "%s", producer)
			  : snprintf(out, n, "ipc://%s/%s.sock", b->o.run_dir, producer);
	return len < (int)n ? 0 : -ENAMETOOLONG;
}

/* libzmq unlinks what is at the path before it binds: good for the socket of a process that died,
 * bad for one that lives. A connection tells them apart. */
static bool somebody_listens(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(a.sun_path))
		return false;
	strcpy(a.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	bool yes = connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0 || errno == EAGAIN;
	close(fd);
	return yes;
}

static int set_int(void *socket, int option, int value)
{
	return zmq_setsockopt(socket, option, &value, sizeof(value));
}

static int set_common(const struct bus *b, void *socket, const char *endpoint)
{
	int hwm = b->o.hwm > 0 && b->o.hwm < INT_MAX ? (int)b->o.hwm : 1000;
	bool ok = set_int(socket, ZMQ_SNDHWM, hwm) == 0 && set_int(socket, ZMQ_RCVHWM, hwm) == 0 &&
		  set_int(socket, ZMQ_LINGER, 0) == 0;
	if (ok && is_tcp(endpoint))
		ok = set_int(socket, ZMQ_IPV6, 1) == 0 &&
		     set_int(socket, ZMQ_TCP_KEEPALIVE, 1) == 0 &&
		     set_int(socket, ZMQ_HEARTBEAT_IVL, BUS_HEARTBEAT_MS) == 0;
	return ok ? 0 : zmq_rc();
}

/* --- keys --- */

/* Only ipc:// goes without keys: the directory's permissions guard it. */
static int check_transport(const char *endpoint, bool keys, const char *needed, char *err,
			   size_t errlen)
{
	if (!is_tcp(endpoint) && !ipc_path(endpoint)) {
		snprintf(err, errlen, "endpoint %s: only ipc:// and tcp:// are known", endpoint);
		return -EINVAL;
	}
	if (is_tcp(endpoint) && !keys) {
		snprintf(err, errlen,
			 "endpoint %s: tcp:// needs CURVE keys: set curve_secret and %s (lurker "
			 "keygen)",
			 endpoint, needed);
		return -EPERM;
	}
	return 0;
}

/* The ZAP handler is there before the socket is bound: without one, libzmq lets every key in. */
static int set_server_keys(struct bus *b, char *err, size_t errlen)
{
	char secret[KEY_TEXT];
	int rc = keys_load(b->o.curve_secret, true, secret, err, errlen);
	if (rc < 0)
		return rc;
	rc = zap_open(b->ctx, b->loop, b->o.curve_clients, &b->zap);
	if (rc == 0 &&
	    (set_int(b->pub, ZMQ_CURVE_SERVER, 1) < 0 ||

	     zmq_setsockopt(b->pub, ZMQ_ZAP_DOMAIN, ZAP_DOMAIN, strlen(ZAP_DOMAIN)) < 0 ||
	     zmq_setsockopt(b->pub, ZMQ_CURVE_SECRETKEY, secret, KEY_TEXT) < 0))
		rc = zmq_rc();
	explicit_bzero(secret, sizeof(secret));
	if (rc < 0)
		snprintf(err, errlen, "CURVE: %s", strerror(-rc));
	return rc;
}

static int set_client_keys(const struct bus *b, void *socket, char *err, size_t errlen)
{
	char secret[KEY_TEXT], public[KEY_TEXT], server[KEY_TEXT];
	int rc = keys_load(b->o.curve_server, false, server, err, errlen);
	if (rc == 0)
		rc = keys_load(b->o.curve_secret, true, secret, err, errlen);
	if (rc < 0)
		return rc;
	rc = keys_public(secret, public);
	if (rc == 0 && (zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server, KEY_TEXT) < 0 ||
			zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, public, KEY_TEXT) < 0 ||
			zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret, KEY_TEXT) < 0))
		rc = zmq_rc();
	explicit_bzero(secret, sizeof(secret));
	if (rc < 0)
		snprintf(err, errlen, "CURVE: %s", strerror(-rc));
	return rc;
}

/* --- life --- */

static int bind_pub(struct bus *b, char *err, size_t errlen)
{
	char endpoint[BUS_MAX_ENDPOINT];
	if (!b->o.sensor || !b->o.sensor[0] || strlen(b->o.sensor) > GAPS_SENSOR ||
	    strlen(b->o.producer) > GAPS_PRODUCER) {
		snprintf(err, errlen, "the name of the sensor must have 1 to %d bytes",
			 GAPS_SENSOR);
		return -EINVAL;
	}
	const char *given = b->o.endpoint && b->o.endpoint[0] ? b->o.endpoint : b->o.producer;
	int rc = endpoint_of(b, given, endpoint, sizeof(endpoint));
	if (rc < 0) {
		snprintf(err, errlen, "endpoint of %s is too long", b->o.producer);
		return rc;
	}
	rc = check_transport(endpoint, b->o.curve_secret && b->o.curve_clients, "curve_clients",
			     err, errlen);
	if (rc < 0)
		return rc;
	const char *path = ipc_path(endpoint);
	if (path && somebody_listens(path)) {
		snprintf(err, errlen, "%s is in use: another %s is running", endpoint,
			 b->o.producer);
		return -EADDRINUSE;
	}
	b->pub = zmq_socket(b->ctx, ZMQ_PUB);
	rc = b->pub ? set_common(b, b->pub, endpoint) : zmq_rc();
	if (rc == 0 && is_tcp(endpoint))
		rc = set_server_keys(b, err, errlen);
	else if (rc < 0)
		snprintf(err, errlen, "ZeroMQ socket: %s", strerror(-rc));
	if (rc < 0)
		return rc;
	int64_t max = BUS_MAX_ENVELOPE;
	zmq_setsockopt(b->pub, ZMQ_MAXMSGSIZE, &max, sizeof(max));

	/* Connecting takes write permission: the owner and the group may, whatever the umask was.
	 */
	mode_t mask = umask(0117);
	rc = zmq_bind(b->pub, endpoint) < 0 ? zmq_rc() : 0;
	umask(mask);
	if (rc < 0)
		snprintf(err, errlen, "cannot bind %s: %s", endpoint, strerror(-rc));
	return rc;
}

int bus_new(const struct bus_options *o, struct loop *l, struct bus **out, char *err, size_t errlen)
{
	struct bus *b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	int rc = 0;
	b->o = *o;
	b->loop = l;
	b->epoch = clock_real_ns();
	buf_init(&b->envelope, BUS_MAX_ENVELOPE);
	b->ctx = zmq_ctx_new();
	if (!b->ctx) {
		rc = -errno;
		snprintf(err, errlen, "ZeroMQ context: %s", strerror(-rc));
	} else if (o->producer) {
		rc = bind_pub(b, err, errlen);
	}
	if (rc < 0) {
		bus_free(&b, 0);
		return rc;
	}
	*out = b;
	return 0;
}

void bus_free(struct bus **bp, int linger_ms)
{
	struct bus *b = *bp;
	if (!b)
		return;
	for (size_t i = 0; i < b->nsubs; i++) {
		zmq_close(b->subs[i]->socket);
		gaps_free(&b->subs[i]->gaps);
		free(b->subs[i]);
	}
	if (b->pub) {
		set_int(b->pub, ZMQ_LINGER, linger_ms);
		zmq_close(b->pub);
	}
	zap_close(&b->zap);
	while (b->ctx && zmq_ctx_term(b->ctx) < 0 && errno == EINTR)
		;
	buf_fini(&b->envelope);
	free(b);
	*bp = NULL;
}

uint64_t bus_epoch(const struct bus *b)
{
	return b->epoch;
}

struct bus_counts bus_counts(const struct bus *b)
{
	return b->counts;
}

/* --- publishing --- */

static struct topic *topic_of(struct bus *b, const char *name)
{
	for (size_t i = 0; i < b->ntopics; i++) {
		if (strcmp(b->topics[i].name, name) == 0)
			return &b->topics[i];
	}
	if (b->ntopics == BUS_MAX_TOPICS || !name[0] || strlen(name) > GAPS_TOPIC)
		return NULL;
	struct topic *t = &b->topics[b->ntopics++];
	strcpy(t->name, name);
	return t;
}

static int send_frame(struct bus *b, struct bytes frame, int more)
{
	return zmq_send(b->pub, frame.n > 0 ? frame.p : (const uint8_t *)"", frame.n,
			ZMQ_DONTWAIT | more) < 0
		       ? zmq_rc()
		       : 0;
}

int bus_publish(struct bus *b, const char *topic, struct bytes body)
{
	if (!b->pub)
		return -EBADF;
	struct topic *t = topic_of(b, topic);
	if (!t)
		return -EINVAL;
	/* What is not sent took its number all the same: subscribers are to know that it is
	 * missing. */
	struct msg_envelope e = {.v = BUS_VERSION,
				 .sensor = bytes_str(b->o.sensor),
				 .producer = bytes_str(b->o.producer),
				 .epoch = b->epoch,
				 .seq = t->seq++,
				 .ts = clock_real_ns()};
	if (body.n > BUS_MAX_FRAME)
		return -EMSGSIZE;
	buf_reset(&b->envelope);
	int rc = msg_encode(&msg_envelope_schema, &e, &b->envelope);
	if (rc == 0)
		rc = send_frame(b, bytes_str(t->name), ZMQ_SNDMORE);
	if (rc == 0)
		rc = send_frame(b, buf_bytes(&b->envelope), ZMQ_SNDMORE);
	if (rc == 0)
		rc = send_frame(b, body, 0);
	if (rc == 0)
		b->counts.published++;
	return rc;
}

/* --- subscribing --- */

struct frames {
	zmq_msg_t msg[3];
	size_t n; /* frames that came; those beyond three are dropped */
};

/* Receives one message. False when there is none. */
static bool receive(void *socket, struct frames *f)
{
	bool more = true;
	for (f->n = 0; more; f->n++) {
		zmq_msg_t part;
		zmq_msg_init(&part);
		if (zmq_msg_recv(&part, socket, ZMQ_DONTWAIT) < 0) {
			zmq_msg_close(&part);
			break;
		}
		more = zmq_msg_more(&part);
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
static int understand(struct sub *s, struct frames *f, struct bus_msg *m)
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
	struct sub *s = arg;
	struct frames f;
	for (int i = 0; i < BUS_PER_TURN && receive(s->socket, &f); i++) {
		struct bus_msg m;
		int rc = understand(s, &f, &m);
		if (rc < 0) {
			s->bus->counts.malformed++;
			log_warn("message refused", "subscription=%s topic=%s error=\"%s\"",
				 s->producer[0] ? s->producer : "endpoint", s->topic,
				 strerror(-rc));
		} else {
			s->bus->counts.received++;
			s->bus->counts.missed += m.missed;
			s->fn(s->arg, &m);
		}
		release(&f);
	}
}

static int connect_sub(struct bus *b, struct sub *s, const char *endpoint, char *err, size_t errlen)
{
	int64_t max = BUS_MAX_FRAME;
	s->socket = zmq_socket(b->ctx, ZMQ_SUB);
	int rc = s->socket ? set_common(b, s->socket, endpoint) : zmq_rc();
	if (rc == 0 && is_tcp(endpoint))
		rc = set_client_keys(b, s->socket, err, errlen);
	if (rc < 0)
		return rc;
	if (zmq_setsockopt(s->socket, ZMQ_MAXMSGSIZE, &max, sizeof(max)) < 0 ||
	    set_int(s->socket, ZMQ_RECONNECT_IVL, BUS_RECONNECT_MS) < 0 ||
	    set_int(s->socket, ZMQ_RECONNECT_IVL_MAX, BUS_RECONNECT_MAX) < 0 ||
	    zmq_setsockopt(s->socket, ZMQ_SUBSCRIBE, s->topic, strlen(s->topic)) < 0 ||
	    zmq_connect(s->socket, endpoint) < 0) {
		rc = zmq_rc();
		snprintf(err, errlen, "cannot connect to %s: %s", endpoint, strerror(-rc));
		return rc;
	}
	return loop_zmq(b->loop, s->socket, on_message, s);
}

int bus_subscribe(struct bus *b, const char *producer, const char *topic, bus_fn fn, void *arg)
{
	char endpoint[BUS_MAX_ENDPOINT], err[512] = "";
	bool by_name = !strstr(producer, "://");
	if (b->nsubs == BUS_MAX_SUBS)
		return -ENOSPC;
	if (strlen(topic) > GAPS_TOPIC || (by_name && strlen(producer) > GAPS_PRODUCER))
		return -EINVAL;
	struct sub *s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	*s = (struct sub){.bus = b, .fn = fn, .arg = arg};
	strcpy(s->topic, topic);
	strcpy(s->producer, by_name ? producer : "");

	int rc = endpoint_of(b, producer, endpoint, sizeof(endpoint));
	if (rc == 0)
		rc = check_transport(endpoint, b->o.curve_secret && b->o.curve_server,
				     "curve_server", err, sizeof(err));
	if (rc == 0)
		rc = gaps_new(&s->gaps);
	if (rc == 0)
		rc = connect_sub(b, s, endpoint, err, sizeof(err));
	if (rc < 0) {
		log_error("cannot subscribe", "producer=%s error=\"%s\"", producer,
			  err[0] ? err : strerror(-rc));
		if (s->socket)
			zmq_close(s->socket);
		gaps_free(&s->gaps);
		free(s);
		return rc;
	}
	b->subs[b->nsubs++] = s;
	return 0;
}

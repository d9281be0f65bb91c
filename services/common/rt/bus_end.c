#include "rt/bus_end.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

#include "rt/gaps.h"
#include "rt/keys.h"
#include "rt/zap.h"

#define RECONNECT_MS     100   /* after a refused connection, doubling … */
#define RECONNECT_MAX_MS 2000  /* … up to this: an absent producer costs nothing */
#define HEARTBEAT_MS     10000 /* tcp: a peer that vanished is noticed */

int bus_end_rc(void)
{
	/* Beyond ZMQ_HAUSNUMERO are ZeroMQ's own codes, which no errno stands for. */
	return errno < ZMQ_HAUSNUMERO ? -errno : -EIO;
}

static bool is_tcp(const char *endpoint)
{
	return strncmp(endpoint, "tcp://", 6) == 0;
}

static const char *ipc_path(const char *endpoint)
{
	return strncmp(endpoint, "ipc://", 6) == 0 ? endpoint + 6 : NULL;
}

/* The endpoint of a producer given by name or by endpoint. Only ipc:// goes without keys: the
 * directory's permissions guard it. */
static int find_endpoint(const struct bus_options *o, const char *producer, bool keys,
			 const char *needed, char endpoint[BUS_MAX_ENDPOINT], char *err,
			 size_t errlen)
{
	int n = strstr(producer, "://") ? snprintf(endpoint, BUS_MAX_ENDPOINT, "%s", producer)
					: snprintf(endpoint, BUS_MAX_ENDPOINT, "ipc://%s/%s.sock",
						   o->run_dir, producer);
	if (n >= BUS_MAX_ENDPOINT) {
		snprintf(err, errlen, "endpoint of %s is too long", producer);
		return -ENAMETOOLONG;
	}
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

static bool given(const char *option)
{
	return option && option[0];
}

static int set_int(void *socket, int option, int value)
{
	return zmq_setsockopt(socket, option, &value, sizeof value);
}

static int set_common(const struct bus_end *e, void *socket, const char *endpoint,
		      int64_t max_frame)
{
	int hwm = e->o.hwm > 0 && e->o.hwm < INT_MAX ? (int)e->o.hwm : 1000;
	int in = e->o.hwm_in > 0 && e->o.hwm_in < hwm ? (int)e->o.hwm_in : hwm;
	bool ok = set_int(socket, ZMQ_SNDHWM, hwm) == 0 && set_int(socket, ZMQ_RCVHWM, in) == 0 &&
		  set_int(socket, ZMQ_LINGER, 0) == 0 &&
		  zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &max_frame, sizeof max_frame) == 0;
	if (ok && is_tcp(endpoint))
		ok = set_int(socket, ZMQ_IPV6, 1) == 0 &&
		     set_int(socket, ZMQ_TCP_KEEPALIVE, 1) == 0 &&
		     set_int(socket, ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS) == 0;
	return ok ? 0 : bus_end_rc();
}

/* --- publishing --- */

/* The ZAP handler is there before the socket is bound: without one, libzmq lets every key in. */
static int set_server_keys(const struct bus_end *e, void *pub, struct zap **zap, char *err,
			   size_t errlen)
{
	char secret[KEY_TEXT];
	int rc = keys_load(e->o.curve_secret, true, secret, err, errlen);
	if (rc < 0)
		return rc;
	rc = zap_open(e->ctx, e->loop, e->o.curve_clients, zap);
	if (rc == 0 && (set_int(pub, ZMQ_CURVE_SERVER, 1) < 0 ||
			zmq_setsockopt(pub, ZMQ_ZAP_DOMAIN, ZAP_DOMAIN, strlen(ZAP_DOMAIN)) < 0 ||
			zmq_setsockopt(pub, ZMQ_CURVE_SECRETKEY, secret, KEY_TEXT) < 0))
		rc = bus_end_rc();
	explicit_bzero(secret, sizeof secret);
	if (rc < 0)
		snprintf(err, errlen, "CURVE: %s", strerror(-rc));
	return rc;
}

/* libzmq unlinks what is at the path before it binds: good for the socket of a process that died,
 * bad for one that lives. A connection tells them apart. */
static bool somebody_listens(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof a.sun_path)
		return false;
	strcpy(a.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	bool yes = connect(fd, (struct sockaddr *)&a, sizeof a) == 0 || errno == EAGAIN;
	close(fd);
	return yes;
}

static bool names_fit(const struct bus_options *o)
{
	return given(o->sensor) && strlen(o->sensor) <= GAPS_SENSOR &&
	       strlen(o->producer) <= GAPS_PRODUCER;
}

int bus_end_bind(const struct bus_end *e, void **pub, struct zap **zap, char *err, size_t errlen)
{
	char endpoint[BUS_MAX_ENDPOINT];
	const struct bus_options *o = &e->o;
	if (!names_fit(o)) {
		snprintf(err, errlen, "the name of the sensor must have 1 to %d bytes",
			 GAPS_SENSOR);
		return -EINVAL;
	}
	int rc = find_endpoint(o, given(o->endpoint) ? o->endpoint : o->producer,
			       given(o->curve_secret) && given(o->curve_clients), "curve_clients",
			       endpoint, err, errlen);
	if (rc < 0)
		return rc;
	const char *path = ipc_path(endpoint);
	if (path && somebody_listens(path)) {
		snprintf(err, errlen, "%s is in use: another %s is running", endpoint, o->producer);
		return -EADDRINUSE;
	}
	*pub = zmq_socket(e->ctx, ZMQ_PUB);
	rc = *pub ? set_common(e, *pub, endpoint, BUS_MAX_ENVELOPE) : bus_end_rc();
	if (rc < 0) {
		snprintf(err, errlen, "ZeroMQ socket: %s", strerror(-rc));
		return rc;
	}
	rc = is_tcp(endpoint) ? set_server_keys(e, *pub, zap, err, errlen) : 0;
	if (rc < 0)
		return rc;

	/* Connecting takes write permission: the owner and the group may, whatever the umask was.
	 */
	mode_t mask = umask(0117);
	rc = zmq_bind(*pub, endpoint) < 0 ? bus_end_rc() : 0;
	umask(mask);
	if (rc < 0)
		snprintf(err, errlen, "cannot bind %s: %s", endpoint, strerror(-rc));
	return rc;
}

/* --- subscribing --- */

static int set_client_keys(const struct bus_end *e, void *sub, char *err, size_t errlen)
{
	char secret[KEY_TEXT], public[KEY_TEXT], server[KEY_TEXT];
	int rc = keys_load(e->o.curve_server, false, server, err, errlen);
	if (rc == 0)
		rc = keys_load(e->o.curve_secret, true, secret, err, errlen);
	if (rc < 0)
		return rc;
	rc = keys_public(secret, public);
	if (rc == 0 && (zmq_setsockopt(sub, ZMQ_CURVE_SERVERKEY, server, KEY_TEXT) < 0 ||
			zmq_setsockopt(sub, ZMQ_CURVE_PUBLICKEY, public, KEY_TEXT) < 0 ||
			zmq_setsockopt(sub, ZMQ_CURVE_SECRETKEY, secret, KEY_TEXT) < 0))
		rc = bus_end_rc();
	explicit_bzero(secret, sizeof secret);
	if (rc < 0)
		snprintf(err, errlen, "CURVE: %s", strerror(-rc));
	return rc;
}

int bus_end_sub(const struct bus_end *e, const char *producer, const char *topic, void **sub,
		char endpoint[BUS_MAX_ENDPOINT], char *err, size_t errlen)
{
	int rc =
		find_endpoint(&e->o, producer, given(e->o.curve_secret) && given(e->o.curve_server),
			      "curve_server", endpoint, err, errlen);
	if (rc < 0)
		return rc;
	void *s = zmq_socket(e->ctx, ZMQ_SUB);
	rc = s ? set_common(e, s, endpoint, BUS_MAX_FRAME) : bus_end_rc();
	if (rc == 0 && is_tcp(endpoint))
		rc = set_client_keys(e, s, err, errlen);
	if (rc == 0 && (set_int(s, ZMQ_RECONNECT_IVL, RECONNECT_MS) < 0 ||
			set_int(s, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS) < 0 ||
			zmq_setsockopt(s, ZMQ_SUBSCRIBE, topic, strlen(topic)) < 0))
		rc = bus_end_rc();
	if (rc < 0 && s)
		zmq_close(s);
	else
		*sub = s;
	return rc;
}

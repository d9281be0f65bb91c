#include "rt/zap.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "base/log.h"
#include "rt/keys.h"
#include "rt/loop.h"

#define ZAP_FRAMES   7  /* version, request id, domain, address, identity, mechanism, credentials */
#define ZAP_PER_TURN 16 /* requests answered before others get their turn */

struct zap {
	void *socket;
	struct keys_allowed allowed;
};

struct request {
	struct {
		uint8_t p[255];
		size_t n;
	} frame[ZAP_FRAMES];
	size_t n; /* frames that came, also those beyond the table */
};

/* Receives all frames of one request; longer ones are cut, which no frame of a valid request is. */
static bool receive(void *socket, struct request *r)
{
	int more = 1;
	size_t size = sizeof more;
	for (r->n = 0; more; r->n++) {
		uint8_t rest[1];
		bool kept = r->n < ZAP_FRAMES;
		int n = zmq_recv(socket, kept ? r->frame[r->n].p : rest,
				 kept ? sizeof r->frame[0].p : 0, ZMQ_DONTWAIT);
		if (n < 0)
			return false;
		if (kept)
			r->frame[r->n].n = (size_t)n <= sizeof r->frame[0].p ? (size_t)n : 0;
		zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size);
	}
	return true;
}

static bool is(const struct request *r, size_t i, const char *text)
{
	return r->frame[i].n == strlen(text) && memcmp(r->frame[i].p, text, r->frame[i].n) == 0;
}

static bool allowed(struct zap *z, const struct request *r)
{
	return r->n == ZAP_FRAMES && is(r, 0, "1.0") && is(r, 2, ZAP_DOMAIN) && is(r, 5, "CURVE") &&
	       keys_allow(&z->allowed, r->frame[6].p, r->frame[6].n);
}

static void answer(void *socket, const struct request *r, bool yes)
{
	size_t id = r->n > 1 ? r->frame[1].n : 0;
	zmq_send(socket, "1.0", 3, ZMQ_SNDMORE | ZMQ_DONTWAIT);
	zmq_send(socket, r->frame[1].p, id, ZMQ_SNDMORE | ZMQ_DONTWAIT);
	zmq_send(socket, yes ? "200" : "400", 3, ZMQ_SNDMORE | ZMQ_DONTWAIT);
	zmq_send(socket, "", 0, ZMQ_SNDMORE | ZMQ_DONTWAIT);
	zmq_send(socket, "", 0, ZMQ_SNDMORE | ZMQ_DONTWAIT);
	zmq_send(socket, "", 0, ZMQ_DONTWAIT);
}

static void on_request(void *arg)
{
	struct zap *z = arg;
	struct request r;
	for (int i = 0; i < ZAP_PER_TURN && receive(z->socket, &r); i++) {
		bool yes = allowed(z, &r);
		if (!yes)
			log_warn("subscriber refused", "address=%.*s unusable_key_files=%zu",
				 r.n > 3 ? (int)r.frame[3].n : 0, (const char *)r.frame[3].p,
				 z->allowed.unusable);
		answer(z->socket, &r, yes);
	}
}

int zap_open(void *ctx, struct loop *l, const char *clients_dir, struct zap **out)
{
	int rc;
	struct zap *z = calloc(1, sizeof *z);
	if (!z)
		return -ENOMEM;
	z->allowed.dir = clients_dir;
	z->socket = zmq_socket(ctx, ZMQ_REP);
	if (!z->socket || zmq_bind(z->socket, "inproc://zeromq.zap.01") < 0) {
		rc = -errno;
		goto fail;
	}
	rc = loop_zmq(l, z->socket, on_request, z);
	if (rc < 0)
		goto fail;
	*out = z;
	return 0;
fail:
	zap_close(&z);
	return rc;
}

void zap_close(struct zap **z)
{
	if (!*z)
		return;
	if ((*z)->socket)
		zmq_close((*z)->socket);
	free(*z);
	*z = NULL;
}

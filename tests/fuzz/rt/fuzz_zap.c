/*
 * What asks at the door of a bus with CURVE: any frames, through real sockets. It is answered, with
 * its own request's id, and lets in only who asks as the RFC says, with a key that is there.
 *
 * Input: frames, each behind its length; a length of 255 is the key that is let in.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "base/log.h"
#include "proto/buf.h"
#include "rt/keys.h"
#include "rt/loop.h"
#include "rt/zap.h"

#define FRAMES 16

static char dir[] = "/tmp/lurker-fuzz-zap-XXXXXX", path[64];
static uint8_t key[KEY_BYTES];
static void *asker, *door;
static loop_fn on_request;
static void *on_request_arg;

/* In place of rt/loop: the door, to be served by hand. */
int loop_zmq(struct loop *l, void *socket, loop_fn fn, void *arg)
{
	(void)l;
	door = socket;
	on_request = fn;
	on_request_arg = arg;
	return 0;
}

static void must(bool good)
{
	if (!good)
		abort();
}

static void clean(void)
{
	unlink(path);
	rmdir(dir);
}

static void set_up(void)
{
	char public[KEY_TEXT], secret[KEY_TEXT];
	static struct zap *z;
	void *ctx = zmq_ctx_new();

	log_open("fuzz", LOG_LEVEL_ERROR, 0);
	must(ctx && mkdtemp(dir) && zmq_curve_keypair(public, secret) == 0 &&
	     zmq_z85_decode(key, public));
	snprintf(path, sizeof path, "%s/one.pub", dir);
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	must(fd >= 0 && write(fd, public, KEY_TEXT - 1) == KEY_TEXT - 1 && close(fd) == 0);
	atexit(clean);
	must(zap_open(ctx, NULL, dir, &z) == 0);
	must((asker = zmq_socket(ctx, ZMQ_DEALER)) &&
	     zmq_connect(asker, "inproc://zeromq.zap.01") == 0);
}

/* Takes the answer apart: whether it is a yes. */
static bool answered(struct bytes id)
{
	uint8_t got[256];
	bool yes = false;
	int more = 1;
	size_t size = sizeof more, frames = 0;

	for (; more; frames++) {
		int n = zmq_recv(asker, got, sizeof got, ZMQ_DONTWAIT);
		must(n >= 0 && n <= (int)sizeof got);
		if (frames == 1)
			must(n == 3 && memcmp(got, "1.0", 3) == 0);
		if (frames == 2)
			must((size_t)n == id.n && (!n || memcmp(got, id.p, id.n) == 0));
		if (frames == 3)
			yes = n == 3 && memcmp(got, "200", 3) == 0;
		zmq_getsockopt(asker, ZMQ_RCVMORE, &more, &size);
	}
	must(frames == 7); /* with the empty one before them */
	return yes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct bytes frame[FRAMES];
	size_t k = 0;

	if (!asker)
		set_up();
	while (n && k < FRAMES) {
		bool is_key = data[0] == 255;
		size_t len = is_key || data[0] < n - 1 ? data[0] : n - 1;
		frame[k++] = is_key ? bytes_of(key, sizeof key) : bytes_of(data + 1, len);
		len = is_key ? 0 : len;
		data += 1 + len;
		n -= 1 + len;
	}
	if (!k)
		return 0;
	zmq_send(asker, "", 0, ZMQ_SNDMORE);
	for (size_t i = 0; i < k; i++)
		must(zmq_send(asker, frame[i].p, frame[i].n, i + 1 < k ? ZMQ_SNDMORE : 0) >= 0);
	zmq_pollitem_t asked = {.socket = door, .events = ZMQ_POLLIN},
		       told = {.socket = asker, .events = ZMQ_POLLIN};
	must(zmq_poll(&asked, 1, 10000) == 1);
	on_request(on_request_arg);
	must(zmq_poll(&told, 1, 10000) == 1);
	bool yes = answered(k > 1 ? frame[1] : (struct bytes){0});
	must(yes ==
	     (k == 7 && bytes_eq(frame[0], bytes_str("1.0")) &&
	      bytes_eq(frame[2], bytes_str(ZAP_DOMAIN)) && bytes_eq(frame[5], bytes_str("CURVE")) &&
	      frame[6].n == KEY_BYTES && memcmp(frame[6].p, key, KEY_BYTES) == 0));
	return 0;
}

#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#include "rt/bus.h"
#include "rt/keys.h"
#include "turn.h"

static char dir[64], err[512], endpoint[64];
static char server_secret[128], server_public[128], clients[128];
static struct bus *pub;

static void in_dir(char *out, size_t n, const char *name)
{
	snprintf(out, n, "%s/%s", dir, name);
}

/* A port of the loopback that was free a moment ago. */
static int free_port(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	getsockname(fd, (struct sockaddr *)&a, &n);
	close(fd);
	return ntohs(a.sin_port);
}

/* A server with its keys, and a directory in which only "friend" is allowed. */
static void setup(void)
{
	char command[512];
	strcpy(dir, "/tmp/lurker-curve-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	in_dir(clients, sizeof clients, "clients");
	in_dir(server_secret, sizeof server_secret, "server.secret");
	in_dir(server_public, sizeof server_public, "server.pub");
	cr_assert_eq(keys_generate(dir, "server", err, sizeof err), 0);
	cr_assert_eq(keys_generate(dir, "friend", err, sizeof err), 0);
	cr_assert_eq(keys_generate(dir, "stranger", err, sizeof err), 0);
	snprintf(command, sizeof command, "mkdir %s && cp %s/friend.pub %s", clients, dir, clients);
	cr_assert_eq(system(command), 0);
	snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", free_port());
	struct bus_options o = {.sensor = "s1",
				.producer = "capture",
				.run_dir = dir,
				.endpoint = endpoint,
				.curve_secret = server_secret,
				.curve_clients = clients,
				.hwm = 1000};
	cr_assert_eq(bus_new(&o, NULL, &pub, err, sizeof err), 0, "%s", err);
}

static void fini(void)
{
	char command[128];
	bus_free(&pub, 0);
	snprintf(command, sizeof command, "rm -rf %s", dir);
	cr_assert_eq(system(command), 0);
}

TestSuite(bus_curve, .init = setup, .fini = fini, .timeout = 60);

static void on_msg(void *arg, const struct bus_msg *m)
{
	(void)m;
	++*(int *)arg;
}

static struct bus *subscriber(const char *name, const char *server, int *got)
{
	char secret[160];
	snprintf(secret, sizeof secret, "%s/%s.secret", dir, name);
	struct bus_options o = {
		.sensor = "s2", .run_dir = dir, .curve_secret = secret, .curve_server = server};
	struct bus *b = NULL;
	cr_assert_eq(bus_new(&o, NULL, &b, err, sizeof err), 0, "%s", err);
	cr_assert_eq(bus_subscribe(b, endpoint, "packet", on_msg, got), 0);
	return b;
}

static bool published_until_got(void *arg)
{
	bus_publish(pub, "packet", bytes_str("secret"));
	return *(int *)arg > 0;
}

static void publish_for(int turns)
{
	for (int i = 0; i < turns; i++) {
		bus_publish(pub, "packet", bytes_str("secret"));
		turn_for(10);
	}
}

Test(bus_curve, a_friend_gets_in)
{
	int got = 0;
	struct bus *b = subscriber("friend", server_public, &got);
	cr_assert(turn_until(published_until_got, &got));
	bus_free(&b, 0);
}

Test(bus_curve, a_stranger_gets_nothing)
{
	int friends = 0, strangers = 0;
	struct bus *s = subscriber("stranger", server_public, &strangers);
	struct bus *f = subscriber("friend", server_public, &friends);
	cr_assert(turn_until(published_until_got, &friends));
	publish_for(50);
	cr_assert_eq(strangers, 0);
	cr_assert_gt(friends, 1);
	bus_free(&s, 0);
	bus_free(&f, 0);
}

/* Nothing comes in, either: a server that does not hold the expected key is not listened to. */
Test(bus_curve, a_false_server_is_not_believed)
{
	char other[128];
	int got = 0;
	in_dir(other, sizeof other, "stranger.pub");
	struct bus *b = subscriber("friend", other, &got);
	publish_for(50);
	cr_assert_eq(got, 0);
	bus_free(&b, 0);
}

Test(bus_curve, without_encryption_nobody_gets_in)
{
	void *ctx = zmq_ctx_new(), *s = zmq_socket(ctx, ZMQ_SUB);
	int zero = 0;
	zmq_setsockopt(s, ZMQ_LINGER, &zero, sizeof zero);
	zmq_setsockopt(s, ZMQ_SUBSCRIBE, "", 0);
	cr_assert_eq(zmq_connect(s, endpoint), 0);
	publish_for(50);
	char text[64];
	cr_assert_eq(zmq_recv(s, text, sizeof text, ZMQ_DONTWAIT), -1);
	zmq_close(s);
	zmq_ctx_term(ctx);
}

Test(bus_curve, who_is_allowed_can_change_meanwhile)
{
	char command[512];
	int got = 0;
	struct bus *b = subscriber("stranger", server_public, &got);
	publish_for(20);
	cr_assert_eq(got, 0);
	snprintf(command, sizeof command, "cp %s/stranger.pub %s", dir, clients);
	cr_assert_eq(system(command), 0);
	/* The subscriber that was refused tries again by itself. */
	cr_assert(turn_until(published_until_got, &got));
	bus_free(&b, 0);
}

/* A publisher with the right key whose messages have parts without end: some hundred MiB each,
 * here. */
static void *endless_publisher(void *ctx, char at[64])
{
	char secret[KEY_TEXT];
	int one = 1;
	void *s = zmq_socket(ctx, ZMQ_PUB);
	cr_assert_eq(keys_load(server_secret, true, secret, err, sizeof err), 0);
	zmq_setsockopt(s, ZMQ_CURVE_SERVER, &one, sizeof one);
	zmq_setsockopt(s, ZMQ_CURVE_SECRETKEY, secret, KEY_TEXT);
	zmq_setsockopt(s, ZMQ_LINGER, &(int){0}, sizeof(int));
	sprintf(at, "tcp://127.0.0.1:%d", free_port());
	cr_assert_eq(zmq_bind(s, at), 0);
	return s;
}

static void keep_it(void *data, void *hint)
{
	(void)data;
	(void)hint;
}

/* The parts lie in one place: the sender needs no memory for them. */
static void send_parts(void *s, uint8_t *part, size_t size, int parts)
{
	zmq_send(s, "packet", 6, ZMQ_SNDMORE);
	for (int i = 0; i < parts; i++) {
		zmq_msg_t m;
		zmq_msg_init_data(&m, part, size, keep_it, NULL);
		zmq_msg_send(&m, s, i + 1 < parts ? ZMQ_SNDMORE : 0);
	}
}

struct endless {
	void *pub;
	struct bus *sub;
	uint8_t *part;
	uint64_t refused; /* wanted */
};

static bool refused(void *arg)
{
	const struct endless *e = arg;
	return bus_counts(e->sub).malformed >= e->refused;
}

static bool small_ones_are_refused(void *arg)
{
	const struct endless *e = arg;
	send_parts(e->pub, e->part, 10, 2);
	return refused(arg);
}

/* Small messages of a false form are refused one by one; the large one never comes, and costs its
 * connection. */
Test(bus_curve, a_message_without_end_is_ended)
{
	static uint8_t part[16 << 20];
	void *ctx = zmq_ctx_new();
	char at[64];
	int got = 0;
	struct endless e = {.pub = endless_publisher(ctx, at), .part = part, .refused = 1};
	strcpy(endpoint, at);
	e.sub = subscriber("friend", server_public, &got);
	cr_assert(turn_until(small_ones_are_refused, &e));
	do { /* the small ones that are still on their way */
		e.refused = bus_counts(e.sub).malformed + 1;
		turn_for(100);
	} while (refused(&e));
	send_parts(e.pub, part, sizeof part, 60);
	cr_assert(turn_until(refused, &e));
	struct rusage most;
	getrusage(RUSAGE_SELF, &most);
	cr_assert_lt(most.ru_maxrss, 700 << 10, "%ld KiB for a message of 960 MiB", most.ru_maxrss);
	e.refused = bus_counts(e.sub).malformed + 1;
	cr_assert(turn_until(small_ones_are_refused, &e), "it does not listen any more");
	cr_assert_eq(got, 0);
	bus_free(&e.sub, 0);
	zmq_close(e.pub);
	zmq_ctx_term(ctx);
}

Test(bus_curve, keys_that_cannot_be_used_are_named)
{
	struct bus_options o = {.sensor = "s1",
				.producer = "capture",
				.run_dir = dir,
				.endpoint = "tcp://127.0.0.1:0",
				.curve_secret = server_public,
				.curve_clients = clients};
	struct bus *b = NULL;
	cr_assert_eq(bus_new(&o, NULL, &b, err, sizeof err), -EPERM,
		     "a public file is no secret one");
	cr_assert_not_null(strstr(err, "server.pub"), "%s", err);
	o.curve_secret = "/nonexistent/key";
	cr_assert_eq(bus_new(&o, NULL, &b, err, sizeof err), -ENOENT);
	o.curve_secret = server_secret;
	o.curve_clients = NULL;
	cr_assert_eq(bus_new(&o, NULL, &b, err, sizeof err), -EPERM);
	cr_assert_not_null(strstr(err, "curve_clients"), "%s", err);
	o.curve_clients = "";
	cr_assert_eq(bus_new(&o, NULL, &b, err, sizeof err), -EPERM,
		     "an empty option is no option");
	cr_assert_null(b);
}

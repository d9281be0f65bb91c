/*
 * healthy: whether one service does its job, for health checks.
 *
 * That a process is there says little. Its counters must arrive, and what a working service of its
 * kind always moves must have moved between two of them: capture journals a tick a second, and
 * flowagg takes that tick in, which proves the path between them. The others have nothing that
 * moves without visitors; their loop answering is what can be seen.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "bus_listener.h"
#include "front.h"
#include "proto/codec.h"
#include "rt/sandbox.h"

#define ARENA_BYTES (1u << 20)

struct healthy_conf {
	int64_t timeout_s;
};

struct healthy {
	struct healthy_conf conf;
	struct bus_listener listen;
	const struct service_row *service;
	uint8_t *arena;
	bool seen, good;
	uint64_t first;
};

static const struct opt opts[] = {
	{.name = "timeout_s",
	 .type = OPT_INT,
	 .offset = offsetof(struct healthy_conf, timeout_s),
	 .def = "5",
	 .min = 1,
	 .max = 300,
	 .unit = "s",
	 .help = "longest time to wait for the proof"},
	{0},
};

static uint64_t counter(const struct msg_stat *st, const char *name)
{
	for (size_t i = 0; i < st->counters.n; i++)
		if (bytes_eq(st->counters.v[i].name, bytes_str(name)))
			return st->counters.v[i].count;
	return 0;
}

static void on_stat(void *arg, const struct bus_msg *m)
{
	struct healthy *h = arg;
	struct msg_arena arena = {.p = h->arena, .n = ARENA_BYTES};
	struct msg_stat st;

	if (!bytes_eq(m->producer, bytes_str(h->service->name)) ||
	    msg_decode(&msg_stat_schema, m->body, &st, &arena) != 0)
		return;
	const char *advances = h->service->advances;
	uint64_t value = *advances ? counter(&st, advances) : 0;
	h->good = !*advances || (h->seen && value > h->first);
	if (!h->seen)
		h->first = value;
	h->seen = true;
	if (h->good)
		loop_stop(h->listen.loop);
}

static void on_time(void *arg)
{
	struct healthy *h = arg;
	loop_stop(h->listen.loop);
}

int front_healthy(int argc, char **argv)
{
	static const struct front_usage usage = {
		"healthy", "SERVICE",
		"Says by its exit code whether a service works: whether it publishes counters, and\n"
		"whether a counter that always grows (the ticks of capture and flowagg) grows. For\n"
		"health checks.\n\n"
		"Reads: the service's socket in the run directory. Prints: one line when it is not "
		"healthy.\n"
		"Exit code: 0 healthy, 1 not, 2 usage."};
	static struct healthy h;
	static struct svc_common common;
	struct opt_section own = {"", opts, &h.conf};
	static const char *const topics[] = {"stat"};
	int code = front_options(&usage, own, &common, &argc, argv);

	if (code >= 0)
		return code;
	h.service = argc == 2 ? service_row(argv[1]) : NULL;
	if (!h.service) {
		fputs("lurker healthy: name one service, such as capture (see --help)\n", stderr);
		return 2;
	}
	/* In a container root may be no more than a name; the service's account may open its
	 * sockets. */
	char err[256];
	if (sandbox_drop(common.user, err, sizeof err) != 0)
		log_debug("privileges kept", "error=\"%s\"", err);
	h.arena = malloc(ARENA_BYTES);
	if (h.arena && bus_listener_open(&h.listen, &common, topics, 1, on_stat, &h) == 0 &&
	    loop_every(h.listen.loop, (uint64_t)h.conf.timeout_s * NS_PER_S, on_time, &h) == 0)
		loop_run(h.listen.loop);
	bus_listener_close(&h.listen);
	free(h.arena);
	if (!h.good)
		printf("%s %s\n", h.service->name,
		       h.seen ? "publishes, but its work does not advance" : "is silent");
	return h.good ? 0 : 1;
}

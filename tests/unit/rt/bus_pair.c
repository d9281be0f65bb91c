#include "bus_pair.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "turn.h"

char pair_dir[64], pair_err[512];
struct bus *pair_pub, *pair_sub;

void pair_setup(void)
{
	strcpy(pair_dir, "/tmp/lurker-bus-XXXXXX");
	cr_assert_not_null(mkdtemp(pair_dir));
}

void pair_fini(void)
{
	bus_free(&pair_sub, 0);
	bus_free(&pair_pub, 0);
	char command[128];
	snprintf(command, sizeof command, "rm -rf %s", pair_dir);
	cr_assert_eq(system(command), 0);
}

struct bus_options pair_options(const char *producer)
{
	return (struct bus_options){
		.sensor = "s1", .producer = producer, .run_dir = pair_dir, .hwm = 100000};
}

void pair_open_pub(const char *producer)
{
	struct bus_options o = pair_options(producer);
	cr_assert_eq(bus_new(&o, NULL, &pair_pub, pair_err, sizeof pair_err), 0, "%s", pair_err);
}

void pair_open_sub(void)
{
	struct bus_options o = pair_options(NULL);
	cr_assert_eq(bus_new(&o, NULL, &pair_sub, pair_err, sizeof pair_err), 0, "%s", pair_err);
}

/* A publisher and a subscriber that keep few messages: hwm of them, and hwm_in (0: hwm). */
void pair_open_both(const char *producer, int64_t hwm, int64_t hwm_in)
{
	struct bus_options o = pair_options(producer);
	o.hwm = hwm;
	cr_assert_eq(bus_new(&o, NULL, &pair_pub, pair_err, sizeof pair_err), 0, "%s", pair_err);
	o.producer = NULL;
	o.hwm_in = hwm_in;
	cr_assert_eq(bus_new(&o, NULL, &pair_sub, pair_err, sizeof pair_err), 0, "%s", pair_err);
}

void pair_on_msg(void *arg, const struct bus_msg *m)
{
	struct got *g = arg;
	g->n++;
	g->missed += m->missed;
	g->epochs += m->new_epoch;
	g->bytes += m->body.n;
	g->last = *m;
	snprintf(g->topic, sizeof g->topic, "%.*s", (int)m->topic.n, (const char *)m->topic.p);
	snprintf(g->sensor, sizeof g->sensor, "%.*s", (int)m->sensor.n, (const char *)m->sensor.p);
	snprintf(g->producer, sizeof g->producer, "%.*s", (int)m->producer.n,
		 (const char *)m->producer.p);
	snprintf(g->body, sizeof g->body, "%.*s", (int)m->body.n, (const char *)m->body.p);
}

void pair_subscribe(const char *producer, const char *topic, struct got *g)
{
	cr_assert_eq(bus_subscribe(pair_sub, producer, topic, pair_on_msg, g), 0);
}

/* Publishes until the subscription has reached the publisher. */
struct until_joined {
	const char *topic;
	struct got *g;
	uint64_t before;
};

static bool joined(void *arg)
{
	struct until_joined *j = arg;
	if (j->g->n > j->before)
		return true;
	cr_assert_eq(bus_publish(pair_pub, j->topic, bytes_str("hello")), 0);
	return false;
}

void pair_join(const char *topic, struct got *g)
{
	struct until_joined j = {topic, g, g->n};
	cr_assert(turn_until(joined, &j));
	turn_for(100); /* what is still on its way */
}

/* Publishes until a subscriber that was behind has seen message number seq, or a later one. */
struct until_seen {
	const char *topic;
	struct got *g;
	uint64_t seq;
};

static bool seen_it(void *arg)
{
	struct until_seen *u = arg;
	if (u->g->last.seq >= u->seq)
		return true;
	cr_assert_eq(bus_publish(pair_pub, u->topic, bytes_str("hello")), 0);
	return false;
}

void pair_catch_up(const char *topic, struct got *g, uint64_t seq)
{
	cr_assert(turn_until(seen_it, &(struct until_seen){topic, g, seq}));
}

struct count {
	const uint64_t *is;
	uint64_t want;
};

static bool reached(void *arg)
{
	struct count *c = arg;
	return *c->is >= c->want;
}

bool pair_comes_to(const uint64_t *is, uint64_t want)
{
	return turn_until(reached, &(struct count){is, want});
}

/* Exchanges of an address against a model of EC2: whatever happens in between, in the end there is
 * one address. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "rotation.h"

#define SENSOR    "trap-1"
#define INTERFACE "eni-1"
#define PRIVATE   "10.0.0.5"

/* The account: at most so many addresses. */
struct account {
	struct ec2_address v[16];
	size_t n, quota;
	unsigned made;
};

static struct ec2_address *find(struct account *w, const char *allocation)
{
	for (size_t i = 0; i < w->n; i++)
		if (strcmp(w->v[i].allocation, allocation) == 0)
			return &w->v[i];
	return NULL;
}

static struct ec2_address *make(struct account *w, const char *sensor)
{
	struct ec2_address *a = &w->v[w->n++];
	*a = (struct ec2_address){.made_by_us = sensor != NULL};
	snprintf(a->allocation, sizeof a->allocation, "eipalloc-%x", ++w->made);
	snprintf(a->address, sizeof a->address, "192.0.2.%u", w->made % 250);
	snprintf(a->sensor, sizeof a->sensor, "%s", sensor ? sensor : "");
	return a;
}

static void give(struct account *w, struct ec2_address *a, const char *interface,
		 const char *private_addr)
{
	for (size_t i = 0; i < w->n; i++) {
		struct ec2_address *b = &w->v[i];
		if (b != a && strcmp(b->interface, interface) == 0 &&
		    strcmp(b->private_addr, private_addr) == 0)
			b->association[0] = b->interface[0] = b->private_addr[0] = '\0';
	}
	snprintf(a->association, sizeof a->association, "eipassoc-1");
	snprintf(a->interface, sizeof a->interface, "%s", interface);
	snprintf(a->private_addr, sizeof a->private_addr, "%s", private_addr);
}

/* Does a step in the account. made: of MAKE. */
static enum rotation_outcome act(struct account *w, const struct rotation_step *s,
				 struct ec2_address *made)
{
	struct ec2_address *a = s->address ? find(w, s->address->allocation) : NULL;
	switch (s->what) {
	case ROTATION_RELEASE:
		if (!a)
			return ROTATION_GONE;
		if (a->association[0])
			return ROTATION_IN_USE;
		*a = w->v[--w->n];
		return ROTATION_DONE;
	case ROTATION_ADOPT:
		cr_assert_not_null(a);
		a->made_by_us = true;
		snprintf(a->sensor, sizeof a->sensor, SENSOR);
		return ROTATION_DONE;
	case ROTATION_MAKE:
		if (w->n >= w->quota)
			return ROTATION_REFUSED;
		*made = *make(w, SENSOR);
		return ROTATION_DONE;
	case ROTATION_GIVE:
		if (!a)
			return ROTATION_GONE;
		give(w, a, INTERFACE, PRIVATE);
		return ROTATION_DONE;
	default:
		cr_assert_fail("no step");
		return ROTATION_REFUSED;
	}
}

static void see(struct account *w, struct rotation *r)
{
	struct ec2_address found[32];
	size_t n = 0;
	for (size_t i = 0; i < w->n; i++)
		if (w->v[i].made_by_us && strcmp(w->v[i].sensor, SENSOR) == 0)
			found[n++] = w->v[i];
	for (size_t i = 0; i < w->n; i++)
		if (strcmp(w->v[i].interface, INTERFACE) == 0)
			found[n++] = w->v[i];
	cr_assert_eq(rotation_saw(r, found, n), 0);
}

enum fault {
	NO_FAULT,
	DIES_BEFORE,
	DIES_AFTER,
	LOST_BEFORE, /* the request did not arrive, and nobody knows */
	LOST_AFTER,  /* the answer did not */
	REFUSED,
};

/* Whether the last run's fault was one of a look, which is asked again by the caller, not here. */
static bool look_failed;

/* A run with a fault at its nth step (looks count); whether it did what it is for. */
static bool run(struct account *w, bool adopt, unsigned nth, enum fault fault)
{
	struct rotation r = {
		.sensor = SENSOR, .interface = INTERFACE, .private_addr = PRIVATE, .adopt = adopt};
	struct rotation_step s;
	look_failed = false;
	for (unsigned i = 0; (s = rotation_next(&r)).what != ROTATION_END; i++) {
		enum fault f = i == nth ? fault : NO_FAULT;
		struct ec2_address made = {0};
		cr_assert(rotation_settles(&r));
		cr_assert(s.what != ROTATION_RELEASE || !r.given || s.address != &r.fresh,
			  "the address in use is not to be released");
		look_failed = look_failed || (s.what == ROTATION_LOOK && f != NO_FAULT);
		if (f == DIES_BEFORE)
			return false;
		if (s.what == ROTATION_LOOK && f == NO_FAULT) {
			see(w, &r);
			continue;
		}
		bool arrives = f == NO_FAULT || f == LOST_AFTER || f == DIES_AFTER;
		enum rotation_outcome o = f == REFUSED || s.what == ROTATION_LOOK
						  ? ROTATION_REFUSED
						  : ROTATION_UNKNOWN;
		if (arrives && s.what != ROTATION_LOOK) {
			o = act(w, &s, &made);
			o = f == LOST_AFTER ? ROTATION_UNKNOWN : o;
		}
		if (f == DIES_AFTER)
			return false;
		rotation_did(&r, o, &made);
	}
	return r.given && !r.failed;
}

static size_t count(const struct account *w, bool ours)
{
	size_t n = 0;
	for (size_t i = 0; i < w->n; i++)
		n += (w->v[i].made_by_us && strcmp(w->v[i].sensor, SENSOR) == 0) == ours;
	return n;
}

static const struct ec2_address *current(const struct account *w)
{
	for (size_t i = 0; i < w->n; i++)
		if (strcmp(w->v[i].interface, INTERFACE) == 0)
			return &w->v[i];
	return NULL;
}

Test(rotation, first_address)
{
	struct account w = {.quota = 5};
	cr_assert(run(&w, false, 999, NO_FAULT));
	cr_assert_eq(w.n, 1);
	cr_assert_not_null(current(&w));
}

Test(rotation, next_address)
{
	struct account w = {.quota = 5};
	cr_assert(run(&w, false, 999, NO_FAULT));
	char before[16];
	snprintf(before, sizeof before, "%s", current(&w)->address);
	cr_assert(run(&w, false, 999, NO_FAULT));
	cr_assert_eq(w.n, 1);
	cr_assert_str_neq(current(&w)->address, before);
}

Test(rotation, others_are_left_alone)
{
	struct account w = {.quota = 9};
	make(&w, NULL);                         /* a person's, unused */
	make(&w, "trap-2");                     /* another sensor's, unused */
	struct ec2_address *a = make(&w, NULL); /* a person's, in use elsewhere */
	give(&w, a, "eni-2", PRIVATE);
	a = make(&w, SENSOR); /* ours, given to another interface by a person */
	give(&w, a, "eni-3", PRIVATE);
	a = make(&w, SENSOR); /* on another address of the interface */
	give(&w, a, INTERFACE, "10.0.0.6");
	cr_assert(run(&w, false, 999, NO_FAULT));
	cr_assert_eq(w.n, 6);
	for (unsigned id = 1; id <= 5; id++) {
		char allocation[40];
		snprintf(allocation, sizeof allocation, "eipalloc-%x", id);
		cr_assert_not_null(find(&w, allocation), "%s", allocation);
	}
}

Test(rotation, another_sensors_address_is_not_ours)
{
	struct account w = {.quota = 9};
	give(&w, make(&w, "trap-2"), INTERFACE, PRIVATE);
	cr_assert(run(&w, false, 999, NO_FAULT));
	cr_assert_eq(w.n, 2, "kept");
	/* Should EC2 show more than was asked for: nobody's is taken for something left over. */
	struct rotation r = {.sensor = SENSOR, .interface = INTERFACE, .private_addr = PRIVATE};
	struct ec2_address others[] = {
		{.allocation = "eipalloc-1", .made_by_us = true, .sensor = "trap-11"},
		{.allocation = "eipalloc-2", .sensor = SENSOR},
		{.allocation = "eipalloc-3"}};
	cr_assert_eq(rotation_saw(&r, others, 3), 0);
	cr_assert_eq(rotation_next(&r).what, ROTATION_MAKE);
}

Test(rotation, a_persons_address_on_the_interface)
{
	struct account w = {.quota = 9};
	give(&w, make(&w, NULL), INTERFACE, PRIVATE);
	cr_assert(run(&w, false, 999, NO_FAULT));
	cr_assert_eq(w.n, 2, "kept");
	w = (struct account){.quota = 9};
	give(&w, make(&w, NULL), INTERFACE, PRIVATE);
	cr_assert(run(&w, true, 999, NO_FAULT));
	cr_assert_eq(w.n, 1, "adopted, and released");
}

Test(rotation, no_quota_keeps_the_address)
{
	struct account w = {.quota = 5};
	cr_assert(run(&w, false, 999, NO_FAULT));
	w.quota = 1;
	struct ec2_address before = *current(&w);
	cr_assert_not(run(&w, false, 999, NO_FAULT));
	cr_assert_eq(w.n, 1);
	cr_assert_str_eq(current(&w)->allocation, before.allocation);
}

/* Every start × every fault at every step: nobody else's address goes, the sensor is never without
 * one that it had, and the next run ends with exactly one, ours, on the interface. */
Test(rotation, any_fault_is_repaired_by_the_next_run)
{
	unsigned cases = 0;
	for (unsigned start = 0; start < 16; start++) {
		for (unsigned nth = 0; nth < 14; nth++) {
			for (int f = DIES_BEFORE; f <= REFUSED; f++) {
				struct account w = {.quota = 9};
				bool adopt = start & 1;
				if (start & 2)
					give(&w, make(&w, start & 4 ? SENSOR : NULL), INTERFACE,
					     PRIVATE);
				if (start & 8) {
					make(&w, SENSOR);
					make(&w, SENSOR);
				}
				make(&w, NULL);
				size_t others = count(&w, false);
				bool had = current(&w) != NULL;
				bool good = run(&w, adopt, nth, (enum fault)f);
				/* What is not known is looked up, within the run. */
				if ((f == LOST_BEFORE || f == LOST_AFTER) && !look_failed)
					cr_assert(good && count(&w, true) == 1,
						  "start %u fault %d at %u", start, f, nth);
				cr_assert(!had || current(&w),
					  "start %u fault %d at %u: no address", start, f, nth);
				cr_assert(run(&w, adopt, 999, NO_FAULT));
				cr_assert_eq(count(&w, true), 1,
					     "start %u fault %d at %u: %zu of ours", start, f, nth,
					     count(&w, true));
				cr_assert_not_null(current(&w));
				cr_assert(current(&w)->made_by_us);
				cr_assert_eq(count(&w, false), others - (adopt && (start & 6) == 2),
					     "start %u fault %d at %u: others", start, f, nth);
				cases++;
			}
		}
	}
	cr_log_info("%u cases", cases);
}

/* EC2 answers a look with what was a moment ago: an address that was just associated seems to be
 * free. */
Test(rotation, a_late_look_does_no_harm)
{
	struct account w = {.quota = 9};
	cr_assert(run(&w, false, 999, NO_FAULT));
	struct rotation r = {.sensor = SENSOR, .interface = INTERFACE, .private_addr = PRIVATE};
	struct ec2_address late = w.v[0], made;
	late.association[0] = late.interface[0] = late.private_addr[0] = '\0';
	cr_assert_eq(rotation_saw(&r, &late, 1), 0);
	struct rotation_step s;
	for (unsigned i = 0; (s = rotation_next(&r)).what != ROTATION_END; i++) {
		cr_assert_lt(i, 10);
		rotation_did(&r, act(&w, &s, &made), &made);
	}
	cr_assert(r.given);
	cr_assert_not_null(current(&w));
	cr_assert(run(&w, false, 999, NO_FAULT));
	cr_assert_eq(w.n, 1);
}

Test(rotation, too_many_addresses_are_an_error)
{
	static struct ec2_address many[2 * EC2_ADDRESSES_MAX + 1];
	struct rotation r = {.sensor = SENSOR, .interface = INTERFACE, .private_addr = PRIVATE};
	for (size_t i = 0; i < sizeof many / sizeof *many; i++)
		snprintf(many[i].allocation, sizeof many[i].allocation, "eipalloc-%zx", i);
	cr_assert_eq(rotation_saw(&r, many, sizeof many / sizeof *many), -E2BIG);
}

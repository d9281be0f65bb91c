/*
 * rotation: decides the next step that brings a sensor, whatever addresses it has, to exactly one
 * new address. Pure.
 *
 *   look → release leftovers → allocate an address → associate it → release the previous one
 *
 * A run may end between any two steps, or not learn the outcome of one. What it leaves has the
 * sensor's tags, and the next look finds it. An address without the tags is never released. With
 * `adopt`, the address that the interface has gets the tags first.
 */
#ifndef LURKER_ROTATION_H
#define LURKER_ROTATION_H

#include <stdbool.h>
#include <stddef.h>

#include "ec2.h"

enum rotation_do {
	ROTATION_LOOK,
	ROTATION_RELEASE,
	ROTATION_ADOPT,
	ROTATION_MAKE,
	ROTATION_GIVE,
	ROTATION_END
};

/* The outcome of a step. */
enum rotation_outcome {
	ROTATION_DONE,
	ROTATION_GONE,    /* of a release or give: the address no longer exists */
	ROTATION_IN_USE,  /* of a release: the address is associated elsewhere */
	ROTATION_UNKNOWN, /* the step may have been done or not */
	ROTATION_REFUSED, /* the step was not done and cannot be */
};

struct rotation {
	const char *sensor, *interface, *private_addr; /* borrowed */
	bool adopt;
	/* Private; zero at the beginning. */
	bool looked, given, failed;
	unsigned steps;
	struct ec2_address known[2 * EC2_ADDRESSES_MAX]; /* with our tags, or of the interface */
	bool stays[2 * EC2_ADDRESSES_MAX];               /* could not be released */
	size_t n;
	struct ec2_address fresh; /* allocated by this run; allocation empty: not yet */
};

struct rotation_step {
	enum rotation_do what;
	const struct ec2_address *address; /* of RELEASE, ADOPT, GIVE; until rotation_did */
	bool leftover;                     /* of RELEASE: left by an earlier run */
};

/* rotation_next: the step to do now; the same until rotation_saw or rotation_did. */
struct rotation_step rotation_next(const struct rotation *r);

/* rotation_saw: reports a successful look: the addresses with the sensor's tags and those of the
 * interface, in any order; repeated ones count once. 0, or -E2BIG for too many. */
int rotation_saw(struct rotation *r, const struct ec2_address *a, size_t n);

/* rotation_did: reports the outcome of the step of rotation_next. made: the allocated address, of a
 * MAKE that is DONE; else ignored. */
void rotation_did(struct rotation *r, enum rotation_outcome o, const struct ec2_address *made);

/* rotation_ours: whether an address has the sensor's tags. */
bool rotation_ours(const struct rotation *r, const struct ec2_address *a);

/* rotation_here: whether an address was associated with the sensor's private address at the last
 * look. */
bool rotation_here(const struct rotation *r, const struct ec2_address *a);

/* rotation_settles: false after so many steps that something else must be undoing them. */
bool rotation_settles(const struct rotation *r);

#endif

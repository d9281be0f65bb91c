/*
 * rotation: the next step on the way from any state of a sensor's addresses to: one address, a new
 * one. Pure.
 *
 *   look → release what earlier runs left → make one → give it to the interface → release the one before
 *
 * A run may end between any two steps, or not learn what became of one; whatever it left bears the
 * sensor's tags, and the next look finds it. An address that does not bear them is never released.
 * With `adopt` the one that the interface has is given them first.
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

/* What became of a step. */
enum rotation_outcome {
	ROTATION_DONE,
	ROTATION_GONE,    /* release, give: there is no such address */
	ROTATION_IN_USE,  /* release: somebody has it */
	ROTATION_UNKNOWN, /* it may have been done or not */
	ROTATION_REFUSED, /* it was not done and will not be */
};

struct rotation {
	const char *sensor, *interface, *private_addr; /* borrowed */
	bool adopt;
	/* The rest is its own. */
	bool looked, given, failed;
	unsigned steps;
	struct ec2_address known[2 * EC2_ADDRESSES_MAX]; /* ours, and those of the interface */
	bool stays[2 * EC2_ADDRESSES_MAX];               /* could not be released */
	size_t n;
	struct ec2_address fresh; /* made by this run; allocation empty: not yet */
};

struct rotation_step {
	enum rotation_do what;
	const struct ec2_address
		*address; /* of RELEASE, ADOPT and GIVE; valid until rotation_did */
	bool leftover;    /* of RELEASE: by an earlier run */
};

/* rotation_next: what is to be done now. The same until rotation_did. */
struct rotation_step rotation_next(const struct rotation *r);

/* rotation_saw: the outcome of a look: addresses with the sensor's tags, and those of the
 * interface, in any order and perhaps twice. 0 or -E2BIG. */
int rotation_saw(struct rotation *r, const struct ec2_address *a, size_t n);

/* rotation_did: the outcome of the step that rotation_next told; made: what was made, of MAKE that
 * is DONE. */
void rotation_did(struct rotation *r, enum rotation_outcome o, const struct ec2_address *made);

/* rotation_ours: whether an address bears the sensor's tags. */
bool rotation_ours(const struct rotation *r, const struct ec2_address *a);

/* rotation_here: whether it was on the interface's address that is exchanged, at the last look. */
bool rotation_here(const struct rotation *r, const struct ec2_address *a);

/* rotation_settles: false when so many steps were taken that something undoes them. */
bool rotation_settles(const struct rotation *r);

#endif

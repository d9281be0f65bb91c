#include "rotation.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define STEPS_MAX 200

bool rotation_ours(const struct rotation *r, const struct ec2_address *a)
{
	return a->made_by_us && strcmp(a->sensor, r->sensor) == 0;
}

static bool rotation_is_fresh(const struct rotation *r, const struct ec2_address *a)
{
	return strcmp(a->allocation, r->fresh.allocation) == 0;
}

bool rotation_here(const struct rotation *r, const struct ec2_address *a)
{
	return strcmp(a->interface, r->interface) == 0 &&
	       strcmp(a->private_addr, r->private_addr) == 0;
}

static size_t rotation_find_leftover(const struct rotation *r)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct ec2_address *a = &r->known[i];
		if (!r->stays[i] && rotation_ours(r, a) && !a->association[0] &&
		    !rotation_is_fresh(r, a))
			return i;
	}
	return r->n;
}

/* The address that the interface had before: with our tags, or without. */
static size_t rotation_find_here(const struct rotation *r, bool ours)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct ec2_address *a = &r->known[i];
		if (!r->stays[i] && rotation_here(r, a) && !rotation_is_fresh(r, a) &&
		    rotation_ours(r, a) == ours)
			return i;
	}
	return r->n;
}

static struct rotation_step rotation_step_of(enum rotation_do what, const struct ec2_address *a)
{
	return (struct rotation_step){.what = what, .address = a};
}

struct rotation_step rotation_next(const struct rotation *r)
{
	size_t i;
	bool made = r->fresh.allocation[0];
	if (!r->looked)
		return rotation_step_of(ROTATION_LOOK, NULL);
	if (r->failed && !r->given) /* do not keep an address that was allocated in vain */
		return made ? rotation_step_of(ROTATION_RELEASE, &r->fresh)
			    : rotation_step_of(ROTATION_END, NULL);
	if ((i = rotation_find_leftover(r)) < r->n)
		return (struct rotation_step){
			.what = ROTATION_RELEASE, .address = &r->known[i], .leftover = true};
	if (r->adopt && !made && (i = rotation_find_here(r, false)) < r->n)
		return rotation_step_of(ROTATION_ADOPT, &r->known[i]);
	if (!made)
		return rotation_step_of(ROTATION_MAKE, NULL);
	if (!r->given)
		return rotation_step_of(ROTATION_GIVE, &r->fresh);
	if ((i = rotation_find_here(r, true)) < r->n)
		return rotation_step_of(ROTATION_RELEASE, &r->known[i]);
	return rotation_step_of(ROTATION_END, NULL);
}

int rotation_saw(struct rotation *r, const struct ec2_address *a, size_t n)
{
	r->n = 0;
	r->looked = true;
	r->steps++;
	for (size_t i = 0; i < n; i++) {
		bool known = false;
		for (size_t k = 0; !known && k < r->n; k++)
			known = strcmp(r->known[k].allocation, a[i].allocation) == 0;
		if (known)
			continue;
		if (r->n == sizeof r->known / sizeof *r->known)
			return -E2BIG;
		r->stays[r->n] = false;
		r->known[r->n++] = a[i];
	}
	return 0;
}

static void rotation_forget(struct rotation *r, const struct ec2_address *a)
{
	if (a == &r->fresh) {
		r->fresh.allocation[0] = '\0';
		return;
	}
	size_t i = (size_t)(a - r->known);
	r->n--;
	memmove(&r->known[i], &r->known[i + 1], (r->n - i) * sizeof *r->known);
	memmove(&r->stays[i], &r->stays[i + 1], (r->n - i) * sizeof *r->stays);
}

static void rotation_released(struct rotation *r, const struct rotation_step *s,
			      enum rotation_outcome o)
{
	if (o == ROTATION_DONE || o == ROTATION_GONE) {
		rotation_forget(r, s->address);
	} else if (o == ROTATION_UNKNOWN) {
		r->looked = false;
	} else if (s->address == &r->fresh) {
		/* The next run finds it by its tags. */
		r->fresh.allocation[0] = '\0';
	} else {
		r->stays[s->address - r->known] = true;
		/* A person may have put a leftover to use: that is no failure. */
		r->failed = r->failed || o == ROTATION_REFUSED || !s->leftover;
	}
}

static void rotation_adopted(struct rotation *r, const struct ec2_address *a)
{
	struct ec2_address *mine = &r->known[a - r->known];
	mine->made_by_us = true;
	snprintf(mine->sensor, sizeof mine->sensor, "%s", r->sensor);
}

void rotation_did(struct rotation *r, enum rotation_outcome o, const struct ec2_address *made)
{
	struct rotation_step s = rotation_next(r);
	r->steps++;
	if (s.what == ROTATION_RELEASE) {
		rotation_released(r, &s, o);
		return;
	}
	if (o == ROTATION_UNKNOWN && s.what != ROTATION_LOOK) {
		r->looked = false;
		return;
	}
	if (o != ROTATION_DONE) {
		r->failed = r->looked = true;
		return;
	}
	switch (s.what) {
	case ROTATION_ADOPT:
		rotation_adopted(r, s.address);
		break;
	case ROTATION_MAKE:
		r->fresh = *made;
		break;
	case ROTATION_GIVE:
		r->given = true;
		break;
	default:
		break;
	}
}

bool rotation_settles(const struct rotation *r)
{
	return r->steps < STEPS_MAX;
}

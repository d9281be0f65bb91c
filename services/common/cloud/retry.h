/*
 * retry: when a failed thing is attempted again, and when people are told. Pure but for
 * retry_random: the clock and the random number come from the caller.
 *
 * A struct retry stands for one destination, a struct attempts for one thing on its way there. What
 * can pass is attempted again with back-off, half of it random; what needs a person, at a fixed
 * pace. The first failure after a success begins a streak. A streak that lasts, or a failure that
 * needs a person, is an outage: one alert at its beginning, one at the success that ends it.
 */
#ifndef CLOUD_RETRY_H
#define CLOUD_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "cloud/outcome.h"

/* This many failures in a row are the destination's fault, not one object's. */
#define RETRY_STREAK 3

/* Takes an alert: begins or ends; stuck: a person has to act; message: one sentence. */
typedef void (*retry_alert_fn)(void *arg, bool begins, bool stuck, const char *message);

/* Strings are borrowed. */
struct retry_conf {
	uint64_t first_ns,
		max_ns;        /* back-off: the first, doubled for each failure, and the longest */
	uint64_t stuck_ns;     /* the longest wait after OUTCOME_STUCK; 0: back-off as usual */
	uint64_t alert_ns;     /* a streak of this time is an outage; UINT64_MAX: no matter */
	unsigned alert_streak; /* a streak of this many failures is an outage; 0: no matter */
	const char *begins;    /* the alerts' messages; the first goes on with ": " and the cause */
	const char *ends;
};

struct retry {
	struct retry_conf conf;
	retry_alert_fn alert; /* NULL: nobody is told */
	void *arg;
	unsigned streak;   /* failures since the last success */
	uint64_t since_ns; /* when the streak began */
	bool alerted;      /* the outage's first alert was given, not yet its last */
};

/* The attempts at one thing. */
struct attempts {
	unsigned n;     /* begun so far; the caller counts them */
	uint64_t at_ns; /* the next one not before this time */
};

/* One that did not end well. */
struct failure {
	enum outcome outcome; /* OUTCOME_RETRY or OUTCOME_STUCK */
	const char *why;      /* one line */
	uint64_t wait_ns;     /* the least wait that the other side asked for (Retry-After), or 0 */
};

void retry_init(struct retry *r, const struct retry_conf *conf, retry_alert_fn alert, void *arg);

/* retry_failed: counts the failure, gives the alert of an outage that begins, and sets a->at_ns.
 * random: any number; the same one gives the same wait. */
void retry_failed(struct retry *r, struct attempts *a, const struct failure *f, uint64_t now_ns,
		  uint64_t random);

/* retry_passed: the streak is over; gives the alert of an outage that ends. True when it had
 * RETRY_STREAK failures or more: nothing that waits needs to wait any longer. */
bool retry_passed(struct retry *r);

/* Whether the destination itself is at fault, as far as known. */
bool retry_in_outage(const struct retry *r);

/* retry_delay_ns: the wait after `attempts` failures (at least 1): base doubled for each after the
 * first, at most cap, of which the second half is random, so that what failed together does not
 * return together. random is any number; the same one gives the same delay. */
uint64_t retry_delay_ns(unsigned attempts, uint64_t base_ns, uint64_t cap_ns, uint64_t random);

/* retry_random: a number for the above, from a small generator seeded with the clock. Not for
 * secrets. */
uint64_t retry_random(void);

/* retry_after_ns: the value of a Retry-After header (RFC 9110 10.2.3) in nanoseconds. It is a
 * number of seconds, or a date, which needs now_s (seconds since the epoch). At most max_ns; 0 for
 * what cannot be read. */
uint64_t retry_after_ns(const char *value, uint64_t now_s, uint64_t max_ns);

#endif

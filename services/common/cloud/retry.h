/*
 * retry: how long to wait before the next try.
 */
#ifndef CLOUD_RETRY_H
#define CLOUD_RETRY_H

#include <stdint.h>

/* retry_delay_ns: the wait after `attempts` failures (at least 1): base doubled for each after the
 * first, at most cap, of which the second half is random, so that what failed together does not
 * return together. random is any number; the same one gives the same delay. */
uint64_t retry_delay_ns(unsigned attempts, uint64_t base_ns, uint64_t cap_ns, uint64_t random);

/* retry_random: a number for the above, from a small generator seeded with the clock. Not for
 * secrets. */
uint64_t retry_random(void);

/* retry_after_ns: the value of a Retry-After header (RFC 9110 10.2.3) in seconds; its other form, a
 * date, needs now (seconds since the epoch). Bounded by max_ns; 0 for what cannot be read. */
uint64_t retry_after_ns(const char *value, uint64_t now_s, uint64_t max_ns);

#endif

/*
 * clock: the two clocks of the system, in nanoseconds, and the units of time.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define NS_PER_US UINT64_C(1000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S  UINT64_C(1000000000)

/* clock_real_ns: CLOCK_REALTIME, since the epoch; an administrator may set it back. */
uint64_t clock_real_ns(void);
/* clock_mono_ns: CLOCK_MONOTONIC, since the system was started. */
uint64_t clock_mono_ns(void);

#endif

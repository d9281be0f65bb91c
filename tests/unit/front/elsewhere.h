/*
 * elsewhere: a time zone that is not UTC, for tests: nothing printed or read may depend on it.
 */
#ifndef TEST_FRONT_ELSEWHERE_H
#define TEST_FRONT_ELSEWHERE_H

#include <stdlib.h>
#include <time.h>

/* 2026-11-21 12:00:00 UTC */
#define NOON_NS UINT64_C(1795262400000000000)

static inline void elsewhere(void)
{
	setenv("TZ", "XXX-5:30", 1);
	tzset();
}

#endif

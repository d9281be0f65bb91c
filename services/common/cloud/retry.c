#include "cloud/retry.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cloud/aws_time.h"
#include "rt/loop.h"

uint64_t retry_delay_ns(unsigned attempts, uint64_t base_ns, uint64_t cap_ns, uint64_t random)
{
	uint64_t d = base_ns;
	for (unsigned i = 1; i < attempts && d < cap_ns; i++)
		d = d > cap_ns / 2 ? cap_ns : d * 2;
	if (d > cap_ns)
		d = cap_ns;
	return d - d / 2 + random % (d / 2 + 1);
}

uint64_t retry_random(void)
{
	/* splitmix64 (Steele, Lea, Flood 2014). */
	static uint64_t state;
	if (!state)
		state = clock_real_ns();
	uint64_t z = state += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

uint64_t retry_after_ns(const char *value, uint64_t now_s, uint64_t max_ns)
{
	while (*value == ' ' || *value == '\t')
		value++;
	uint64_t s = 0;
	if (*value >= '0' && *value <= '9') {
		for (; *value >= '0' && *value <= '9'; value++)
			if (s < UINT64_MAX / 100)
				s = s * 10 + (uint64_t)(*value - '0');
	} else {
		uint64_t then;
		if (aws_time_http(value, &then) != 0 || then <= now_s)
			return 0;
		s = then - now_s;
	}
	return s > max_ns / 1000000000u ? max_ns : s * 1000000000u;
}

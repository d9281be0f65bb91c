#include "cloud/retry.h"

#include <stdio.h>

#include "base/clock.h"
#include "cloud/aws_time.h"

void retry_init(struct retry *r, const struct retry_conf *conf, retry_alert_fn alert, void *arg)
{
	*r = (struct retry){.conf = *conf, .alert = alert, .arg = arg};
}

static void retry_tell(struct retry *r, bool begins, bool stuck, const char *message)
{
	r->alerted = begins;
	if (r->alert)
		r->alert(r->arg, begins, stuck, message);
}

static uint64_t retry_wait_ns(const struct retry_conf *c, const struct attempts *a, bool stuck,
			      uint64_t random)
{
	return stuck && c->stuck_ns ? retry_delay_ns(1, c->stuck_ns, c->stuck_ns, random)
				    : retry_delay_ns(a->n, c->first_ns, c->max_ns, random);
}

void retry_failed(struct retry *r, struct attempts *a, const struct failure *f, uint64_t now_ns,
		  uint64_t random)
{
	const struct retry_conf *c = &r->conf;
	bool stuck = f->outcome == OUTCOME_STUCK;
	char text[512];

	if (r->streak++ == 0)
		r->since_ns = now_ns;
	bool lasts = now_ns - r->since_ns >= c->alert_ns ||
		     (c->alert_streak && r->streak >= c->alert_streak);
	if (!r->alerted && (stuck || lasts)) {
		snprintf(text, sizeof text, "%s: %s", c->begins ? c->begins : "", f->why);
		retry_tell(r, true, stuck, text);
	}
	uint64_t ns = retry_wait_ns(c, a, stuck, random);
	a->at_ns = now_ns + (ns > f->wait_ns ? ns : f->wait_ns);
}

bool retry_passed(struct retry *r)
{
	bool outage = r->streak >= RETRY_STREAK;
	r->streak = 0;
	if (r->alerted)
		retry_tell(r, false, false, r->conf.ends);
	return outage;
}

bool retry_in_outage(const struct retry *r)
{
	return r->alerted || r->streak >= RETRY_STREAK;
}

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
	return s > max_ns / NS_PER_S ? max_ns : s * NS_PER_S;
}

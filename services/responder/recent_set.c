#include "responder/recent_set.h"

#include <errno.h>
#include <stdlib.h>

#define SECOND UINT64_C(1000000000)

int recent_set_init(struct recent_set *s, uint32_t entries)
{
	uint32_t sets = 1;

	while (sets * RECENT_SET_WAYS < entries)
		sets *= 2;
	s->set = calloc(sets, sizeof *s->set);
	s->mask = sets - 1;
	s->latest_s = 0;
	s->evicted = 0;
	return s->set ? 0 : -ENOMEM;
}

void recent_set_fini(struct recent_set *s)
{
	free(s->set);
	s->set = NULL;
}

void recent_set_add(struct recent_set *s, uint64_t hash, uint64_t now_ns, uint64_t keep_ns)
{
	struct recent_set_entry *set = s->set[hash & s->mask], *victim = &set[0];
	uint32_t tag = (uint32_t)(hash >> 32), now_s = (uint32_t)(now_ns / SECOND);

	for (int i = 0; i < RECENT_SET_WAYS; i++) {
		if (set[i].until_s && set[i].tag == tag) {
			victim = &set[i];
			break;
		}
		if (set[i].until_s < victim->until_s)
			victim = &set[i];
	}
	if (victim->until_s > now_s && victim->tag != tag)
		s->evicted++;
	victim->tag = tag;
	victim->until_s = (uint32_t)((now_ns + keep_ns) / SECOND) + 1;
	if (victim->until_s > s->latest_s)
		s->latest_s = victim->until_s;
}

bool recent_set_has(const struct recent_set *s, uint64_t hash, uint64_t now_ns)
{
	const struct recent_set_entry *set = s->set[hash & s->mask];
	uint32_t tag = (uint32_t)(hash >> 32), now_s = (uint32_t)(now_ns / SECOND);

	for (int i = 0; i < RECENT_SET_WAYS; i++)
		if (set[i].tag == tag && set[i].until_s > now_s)
			return true;
	return false;
}

#include "responder/seen.h"

#include <errno.h>
#include <stdlib.h>

#define SECOND UINT64_C(1000000000)

int seen_init(struct seen *s, uint32_t entries)
{
	uint32_t sets = 1;

	while (sets * SEEN_WAYS < entries)
		sets *= 2;
	s->set = calloc(sets, sizeof(*s->set));
	s->mask = sets - 1;
	s->latest_s = 0;
	s->evicted = 0;
	return s->set ? 0 : -ENOMEM;
}

void seen_fini(struct seen *s)
{
	free(s->set);
	s->set = NULL;
}

void seen_add(struct seen *s, uint64_t hash, uint64_t now_ns, uint64_t keep_ns)
{
	struct seen_entry *set = s->set[hash & s->mask], *victim = &set[0];
	uint32_t tag = (uint32_t)(hash >> 32), now_s = (uint32_t)(now_ns / SECOND);

	for (int i = 0; i < SEEN_WAYS; i++) {
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

bool seen_has(const struct seen *s, uint64_t hash, uint64_t now_ns)
{
	const struct seen_entry *set = s->set[hash & s->mask];
	uint32_t tag = (uint32_t)(hash >> 32), now_s = (uint32_t)(now_ns / SECOND);

	for (int i = 0; i < SEEN_WAYS; i++)
		if (set[i].tag == tag && set[i].until_s > now_s)
			return true;
	return false;
}

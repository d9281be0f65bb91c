#include "responder/limit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SECOND UINT64_C(1000000000)

static void limit_rate_set(struct limit_rate r, uint64_t *interval_ns, uint64_t *ahead_ns)
{
	*interval_ns = r.per_s ? SECOND / r.per_s : 0;
	*ahead_ns = *interval_ns * (r.burst ? r.burst - 1 : 0);
}

static int limit_table_init(struct limit_table *t, uint32_t entries, struct limit_rate rate)
{
	uint64_t sets = 1;

	while (sets * LIMIT_WAYS < entries)
		sets *= 2;
	limit_rate_set(rate, &t->interval_ns, &t->ahead_ns);
	t->mask = sets - 1;
	/* One set is one cache line. */
	t->set = aligned_alloc(sizeof *t->set, sets * sizeof *t->set);
	if (!t->set)
		return -ENOMEM;
	memset(t->set, 0, sets * sizeof *t->set);
	return 0;
}

int limit_init(struct limit *l, uint32_t entries, struct limit_rate source,
	       struct limit_rate prefix, struct limit_rate total, const uint8_t key[16])
{
	memset(l, 0, sizeof *l);
	l->key = hash_key(key);
	limit_rate_set(total, &l->interval_ns, &l->ahead_ns);
	if (limit_table_init(&l->source, entries, source) < 0 ||
	    limit_table_init(&l->prefix, entries / 4, prefix) < 0) {
		limit_fini(l);
		return -ENOMEM;
	}
	return 0;
}

void limit_fini(struct limit *l)
{
	free(l->source.set);
	free(l->prefix.set);
	l->source.set = NULL;
	l->prefix.set = NULL;
}

struct limit_place limit_find(const struct limit *l, const struct addr *src)
{
	struct limit_place at;

	if (src->family == 4)
		at = (struct limit_place){hash_addr(&l->key, src, 4, 1),
					  hash_addr(&l->key, src, 3, 2)};
	else
		at = (struct limit_place){hash_addr(&l->key, src, 8, 1),
					  hash_addr(&l->key, src, 6, 2)};
	__builtin_prefetch(l->source.set[at.source & l->source.mask], 1);
	__builtin_prefetch(l->prefix.set[at.prefix & l->prefix.mask], 1);
	return at;
}

static struct limit_bucket *limit_bucket(struct limit *l, struct limit_table *t, uint64_t h,
					 uint64_t now_ns)
{
	struct limit_bucket *set = t->set[h & t->mask], *victim = &set[0];

	h |= 1;
	for (int i = 0; i < LIMIT_WAYS; i++) {
		if (set[i].tag == h)
			return &set[i];
		if (set[i].full_ns < victim->full_ns)
			victim = &set[i];
	}
	if (victim->full_ns > now_ns)
		l->evicted++;
	*victim = (struct limit_bucket){h, 0};
	return victim;
}

static bool limit_conforms(const struct limit_bucket *b, uint64_t now_ns, uint64_t ahead_ns)
{
	return b->full_ns <= now_ns || b->full_ns - now_ns <= ahead_ns;
}

static void limit_charge(struct limit_bucket *b, uint64_t now_ns, uint64_t interval_ns)
{
	b->full_ns = (b->full_ns > now_ns ? b->full_ns : now_ns) + interval_ns;
}

enum limit_reason limit_take(struct limit *l, struct limit_place at, uint64_t now_ns)
{
	struct limit_bucket *s = limit_bucket(l, &l->source, at.source, now_ns), *p;

	if (!limit_conforms(s, now_ns, l->source.ahead_ns))
		return LIMIT_SOURCE;
	p = limit_bucket(l, &l->prefix, at.prefix, now_ns);
	if (!limit_conforms(p, now_ns, l->prefix.ahead_ns))
		return LIMIT_PREFIX;
	if (!limit_conforms(&l->total, now_ns, l->ahead_ns))
		return LIMIT_TOTAL;
	limit_charge(s, now_ns, l->source.interval_ns);
	limit_charge(p, now_ns, l->prefix.interval_ns);
	limit_charge(&l->total, now_ns, l->interval_ns);
	return LIMIT_PASS;
}

#include "who/phase.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pkt/siphash.h"

#define WAYS 8 /* sources in a set */

struct entry {
	struct addr src; /* family 0: free */
	uint16_t dport;
	uint32_t seq, key; /* of the last SYN; key by unicornscan's formula */
	uint64_t ts_ns;    /* last bare SYN */
	struct who_tool tool;
};

struct who_phase {
	struct entry *v;
	size_t sets; /* a power of two */
	uint64_t window_ns;
	uint8_t seed[16];
	struct who_phase_stats stats;
};

int who_phase_new(size_t max, uint64_t window_ns, const uint8_t seed[16], struct who_phase **out)
{
	struct who_phase *t = calloc(1, sizeof *t);
	size_t sets = 1;

	*out = NULL;
	while (sets * WAYS < max && sets < SIZE_MAX / 2 / WAYS / sizeof *t->v)
		sets *= 2;
	if (t)
		t->v = calloc(sets * WAYS, sizeof *t->v);
	if (!t || !t->v) {
		free(t);
		return -ENOMEM;
	}
	t->sets = sets;
	t->window_ns = window_ns;
	memcpy(t->seed, seed, sizeof t->seed);
	*out = t;
	return 0;
}

void who_phase_free(struct who_phase **t)
{
	if (!*t)
		return;
	free((*t)->v);
	free(*t);
	*t = NULL;
}

static struct entry *set_of(struct who_phase *t, const struct addr *src)
{
	uint64_t h = siphash24(src->b, sizeof src->b, t->seed);
	return t->v + (h & (t->sets - 1)) * WAYS;
}

static struct entry *find(struct entry *set, const struct addr *src)
{
	for (size_t i = 0; i < WAYS; i++)
		if (set[i].src.family == src->family &&
		    memcmp(set[i].src.b, src->b, sizeof src->b) == 0)
			return &set[i];
	return NULL;
}

static uint64_t age(uint64_t now, uint64_t then)
{
	return now > then ? now - then : 0;
}

/* The address as unicornscan's code sees it: the four bytes of the wire in a little-endian
 * machine's word. */
static uint32_t dst_word(const struct who_syn *s)
{
	const uint8_t *b = s->dst.b;
	return (uint32_t)b[3] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[1] << 8 | b[0];
}

void who_phase_bare(struct who_phase *t, const struct addr *src, const struct who_syn *syn,
		    uint64_t ts_ns, struct who_tool *tool)
{
	struct entry *set = set_of(t, src), *e = find(set, src);
	uint32_t key = syn->seq ^ dst_word(syn) ^ ((uint32_t)syn->dport << 16 | syn->sport);

	if (e && e->key == key && e->seq != syn->seq) /* no retransmission */
		*tool = (struct who_tool){
			"unicornscan",
			"sequence ^ destination ^ ports is the same in two SYNs of this source"};
	if (!e) { /* a free place, or the oldest */
		e = set;
		for (size_t i = 0; i < WAYS; i++) {
			if (set[i].src.family == 0) {
				e = &set[i];
				break;
			}
			if (set[i].ts_ns < e->ts_ns)
				e = &set[i];
		}
		if (e->src.family == 0)
			t->stats.sources++;
		else if (age(ts_ns, e->ts_ns) < t->window_ns)
			t->stats.evicted++;
		*e = (struct entry){.src = *src};
	}
	/* Order of flows is by their ends, so an older SYN may come later: it does not turn the
	 * clock back. */
	if (ts_ns >= e->ts_ns) {
		e->ts_ns = ts_ns;
		e->dport = syn->dport;
		e->seq = syn->seq;
		e->key = key;
		if (tool->name || !e->tool.name)
			e->tool = *tool;
	}
}

bool who_phase_real(struct who_phase *t, const struct addr *src, uint64_t ts_ns,
		    struct who_first *out)
{
	const struct entry *e = find(set_of(t, src), src);

	if (!e || src->family == 0 || e->ts_ns > ts_ns || age(ts_ns, e->ts_ns) > t->window_ns)
		return false;
	*out = (struct who_first){.ts_ns = e->ts_ns, .dport = e->dport, .tool = e->tool};
	t->stats.pairs++;
	return true;
}

void who_phase_stats(const struct who_phase *t, struct who_phase_stats *out)
{
	*out = t->stats;
}

#include "flowagg/open_flows.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define FIRST_BUCKETS 1024u

static void *open_flows_reserve(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		       -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

int open_flows_init(struct open_flows *t, uint32_t max, const uint8_t seed[16])
{
	*t = (struct open_flows){.max = max, .free = FLOW_NONE, .nbuckets = FIRST_BUCKETS};
	memcpy(t->seed, seed, sizeof t->seed);
	for (int c = 0; c < FLOW_CLASSES; c++)
		t->oldest[c] = t->newest[c] = FLOW_NONE;
	t->flows = open_flows_reserve((size_t)max * sizeof *t->flows);
	t->links = open_flows_reserve((size_t)max * sizeof *t->links);
	t->buckets = malloc(FIRST_BUCKETS * sizeof *t->buckets);
	if (!t->flows || !t->links || !t->buckets) {
		open_flows_fini(t);
		return -ENOMEM;
	}
	memset(t->buckets, 0xff, FIRST_BUCKETS * sizeof *t->buckets);
	return 0;
}

void open_flows_fini(struct open_flows *t)
{
	if (t->flows)
		munmap(t->flows, (size_t)t->max * sizeof *t->flows);
	if (t->links)
		munmap(t->links, (size_t)t->max * sizeof *t->links);
	free(t->buckets);
	*t = (struct open_flows){0};
}

static uint32_t open_flows_index(const struct open_flows *t, const struct open_flow *f)
{
	return (uint32_t)(f - t->flows);
}

static uint32_t open_flows_hash(const struct open_flows *t, const struct flowkey *key)
{
	return (uint32_t)flowkey_hash(key, t->seed);
}

static uint32_t *open_flows_bucket(struct open_flows *t, uint32_t hash)
{
	return &t->buckets[hash & (t->nbuckets - 1)];
}

static void open_flows_grow(struct open_flows *t)
{
	uint32_t n = t->nbuckets * 2;
	uint32_t *old = t->buckets, *v = malloc(n * sizeof *v);

	/* Without memory, the chains only get longer. */
	if (!v)
		return;
	memset(v, 0xff, n * sizeof *v);
	uint32_t was = t->nbuckets;
	t->buckets = v;
	t->nbuckets = n;
	for (uint32_t b = 0; b < was; b++) {
		for (uint32_t i = old[b], next; i != FLOW_NONE; i = next) {
			next = t->links[i].next;
			uint32_t *to = open_flows_bucket(t, t->links[i].hash);
			t->links[i].next = *to;
			*to = i;
		}
	}
	free(old);
}

struct open_flow *open_flows_find(struct open_flows *t, const struct flowkey *key)
{
	uint32_t hash = open_flows_hash(t, key);

	for (uint32_t i = *open_flows_bucket(t, hash); i != FLOW_NONE; i = t->links[i].next)
		if (t->links[i].hash == hash && memcmp(&t->flows[i].key, key, sizeof *key) == 0)
			return &t->flows[i];
	return NULL;
}

static void open_flows_list_out(struct open_flows *t, struct open_flow *f)
{
	if (f->older != FLOW_NONE)
		t->flows[f->older].newer = f->newer;
	else
		t->oldest[f->class] = f->newer;
	if (f->newer != FLOW_NONE)
		t->flows[f->newer].older = f->older;
	else
		t->newest[f->class] = f->older;
}

static void open_flows_list_in(struct open_flows *t, struct open_flow *f, enum flow_class class)
{
	uint32_t i = open_flows_index(t, f);

	f->class = (uint8_t) class;
	f->newer = FLOW_NONE;
	f->older = t->newest[class];
	if (f->older != FLOW_NONE)
		t->flows[f->older].newer = i;
	else
		t->oldest[class] = i;
	t->newest[class] = i;
}

struct open_flow *open_flows_add(struct open_flows *t, const struct flowkey *key,
				 enum flow_class class)
{
	uint32_t i, hash = open_flows_hash(t, key);

	assert(t->used < t->max);
	if (t->used >= t->nbuckets / 2)
		open_flows_grow(t);
	if (t->free != FLOW_NONE) {
		i = t->free;
		t->free = t->links[i].next;
	} else {
		i = t->fresh++;
	}
	t->used++;
	struct open_flow *f = &t->flows[i];
	*f = (struct open_flow){.key = *key};
	chain_init(&f->chain);
	uint32_t *b = open_flows_bucket(t, hash);
	t->links[i] = (struct open_flows_link){*b, hash};
	*b = i;
	open_flows_list_in(t, f, class);
	return f;
}

void open_flows_remove(struct open_flows *t, struct open_flow *f)
{
	uint32_t i = open_flows_index(t, f);
	uint32_t *at = open_flows_bucket(t, t->links[i].hash);

	while (*at != i)
		at = &t->links[*at].next;
	*at = t->links[i].next;
	open_flows_list_out(t, f);
	t->links[i].next = t->free;
	t->free = i;
	if (--t->used == 0 && t->fresh > FIRST_BUCKETS) {
		/* Empty after a flood: start over with little memory. */
		madvise(t->flows, (size_t)t->max * sizeof *t->flows, MADV_DONTNEED);
		madvise(t->links, (size_t)t->max * sizeof *t->links, MADV_DONTNEED);
		t->fresh = 0;
		t->free = FLOW_NONE;
	}
}

void open_flows_touch(struct open_flows *t, struct open_flow *f, enum flow_class class)
{
	if (f->newer == FLOW_NONE && f->class == class)
		return;
	open_flows_list_out(t, f);
	open_flows_list_in(t, f, class);
}

struct open_flow *open_flows_oldest(struct open_flows *t, enum flow_class class)
{
	return t->oldest[class] == FLOW_NONE ? NULL : &t->flows[t->oldest[class]];
}

struct open_flow *open_flows_newer(struct open_flows *t, const struct open_flow *f)
{
	return f->newer == FLOW_NONE ? NULL : &t->flows[f->newer];
}

struct open_flow *open_flows_least(struct open_flows *t)
{
	static const enum flow_class order[] = {CLASS_PLAIN, CLASS_TALK, CLASS_DATA};
	struct open_flow *f = NULL;

	for (int i = 0; i < FLOW_CLASSES && !f; i++)
		f = open_flows_oldest(t, order[i]);
	return f;
}

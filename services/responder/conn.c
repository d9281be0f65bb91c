#include "responder/conn.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

int conns_init(struct conns *t, uint32_t size, uint64_t idle_ns, uint64_t evict_ns,
	       const uint8_t key[16])
{
	uint32_t buckets = 1;

	memset(t, 0, sizeof(*t));
	while (buckets < size)
		buckets *= 2;
	t->c = calloc(size, sizeof(*t->c));
	t->bucket = malloc(buckets * sizeof(*t->bucket));
	t->held = calloc(CONN_CELLS, sizeof(*t->held));
	if (!t->c || !t->bucket || !t->held) {
		conns_fini(t);
		return -ENOMEM;
	}
	memset(t->bucket, 0xff, buckets * sizeof(*t->bucket));
	t->size = size;
	t->mask = buckets - 1;
	t->free = CONN_NONE; /* slots never used are taken in order, so that untouched memory stays
				untouched */
	t->oldest = t->newest = CONN_NONE;
	t->wait_first = t->wait_last = CONN_NONE;
	t->idle_ns = idle_ns;
	t->evict_ns = evict_ns;
	memcpy(t->key, key, 16);
	return 0;
}

void conns_fini(struct conns *t)
{
	free(t->c);
	free(t->bucket);
	free(t->held);
	t->c = NULL;
	t->bucket = NULL;
	t->held = NULL;
}

static uint32_t *bucket_of(const struct conns *t, const struct tuple *k)
{
	uint8_t in[TUPLE_BYTES_MAX];
	uint64_t h;

	crypto_shorthash((uint8_t *)&h, in, tuple_bytes(k, in), t->key);
	return &t->bucket[h & t->mask];
}

static uint32_t *held_by(const struct conns *t, const struct addr *src)
{
	uint64_t h;

	crypto_shorthash((uint8_t *)&h, src->b, src->family == 4 ? 4 : 8, t->key);
	return &t->held[h % CONN_CELLS];
}

static uint32_t index_of(const struct conns *t, const struct conn *c)
{
	return (uint32_t)(c - t->c);
}

struct conn *conns_find(const struct conns *t, const struct tuple *k)
{
	for (uint32_t i = *bucket_of(t, k); i != CONN_NONE; i = t->c[i].chain)
		if (tuple_eq(&t->c[i].t, k))
			return &t->c[i];
	return NULL;
}

static void unlink_age(struct conns *t, struct conn *c)
{
	if (c->older != CONN_NONE)
		t->c[c->older].newer = c->newer;
	else
		t->oldest = c->newer;
	if (c->newer != CONN_NONE)
		t->c[c->newer].older = c->older;
	else
		t->newest = c->older;
}

static void link_newest(struct conns *t, struct conn *c)
{
	uint32_t i = index_of(t, c);

	c->newer = CONN_NONE;
	c->older = t->newest;
	if (t->newest != CONN_NONE)
		t->c[t->newest].newer = i;
	else
		t->oldest = i;
	t->newest = i;
}

static uint32_t share(const struct conns *t)
{
	return t->size / CONN_SHARE > CONN_SHARE ? t->size / CONN_SHARE : CONN_SHARE;
}

struct conn *conns_victim(const struct conns *t, uint64_t now_ns)
{
	struct conn *c;

	if (!conns_full(t) || t->oldest == CONN_NONE)
		return NULL;
	c = &t->c[t->oldest];
	if (now_ns >= c->last_ns + t->evict_ns)
		return c;
	for (int i = 0; i < CONN_LOOKS; i++) {
		if (*held_by(t, &c->t.src) > share(t))
			return c;
		if (c->newer == CONN_NONE)
			break;
		c = &t->c[c->newer];
	}
	return NULL;
}

struct conn *conns_add(struct conns *t, const struct tuple *k, uint64_t now_ns)
{
	uint32_t *b = bucket_of(t, k), i = t->free;
	struct conn *c;

	if (i != CONN_NONE)
		t->free = t->c[i].chain;
	else
		i = t->used; /* with an empty free list, slots 0..used-1 are taken */
	c = &t->c[i];
	memset(c, 0, sizeof(*c));
	c->t = *k;
	c->start_ns = c->last_ns = now_ns;
	c->wait_prev = c->wait_next = CONN_NONE;
	c->chain = *b;
	*b = i;
	link_newest(t, c);
	++*held_by(t, &k->src);
	t->used++;
	return c;
}

void conns_touch(struct conns *t, struct conn *c, uint64_t now_ns)
{
	c->last_ns = now_ns;
	if (c->newer == CONN_NONE)
		return;
	unlink_age(t, c);
	link_newest(t, c);
}

void conns_remove(struct conns *t, struct conn *c)
{
	uint32_t i = index_of(t, c), *p = bucket_of(t, &c->t);

	while (*p != i)
		p = &t->c[*p].chain;
	*p = c->chain;
	unlink_age(t, c);
	conns_unwait(t, c);
	--*held_by(t, &c->t.src);
	c->chain = t->free;
	t->free = i;
	t->used--;
}

struct conn *conns_idle(const struct conns *t, uint64_t now_ns)
{
	if (t->oldest == CONN_NONE || now_ns < t->c[t->oldest].last_ns + t->idle_ns)
		return NULL;
	return &t->c[t->oldest];
}

void conns_wait(struct conns *t, struct conn *c)
{
	uint32_t i = index_of(t, c);

	c->waiting = true;
	c->wait_next = CONN_NONE;
	c->wait_prev = t->wait_last;
	if (t->wait_last != CONN_NONE)
		t->c[t->wait_last].wait_next = i;
	else
		t->wait_first = i;
	t->wait_last = i;
}

void conns_unwait(struct conns *t, struct conn *c)
{
	if (!c->waiting)
		return;
	c->waiting = false;
	if (c->wait_prev != CONN_NONE)
		t->c[c->wait_prev].wait_next = c->wait_next;
	else
		t->wait_first = c->wait_next;
	if (c->wait_next != CONN_NONE)
		t->c[c->wait_next].wait_prev = c->wait_prev;
	else
		t->wait_last = c->wait_prev;
}

#include "aws/hand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int hand_init(struct hand *h, size_t n)
{
	*h = (struct hand){.v = calloc(n, sizeof *h->v), .n = n};
	return h->v ? 0 : -ENOMEM;
}

void hand_fini(struct hand *h)
{
	for (size_t i = 0; h->v && i < h->n; i++)
		hand_drop(&h->v[i]);
	free(h->v);
	h->v = NULL;
	h->n = 0;
}

size_t hand_count(const struct hand *h, enum hand_state state)
{
	size_t n = 0;
	for (size_t i = 0; i < h->n; i++)
		n += h->v[i].state == state;
	return n;
}

struct hand_message *hand_add(struct hand *h, const struct sqs_message *in, uint64_t now_ns,
			      uint64_t visible_ns)
{
	struct hand_message *m = h->v;
	while (m < h->v + h->n && m->state != HAND_FREE)
		m++;
	if (m == h->v + h->n)
		return NULL;
	*m = (struct hand_message){.state = HAND_READY,
				   .serial = ++h->serials,
				   .receives = in->receives,
				   .at_ns = now_ns,
				   .since_ns = now_ns,
				   .until_ns = now_ns + visible_ns};
	/* sqs_received gives none that is longer. */
	memcpy(m->id, in->id.p, in->id.n);
	memcpy(m->handle, in->handle.p, in->handle.n);
	return m;
}

void hand_drop(struct hand_message *m)
{
	event_fini(&m->event);
	m->state = HAND_FREE;
	m->serial = 0;
}

bool hand_said(struct hand *h, const char *id)
{
	/* FNV-1a. */
	uint64_t hash = 14695981039346656037u;
	for (const char *p = id; *p; p++)
		hash = (hash ^ (uint8_t)*p) * 1099511628211u;
	for (size_t i = 0; i < HAND_LEFT_KEPT && i < h->nleft; i++)
		if (h->left[i] == hash)
			return true;
	h->left[h->nleft++ % HAND_LEFT_KEPT] = hash;
	return false;
}

static void put(struct hand_batch *b, struct hand_message *m)
{
	b->m[b->n] = m;
	b->handles[b->n] = m->handle;
	b->serials[b->n] = m->serial;
	b->n++;
}

void hand_done(struct hand *h, struct hand_batch *out)
{
	out->n = 0;
	for (size_t i = 0; i < h->n && out->n < SQS_BATCH; i++)
		if (h->v[i].state == HAND_DONE)
			put(out, &h->v[i]);
}

void hand_all(struct hand *h, struct hand_batch *out)
{
	out->n = 0;
	for (size_t i = 0; i < h->n && out->n < SQS_BATCH; i++)
		if (h->v[i].state != HAND_FREE && h->v[i].state != HAND_DONE)
			put(out, &h->v[i]);
}

void hand_short(struct hand *h, uint64_t now_ns, uint64_t left_ns, struct hand_batch *out)
{
	uint64_t limit = now_ns + left_ns;

	out->n = 0;
	while (out->n < SQS_BATCH) {
		struct hand_message *best = NULL;
		for (size_t i = 0; i < h->n; i++) {
			struct hand_message *m = &h->v[i];
			bool taken = false;
			for (size_t k = 0; k < out->n; k++)
				taken |= out->m[k] == m;
			if (m->state != HAND_FREE && !taken && m->until_ns < limit &&
			    (!best || m->until_ns < best->until_ns))
				best = m;
		}
		if (!best)
			return;
		put(out, best);
	}
}

struct hand_message *hand_of(const struct hand_batch *b, size_t i)
{
	return b->m[i]->serial == b->serials[i] ? b->m[i] : NULL;
}

uint64_t hand_next(const struct hand *h)
{
	uint64_t next = UINT64_MAX;
	for (size_t i = 0; i < h->n; i++)
		if (h->v[i].state == HAND_READY && h->v[i].at_ns < next)
			next = h->v[i].at_ns;
	return next;
}

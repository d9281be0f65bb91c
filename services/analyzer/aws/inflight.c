#include "aws/inflight.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int inflight_init(struct inflight *h, size_t n)
{
	*h = (struct inflight){.v = calloc(n, sizeof *h->v), .n = n};
	return h->v ? 0 : -ENOMEM;
}

void inflight_fini(struct inflight *h)
{
	for (size_t i = 0; h->v && i < h->n; i++)
		inflight_drop(&h->v[i]);
	free(h->v);
	h->v = NULL;
	h->n = 0;
}

size_t inflight_count(const struct inflight *h, enum inflight_state state)
{
	size_t n = 0;
	for (size_t i = 0; i < h->n; i++)
		n += h->v[i].state == state;
	return n;
}

struct inflight_message *inflight_add(struct inflight *h, const struct sqs_message *in,
				      uint64_t now_ns, uint64_t visible_ns)
{
	struct inflight_message *m = h->v;
	while (m < h->v + h->n && m->state != INFLIGHT_FREE)
		m++;
	if (m == h->v + h->n)
		return NULL;
	*m = (struct inflight_message){.state = INFLIGHT_READY,
				       .serial = ++h->serials,
				       .receives = in->receives,
				       .attempts.at_ns = now_ns,
				       .since_ns = now_ns,
				       .until_ns = now_ns + visible_ns};
	/* sqs_received gives none that is longer. */
	memcpy(m->id, in->id.p, in->id.n);
	memcpy(m->handle, in->handle.p, in->handle.n);
	return m;
}

void inflight_drop(struct inflight_message *m)
{
	event_fini(&m->event);
	m->state = INFLIGHT_FREE;
	m->serial = 0;
}

bool inflight_said(struct inflight *h, const char *id)
{
	/* FNV-1a. */
	uint64_t hash = 14695981039346656037u;
	for (const char *p = id; *p; p++)
		hash = (hash ^ (uint8_t)*p) * 1099511628211u;
	for (size_t i = 0; i < INFLIGHT_LEFT_KEPT && i < h->nleft; i++)
		if (h->left[i] == hash)
			return true;
	h->left[h->nleft++ % INFLIGHT_LEFT_KEPT] = hash;
	return false;
}

static void put(struct inflight_batch *b, struct inflight_message *m)
{
	b->m[b->n] = m;
	b->handles[b->n] = m->handle;
	b->serials[b->n] = m->serial;
	b->n++;
}

void inflight_done(struct inflight *h, struct inflight_batch *out)
{
	out->n = 0;
	for (size_t i = 0; i < h->n && out->n < SQS_BATCH; i++)
		if (h->v[i].state == INFLIGHT_DONE)
			put(out, &h->v[i]);
}

void inflight_all(struct inflight *h, struct inflight_batch *out)
{
	out->n = 0;
	for (size_t i = 0; i < h->n && out->n < SQS_BATCH; i++)
		if (h->v[i].state != INFLIGHT_FREE && h->v[i].state != INFLIGHT_DONE)
			put(out, &h->v[i]);
}

void inflight_short(struct inflight *h, uint64_t now_ns, uint64_t left_ns,
		    struct inflight_batch *out)
{
	uint64_t limit = now_ns + left_ns;

	out->n = 0;
	while (out->n < SQS_BATCH) {
		struct inflight_message *best = NULL;
		for (size_t i = 0; i < h->n; i++) {
			struct inflight_message *m = &h->v[i];
			bool taken = false;
			for (size_t k = 0; k < out->n; k++)
				taken |= out->m[k] == m;
			if (m->state != INFLIGHT_FREE && !taken && m->until_ns < limit &&
			    (!best || m->until_ns < best->until_ns))
				best = m;
		}
		if (!best)
			return;
		put(out, best);
	}
}

struct inflight_message *inflight_of(const struct inflight_batch *b, size_t i)
{
	return b->m[i]->serial == b->serials[i] ? b->m[i] : NULL;
}

uint64_t inflight_next(const struct inflight *h)
{
	uint64_t next = UINT64_MAX;
	for (size_t i = 0; i < h->n; i++)
		if (h->v[i].state == INFLIGHT_READY && h->v[i].attempts.at_ns < next)
			next = h->v[i].attempts.at_ns;
	return next;
}

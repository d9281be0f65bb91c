#include "logptn/svc/groups.h"

#include <errno.h>
#include <openssl/sha.h>
#include <string.h>

#include "logptn/lib/state.h"

static const char magic[8] = "LPTNGRP\1";

void groups_fini(struct groups *g)
{
	for (uint32_t i = 0; i < g->n; i++)
		skels_fini(&g->v[i].t);
	memset(g, 0, sizeof *g);
}

static struct group *find(struct groups *g, const char *name)
{
	struct group *x;

	for (uint32_t i = 0; i < g->n; i++)
		if (!strcmp(g->v[i].name, name))
			return &g->v[i];
	if (g->n == GROUPS_MAX)
		return NULL;
	x = &g->v[g->n];
	memset(x, 0, sizeof *x);
	if (skels_init(&x->t))
		return NULL;
	strncpy(x->name, name, sizeof x->name - 1);
	g->n++;
	return x;
}

int groups_add(struct groups *g, const char *name, uint64_t now_ns, uint32_t port,
	       const uint8_t *line, size_t n)
{
	struct group *x = find(g, name);
	uint32_t k;

	if (!x) {
		g->refused++;
		return 0;
	}
	x->t.now_ns = now_ns;
	k = skels_add(&x->t, line, n);
	if (k == SKEL_NONE)
		return -ENOMEM;
	if (port)
		skels_tag(&x->t, k, port, 1);
	return 0;
}

int groups_tell(struct groups *g, bool all, groups_fn fn, void *arg)
{
	for (uint32_t i = 0; i < g->n; i++) {
		struct group *x = &g->v[i];
		struct formats *f;
		int r;

		if (x->made_of == x->t.n && !(all && x->told_lines != x->t.lines))
			continue;
		r = formats_make(&x->t, &f);
		if (r)
			return r;
		for (uint32_t k = 0; k < f->n; k++)
			if (f->v[k].fresh || f->v[k].nwas || all)
				fn(arg, x, f, &f->v[k]);
		formats_remember(f, &x->t);
		formats_free(&f);
		x->made_of = x->t.n;
		if (all)
			x->told_lines = x->t.lines;
	}
	return 0;
}

static void put(struct buf *b, uint64_t v)
{
	uint8_t x[8];

	for (int i = 0; i < 8; i++)
		x[i] = (uint8_t)(v >> (8 * i));
	buf_add(b, x, sizeof x);
}

int groups_save(const struct groups *g, struct buf *out)
{
	uint8_t sum[SHA256_DIGEST_LENGTH];
	size_t start = out->n;
	int r = 0;

	buf_add(out, magic, sizeof magic);
	put(out, g->pos.day);
	put(out, g->pos.offset);
	put(out, g->refused);
	put(out, g->n);
	for (uint32_t i = 0; !r && i < g->n; i++) {
		struct buf state;

		buf_init(&state, STATE_MAX);
		r = state_save(&g->v[i].t, &state);
		buf_add(out, g->v[i].name, sizeof g->v[i].name);
		put(out, state.n);
		buf_add(out, state.p, state.n);
		buf_fini(&state);
	}
	if (r || out->failed)
		return -ENOMEM;
	SHA256(out->p + start, out->n - start, sum);
	return buf_add(out, sum, sizeof sum) ? -ENOMEM : 0;
}

struct reader {
	const uint8_t *p;
	size_t n;
	bool bad;
};

static const uint8_t *take(struct reader *r, size_t n)
{
	const uint8_t *p = r->p;

	if (r->bad || n > r->n) {
		r->bad = true;
		return NULL;
	}
	r->p += n;
	r->n -= n;
	return p;
}

static uint64_t get(struct reader *r)
{
	const uint8_t *p = take(r, 8);
	uint64_t v = 0;

	for (int i = 7; p && i >= 0; i--)
		v = v << 8 | p[i];
	return v;
}

int groups_load(struct groups *g, struct bytes in)
{
	uint8_t sum[SHA256_DIGEST_LENGTH];
	struct reader r = {in.p, in.n, false};
	const uint8_t *head = take(&r, sizeof magic), *name;
	uint64_t n;
	int e = 0;

	memset(g, 0, sizeof *g);
	if (!head || memcmp(head, magic, sizeof magic) || r.n < sizeof sum)
		return -EBADMSG;
	r.n -= sizeof sum;
	SHA256(in.p, in.n - sizeof sum, sum);
	if (memcmp(sum, r.p + r.n, sizeof sum))
		return -EBADMSG;
	g->pos.day = (uint32_t)get(&r);
	g->pos.offset = get(&r);
	g->refused = get(&r);
	n = get(&r);
	if (n > GROUPS_MAX)
		return -EBADMSG;
	for (uint64_t i = 0; !e && !r.bad && i < n; i++) {
		uint64_t len;
		struct group *x;

		name = take(&r, sizeof x->name);
		len = get(&r);
		if (!name || name[sizeof x->name - 1] || len > r.n) {
			r.bad = true;
			break;
		}
		x = find(g, (const char *)name);
		if (!x)
			e = -ENOMEM;
		else
			e = state_load(&x->t, bytes_of(take(&r, len), len));
		if (x) {
			x->made_of = x->t.n;
			x->told_lines = x->t.lines;
		}
	}
	if (!e && (r.bad || r.n))
		e = -EBADMSG;
	if (e)
		groups_fini(g);
	return e;
}

#include "logptn/service/groups.h"

#include <errno.h>
#include <openssl/sha.h>
#include <string.h>

#include "logptn/lib/cursor.h"
#include "logptn/lib/intake/intake.h"
#include "logptn/lib/model_state.h"

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
	x->t.max = GROUP_SKELS;
	strncpy(x->name, name, sizeof x->name - 1);
	g->n++;
	return x;
}

/* When all together have too many, this one gets no more than it has. */
static void bound(const struct groups *g, struct group *x)
{
	uint32_t n = 0, few = GROUP_SKELS / GROUPS_MAX;

	for (uint32_t i = 0; i < g->n; i++)
		n += g->v[i].t.n;
	if (n >= GROUPS_SKELS && x->t.max > x->t.n)
		x->t.max = x->t.n > few ? x->t.n : few;
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
	bound(g, x);
	x->t.now_ns = now_ns;
	k = intake_add(&x->t, line, n);
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

int groups_save(const struct groups *g, struct buf *out)
{
	uint8_t sum[SHA256_DIGEST_LENGTH];
	size_t start = out->n;
	int r = 0;

	buf_add(out, magic, sizeof magic);
	cursor_put(out, g->pos.day);
	cursor_put(out, g->pos.offset);
	cursor_put(out, g->refused);
	cursor_put(out, g->n);
	for (uint32_t i = 0; !r && i < g->n; i++) {
		struct buf state;

		buf_init(&state, MODEL_STATE_MAX);
		r = model_state_save(&g->v[i].t, &state);
		buf_add(out, g->v[i].name, sizeof g->v[i].name);
		cursor_put(out, state.n);
		buf_add(out, state.p, state.n);
		buf_fini(&state);
	}
	if (r || out->failed)
		return -ENOMEM;
	SHA256(out->p + start, out->n - start, sum);
	return buf_add(out, sum, sizeof sum) ? -ENOMEM : 0;
}

int groups_load(struct groups *g, struct bytes in)
{
	uint8_t sum[SHA256_DIGEST_LENGTH];
	struct cursor r = {in.p, in.n, false};
	const uint8_t *head = cursor_take(&r, sizeof magic), *name;
	uint64_t n;
	int e = 0;

	memset(g, 0, sizeof *g);
	if (!head || memcmp(head, magic, sizeof magic) || r.n < sizeof sum)
		return -EBADMSG;
	r.n -= sizeof sum;
	SHA256(in.p, in.n - sizeof sum, sum);
	if (memcmp(sum, r.p + r.n, sizeof sum))
		return -EBADMSG;
	g->pos.day = (uint32_t)cursor_get(&r, UINT64_MAX);
	g->pos.offset = cursor_get(&r, UINT64_MAX);
	g->refused = cursor_get(&r, UINT64_MAX);
	n = cursor_get(&r, UINT64_MAX);
	if (n > GROUPS_MAX)
		return -EBADMSG;
	for (uint64_t i = 0; !e && !r.bad && i < n; i++) {
		uint64_t len;
		struct group *x;

		name = cursor_take(&r, sizeof x->name);
		len = cursor_get(&r, UINT64_MAX);
		if (!name || name[sizeof x->name - 1] || len > r.n) {
			r.bad = true;
			break;
		}
		x = find(g, (const char *)name);
		if (!x)
			e = -ENOMEM;
		else
			e = model_state_load(&x->t, bytes_of(cursor_take(&r, len), len));
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

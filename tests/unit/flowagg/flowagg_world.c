#include "flowagg_world.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct agg_limits world_limits = {
	.idle_ns = 60 * SECOND,
	.max_age_ns = 3600 * SECOND,
	.max_flow_bytes = 1 << 20,
	.max_bytes = 4 << 20,
	.bundle_bytes = 1 << 16,
	.max_flows = 1000,
	.bundling = BUNDLE_EMPTY,
};

int sink_put(void *arg, const void *p, size_t n)
{
	struct sink *s = arg;

	if (s->fail_after && s->n + n > s->fail_after)
		return -ENOSPC;
	if (s->n + n > s->cap) {
		s->cap = (s->n + n) * 2;
		s->p = realloc(s->p, s->cap);
		cr_assert(s->p);
	}
	memcpy(s->p + s->n, p, n);
	s->n += n;
	return 0;
}

static int on_seal(void *arg, const struct agg_sealed *s)
{
	struct world *w = arg;
	struct sink sink = {0};

	if (w->refuse) {
		w->refuse--;
		return -ENOSPC;
	}
	cr_assert_eq(agg_write(s, sink_put, &sink), 0);
	cr_assert_eq(sink.n, s->file_bytes, "%s: %zu bytes, said %lu", s->key, sink.n,
		     s->file_bytes);
	if (w->n == w->cap) {
		w->cap = w->cap ? 2 * w->cap : 64;
		w->files = reallocarray(w->files, w->cap, sizeof *w->files);
		cr_assert(w->files);
	}
	struct file *f = &w->files[w->n++];
	*f = (struct file){
		.number = s->number,
		.reason = s->reason,
		.flows = s->flows,
		.packets = s->packets,
		.file_bytes = s->file_bytes,
		.init_ns = s->init_ns,
		.last_ns = s->last_ns,
		.first = s->first,
		.payload_bytes = s->payload_bytes,
		.bundle = !s->flow,
		.p = sink.p,
		.n = sink.n,
	};
	strcpy(f->key, s->key);
	return 0;
}

void world_init(struct world *w, const struct agg_limits *limits)
{
	static const uint8_t seed[16] = {1, 2, 3};

	*w = (struct world){.limits = *limits, .next = 1};
	cr_assert_eq(agg_init(&w->agg, limits, seed, on_seal, w), 0);
}

void world_fini(struct world *w)
{
	agg_fini(&w->agg);
	for (size_t i = 0; i < w->n; i++)
		free(w->files[i].p);
	free(w->files);
}

void world_packet(struct world *w, uint64_t at_ns, const uint8_t *frame, size_t n)
{
	struct agg_packet p = {w->next++, T0 + at_ns, (uint32_t)n, (uint32_t)n, 1, frame};

	while (agg_packet(&w->agg, &p))
		cr_assert(world_balance(w));
	cr_assert(world_balance(w));
}

void world_tick(struct world *w, uint64_t at_ns)
{
	world_packet(w, at_ns, NULL, 0);
}

void world_reload(struct world *w)
{
	struct sink s = {0};

	cr_assert_eq(checkpoint_save(&w->agg, sink_put, &s), 0);
	agg_fini(&w->agg);
	cr_assert_eq(checkpoint_load(&w->agg, &w->limits, on_seal, w, s.p, s.n), 0);
	free(s.p);
	cr_assert(world_balance(w));
}

bool world_balance(const struct world *w)
{
	const struct agg_counts *c = &w->agg.counts;

	return c->packets + c->restored == c->open + c->bundled + c->sealed + c->other_side +
						   c->own + c->arp + c->other_l3 + c->broken +
						   c->unknown_link;
}

struct file *world_file(struct world *w, const char *ending)
{
	size_t n = strlen(ending);

	for (size_t i = 0; i < w->n; i++) {
		size_t k = strlen(w->files[i].key);
		if (k >= n && strcmp(w->files[i].key + k - n, ending) == 0)
			return &w->files[i];
	}
	return NULL;
}

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static struct frame ip4(int src, int dst, int proto, size_t l4)
{
	struct frame f = {.n = 14 + 20 + l4};

	cr_assert(f.n <= sizeof f.b);
	f.b[12] = 8;
	f.b[14] = 0x45;
	put16(f.b + 16, (unsigned)(20 + l4));
	f.b[22] = 64;
	f.b[23] = (uint8_t)proto;
	f.b[26] = f.b[30] = 10;
	f.b[29] = (uint8_t)src;
	f.b[33] = (uint8_t)dst;
	return f;
}

static void tcp_header(uint8_t *h, int sport, int dport, int flags, uint32_t seq, size_t payload)
{
	put16(h, (unsigned)sport);
	put16(h + 2, (unsigned)dport);
	put32(h + 4, seq);
	h[12] = 0x50;
	h[13] = (uint8_t)flags;
	for (size_t i = 0; i < payload; i++)
		h[20 + i] = (uint8_t)('a' + (seq + i) % 26);
}

struct frame frame_tcp(int src, int sport, int dst, int dport, int flags, uint32_t seq,
		       size_t payload)
{
	struct frame f = ip4(src, dst, 6, 20 + payload);

	tcp_header(f.b + 34, sport, dport, flags, seq, payload);
	return f;
}

struct frame frame_tcp6(int src, int sport, int dst, int dport, int flags, uint32_t seq,
			size_t payload)
{
	struct frame f = {.n = 14 + 40 + 20 + payload};

	f.b[12] = 0x86;
	f.b[13] = 0xdd;
	f.b[14] = 0x60;
	put16(f.b + 18, (unsigned)(20 + payload));
	f.b[20] = 6;
	f.b[21] = 64;
	put32(f.b + 22, 0x20010db8);
	put32(f.b + 38, 0x20010db8);
	f.b[37] = (uint8_t)src;
	f.b[53] = (uint8_t)dst;
	tcp_header(f.b + 54, sport, dport, flags, seq, payload);
	return f;
}

struct frame frame_udp(int src, int sport, int dst, int dport, size_t payload)
{
	struct frame f = ip4(src, dst, 17, 8 + payload);

	put16(f.b + 34, (unsigned)sport);
	put16(f.b + 36, (unsigned)dport);
	put16(f.b + 38, (unsigned)(8 + payload));
	memset(f.b + 42, 'u', payload);
	return f;
}

struct frame frame_icmp(int src, int dst, int type, int code, size_t payload)
{
	struct frame f = ip4(src, dst, 1, 8 + payload);

	f.b[34] = (uint8_t)type;
	f.b[35] = (uint8_t)code;
	return f;
}

struct frame frame_proto(int src, int dst, int proto, size_t payload)
{
	return ip4(src, dst, proto, payload);
}

struct frame frame_arp(void)
{
	struct frame f = {.n = 42};

	f.b[12] = 8;
	f.b[13] = 6;
	f.b[15] = 1;
	f.b[16] = 8;
	f.b[18] = 6;
	f.b[19] = 4;
	f.b[21] = 1;
	return f;
}

struct frame frame_fragment(int src, int sport, int dst, int dport, int id, int off, int len,
			    bool more)
{
	struct frame whole = frame_udp(src, sport, dst, dport, 24);
	struct frame f = ip4(src, dst, 17, (size_t)len);

	memcpy(f.b + 34, whole.b + 34 + off, (size_t)len);
	put16(f.b + 18, (unsigned)id);
	put16(f.b + 20, (unsigned)(off / 8) | (more ? 0x2000u : 0));
	return f;
}

#include "responder/shed.h"

#include <linux/filter.h>
#include <string.h>

/* Offsets in an Ethernet frame without tags. */
enum {
	AT_TYPE = 12,
	AT4_PROTO = 23,
	AT4_SRC = 26,
	AT4_FLAGS = 27,
	AT6_NEXT = 20,
	AT6_SRC = 22,
	AT6_FLAGS = 67
};

void shed_init(struct shed *s, uint64_t rate)
{
	memset(s, 0, sizeof *s);
	s->rate = rate;
}

static struct net shed_prefix_of(const struct addr *a)
{
	return net_of(a, a->family == 4 ? 24 : 48);
}

static struct shed_entry *shed_find(struct shed *s, const struct net *p)
{
	for (int i = 0; i < SHED_MAX; i++)
		if (memcmp(&s->entry[i].prefix, p, sizeof *p) == 0)
			return &s->entry[i];
	return NULL;
}

bool shed_syn(const struct shed *s, const struct addr *src)
{
	if (!s->active)
		return false;
	for (int i = 0; i < SHED_MAX; i++)
		if (s->entry[i].until_ns && net_contains(&s->entry[i].prefix, src))
			return true;
	return false;
}

void shed_refused(struct shed *s, const struct addr *src)
{
	struct net p = shed_prefix_of(src);
	struct shed_entry *e = shed_find(s, &p), *least = NULL;

	if (!s->rate)
		return;
	if (e) {
		e->refused += e->until_ns ? SHED_SAMPLE : 1;
		return;
	}
	for (int i = 0; i < SHED_MAX; i++)
		if (!s->entry[i].until_ns && (!least || s->entry[i].refused < least->refused))
			least = &s->entry[i];
	/* Space-Saving: the newcomer inherits the count of the one it replaces. */
	if (least) {
		least->prefix = p;
		least->inherited = least->refused;
		least->refused++;
	}
}

bool shed_tick(struct shed *s, uint64_t now_ns)
{
	bool changed = false;

	s->active = 0;
	for (int i = 0; i < SHED_MAX; i++) {
		struct shed_entry *e = &s->entry[i];
		bool was = e->until_ns;

		if (s->rate && e->refused - e->inherited >= s->rate)
			e->until_ns = now_ns + SHED_KEEP_NS;
		else if (e->until_ns <= now_ns)
			memset(e, 0, sizeof *e);
		e->refused = e->inherited = 0;
		s->active += e->until_ns != 0;
		changed |= was != (e->until_ns != 0);
	}
	return changed;
}

/* A program under construction: jumps to what comes later are filled in at the end. */
struct program {
	struct sock_filter *at;
	size_t n;
	size_t to_pass[8], passes;
	size_t to_sample[SHED_MAX], samples;
};

static size_t shed_emit(struct program *p, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	p->at[p->n] = (struct sock_filter){code, jt, jf, k};
	return p->n++;
}

/* Goes on where the accumulator is k; passes the frame on otherwise. */
static void shed_need(struct program *p, uint32_t k)
{
	shed_emit(p, BPF_JMP | BPF_JEQ | BPF_K, k, 1, 0);
	p->to_pass[p->passes++] = shed_emit(p, BPF_JMP | BPF_JA, 0, 0, 0);
}

static void shed_need_syn(struct program *p)
{
	shed_emit(p, BPF_ALU | BPF_AND | BPF_K, 0x12, 0, 0); /* SYN without ACK */
	shed_need(p, 0x02);
}

static uint32_t shed_load32(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static void shed_prefixes4(const struct shed *s, struct program *p)
{
	shed_emit(p, BPF_LD | BPF_B | BPF_ABS, AT4_PROTO, 0, 0);
	shed_need(p, 6);
	shed_emit(p, BPF_LDX | BPF_B | BPF_MSH, 14, 0, 0);
	shed_emit(p, BPF_LD | BPF_B | BPF_IND, AT4_FLAGS, 0, 0);
	shed_need_syn(p);
	shed_emit(p, BPF_LD | BPF_W | BPF_ABS, AT4_SRC, 0, 0);
	shed_emit(p, BPF_ALU | BPF_AND | BPF_K, 0xffffff00, 0, 0);
	for (int i = 0; i < SHED_MAX; i++) {
		const struct shed_entry *e = &s->entry[i];

		if (!e->until_ns || e->prefix.addr.family != 4)
			continue;
		shed_emit(p, BPF_JMP | BPF_JEQ | BPF_K, shed_load32(e->prefix.addr.b), 0, 1);
		p->to_sample[p->samples++] = shed_emit(p, BPF_JMP | BPF_JA, 0, 0, 0);
	}
	p->to_pass[p->passes++] = shed_emit(p, BPF_JMP | BPF_JA, 0, 0, 0);
}

static void shed_prefixes6(const struct shed *s, struct program *p)
{
	shed_need(p, 0x86dd);
	shed_emit(p, BPF_LD | BPF_B | BPF_ABS, AT6_NEXT, 0, 0);
	shed_need(p, 6);
	shed_emit(p, BPF_LD | BPF_B | BPF_ABS, AT6_FLAGS, 0, 0);
	shed_need_syn(p);
	for (int i = 0; i < SHED_MAX; i++) {
		const struct shed_entry *e = &s->entry[i];
		const uint8_t *b = e->prefix.addr.b;

		if (!e->until_ns || e->prefix.addr.family != 6)
			continue;
		shed_emit(p, BPF_LD | BPF_W | BPF_ABS, AT6_SRC, 0, 0);
		shed_emit(p, BPF_JMP | BPF_JEQ | BPF_K, shed_load32(b), 0, 3);
		shed_emit(p, BPF_LD | BPF_H | BPF_ABS, AT6_SRC + 4, 0, 0);
		shed_emit(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)b[4] << 8 | b[5], 0, 1);
		p->to_sample[p->samples++] = shed_emit(p, BPF_JMP | BPF_JA, 0, 0, 0);
	}
	p->to_pass[p->passes++] = shed_emit(p, BPF_JMP | BPF_JA, 0, 0, 0);
}

size_t shed_program(const struct shed *s, struct sock_filter *out)
{
	struct program p = {.at = out};
	size_t v4, sample;

	if (!s->active)
		return 0;
	shed_emit(&p, BPF_LD | BPF_H | BPF_ABS, AT_TYPE, 0, 0);
	shed_emit(&p, BPF_JMP | BPF_JEQ | BPF_K, 0x0800, 0, 1);
	v4 = shed_emit(&p, BPF_JMP | BPF_JA, 0, 0, 0);
	shed_prefixes6(s, &p);
	out[v4].k = (uint32_t)(p.n - v4 - 1);
	shed_prefixes4(s, &p);
	sample = p.n;
	shed_emit(&p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_RANDOM), 0, 0);
	shed_emit(&p, BPF_JMP | BPF_JSET | BPF_K, SHED_SAMPLE - 1, 0, 1);
	shed_emit(&p, BPF_RET | BPF_K, 0, 0, 0);
	for (size_t i = 0; i < p.samples; i++)
		out[p.to_sample[i]].k = (uint32_t)(sample - p.to_sample[i] - 1);
	for (size_t i = 0; i < p.passes; i++)
		out[p.to_pass[i]].k = (uint32_t)(p.n - p.to_pass[i] - 1);
	return p.n;
}

#include "flowagg/name.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flowagg/flow_clock.h"

#define SECOND UINT64_C(1000000000)

/* How far a packet's time stamp may lie behind the clock, in whole seconds. */
#define DISORDER_S (CLOCK_DISORDER_NS / SECOND + 1)

int names_init(struct names *s, const uint8_t seed[16])
{
	*s = (struct names){0};
	memcpy(s->seed, seed, sizeof s->seed);
	/* Zero pages: memory is used as entries come. */
	s->recent = calloc(NAMES_RECENT, sizeof *s->recent);
	s->heads = malloc(NAMES_RECENT * sizeof *s->heads);
	if (!s->recent || !s->heads) {
		names_fini(s);
		return -ENOMEM;
	}
	memset(s->heads, 0xff, NAMES_RECENT * sizeof *s->heads);
	return 0;
}

void names_fini(struct names *s)
{
	free(s->recent);
	free(s->heads);
	*s = (struct names){0};
}

static uint32_t *names_chain_of(struct names *s, const struct flowkey *key)
{
	return &s->heads[flowkey_hash(key, s->seed) % NAMES_RECENT];
}

static void names_forget_oldest(struct names *s)
{
	uint32_t *at = names_chain_of(s, &s->recent[s->at].key);

	while (*at != s->at)
		at = &s->recent[*at].next;
	*at = s->recent[s->at].next;
	s->at = (s->at + 1) % NAMES_RECENT;
	s->n--;
}

int names_recall(struct names *s, const struct flowkey *key, uint64_t init_s, uint32_t count)
{
	if (s->n == NAMES_RECENT)
		return -ENOSPC;
	uint32_t i = (s->at + s->n++) % NAMES_RECENT, *head = names_chain_of(s, key);
	s->recent[i] = (struct name_recent){*key, init_s, count, *head};
	*head = i;
	return 0;
}

static void names_new_generation(struct names *s, uint64_t lived_s)
{
	s->generation++;
	if (s->lived_s < lived_s)
		s->lived_s = lived_s;
	while (s->n)
		names_forget_oldest(s);
}

void names_set_back(struct names *s, uint64_t ref_ns)
{
	names_new_generation(s, ref_ns / SECOND);
}

static struct name_recent *names_find(struct names *s, const struct flowkey *key, uint64_t init_s)
{
	for (uint32_t i = *names_chain_of(s, key); i != UINT32_MAX; i = s->recent[i].next) {
		struct name_recent *r = &s->recent[i];
		if (r->init_s == init_s && memcmp(&r->key, key, sizeof *key) == 0)
			return r;
	}
	return NULL;
}

uint32_t names_suffix(struct names *s, const struct flowkey *key, uint64_t init_ns)
{
	uint64_t init_s = init_ns / SECOND;

	const struct name_recent *r = s->n ? names_find(s, key, init_s) : NULL;
	uint32_t n = r ? r->count + 1 : 1;
	if (n >= NAMES_PER_GENERATION) {
		names_new_generation(s, init_s);
		n = 1;
	}
	if (s->generation && init_s <= s->lived_s)
		n += s->generation * NAMES_PER_GENERATION;
	return n;
}

void names_ended(struct names *s, const struct open_flow *f, uint64_t ref_ns)
{
	uint64_t init_s = f->init_ns / SECOND, ref_s = ref_ns / SECOND;

	while (s->n && s->recent[s->at].init_s + DISORDER_S < ref_s)
		names_forget_oldest(s);
	if (init_s + DISORDER_S < ref_s)
		return;
	uint32_t count = f->suffix % NAMES_PER_GENERATION;
	struct name_recent *r = names_find(s, &f->key, init_s);
	if (r) {
		if (r->count < count)
			r->count = count;
		return;
	}
	if (names_recall(s, &f->key, init_s, count))
		names_new_generation(s, ref_s + DISORDER_S);
}

void name_proto(uint8_t proto, char out[8])
{
	switch (proto) {
	case IPPROTO_TCP:
		strcpy(out, "tcp");
		break;
	case IPPROTO_UDP:
		strcpy(out, "udp");
		break;
	case IPPROTO_ICMP:
		strcpy(out, "icmp");
		break;
	case IPPROTO_ICMPV6:
		strcpy(out, "icmp6");
		break;
	default:
		snprintf(out, 8, "%u", proto);
	}
}

void name_ends(const struct open_flow *f, struct name_ends *out)
{
	const struct flowkey *k = &f->key;
	bool icmp = k->proto == IPPROTO_ICMP || k->proto == IPPROTO_ICMPV6;
	bool swap = f->initiator == 1;

	addr_text(swap ? &k->hi : &k->lo, out->src);
	addr_text(swap ? &k->lo : &k->hi, out->dst);
	/* Type and code stay in place, whoever began (flowkey.h). */
	out->sport = swap && !icmp ? k->hi_port : k->lo_port;
	out->dport = swap && !icmp ? k->lo_port : k->hi_port;
	if (k->pad == KEY_FRAGMENTS)
		out->sport = out->dport = 0;
}

void name_flow(const struct open_flow *f, char out[OBJECT_KEY_MAX])
{
	struct name_ends e;
	struct object_key k = {.init_s = f->init_ns / SECOND, .suffix = f->suffix};

	name_ends(f, &e);
	snprintf(k.src, sizeof k.src, "%s", e.src);
	snprintf(k.dst, sizeof k.dst, "%s", e.dst);
	k.sport = e.sport;
	k.dport = e.dport;
	name_proto(f->key.proto, k.proto);
	if (f->key.pad == KEY_FRAGMENTS)
		k.first = f->first;
	object_key_format(&k, out);
}

void name_bundle(uint64_t init_ns, uint64_t first, char out[OBJECT_KEY_MAX])
{
	struct object_key k = {
		.kind = OBJECT_KEY_BUNDLE, .init_s = init_ns / SECOND, .first = first};

	object_key_format(&k, out);
}

/*
 * The property everything rests on: packets that are taken in again from a checkpoint on give the
 * very files that the first run gave, byte for byte, under the same keys and numbers, in the same
 * order; and it does not matter how often the disk refused a file before it took it.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "flowagg/seallog.h"
#include "flowagg_world.h"

#define PACKETS 3000

struct step {
	uint64_t at;
	bool tick;
	struct frame f;
};

static uint64_t state;
static uint64_t reasons[END_REASONS];

static uint32_t rnd(uint32_t n)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % n;
}

/* Traffic that reaches every reason to end a flow, fragments, disorder and steps of the clock. */
static struct step *traffic(uint64_t seed)
{
	struct step *v = calloc(PACKETS, sizeof *v);
	uint64_t now = 100 * SECOND;

	cr_assert(v);
	state = seed;
	for (int i = 0; i < PACKETS; i++) {
		struct step *s = &v[i];
		int src = 1 + (int)rnd(3), dst = 4 + (int)rnd(3), port = (int)rnd(6);
		now += rnd(50) ? rnd(1000000000) / 4 : 20 * SECOND;
		if (!rnd(400))
			now += 3600 * SECOND;
		if (!rnd(400) && now > 4000 * SECOND)
			now -= 3600 * SECOND;
		s->at = now - rnd(1500) * UINT64_C(1000000);
		switch (rnd(10)) {
		case 0:
			s->tick = true;
			break;
		case 1:
			s->f = frame_udp(src, port, dst, 53, rnd(3) ? rnd(1400) : 0);
			break;
		case 2:
			s->f = frame_fragment(src, port, dst, 9, (int)rnd(20), 0, 16, true);
			break;
		case 3:
			s->f = frame_fragment(src, port, dst, 9, (int)rnd(20), 16, 16, false);
			break;
		case 4:
			s->f = frame_icmp(src, dst, rnd(2) ? 8 : 0, 0, rnd(60));
			break;
		case 5:
			s->f = rnd(2) ? frame_arp()
				      : frame_tcp6(src, port, dst, 80, TCP_SYN, rnd(2), rnd(9));
			break;
		case 6:
			s->f = frame_tcp(src, port, dst, 80, TCP_SYN, rnd(3), 0);
			break;
		case 7:
			s->f = frame_tcp(dst, 80, src, port, TCP_SYNACK, rnd(3), 0);
			break;
		default:
			s->f = frame_tcp(src, port, dst, 80, TCP_ACK, rnd(9999), rnd(1400));
		}
	}
	return v;
}

static void feed(struct world *w, const struct step *v)
{
	const struct step *s = &v[w->next - 1];

	if (s->tick)
		world_tick(w, s->at);
	else
		world_packet(w, s->at, s->f.b, s->f.n);
}

static struct agg_limits limits(uint64_t seed)
{
	struct agg_limits l = world_limits;

	l.max_flows = 16 + (uint32_t)(seed % 3) * 20;
	l.max_bytes = (seed % 4 ? 4u << 20 : 40u << 10);
	l.max_flow_bytes = 2000;
	l.bundle_bytes = 4000;
	l.max_age_ns = 100 * SECOND;
	l.bundling = (enum agg_bundling)(seed % 3);
	l.initiator_only = seed % 5 == 0;
	return l;
}

static void one_run(uint64_t seed)
{
	struct step *v = traffic(seed);
	struct agg_limits l = limits(seed);
	struct world a, b;
	struct sink ck = {0};
	size_t kills = 0;

	world_init(&a, &l);
	while (a.next <= PACKETS)
		feed(&a, v);

	/* The same with kills: what was sealed before one is in b.files still; what comes again
	 * must match. */
	world_init(&b, &l);
	struct file *delivered = calloc(a.n + 1, sizeof *delivered);
	size_t ndelivered = 0;
	cr_assert_eq(checkpoint_save(&b.agg, sink_put, &ck), 0);
	state = seed * 7919;
	while (b.next <= PACKETS) {
		b.refuse = rnd(3);
		feed(&b, v);
		for (size_t i = 0; i < b.n; i++) {
			struct file *f = &b.files[i];
			cr_assert_leq(f->number, a.n, "seed %lu: a file too many", seed);
			if (f->number > ndelivered) {
				cr_assert_eq(f->number, ndelivered + 1);
				delivered[ndelivered++] = *f;
				continue;
			}
			const struct file *d = &delivered[f->number - 1];
			cr_assert_str_eq(f->key, d->key);
			cr_assert_eq(f->n, d->n);
			cr_assert_arr_eq(f->p, d->p, f->n);
			free(f->p);
		}
		b.n = 0;
		if (!rnd(150)) {
			ck.n = 0;
			cr_assert_eq(checkpoint_save(&b.agg, sink_put, &ck), 0);
		}
		if (!rnd(200)) {
			uint64_t next, next_seal;
			kills++;
			agg_seal_fn seal = b.agg.seal;
			agg_fini(&b.agg);
			cr_assert_eq(checkpoint_verify(ck.p, ck.n, &next, &next_seal), 0);
			cr_assert_eq(checkpoint_load(&b.agg, &l, seal, &b, ck.p, ck.n), 0);
			cr_assert_eq(b.n, 0);
			b.next = next;
		}
	}
	cr_assert_gt(kills, 0);
	cr_assert_eq(ndelivered, a.n, "seed %lu", seed);
	for (size_t i = 0; i < a.n; i++) {
		const struct file *x = &a.files[i], *y = &delivered[i];
		cr_assert_str_eq(x->key, y->key);
		cr_assert_eq(x->reason, y->reason);
		cr_assert_eq(x->first, y->first);
		cr_assert_eq(x->payload_bytes, y->payload_bytes);
		cr_assert_eq(x->n, y->n);
		cr_assert_arr_eq(x->p, y->p, x->n);
		for (size_t j = 0; j < i; j++)
			cr_assert_str_neq(x->key, a.files[j].key, "seed %lu: a key comes twice",
					  seed);
		free(y->p);
	}
	for (int c = 0; c < END_REASONS; c++)
		reasons[c] += a.agg.counts.ended[c];
	free(delivered);
	free(ck.p);
	free(v);
	world_fini(&a);
	world_fini(&b);
}

Test(replay, from_any_checkpoint_the_same_packets_give_the_same_files, .timeout = 120)
{
	for (uint64_t seed = 0; seed < 40; seed++)
		one_run(seed);
	for (int c = 0; c < END_REASONS; c++)
		cr_assert(reasons[c], "the traffic never leads to %s",
			  agg_reason_text((enum agg_reason)c));
}

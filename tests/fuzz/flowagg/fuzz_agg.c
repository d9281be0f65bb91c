/*
 * agg: any sequence of frames, times and link types: captured = stored + counted drops at every
 * step, files have the size that was said, and all packets are in them in the end.
 *
 * Input: records of  flags | time step (u16, 10 ms) | length (u8) | bytes.
 * flags: 1 tick, 2 time goes back, 4 an hour, 8 raw IP, 16 the bytes follow an Ethernet header for
 * IPv4, 32 for IPv6.
 */
#include <stdlib.h>
#include <string.h>

#include "flowagg/agg.h"
#include "flowagg/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct agg_limits limits = {
	.idle_ns = 60000000000,
	.max_age_ns = 600000000000,
	.max_flow_bytes = 2000,
	.max_bytes = 16 << 10,
	.bundle_bytes = 1000,
	.max_flows = 8,
};

static uint64_t sealed;
static unsigned refuse; /* files to turn away for now */

static int count(void *arg, const void *p, size_t n)
{
	(void)p;
	*(uint64_t *)arg += n;
	return 0;
}

static int on_seal(void *arg, const struct agg_sealed *s)
{
	uint64_t bytes = 0;

	(void)arg;
	if (refuse) {
		refuse--;
		return -1;
	}
	agg_write(s, count, &bytes);
	if (bytes != s->file_bytes || !s->packets)
		abort();
	sealed += s->packets;
	return 0;
}

static void check(const struct agg *a)
{
	const struct agg_counts *c = &a->counts;

	if (c->packets != c->open + c->bundled + c->sealed + c->arp + c->other_l3 + c->broken +
				  c->unknown_link ||
	    c->sealed != sealed)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t seed[16] = {1};
	struct agg a;
	uint64_t ts = 1700000000000000000;

	sealed = 0;
	if (agg_init(&a, &limits, seed, on_seal, NULL))
		return 0;
	while (size >= 4) {
		uint8_t flags = data[0], frame[14 + 255] = {0};
		uint64_t step = (uint64_t)(data[1] | data[2] << 8) * 10000000;
		size_t n = data[3], head = flags & 48 ? 14 : 0;
		data += 4;
		size -= 4;
		if (n > size)
			n = size;
		if (flags & 4)
			step += 3600000000000;
		ts = flags & 2 ? ts - step : ts + step;
		if (head) {
			frame[12] = flags & 16 ? 0x08 : 0x86;
			frame[13] = flags & 16 ? 0x00 : 0xdd;
		}
		memcpy(frame + head, data, n);
		data += n;
		size -= n;
		n += head;
		struct agg_packet p = {a.next, ts, (uint32_t)n, (uint32_t)n, flags & 8 ? 101 : 1,
				       frame};
		if (flags & 1 || !n)
			p.caplen = p.len = 0;
		refuse = flags >> 6;
		while (agg_packet(&a, &p))
			check(&a);
		check(&a);
	}
	refuse = 0;
	for (int i = 0; i < 2; i++) {
		struct agg_packet tick = {a.next, ts += 120000000000, 0, 0, 1, NULL};
		agg_packet(&a, &tick);
	}
	check(&a);
	if (a.counts.open || a.counts.bundled || a.pool.used || a.table.used)
		abort();
	agg_fini(&a);
	return 0;
}

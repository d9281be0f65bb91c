/*
 * checkpoint: any bytes, under a right checksum and version, are refused or give a flow table that
 * can be worked
 * with: packets come in, flows end, the balance holds from there on, and it can be saved again.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "flowagg/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct agg_limits limits = {
	.idle_ns = 60000000000,
	.max_age_ns = 3600000000000,
	.max_flow_bytes = 1 << 20,
	.max_bytes = 2 << 20,
	.bundle_bytes = 1 << 16,
	.max_flows = 64,
};

static int ignore(void *arg, const void *p, size_t n)
{
	(void)arg;
	(void)p;
	(void)n;
	return 0;
}

static int on_seal(void *arg, const struct agg_sealed *s)
{
	(void)arg;
	return agg_write(s, ignore, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t head[12] = "lurkflow\x01";
	struct agg a;

	if (size > 1 << 16)
		return 0;
	size_t n = size + sizeof head + 4;
	uint8_t *p = malloc(n);
	memcpy(p, head, sizeof head);
	if (size)
		memcpy(p + sizeof head, data, size);
	uint32_t crc = (uint32_t)crc32_z(0, p, n - 4);
	memcpy(p + n - 4, &crc, 4);
	if (checkpoint_load(&a, &limits, on_seal, NULL, p, n) == 0) {
		for (uint64_t i = 0; i < 4; i++) {
			struct agg_packet tick = {a.next, a.clock.ref_ns + i * 40000000000, 0, 0, 1,
						  NULL};
			agg_packet(&a, &tick);
		}
		if (checkpoint_save(&a, ignore, NULL))
			abort();
		agg_fini(&a);
	}
	free(p);
	return 0;
}

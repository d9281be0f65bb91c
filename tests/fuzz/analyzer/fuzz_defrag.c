/* Fragments in any order, overlapping and contradicting each other: what comes out lies inside what
 * went in, and the bounds hold. Input: records of 8 bytes (flags, identification, offset, length,
 * fill) for one fragment each. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pkt/be.h"
#include "reassembly/defrag.h"

static void must(bool good)
{
	if (!good)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const uint8_t seed[16];
	const struct defrag_limits limits = {.max_datagrams = 8, .max_bytes = 300000};
	struct defrag *d;
	uint64_t now_ns = 1;

	if (defrag_new(limits, seed, &d))
		return 0;
	for (; n >= 8; data += 8, n -= 8) {
		bool v6 = data[0] & 1, more = data[0] & 2;
		uint32_t off = be16(data + 2) & 0x1fff,
			 len = be16(data + 4) & (data[0] & 4 ? 0x7fff : 0x1f);
		uint32_t hdr = v6 ? 48 : 20;
		uint8_t *b = calloc(1, hdr + len);
		if (!b)
			break;
		if (v6) {
			b[0] = 0x60;
			put_be16(b + 4, (uint16_t)(8 + len));
			b[6] = 44;
			b[7] = 64;
			b[40] = data[7];
			put_be16(b + 42, (uint16_t)(off << 3 | more));
			b[47] = data[1];
		} else {
			b[0] = 0x45;
			put_be16(b + 2, (uint16_t)(20 + len));
			b[5] = data[1];
			put_be16(b + 6, (uint16_t)((more ? 0x2000 : 0) | off));
			b[9] = data[7];
		}
		memset(b + hdr, data[6], len);
		struct pkt p = {.ts_ns = now_ns}, whole;
		now_ns += (uint64_t)(data[0] >> 3) * 1000000000u;
		pkt_decode(101, b, hdr + len, hdr + len + (data[0] & 0x80 ? 1 : 0), &p);
		if (p.stop == PKT_FRAGMENT && defrag_add(d, data[0] & 8, &p, &whole)) {
			must(whole.stop != PKT_FRAGMENT || whole.src.family == 6);
			must(whole.caplen <= 65535 + 40);
			volatile uint8_t sum = 0; /* reads every byte, for the sanitizer */
			for (uint32_t i = 0; i < whole.caplen; i++)
				sum = (uint8_t)(sum ^ whole.frame[i]);
			must(whole.frame[0] >> 4 == (v6 ? 6 : 4));
		}
		must(defrag_waiting(d) <= limits.max_datagrams);
		free(b);
	}
	defrag_free(&d);
	return 0;
}

/* Segments in any order give what the model says (one cell a byte, first arrival wins), with and
 * without a SYN, with a FIN, with acknowledgements; and whatever the sequence numbers are, memory
 * is bounded. Input: one byte of mode, then records of 6 bytes: kind, length, position (2), fill,
 * step. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../unit/analyzer/stream_model.h"

static void must(bool good)
{
	if (!good)
		abort();
}

/* exact: everything within the window of the first byte, SYN seen, no FIN: must equal the model. */
static void exact(const uint8_t *data, size_t n, uint32_t isn)
{
	static struct model m;
	const struct stream_limits limits = {.max_bytes = 1 << 20, .window = 1 << 20};
	struct stream s = {0};
	struct stream_whole w;
	uint8_t b[256];

	memset(&m, 0, sizeof m);
	must(stream_syn(&s, isn));
	for (; n >= 6; data += 6, n -= 6) {
		int64_t at = (int64_t)(data[2] << 8 | data[3]) - 16;
		if (data[0] % 8 == 7) {
			stream_ack(&s, &limits, isn + 1 + (uint32_t)at);
			continue;
		}
		for (uint32_t i = 0; i < data[1]; i++)
			b[i] = (uint8_t)(data[4] + i * data[5]);
		if (at + data[1] > MODEL_BYTES)
			continue;
		stream_segment(&s, &limits, 1 << 20, isn + 1 + (uint32_t)at, b, data[1], false);
		model_put(&m, at, b, data[1]);
	}
	must(s.conflicts == m.conflicts);
	stream_finish(&s, &limits, &w);
	if (!(s.cut & STREAM_CUT_GAPS))
		must(model_equals(&m, &w));
	stream_fini(&s);
}

/* wild: any sequence numbers, small limits: bounded, and the result consistent with itself. */
static void wild(const uint8_t *data, size_t n, uint8_t mode)
{
	const struct stream_limits limits = {.max_bytes = 1 << 16, .window = 1 << 16};
	struct stream s = {0};
	struct stream_whole w;
	uint8_t b[4096];

	for (; n >= 6; data += 6, n -= 6) {
		uint32_t seq = (uint32_t)data[2] << 24 | (uint32_t)data[3] << 14 |
			       (uint32_t)data[4] << 6 | data[5];
		size_t len = data[1] * (data[0] & 0x80 ? 16 : 1);
		switch (data[0] % 8) {
		case 0:
			stream_ack(&s, &limits, seq);
			break;
		case 1:
			stream_syn(&s, seq);
			break;
		case 2:
			if (mode & 4)
				stream_append(&s, &limits, b, len);
			break;
		default:
			memset(b, data[1], len);
			stream_segment(&s, &limits, mode & 8 ? 1 << 16 : 0, seq, b, len,
				       data[0] & 0x40);
		}
		must(stream_memory(&s) <=
		     (1 << 16) * 2 + (1 << 18) + (1 << 20) * 9 / 8 + (64 << 10));
	}
	stream_finish(&s, &limits, &w);
	must(w.payload.n <= (1 << 16) + STREAM_ORIGIN);
	uint64_t last = 0;
	for (size_t i = 0; i < w.ngaps; i++) {
		must(w.gaps[i].from < w.gaps[i].to && (i == 0 || w.gaps[i].from > last));
		last = w.gaps[i].to;
		must(last < w.payload.n);
		must(!w.payload.p[w.gaps[i].from] && !w.payload.p[last - 1]);
	}
	stream_fini(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const uint32_t isns[] = {0, 0xffffffff, 0x7fffffff, 1000};

	if (!n)
		return 0;
	if (data[0] & 1)
		exact(data + 1, n - 1, isns[data[0] >> 1 & 3]);
	else
		wild(data + 1, n - 1, data[0]);
	return 0;
}

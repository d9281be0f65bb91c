/*
 * The responder's harmlessness (tests/unit/responder/responder_world.h) over sequences of frames
 * that the fuzzer chooses: the input is read as choices, each of which is a frame of a
 * conversation, a distortion of one, noise, or a pause. Bits of the first byte: 1 answers ICMP
 * echo; 2 takes the input as frames as they are, each behind two bytes of length; 4 ends with the
 * input, where otherwise a thousand random steps follow, so that much is sent at little cost. Says
 * at the end how many frames the property held for.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "responder_world.h"

#define TAIL_STEPS 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t frames;

__attribute__((destructor)) static void report(void)
{
	fprintf(stderr, "responder: harmless over %llu frames\n", (unsigned long long)frames);
}

/* FNV-1a, then xorshift: the tail follows from the input. */
static uint64_t hash(const uint8_t *data, size_t size)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < size; i++)
		h = (h ^ data[i]) * UINT64_C(1099511628211);
	return h | 1;
}

static void tail(struct world *w, uint64_t x)
{
	for (int i = 0; i < TAIL_STEPS; i++) {
		uint64_t words[6];
		const uint8_t *in = (const uint8_t *)words;
		size_t n = sizeof words;

		for (int k = 0; k < 6; k++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			words[k] = x * UINT64_C(2685821657736338717);
		}
		world_step(w, &in, &n);
	}
}

static void raw(struct world *w, const uint8_t *data, size_t size)
{
	while (size >= 2) {
		size_t n = (size_t)data[0] << 8 | data[1];

		data += 2;
		size -= 2;
		if (n > size)
			n = size;
		world_frame(w, data, n, n);
		data += n;
		size -= n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t seed = hash(data, size);
	struct world *w;
	uint8_t mode;

	if (!size)
		return 0;
	mode = *data++;
	size--;
	w = world_new(1, mode & 1);
	if (mode & 2)
		raw(w, data, size);
	else
		while (size)
			world_step(w, &data, &size);
	if (!(mode & 4))
		tail(w, seed);
	frames += world_sums(w).frames;
	world_free(&w);
	return 0;
}

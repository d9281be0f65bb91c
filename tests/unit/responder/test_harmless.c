/* The harmlessness of the responder over random sequences: see responder_world.h. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "responder_world.h"

/* xorshift64*: any fixed sequence does; a failure repeats. */
static uint64_t next(uint64_t *x)
{
	*x ^= *x >> 12;
	*x ^= *x << 25;
	*x ^= *x >> 27;
	return *x * UINT64_C(2685821657736338717);
}

static struct world_sums run(uint64_t frames, uint64_t seed, bool echo)
{
	struct world *w = world_new(seed, echo);
	struct world_sums s;
	uint64_t x = seed * 2 + 1;

	while (world_sums(w).frames < frames) {
		uint64_t words[6];
		const uint8_t *in = (const uint8_t *)words;
		size_t n = sizeof(words);

		for (size_t i = 0; i < 6; i++)
			words[i] = next(&x);
		world_step(w, &in, &n);
	}
	s = world_sums(w);
	world_free(&w);
	return s;
}

/* RESPONDER_TEST_PACKETS raises the number; the property does not depend on it. */
static uint64_t packets(void)
{
	const char *text = getenv("RESPONDER_TEST_PACKETS");

	return text ? strtoull(text, NULL, 10) : 100000;
}

static void meaningful(struct world_sums s)
{
	/* The sequences reach what they are to test. */
	cr_assert_gt(s.synacks, s.frames / 50);
	cr_assert_gt(s.acks, s.frames / 50);
	cr_assert_gt(s.verified, s.frames / 1000);
}

Test(harmless, without_echo)
{
	meaningful(run(packets() * 3 / 4, 1, false));
}

Test(harmless, with_echo)
{
	meaningful(run(packets() / 4, 2, true));
}

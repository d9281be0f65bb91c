#include "responder/cookie.h"

#include <sodium.h>
#include <string.h>

static void cookie_key(const struct cookie *c, uint64_t number, uint8_t key[16])
{
	crypto_generichash(key, 16, (const uint8_t *)&number, sizeof number, c->seed, COOKIE_SEED);
}

static void cookie_keys(struct cookie *c, uint64_t number)
{
	c->number = number;
	cookie_key(c, number, c->key[0]);
	cookie_key(c, number - 1, c->key[1]);
}

void cookie_init(struct cookie *c, const uint8_t seed[COOKIE_SEED], uint64_t period_ns,
		 uint64_t now_ns)
{
	memcpy(c->seed, seed, COOKIE_SEED);
	c->period_ns = period_ns;
	cookie_keys(c, now_ns / period_ns);
}

void cookie_tick(struct cookie *c, uint64_t now_ns)
{
	uint64_t number = now_ns / c->period_ns;

	if (number != c->number)
		cookie_keys(c, number);
}

static uint64_t cookie_hash(const uint8_t key[16], const struct tuple *t, uint32_t irs)
{
	uint8_t in[TUPLE_BYTES_MAX + 4];
	size_t n = tuple_bytes(t, in);
	uint64_t h;

	memcpy(in + n, &irs, 4);
	crypto_shorthash((uint8_t *)&h, in, n + 4, key);
	return h;
}

/* One of eight ISNs: the high half of the secret hash times an odd constant. They are not
 * independent of each other: whoever received one may narrow down the others of the same tuple and
 * client's ISN. */
static uint32_t cookie_isn(uint64_t h, uint8_t flags)
{
	return (uint32_t)(h * (UINT64_C(0x9e3779b97f4a7c15) * (2 * flags + 1U)) >> 32);
}

struct cookie_word cookie_make(const struct cookie *c, const struct tuple *t, uint32_t irs,
			       uint8_t flags)
{
	uint64_t h = cookie_hash(c->key[0], t, irs);

	return (struct cookie_word){cookie_isn(h, flags), (uint32_t)h, flags};
}

bool cookie_verify(const struct cookie *c, const struct tuple *t, uint32_t irs, uint32_t ack,
		   struct cookie_word *out)
{
	for (int i = 0; i < 2; i++) {
		uint64_t h = cookie_hash(c->key[i], t, irs);

		for (uint8_t flags = 0; flags <= COOKIE_FLAGS; flags++)
			if (cookie_isn(h, flags) == ack - 1) {
				*out = (struct cookie_word){ack - 1, (uint32_t)h, flags};
				return true;
			}
	}
	return false;
}

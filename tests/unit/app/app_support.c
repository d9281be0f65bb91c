#include "app_support.h"

struct msg_analysis rec;

static uint8_t *copy; /* of the last payload */

void see_full(const struct app_in *in)
{
	static _Alignas(16) uint8_t memory[APP_ARENA_BYTES];
	struct msg_arena arena = {memory, sizeof memory, 0};

	memset(memory, 0xa5, sizeof memory);
	memset(&rec, 0, sizeof rec);
	app_recognise(in, &arena, &rec);
	cr_assert_leq(arena.used, sizeof memory);
}

void see_bytes(uint8_t proto, uint16_t port, const void *p, size_t n)
{
	free(copy);
	copy = malloc(n ? n : 1);
	memcpy(copy, p, n);
	see_full(&(struct app_in){
		.proto = proto, .src_port = 40000, .dst_port = port, .init = bytes_of(copy, n)});
}

void see_prefixes(uint8_t proto, uint16_t port, const void *p, size_t n)
{
	for (size_t i = 0; i <= n; i++)
		see_bytes(proto, port, p, i);
}

static int nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

const uint8_t *unhex(const char *hex, size_t *n)
{
	static uint8_t out[16384];
	*n = 0;
	for (int hi = -1; *hex; hex++) {
		int v = nibble(*hex);
		if (v < 0)
			continue;
		if (hi < 0) {
			hi = v;
		} else {
			out[(*n)++] = (uint8_t)(hi << 4 | v);
			hi = -1;
		}
	}
	return out;
}

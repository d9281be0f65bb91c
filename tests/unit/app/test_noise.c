/* What is not a protocol is not claimed: random bytes, random text, words, and noise behind a few
 * structured bytes. */
#include <dirent.h>

#include "app_support.h"

static uint64_t state;

/* xorshift64*: the same noise on every machine. */
static uint64_t next(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1dull;
}

static const uint16_t ports[] = {9,   22,  23,   53,   80,   102,  110,  123,  161,  443,
				 445, 502, 1080, 1433, 3306, 3389, 5060, 5432, 6379, 11211};

static void noise(size_t rounds, uint8_t (*byte)(void), size_t longest, unsigned allowed,
		  bool any_port)
{
	uint8_t p[512];
	unsigned claims = 0;

	for (size_t i = 0; i < rounds; i++) {
		size_t n = 1 + next() % longest;
		for (size_t k = 0; k < n; k++)
			p[k] = byte();
		uint16_t port = any_port ? ports[next() % (sizeof ports / sizeof *ports)] : 9;
		see_bytes(i & 1 ? APP_TCP : APP_UDP, port, p, n);
		if (rec.app.n) {
			claims++;
			cr_log_info("%.*s claims %zu bytes to port %u", (int)rec.app.n, rec.app.p,
				    n, port);
		} else {
			cr_assert_eq(rec.first_bytes.n, 2 * (n < 8 ? n : 8));
		}
	}
	cr_expect_leq(claims, allowed, "%u of %zu claimed", claims, rounds);
}

static uint8_t any_byte(void)
{
	return (uint8_t)(next() >> 56);
}

static uint8_t small_byte(void) /* many zeros and small numbers, as in binary protocols */
{
	uint64_t v = next();
	return v & 3 ? (uint8_t)(v >> 8 & 7) : (uint8_t)(v >> 16);
}

static uint8_t text_byte(void)
{
	static const char text[] = "etaoin shrdlu cmfwypvbgkjqxz ETAOIN 0123456789 .,:;/-_\r\n";
	return (uint8_t)text[next() % (sizeof text - 1)];
}

Test(noise, random_bytes)
{
	state = 1;
	noise(400000, any_byte, 400, 0, false);
}

/* A greeting of SOCKS or one Telnet command is three bytes: a few in a million short payloads look
 * like it. */
Test(noise, short_random_bytes)
{
	state = 2;
	noise(400000, any_byte, 12, 4, false);
}

Test(noise, random_bytes_to_known_ports)
{
	state = 3;
	noise(200000, any_byte, 200, 4, true);
}

Test(noise, small_numbers)
{
	state = 4;
	noise(200000, small_byte, 120, 40, false);
}

Test(noise, random_text)
{
	state = 5;
	noise(100000, text_byte, 120, 4, false);
}

Test(noise, sentences)
{
	static const char *const lines[] = {
		"hello\r\n",
		"help\r\n",
		"\r\n\r\n",
		"quit\r\n",
		"Set the table, please.\r\n",
		"get well soon\n",
		"User of the year\r\n",
		"The quick brown fox\r\n",
		"login: root\r\n",
		"a\r\n",
		"?\r\n",
		"<html></html>\r\n",
		"<?xml version=\"1.0\"?>\r\n",
		"NOOP\r\n",
		"OPTIONS\r\n",
		"123456\r\n",
		"{}",
		"[]",
		"[1,2,3]",
		"{\"a\":{}}",
	};
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		see_bytes(APP_TCP, 9999, lines[i], strlen(lines[i]));
		if (strncmp(lines[i], "get well", 8) != 0) /* memcached takes "get" with any keys */
			cr_expect(rec.app.n == 0, "%.*s claims %s", (int)rec.app.n, rec.app.p,
				  lines[i]);
	}
}

/* The fuzzer's seeds, one of each protocol, with too little memory for their lists and parts:
 * whatever is left out, the record can be encoded. */
Test(noise, seeds_with_little_memory)
{
	static _Alignas(16) uint8_t memory[16384];
	static uint8_t p[8192];
	unsigned seeds = 0;
	DIR *d = opendir("tests/fuzz/corpus/app");
	cr_assert_not_null(d);
	for (struct dirent *e; (e = readdir(d));) {
		char path[512];
		snprintf(path, sizeof path, "tests/fuzz/corpus/app/%s", e->d_name);
		FILE *f = e->d_name[0] == '.' ? NULL : fopen(path, "rb");
		if (!f)
			continue;
		size_t n = fread(p, 1, sizeof p, f);
		fclose(f);
		cr_assert_gt(n, 2);
		static const uint16_t ports[] = {9,    21,   23,   25,   53,   80,   102,
						 110,  123,  137,  445,  502,  1080, 1433,
						 2375, 3389, 5060, 6379, 6443, 11211};
		struct app_in in = {.proto = p[1] & 1 ? APP_UDP : APP_TCP,
				    .dst_port = ports[(p[1] >> 1) % 20],
				    .init = bytes_of(p + 2, n - 2)};
		struct msg_analysis r;
		for (size_t size = 0; size <= sizeof memory; size += size < 2048 ? 16 : 256) {
			struct msg_arena arena = {memory, size, 0};
			struct buf out;
			r = (struct msg_analysis){0};
			app_recognise(&in, &arena, &r);
			cr_assert_leq(arena.used, size);
			buf_init(&out, 1 << 20);
			cr_assert_eq(msg_encode(&msg_analysis_schema, &r, &out), 0);
			buf_fini(&out);
		}
		cr_expect(r.app.n, "%s is not recognised", e->d_name);
		seeds++;
	}
	closedir(d);
	cr_expect_gt(seeds, 40);
}

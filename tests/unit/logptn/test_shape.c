#include <criterion/criterion.h>
#include <string.h>

#include "logptn/lib/line/script.h"
#include "logptn/lib/line/shape.h"
#include "logptn_support.h"

/* The shape in readable form: D digits, M mixed, C control, | cut, B broken, W wide. */
static const char *shape(const char *text)
{
	static char out[SHAPE_ROOM];
	uint8_t line[SHAPE_ROOM] = {0}, raw[SHAPE_ROOM];
	size_t n = strlen(text);

	memcpy(line, text, n);
	n = shape_line(line, n, raw);
	for (size_t i = 0; i < n; i++)
		out[i] = raw[i] && raw[i] <= 6 ? "?DMC|BW"[raw[i]] : (char)raw[i];
	out[n] = 0;
	return out;
}

Test(shape, rules)
{
	cr_expect_str_eq(shape(""), "");
	cr_expect_str_eq(shape("no digits at all"), "no digits at all");
	cr_expect_str_eq(shape("port 22 from 10.0.0.1"), "port D from D.D.D.D");
	cr_expect_str_eq(shape("eth0 ssh2 sda15"), "eth0 ssh2 sda15"); /* names */
	cr_expect_str_eq(shape("node123 core.2275"),
			 "nodeD core.D");                        /* numbers at the end of names */
	cr_expect_str_eq(shape("addc18 cafe12"), "addcD cafeD"); /* hexadecimal */
	cr_expect_str_eq(shape("ab12"), "ab12");                 /* too short to tell */
	cr_expect_str_eq(shape("log4j jk2_init x86_64"), "log4j jk2_init x86_D");
	cr_expect_str_eq(shape("0x1f 64MB 3rd a1b2c3"), "M M M M");
	cr_expect_str_eq(shape("a4f e3b0c44"), "M M");
	cr_expect_str_eq(shape("a\x01\x02z"), "aCz");
	cr_expect_str_eq(shape("a\xff\xfe\xc0z"), "aBz");
	cr_expect_str_eq(shape("日本12語"), "日本D語");
	cr_expect_str_eq(shape("\xef\xbc\x91\xef\xbc\x92"
			       "3"),
			 "WD"); /* １２3 */
	cr_expect_str_eq(shape("tab\there"), "tab\there");
}

Test(shape, cut)
{
	static uint8_t line[SHAPE_MAX + 100 + SHAPE_SLACK], out[SHAPE_ROOM];
	size_t n;

	memset(line, 'x', sizeof line);
	n = shape_line(line, SHAPE_MAX, out);
	cr_expect_eq(n, SHAPE_MAX);
	n = shape_line(line, SHAPE_MAX + 1, out);
	cr_expect_eq(n, SHAPE_MAX + 1);
	cr_expect_eq(out[n - 1], SHAPE_CUT);
	line[5] = 1; /* the careful way cuts in the same place */
	n = shape_line(line, SHAPE_MAX + 1, out);
	cr_expect_eq(out[n - 1], SHAPE_CUT);
	memset(line, '7', sizeof line);
	n = shape_line(line, SHAPE_MAX + 100, out);
	cr_expect_eq(n, 2);
}

static uint64_t state = 88172645463325252u;

static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* The fast ways, and the careful one, are one function. */
Test(shape, all_ways_agree)
{
	static const char *const alphabets[] = {"ab0", "0123456789abcdefX.:- ",   "aZ09_-./ \t",
						"9",   "a1\x01\xff\xe6\x97\xa5 ", "５x１"};
	static uint8_t line[700], fast[SHAPE_ROOM], slow[SHAPE_ROOM], map[SHAPE_ROOM];
	static uint32_t at[SHAPE_ROOM];

	for (unsigned round = 0; round < 30000; round++) {
		const char *set = alphabets[round % 6];
		size_t k = strlen(set), n = next() % (round % 10 ? 150 : 600), a, b, c;

		for (size_t i = 0; i < sizeof line;
		     i++) /* what lies behind the line does not matter */
			line[i] = (uint8_t)set[next() % k];
		a = shape_line(line, n, fast);
		shape_force_scalar(1);
		b = shape_line(line, n, slow);
		shape_force_scalar(0);
		c = shape_map(line, n, map, at);
		cr_assert_eq(a, c, "%.*s", (int)n, line);
		cr_assert_eq(b, c);
		cr_assert_arr_eq(fast, map, a);
		cr_assert_arr_eq(slow, map, a);
		for (size_t i = 0; i < 32; i++)
			cr_assert_eq(fast[a + i], 0);
		for (size_t i = 0; i < c; i++)
			cr_assert(at[i] < at[i + 1] || (i + 1 == c && at[i] <= at[c]));
		cr_assert_eq(shape_hash(line, n), shape_hash_any(line, n));
	}
}

Test(shape, hash_sees_every_byte_and_the_length)
{
	uint8_t p[200] = {0};

	for (size_t n = 0; n < 100; n++) {
		uint64_t h = shape_hash(p, n);

		cr_expect_neq(h, shape_hash(p, n + 1));
		for (size_t i = 0; i < n; i++) {
			p[i] ^= 1;
			cr_expect_neq(h, shape_hash(p, n));
			p[i] ^= 1;
		}
		p[n] = 9;
		cr_expect_eq(h, shape_hash(p, n));
		p[n] = 0;
	}
}

Test(script, classes)
{
	cr_expect_eq(script_of(0x3000), SCRIPT_SPACE);
	cr_expect_eq(script_of(0xff1a), SCRIPT_PUNCT); /* ： */
	cr_expect_eq(script_of(0x300c), SCRIPT_PUNCT); /* 「 */
	cr_expect_eq(script_of(0x3042), SCRIPT_HIRAGANA);
	cr_expect_eq(script_of(0x30fc), SCRIPT_KATAKANA);
	cr_expect_eq(script_of(0x6f22), SCRIPT_HAN);
	cr_expect_eq(script_of(0xac00), SCRIPT_HANGUL);
	cr_expect_eq(script_of(0xe9), SCRIPT_LETTER);
	cr_expect_eq(script_of(0x1f600), SCRIPT_LETTER);
}

#include <string.h>

#include <criterion/criterion.h>

#include "proto/utf8.h"

static size_t len(const char *s)
{
	return utf8_len((const uint8_t *)s, strlen(s));
}

Test(utf8, length_of_well_formed_characters)
{
	cr_assert_eq(len("a"), 1);
	cr_assert_eq(utf8_len((const uint8_t *)"\0", 1), 1);
	cr_assert_eq(len("\xc3\xa9"), 2);
	cr_assert_eq(len("\xe2\x82\xac"), 3);
	cr_assert_eq(len("\xed\x9f\xbf"), 3);
	cr_assert_eq(len("\xf0\x9f\x98\x80"), 4);
	cr_assert_eq(len("\xf4\x8f\xbf\xbf"), 4);
}

Test(utf8, what_rfc_3629_excludes)
{
	static const char *const bad[] = {
		"\x80",
		"\xbf", /* a tail alone */
		"\xc0\x80",
		"\xc1\xbf", /* overlong, two bytes */
		"\xe0\x9f\xbf",
		"\xf0\x8f\xbf\xbf", /* overlong, three and four */
		"\xed\xa0\x80",
		"\xed\xbf\xbf", /* surrogates */
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xff", /* above U+10FFFF */
		"\xc3",
		"\xe2\x82",
		"\xf0\x9f\x98", /* cut */
		"\xc3z",
		"\xe2\x82z",
		"\xe2z",
		"\xf0\x9f\x98z",
		"\xf0\x9fz",
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		cr_assert_eq(len(bad[i]), 0, "case %zu", i);
}

static void dots(const char *in, size_t n, const char *want)
{
	uint8_t text[64];
	memcpy(text, in, n);
	utf8_dot(text, n);
	cr_assert_arr_eq(text, want, n);
}

Test(utf8, dots_replace_single_bytes)
{
	dots("plain ascii, longer than a word", 31, "plain ascii, longer than a word");
	dots("\xffGET / HTTP/1.1\xfe\xfe", 17, ".GET / HTTP/1.1..");
	dots("caf\xc3\xa9 \xe2\x82", 8, "caf\xc3\xa9 ..");
	dots("12345678\xe2\x82\xac\x80", 12, "12345678\xe2\x82\xac.");
}

Test(utf8, good_prefix)
{
	cr_assert_eq(utf8_good((const uint8_t *)"12345678abc\xff", 12), 11);
	cr_assert_eq(utf8_good((const uint8_t *)"12345678abc", 11), 11);
	cr_assert_eq(utf8_good((const uint8_t *)"\xff", 1), 0);
	cr_assert_eq(utf8_good(NULL, 0), 0);
}

Test(utf8, decode)
{
	uint32_t cp;

	cr_expect_eq(utf8_decode((const uint8_t *)"", 0, &cp), 0);
	cr_expect_eq(utf8_decode((const uint8_t *)"\xf0\x9f\x98\x80", 4, &cp), 4);
	cr_expect_eq(cp, 0x1f600);
	cr_expect_eq(utf8_decode((const uint8_t *)"\xf0\x9f\x98\x80", 3, &cp), 0);
	cr_expect_eq(utf8_decode((const uint8_t *)"\xc0\x80", 2, &cp), 0);     /* overlong */
	cr_expect_eq(utf8_decode((const uint8_t *)"\xed\xa0\x80", 3, &cp), 0); /* surrogate */
	cr_expect_eq(utf8_decode((const uint8_t *)"\xf4\x90\x80\x80", 4, &cp),
		     0); /* beyond U+10FFFF */
	cr_expect_eq(utf8_decode((const uint8_t *)"\x80", 1, &cp), 0);
	cr_expect_eq(utf8_decode((const uint8_t *)"\xe6\x41\xa5", 3, &cp), 0);
}

/* The characters that are named, and their neighbours, which are harmless. */
Test(utf8, misleads)
{
	static const struct {
		uint32_t from, to; /* inclusive */
	} bad[] = {{0, 0x1f},        {0x7f, 0x9f},     {0x61c, 0x61c},
		   {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
		   {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f}};

	for (uint32_t cp = 0; cp <= 0x10ffff; cp++) {
		bool want = false;
		for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
			want |= cp >= bad[i].from && cp <= bad[i].to;
		cr_assert_eq(utf8_misleads(cp), want, "U+%04X", cp);
	}
}

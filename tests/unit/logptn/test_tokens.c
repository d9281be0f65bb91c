#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "logptn/lib/line/chars.h"
#include "logptn/lib/line/token.h"
#include "logptn_support.h"

/* The skeleton in readable form: words as they are, <type> for values, delimiters in place, ~ for
 * an empty one. */
static const char *skeleton(const char *text)
{
	static char out[4096];
	uint8_t line[SHAPE_ROOM] = {0}, shape[SHAPE_ROOM];
	struct token tok[TOK_MAX];
	size_t n = strlen(text), o = 0;

	memcpy(line, text, n);
	n = shape_line(line, n, shape);
	n = tokenize(shape, n, tok);
	for (size_t i = 0; i < n; i++) {
		if (tok[i].kind == TOK_VALUE)
			o += (size_t)sprintf(out + o, "<%s>", tok_type_name(tok[i].type));
		else if (!tok[i].len)
			out[o++] = '~';
		else
			o += (size_t)sprintf(out + o, "%.*s", (int)tok[i].len, shape + tok[i].off);
	}
	out[o] = 0;
	return out;
}

Test(tokens, times)
{
	cr_expect_str_eq(skeleton("Dec 10 06:55:46 gate"), "<time> gate");
	cr_expect_str_eq(skeleton("Sun Dec 04 04:47:44 2005 x"), "<time> x");
	cr_expect_str_eq(skeleton("Tue, Feb  1, 2022 1:02:03 x"), "<time> x");
	cr_expect_str_eq(skeleton("2015-10-18 18:01:47,978 INFO"), "<time> INFO");
	cr_expect_str_eq(skeleton("2015-10-18T18:01:47.978Z INFO"), "<time> INFO");
	cr_expect_str_eq(skeleton("2015-10-18T18:01:47+09:00 INFO"), "<time> INFO");
	cr_expect_str_eq(skeleton("17/06/09 20:10:40 INFO"), "<time> INFO");
	cr_expect_str_eq(skeleton("at 12:30:01."), "at <time>.");
	cr_expect_str_eq(skeleton("May be"), "May be");
	cr_expect_str_eq(skeleton("Mon evening"), "Mon evening");
}

Test(tokens, addresses)
{
	cr_expect_str_eq(skeleton("from 10.0.0.1 port 22"), "from <ip> port <number>");
	cr_expect_str_eq(skeleton("src: /10.0.0.1:50010 dest: 10.1.0.0/16"),
			 "src: <ip> dest: <ip>");
	cr_expect_str_eq(skeleton("from fe80::1:2ff:fe33"), "from <ip>");
	cr_expect_str_eq(skeleton("mac 00:1b:44:11:3a:b7,"), "mac <ip>,");
	cr_expect_str_eq(skeleton("to bob.smith@example.org;"), "to <email>;");
	cr_expect_str_eq(skeleton("at www.example.org:443 now"), "at <host> now");
	cr_expect_str_eq(skeleton("at node-7:443 now"), "at <id> now");
	cr_expect_str_eq(skeleton("see http://a.example/b?c=1&d=2."), "see <url>.");
	cr_expect_str_eq(skeleton("(https://a.example/b)"), "(<url>)");
}

Test(tokens, paths)
{
	cr_expect_str_eq(skeleton("open /etc/passwd: no"), "open <path>: no");
	cr_expect_str_eq(skeleton("open C:\\Windows\\x.dll, no"), "open <path>, no");
	cr_expect_str_eq(skeleton("GET /a/b.php?x=1 HTTP"), "GET <path> HTTP");
	cr_expect_str_eq(skeleton("and/or a / b"), "and/or a / b");
	cr_expect_str_eq(skeleton("org/apache/spark/x.properties"), "<path>");
	cr_expect_str_eq(skeleton("act com.example.app/.Main"), "act <path>");
}

Test(tokens, words_and_values)
{
	cr_expect_str_eq(skeleton("uid=0 took 5.4ms, -3 +2"),
			 "uid=<number> took <number>, <number> <number>");
	cr_expect_str_eq(skeleton("attempt_1445_0020_m_000009_0 ok"), "<id> ok");
	cr_expect_str_eq(skeleton("ready=true dirty=False"), "ready=<bool> dirty=<bool>");
	cr_expect_str_eq(skeleton("a=null null (NULL)"), "a=<null> null (<null>)");
	cr_expect_str_eq(skeleton("state.......0"), "state.......<number>");
	cr_expect_str_eq(skeleton("  ends.  "), "ends.");
	cr_expect_str_eq(skeleton("a\tb"), "a\tb");
	cr_expect_str_eq(skeleton("x \x01\x02 y\xff"), "x <bytes> <bytes>");
	cr_expect_str_eq(skeleton("name an14 an15 an16 an17"), "name <list>");
	cr_expect_str_eq(skeleton("name an14 an15 bx"), "name an14 an15 bx");
	cr_expect_str_eq(skeleton("fans ( **** **** 3552 **** 33 )"),
			 "fans ( <null> <null> <number> <null> <number> )");
	cr_expect_str_eq(skeleton("*** started 5 ***"), "*** started <number> ***");
	cr_expect_str_eq(skeleton("\xe6\xbc\xa2\xe5\xad\x97\xe3\x81\x8b\xe3\x81\xaa"),
			 "\xe6\xbc\xa2\xe5\xad\x97~\xe3\x81\x8b\xe3\x81\xaa");
	cr_expect_str_eq(skeleton("利用者「鈴木」：端末５"), "利用者「鈴木」：端末~<number>");
	cr_expect_str_eq(skeleton("Überprüfung läuft"), "Überprüfung läuft");
}

Test(tokens, no_more_than_fit)
{
	static char line[SHAPE_MAX];
	uint8_t shape[SHAPE_ROOM];
	struct token tok[TOK_MAX];
	size_t n;

	for (size_t i = 0; i < sizeof line; i++)
		line[i] = "=,;"[i % 3];
	n = shape_line((uint8_t *)line, sizeof line - 2 * SHAPE_SLACK, shape);
	n = tokenize(shape, n, tok);
	cr_assert_leq(n, TOK_MAX);
	cr_expect_eq(tok[n - 1].kind, TOK_VALUE);
	cr_expect_eq(tok[n - 1].type, TYPE_REST);
	cr_expect_eq(tok[n - 1].chars, CHARS_ALL);
}

Test(chars, every_byte_has_its_class)
{
	uint64_t seen = 0;

	for (unsigned c = 1; c < 256; c++) {
		uint8_t b = (uint8_t)c;
		uint64_t k = chars_of_shape(&b, 1);

		cr_expect_neq(k, 0);
		if (c >= 0x21 && c < 0x7f && strchr(CHARS_PUNCT, (int)c)) {
			size_t at = (size_t)(strchr(CHARS_PUNCT, (int)c) - CHARS_PUNCT);

			cr_expect_eq(k, UINT64_C(1) << (CHARS_PUNCT_SHIFT + at), "%c", c);
		}
		if (c > 6)
			seen |= k;
	}
	cr_expect_eq(seen, CHARS_ALL & ~(UINT64_C(3) << 6));
}

/*
 * What becomes one format and what does not; each weakness that the author of the original listed
 * is gone.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "logptn/lib/model_state.h"
#include "logptn_support.h"

/* The template's line count in the formats of a text. */
static void expect(const char *text, const char *template, uint64_t lines)
{
	struct skels t;
	struct formats *f = formats_of(&t, text);

	cr_expect_eq(count_of(f, template), lines, "wanted %lu of \"%s\" in\n%s", lines, template,
		     templates(f));
	formats_free(&f);
	skels_fini(&t);
}

static uint32_t formats_in(const char *text)
{
	struct skels t;
	struct formats *f = formats_of(&t, text);
	uint32_t n = f->n;

	formats_free(&f);
	skels_fini(&t);
	return n;
}

/* "values that contain delimiters (arbitrary user text) split formats" */
Test(weakness, values_with_delimiters)
{
	expect("note \"red; green\" saved by tool\nnote \"blue\" saved by tool\nnote \"a, b: c\" "
	       "saved by tool\n",
	       "note \"*\" saved by tool", 3);
	expect("lock=1 tag=\"View Lock\" ws=null\nlock=2 tag=\"Mix\" ws=Work{13}\n",
	       "lock=* tag=* ws=*", 2);
	expect("clock synchronized to 10.0.0.1, stratum 3\nclock synchronized to LOCAL(0), stratum "
	       "10\n",
	       "clock synchronized to *, stratum *", 2);
}

/* "several clusters can yield one format, unmerged" */
Test(weakness, one_text_one_format)
{
	char text[4096] = "";

	for (unsigned i = 0; i < 20; i++)
		sprintf(text + strlen(text), "job %c%c for queue %c done well\n", 'a' + i % 7,
			'k' + i % 5, 'p' + i % 8);
	expect(text, "job * for queue * done well", 20);
}

/* "multi-byte text" */
Test(weakness, multi_byte)
{
	expect("利用者「鈴木」がログインしました\n利用者「佐藤」がログインしました\n利用者「田中」がログインしました\n",
	       "利用者「*」がログインしました", 3);
	expect("温度：２５度\n温度：３１度\n", "温度：*度", 2);
	expect("用户 张三 登录 10.0.0.1\n用户 李四 登录 10.0.0.2\n用户 王五 登录 10.0.0.3\n用户 a 登录 10.0.0.3\n用户 b 登录 "
	       "10.0.0.3\n用户 c 登录 10.0.0.3\n",
	       "用户 * 登录 *", 6);
	expect("sent 🎉 to 5 users\nsent 🎉 to 7 users\n", "sent 🎉 to * users", 2);
}

/* "one line a log" is in test_lines.c (records_are_whole); "batch only" in test_state.c and the
 * scenario logptn_cli; "slow regular expressions": there are none; "no expression to extract
 * values" is test_properties.c. */

Test(formats, values_of_several_words)
{
	char text[4096] = "";
	static const char *const names[] = {"root", "pi", "git", "amy", "bob", "eve"};

	for (unsigned i = 0; i < 6; i++)
		sprintf(text + strlen(text), "Invalid user %s from 10.0.0.%u\n", names[i], i);
	strcat(text, "Invalid user joe doe from 10.0.0.9\nInvalid user 7 from 10.0.0.9\n");
	expect(text, "Invalid user * from *", 8);
	strcat(text,
	       "Failed password for root from 10.0.0.9\nFailed password for invalid user x from "
	       "10.0.0.9\n");
	expect(text, "Invalid user * from *", 8);
	cr_expect_eq(formats_in(text), 3);
}

Test(formats, different_meaning_stays)
{
	cr_expect_eq(
		formats_in("VM 1 started ok\nVM 1 paused ok\nVM 2 stopped ok\nVM 3 resumed ok\n"),
		4);
	cr_expect_eq(
		formats_in(
			"task 1 from NEW to DONE\ntask 2 from NEW to RUNNING\ntask 3 from RUNNING "
			"to FAILED\n"
			"task 4 from DONE to NEW\ntask 5 from FAILED to KILLED\ntask 6 from KILLED "
			"to LOST\n"),
		6);
	cr_expect_eq(
		formats_in(
			"{\"level\":\"info\",\"msg\":\"started\",\"n\":1}\n{\"level\":\"info\",\"msg\":\"stopped\",\"n\":2}\n"),
		2);
}

Test(formats, structured_lines)
{
	expect("{\"user\":\"amy\",\"ms\":12,\"ok\":true}\n{\"user\":\"bob\",\"ms\":7,\"ok\":false}\n",
	       "{\"user\":\"*\",\"ms\":*,\"ok\":*}", 2);
	expect("level=info took=5ms peer=10.0.0.1\nlevel=warn took=1ms peer=null\n",
	       "level=* took=* peer=*", 2);
}

Test(formats, lists)
{
	expect("ask 10.0.0.1 to delete blk_1\nask 10.0.0.1 to delete blk_1 blk_2\nask 10.0.0.1 to "
	       "delete blk_1 blk_2 blk_3\n",
	       "ask * to delete *", 3);
	expect("report 1 2 3 4\nreport 5 6 7 8\n", "report * * * *", 2);
	expect("session 1 lasted <1 sec on port 22\nsession 2 lasted 00:10 on port 23\n",
	       "session * lasted * on port *", 2);
}

Test(formats, names_with_numbers_and_units)
{
	expect("route 10.0.0.1 goes via eth0 now\nroute 10.0.0.1 goes via wlan1 now\nroute "
	       "10.0.0.1 goes via tun4 now\n",
	       "route * goes via * now", 3);
	expect("block 1 stored using 5 KB of memory\nblock 2 stored using 7 MB of memory\n",
	       "block * stored using * * of memory", 2);
	expect("regs r1=5 r2=0x5 r3=7\nregs r7=5 r8=0x5 r9=7\nregs r4=5 r5=0x5 r6=7\n",
	       "regs *=* *=* *=*", 3);
}

Test(formats, white_space_and_ends)
{
	expect("a 1\tb\na 2   b\r\n  a 3 b  \n", "a * b", 3);
	expect("x\x01\x02y z 5\nx\x03y z 6\n", "* z *", 2);
}

Test(formats, header)
{
	struct skels t;
	struct formats *f, *g;
	const struct format *m;
	const char *a = "Jan  2 10:00:00 gate sshd[12]: Connection closed by 10.0.0.1\n"
			"Jan  2 10:00:01 gate sshd[13]: Server listening on port 22\n"
			"Jan  2 10:00:02 gate kernel: eth0 is up\n"
			"Jan  2 10:00:03 gate cron[9]: job done\n"
			"Jan  2 10:00:04 gate cron[9]: no job\n";
	char both[2048];

	f = formats_of(&t, a);
	cr_expect_eq(f->header.ncols, 3, "%u", f->header.ncols);
	m = with_template(f, "* gate sshd[*]: Connection closed by *");
	cr_assert(m, "%s", templates(f));
	cr_expect(m->seg[0].header);
	cr_expect_str_eq(m->seg[0].name, "time");
	cr_expect_str_eq(m->seg[2].name, "pid");
	cr_expect(!m->seg[m->nseg - 1].header);
	cr_expect_str_eq(m->seg[m->nseg - 1].name, "ip");

	/* Another machine: the host varies, the identity does not. */
	snprintf(both, sizeof both,
		 "%sJan  2 10:00:00 lock sshd[12]: Connection closed by 10.0.0.1\n", a);
	{
		struct skels t2;

		g = formats_of(&t2, both);
		cr_expect(with_template(g, "* * sshd[*]: Connection closed by *"), "%s",
			  templates(g));
		cr_expect_str_eq(with_template(g, "* * sshd[*]: Connection closed by *")->id,
				 m->id);
		formats_free(&g);
		skels_fini(&t2);
	}
	formats_free(&f);
	skels_fini(&t);
}

Test(formats, no_header_where_there_is_none)
{
	struct skels t;
	struct formats *f = formats_of(
		&t, "session opened for root\nlink eth0 is up\njob 5 done\nno route to host\n");

	cr_expect_eq(f->header.ncols, 0);
	formats_free(&f);
	skels_fini(&t);
}

struct seen {
	char text[1000];
};

static void see(void *arg, const uint8_t *p, size_t n, uint64_t lines, bool exact)
{
	struct seen *s = arg;

	sprintf(s->text + strlen(s->text), "%.*s:%lu%s ", (int)n, p, lines, exact ? "" : "?");
}

Test(formats, values)
{
	struct skels t;
	struct formats *f = formats_of(
		&t,
		"login of user amy from 10.0.0.1\nlogin of user amy from 10.0.0.1\nlogin of user "
		"bob from 10.0.0.2\n");
	const struct format *m = with_template(f, "login of user * from *");
	struct seen s = {""};

	cr_assert(m, "%s", templates(f));
	format_values(f, m, 1, see, &s);
	cr_expect(strstr(s.text, "amy:2 "), "%s", s.text);
	cr_expect(strstr(s.text, "bob:1 "));
	s.text[0] = 0;
	format_values(f, m, 3, see, &s);
	cr_expect(strstr(s.text, "10.0.0.2:1 "), "%s", s.text);
	formats_free(&f);
	skels_fini(&t);
}

/* Memory is bounded: what is too much is counted under coarse formats, and nothing is lost. */
Test(formats, limit, .timeout = 200)
{
	struct skels t;
	struct formats *f;
	uint8_t line[256 + SHAPE_SLACK] = {0};
	uint64_t sum = 0, state = 88172645463325252u;
	const unsigned lines = 3 * SKELS_MAX;

	skels_init(&t);
	for (unsigned i = 0; i < lines; i++) {
		size_t n = 0;

		for (unsigned w = 0; w < 6; w++) {
			state ^= state << 13;
			state ^= state >> 7;
			state ^= state << 17;
			for (unsigned k = 0; k < 4; k++)
				line[n++] = (uint8_t)('a' + (state >> (5 * k)) % 26);
			line[n++] = w % 2 ? ' ' : ':';
		}
		intake_add(&t, line, n);
	}
	cr_expect_eq(t.lines, lines);
	cr_expect_leq(t.n, SKELS_MAX + SKELS_COARSE(SKELS_MAX) + 1);
	cr_assert_eq(formats_make(&t, &f), 0);
	for (uint32_t i = 0; i < f->n; i++)
		sum += f->v[i].lines;
	cr_expect_eq(sum, lines);
	formats_free(&f);

	/* As full as it is, it can be saved and loaded. */
	struct skels u;
	struct buf b;
	skels_init(&u);
	buf_init(&b, MODEL_STATE_MAX);
	cr_assert_eq(model_state_save(&t, &b), 0);
	cr_expect_eq(model_state_load(&u, buf_bytes(&b)), 0);
	cr_expect_eq(u.lines, lines);
	buf_fini(&b);
	skels_fini(&u);
	skels_fini(&t);
}

/* A value of ever new words fills the table; the formats come out as if it had not. */
Test(formats, limit_generalises, .timeout = 200)
{
	struct skels t;
	struct formats *f;
	uint8_t line[256 + SHAPE_SLACK] = {0};
	const unsigned lines = 2 * SKELS_MAX + 1000;

	skels_init(&t);
	for (unsigned i = 0; i < lines; i++) {
		int n = sprintf((char *)line, "Invalid user %c%c%c%c%c from 10.0.0.%u",
				'a' + i % 26, 'a' + i / 26 % 26, 'a' + i / 676 % 26,
				'a' + i / 17576 % 26, 'q', i % 256);

		memset(line + n, 0, SHAPE_SLACK);
		cr_assert_neq(intake_add(&t, line, (size_t)n), SKEL_NONE);
		if (i % 1000 == 0) {
			n = sprintf((char *)line, "link eth%u is %s", i / 1000 % 4,
				    i % 2000 ? "up" : "down");
			memset(line + n, 0, SHAPE_SLACK);
			intake_add(&t, line, (size_t)n);
		}
	}
	cr_expect_gt(t.generation, 0);
	cr_expect_eq(t.coarse, 0);
	cr_assert_eq(formats_make(&t, &f), 0);
	cr_expect_eq(count_of(f, "Invalid user * from *"), lines, "%s", templates(f));
	cr_expect_eq(count_of(f, "link * is up"), lines / 2000, "%s", templates(f));
	/* A line is found where it was counted, and its values too. */
	{
		struct extract ex[2 * TOK_MAX];
		const char *s = "Invalid user nobody from 10.0.0.1";
		uint8_t copy[64 + SHAPE_SLACK] = {0};
		const struct format *m = with_template(f, "Invalid user * from *");

		memcpy(copy, s, strlen(s));
		cr_expect_eq(&f->v[f->of_skel[intake_find(&t, copy, strlen(s))]], m);
		cr_assert_eq(format_extract(f, m, copy, strlen(s), ex), 0);
		cr_expect_eq(ex[1].len, 6);
	}
	formats_free(&f);
	skels_fini(&t);
}

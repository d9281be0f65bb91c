/*
 * The algorithm of the original: on lines written here, and on its recorded outputs when they are
 * there.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "logptn/lib/compat/compat.h"
#include "logptn/out/view.h"
#include "logptn_support.h"

static const char *chunks(const char *line, const char *delimiters, bool regex)
{
	static char out[1000];
	struct compat_options o = {0.7, delimiters, regex};
	const struct compat_chunk *c;
	struct compat *x;
	size_t n, len = 0;

	cr_assert_eq(compat_new(&o, &x), 0);
	cr_assert_eq(compat_split(x, (const uint8_t *)line, strlen(line), &c, &n), 0);
	out[0] = 0;
	for (size_t i = 0; i < n; i++)
		len += (size_t)sprintf(out + len, "%s%.*s", i ? "|" : "", (int)c[i].len,
				       line + c[i].off);
	compat_free(&x);
	return out;
}

Test(compat, chunks)
{
	cr_expect_str_eq(chunks("a: b", NULL, false), "a|:| |b");
	cr_expect_str_eq(chunks("  ", NULL, false), " | ");
	cr_expect_str_eq(chunks("a-b/c.d#e", NULL, false), "a-b/c.d#e");
	cr_expect_str_eq(chunks("x!,:;[]{}()<>=\\*\"'\t", NULL, false),
			 "x|!|,|:|;|[|]|{|}|(|)|<|>|=|\\|*|\"|'|\t");
	cr_expect_str_eq(chunks("a b-c", "-", false), "a b|-|c");
	cr_expect_str_eq(chunks("a、b。c", "、。", false), "a|、|b|。|c"); /* whole characters */
}

Test(compat, expressions)
{
	cr_expect_str_eq(chunks("at 2006-01-02T15:04:05.123Z b", NULL, true),
			 "at| |2006-01-02T15:04:05.123|Z| |b");
	cr_expect_str_eq(chunks("2006-01-02T15:04:05Z", NULL, true), "2006-01-02T15:04:05Z");
	cr_expect_str_eq(chunks("2006-01-02T15:04:05", NULL, true), "2006-01-02T15:04:05");
	cr_expect_str_eq(chunks("2006/01/02 15:04:05", NULL, true), "2006/01/02| |15:04:05");
	cr_expect_str_eq(chunks("2006-01-02", NULL, true), "2006-01-02");
	cr_expect_str_eq(chunks("12006-01-021", NULL, true), "1|2006-01-02|1");
	cr_expect_str_eq(chunks("15:04:05.5 15:04:05,5 15:04:05", NULL, true),
			 "15:04:05.5| |15:04:05,5| |15:04:05");
	cr_expect_str_eq(chunks("15:04:05 7", NULL, true),
			 "15:04:05 7"); /* any character before the digits */
	cr_expect_str_eq(chunks("to a.b+c@d.example. ok", NULL, true),
			 "to| |a.b+c@d.example|.| |ok");
	cr_expect_str_eq(chunks("from=<x=y@h>", NULL, true),
			 "from|=|<|x=y@h|>"); /* = may be in it */
	cr_expect_str_eq(chunks("x 10.0.0.256:80", NULL, true), "x| |10.0.0.256|:|80");
	cr_expect_str_eq(chunks("1.2.3", NULL, true), "1.2.3");
}

struct run {
	struct compat *c;
	const struct compat_format *f;
	size_t n;
};

static void run(struct run *r, const struct lines *l, double threshold, bool regex)
{
	struct compat_options o = {threshold, NULL, regex};
	uint32_t cluster;

	cr_assert_eq(compat_new(&o, &r->c), 0);
	for (size_t i = 0; i < l->n; i++)
		cr_assert_eq(compat_add(r->c, l->v[i].p, l->v[i].n, &cluster), 0);
	cr_assert_eq(compat_finish(r->c, &r->f, &r->n), 0);
}

static char *text_of(const struct run *r, void (*dump)(const struct view *v, FILE *out))
{
	struct view v;
	char *text;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	cr_assert_eq(view_compat(r->f, r->n, &v), 0);
	dump(&v, out);
	fclose(out);
	view_free(&v);
	return text;
}

static void dump_text(const struct view *v, FILE *out)
{
	out_text(v, out, false);
}

static void dump_colored(const struct view *v, FILE *out)
{
	out_text(v, out, true);
}

static const char log_lines[] = "user amy in from a<1>\n"
				"disk full\n"
				"user bob in from a<1>\n"
				"user eve out at b<2>\n"
				"user amy in from a<1>\n";

Test(compat, every_field_of_every_dumper)
{
	struct lines l = lines_of(log_lines);
	struct run r;
	char *s;

	run(&r, &l, 0.7, false);
	cr_assert_eq(r.n, 3);
	cr_expect_str_eq(r.f[0].id,
			 "d1350866259a0c9a11e8cb4d99700ebbbb1dc8839ac0f8eac1747d1a66e99d8c");
	s = text_of(&r, dump_text);
	cr_expect_str_eq(s, "     3 [d1350866] user * in from a<1>\n"
			    "     1 [8c96d76f] disk full\n"
			    "     1 [0a80a29c] user eve out at b<2>\n");
	free(s);
	s = text_of(&r, dump_colored);
	cr_expect(strstr(s, "user \x1b[31m*\x1b[0m in"));
	free(s);
	s = text_of(&r, out_json);
	cr_expect_str_eq(
		s,
		"{\"formats\":[{\"id\":\"d1350866259a0c9a11e8cb4d99700ebbbb1dc8839ac0f8eac1747d1a66e99d8c\",\"segments\":[{\"text\":\"user\"},{\"text\":\" \"},{\"values\":{\"amy\":2,\"bob\":1}},{\"text\":\" \"},{\"text\":\"in\"},{\"text\":\" \"},{\"text\":\"from\"},{\"text\":\" \"},{\"text\":\"a\"},{\"text\":\"\\u003c\"},{\"text\":\"1\"},{\"text\":\"\\u003e\"}],\"count\":3,\"sample\":\"     3 [d1350866] user * in from a\\u003c1\\u003e\",\"Cluster\":{}},{\"id\":\"8c96d76f620269be0f4cbc27e6cb594426729e32474260ef82eb6fc24b2cba2f\",\"segments\":[{\"text\":\"disk\"},{\"text\":\" \"},{\"text\":\"full\"}],\"count\":1,\"sample\":\"     1 [8c96d76f] disk full\",\"Cluster\":{}},{\"id\":\"0a80a29c4a5dbf203098ec4e961616904b63df74b007507ed2b9f327d99a1ad6\",\"segments\":[{\"text\":\"user\"},{\"text\":\" \"},{\"text\":\"eve\"},{\"text\":\" \"},{\"text\":\"out\"},{\"text\":\" \"},{\"text\":\"at\"},{\"text\":\" \"},{\"text\":\"b\"},{\"text\":\"\\u003c\"},{\"text\":\"2\"},{\"text\":\"\\u003e\"}],\"count\":1,\"sample\":\"     1 [0a80a29c] user eve out at b\\u003c2\\u003e\",\"Cluster\":{}}]}");
	free(s);
	s = text_of(&r, out_sjson);
	cr_expect_str_eq(s, "{\"formats\":[{\"segments\":[\"user \",null,\" in from "
			    "a\\u003c1\\u003e\"],\"count\":3},{\"segments\":[\"disk "
			    "full\"],\"count\":1},{\"segments\":[\"user eve out at "
			    "b\\u003c2\\u003e\"],\"count\":1}]}");
	free(s);
	compat_free(&r.c);
	lines_free(&l);
}

Test(compat, threshold)
{
	struct lines l = lines_of("a b c d\na b c e\na x y z\n");
	struct run r;

	run(&r, &l, 0.7, false);
	cr_expect_eq(r.n, 2);
	compat_free(&r.c);
	run(&r, &l, 1, false);
	cr_expect_eq(r.n, 3);
	compat_free(&r.c);
	run(&r, &l, 0.5, false); /* blanks are chunks too: 4 of 7 */
	cr_expect_eq(r.n, 1);
	compat_free(&r.c);
	lines_free(&l);
}

/* It silently stopped at a line of 64 KiB. */
Test(compat, long_lines)
{
	char *text = malloc(200000);
	struct lines l;
	struct run r;

	memset(text, 'x', 150000);
	strcpy(text + 150000, "\nafter\n");
	l = lines_of(text);
	run(&r, &l, 0.7, false);
	cr_expect_eq(r.n, 2);
	cr_expect_eq(r.f[0].seg[0].value[0].n, 150000);
	compat_free(&r.c);
	lines_free(&l);
	free(text);
}

static void same_as(const char *log, const char *want, double threshold, bool regex,
		    void (*dump)(const struct view *v, FILE *out))
{
	struct lines l = lines_from(log);
	FILE *f = fopen(want, "re");
	char *text, *got;
	size_t n;
	struct run r;

	if (!l.n || !f) {
		fprintf(stderr, "skip: %s is not here\n", want);
		if (f)
			fclose(f);
		return;
	}
	text = calloc(1, 1 << 22);
	n = fread(text, 1, (1 << 22) - 1, f);
	fclose(f);
	run(&r, &l, threshold, regex);
	got = text_of(&r, dump);
	cr_expect(strlen(got) == n && !memcmp(got, text, n), "%s differs", want);
	free(got);
	free(text);
	compat_free(&r.c);
	lines_free(&l);
}

#define RECORDED "../shared/corpora/logptn/"

Test(compat, recorded, .timeout = 120)
{
	static const char *const names[] = {"Android", "Apache",  "Hadoop",    "HealthApp",
					    "Mac",     "OpenSSH", "OpenStack", "Thunderbird"};
	char log[200], want[200];

	same_as(RECORDED "sshd.log", RECORDED "sshd.text", 0.7, false, dump_text);
	same_as(RECORDED "sshd.log", RECORDED "sshd.t0.5.text", 0.5, false, dump_text);
	same_as(RECORDED "sshd.log", RECORDED "sshd.enable-regex.text", 0.7, true, dump_text);
	same_as(RECORDED "sshd.log", RECORDED "sshd.json", 0.7, false, out_json);
	same_as(RECORDED "sshd.log", RECORDED "sshd.sjson", 0.7, false, out_sjson);
	for (size_t i = 0; i < 8; i++) {
		snprintf(log, sizeof log, "../shared/corpora/loghub/content/%s.log", names[i]);
		snprintf(want, sizeof want, RECORDED "loghub/%s.text", names[i]);
		same_as(log, want, 0.7, false, dump_text);
		snprintf(want, sizeof want, RECORDED "loghub/%s.enable-regex.text", names[i]);
		same_as(log, want, 0.7, true, dump_text);
		snprintf(want, sizeof want, RECORDED "loghub/%s.sjson", names[i]);
		same_as(log, want, 0.7, false, out_sjson);
	}
}

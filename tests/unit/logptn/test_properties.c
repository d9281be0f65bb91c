/*
 * What must hold for any log, tried on the labelled sets (when they are there) and on lines made
 * here.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <criterion/criterion.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "logptn/cmd/learn.h"
#include "logptn_support.h"

/* A log with something of everything. */
static char *made_log(void)
{
	static const char *const users[] = {"root",   "admin", "guest", "a b", "test user",
					    "oracle", "pi",    "ubnt",  "x",   "deploy",
					    "git",    "日本",  "José"};
	static const char *const states[] = {"Started", "Stopped", "Paused"};
	char *text;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	for (unsigned i = 0; i < 400; i++) {
		const char *u = users[i * 7 % 13];

		fprintf(f, "Dec %u 10:%02u:11 host%u sshd[%u]: Invalid user %s from 10.0.%u.%u\n",
			1 + i % 9, i % 60, i % 3, 1000 + i, u, i % 256, i * 7 % 256);
		fprintf(f,
			"Dec %u 10:%02u:11 host%u sshd[%u]: Failed password for %s from 10.0.0.%u "
			"port %u ssh2\n",
			1 + i % 9, i % 60, i % 3, i, u, i % 256, i * 131 % 65536);
		fprintf(f, "Dec %u 10:%02u:12 host%u vmm[%u]: VM %s (Lifecycle Event)\n", 1 + i % 9,
			i % 60, i % 3, i, states[i % 3]);
		if (i % 4 == 0)
			fprintf(f,
				"{\"level\":\"info\",\"msg\":\"request "
				"done\",\"ms\":%u,\"path\":\"/a/%u?x=%u\"}\n",
				i, i, i);
		if (i % 5 == 0)
			fprintf(f, "worker=%u state=%s took=%u.%ums peer=%s\n", i, states[i % 3], i,
				i % 10, i % 2 ? "null" : "10.1.2.3:99");
		if (i % 6 == 0)
			fprintf(f, "利用者「%s」がログインしました：端末%u\n", u, i);
		if (i % 7 == 0)
			fprintf(f, "ask 10.0.0.%u to delete blk_%u%s%s\n", i % 256, i,
				i % 2 ? " blk_77" : "", i % 3 ? " blk_-5 blk_99" : "");
		if (i % 11 == 0)
			fprintf(f, "bytes \x01\xff\xfe%c end %u\r\n", 'a' + i % 26, i);
	}
	fclose(f);
	return text;
}

struct each {
	struct skels t;
	struct formats *f;
	struct lines l;
};

static bool load(struct each *e, const char *path)
{
	char *made = path ? NULL : made_log();

	memset(e, 0, sizeof *e);
	e->l = path ? lines_from(path) : lines_of(made);
	free(made);
	if (!e->l.n)
		return false;
	cr_assert_eq(skels_init(&e->t), 0);
	add_lines(&e->t, &e->l);
	cr_assert_eq(formats_make(&e->t, &e->f), 0);
	return true;
}

static void unload(struct each *e)
{
	formats_free(&e->f);
	skels_fini(&e->t);
	lines_free(&e->l);
}

static void each_set(void (*check)(struct each *e, const char *name))
{
	struct each e;
	unsigned sets = 0;

	cr_assert(load(&e, NULL));
	check(&e, "made here");
	unload(&e);
	for (const char *const *path = log_sets; *path; path++)
		if (load(&e, *path)) {
			check(&e, *path);
			unload(&e);
			sets++;
		}
	if (!sets)
		fprintf(stderr, "skip: the labelled sets are not here\n");
}

static pcre2_code *compile(const struct format *m, bool utf)
{
	char *regex = format_regex(m, REGEX_PCRE);
	int err;
	PCRE2_SIZE at;
	pcre2_code *c = pcre2_compile((PCRE2_SPTR)regex, PCRE2_ZERO_TERMINATED, utf ? PCRE2_UTF : 0,
				      &err, &at, NULL);

	cr_assert(c, "%s: error %d at %zu", regex, err, at);
	pcre2_jit_compile(c, PCRE2_JIT_COMPLETE);
	free(regex);
	return c;
}

static bool matches(pcre2_code *c, pcre2_match_data *d, const struct text *line)
{
	int r = pcre2_match(c, line->p, line->n, 0, 0, d, NULL);

	cr_assert(r > 0 || r == PCRE2_ERROR_NOMATCH, "%d", r);
	return r > 0;
}

/* Every line is matched by its own format; among all that match it, its own is the most
 * specific. */
static void check_extraction(struct each *e, const char *name)
{
	pcre2_code **c = calloc(e->f->n, sizeof *c);
	pcre2_match_data *d = pcre2_match_data_create(512, NULL);
	unsigned rivals = 0;

	for (uint32_t i = 0; i < e->f->n; i++)
		c[i] = compile(&e->f->v[i], false);
	for (size_t k = 0; k < e->l.n; k++) {
		const struct text *line = &e->l.v[k];
		uint32_t own = e->f->of_skel[intake_find(&e->t, line->p, line->n)];

		cr_expect(matches(c[own], d, line), "%s: %.*s\nis not matched by %s", name,
			  (int)line->n, line->p, e->f->v[own].template);
		for (uint32_t i = 0; i < e->f->n; i++)
			if (i != own && format_specific(&e->f->v[i], &e->f->v[own]) &&
			    matches(c[i], d, line)) {
				if (rivals++ < 3)
					cr_expect(false, "%s: %.*s\nis of %s\nbut also of %s", name,
						  (int)line->n, line->p, e->f->v[own].template,
						  e->f->v[i].template);
			}
	}
	cr_expect_eq(rivals, 0, "%s: %u lines have a more specific match", name, rivals);
	for (uint32_t i = 0; i < e->f->n; i++)
		pcre2_code_free(c[i]);
	pcre2_match_data_free(d);
	free(c);
}

Test(properties, extraction, .timeout = 240)
{
	each_set(check_extraction);
}

/* The same formats from the lines in another order, and from tables that are united. */
static void check_order(struct each *e, const char *name)
{
	char *want = describe(e->f), *got;
	struct skels part[3], all;
	struct formats *f;
	uint64_t seed = 88172645463325252u;
	struct lines l = e->l;

	for (int round = 0; round < 2; round++) {
		for (size_t i = l.n; i > 1; i--) {
			struct text t = l.v[i - 1];
			size_t k;

			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			k = seed % i;
			l.v[i - 1] = l.v[k];
			l.v[k] = t;
		}
		skels_init(&all);
		for (int p = 0; p < 3; p++)
			skels_init(&part[p]);
		for (size_t i = 0; i < l.n; i++)
			intake_add(&part[i * i % 3], l.v[i].p, l.v[i].n);
		for (int p = 2; p >= 0; p--) {
			intake_union(&all, &part[p]);
			skels_fini(&part[p]);
		}
		cr_assert_eq(formats_make(&all, &f), 0);
		got = describe(f);
		cr_expect_str_eq(got, want, "%s", name);
		cr_expect_eq(all.lines, e->l.n);
		/* The samples are the same too. */
		for (uint32_t i = 0; i < all.n; i++) {
			const struct skel *a = &all.v[i], *b = NULL;

			for (uint32_t k = 0; k < e->t.n; k++)
				if (e->t.v[k].hash == a->hash)
					b = &e->t.v[k];
			cr_assert(b);
			cr_assert_eq(a->nsamples, b->nsamples);
			for (unsigned s = 0; s < a->nsamples; s++) {
				cr_assert_eq(a->sample[s]->hash, b->sample[s]->hash);
				cr_assert_eq(a->sample[s]->lines, b->sample[s]->lines);
			}
		}
		free(got);
		formats_free(&f);
		skels_fini(&all);
	}
	free(want);
}

Test(properties, order, .timeout = 240)
{
	each_set(check_order);
}

/* The same formats from any number of threads. */
Test(properties, threads)
{
	char *made = made_log(), *want = NULL;
	size_t n = strlen(made), copies = 220; /* several blocks */
	uint8_t *big = calloc(1, n * copies + SHAPE_SLACK);
	struct input in = {.name = "made", .p = big, .n = n * copies};
	struct lines_rule rule = {0};

	for (size_t i = 0; i < copies; i++)
		memcpy(big + i * n, made, n);
	for (unsigned threads = 1; threads <= 5; threads += 2) {
		atomic_size_t done = 0;
		struct skels t;
		struct formats *f;
		char *got;

		skels_init(&t);
		cr_assert_eq(learn(&in, 1, &rule, threads, &t, &done), 0);
		cr_assert_eq(done, in.n);
		cr_assert_eq(formats_make(&t, &f), 0);
		got = describe(f);
		if (want)
			cr_assert_str_eq(got, want);
		else
			want = strdup(got);
		free(got);
		formats_free(&f);
		skels_fini(&t);
	}
	free(want);
	free(big);
	free(made);
}

/* Counts add up, ids differ, and every expression is one for UTF-8 too. */
static void check_sums(struct each *e, const char *name)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < e->f->n; i++) {
		sum += e->f->v[i].lines;
		pcre2_code_free(compile(&e->f->v[i], true));
		for (uint32_t k = 0; k < i; k++) {
			cr_expect_str_neq(e->f->v[i].id, e->f->v[k].id);
			cr_expect_str_neq(e->f->v[i].template, e->f->v[k].template, "%s: %s", name,
					  e->f->v[i].template);
		}
	}
	cr_expect_eq(sum, e->l.n, "%s", name);
}

Test(properties, sums)
{
	each_set(check_sums);
}

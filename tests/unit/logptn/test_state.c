#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "logptn/lib/model_state.h"
#include "logptn_support.h"

static const char one[] = "session 1 opened for root\nsession 2 opened for root\nlink eth0 up\n";
static const char two[] = "session 3 opened for amy\nlink eth0 up\ndisk full at 99%\n";

static void save(const struct skels *t, struct buf *b)
{
	buf_init(b, MODEL_STATE_MAX);
	cr_assert_eq(model_state_save(t, b), 0);
}

Test(state, pieces_are_the_whole)
{
	struct skels a, b, whole;
	struct formats *f, *g;
	struct lines l;
	struct buf bytes;
	char *want, *got;

	f = formats_of(&whole,
		       "session 1 opened for root\nsession 2 opened for root\nlink eth0 up\n"
		       "session 3 opened for amy\nlink eth0 up\ndisk full at 99%\n");
	want = describe(f);
	formats_free(&f);
	f = formats_of(&a, one);
	formats_free(&f);
	save(&a, &bytes);
	skels_init(&b);
	cr_assert_eq(model_state_load(&b, buf_bytes(&bytes)), 0);
	l = lines_of(two);
	add_lines(&b, &l);
	lines_free(&l);
	cr_assert_eq(formats_make(&b, &g), 0);
	got = describe(g);
	cr_expect_str_eq(got, want);
	cr_expect_eq(b.lines, 6);
	free(want);
	free(got);
	formats_free(&g);
	buf_fini(&bytes);
	skels_fini(&a);
	skels_fini(&b);
	skels_fini(&whole);
}

Test(state, what_was_and_what_is_new)
{
	struct skels t;
	struct formats *f = formats_of(&t, "session 1 opened for user root\nlink eth0 up\n");
	struct lines l = lines_of("session 1 opened for user amy\nfan 3 stopped\n");
	const struct format *m;
	char before[65];

	m = with_template(f, "session * opened for user root");
	cr_assert(m);
	cr_expect(m->fresh);
	strcpy(before, m->id);
	formats_remember(f, &t);
	formats_free(&f);
	add_lines(&t, &l);
	lines_free(&l);
	cr_assert_eq(formats_make(&t, &f), 0);
	m = with_template(f, "session * opened for user *");
	cr_assert(m, "%s", templates(f));
	cr_expect(!m->fresh);
	cr_expect_eq(m->nwas, 1);
	cr_expect_str_eq(m->was[0], before);
	m = with_template(f, "fan * stopped");
	cr_assert(m);
	cr_expect(m->fresh);
	m = with_template(f, "link eth0 up");
	cr_expect(!m->fresh);
	cr_expect_eq(m->nwas, 0);
	formats_free(&f);
	skels_fini(&t);
}

/* No damaged state loads, and none changes the table. */
Test(state, damage)
{
	struct skels t, u;
	struct formats *f = formats_of(&t, one);
	struct buf b;

	formats_free(&f);
	save(&t, &b);
	skels_init(&u);
	for (size_t i = 0; i < b.n; i++) {
		b.p[i] ^= 0x40;
		cr_expect_neq(model_state_load(&u, buf_bytes(&b)), 0, "byte %zu", i);
		b.p[i] ^= 0x40;
		cr_expect_neq(model_state_load(&u, bytes_of(b.p, i)), 0, "length %zu", i);
	}
	cr_expect_eq(u.n, 0);
	cr_expect_eq(u.lines, 0);
	b.p[7]++;
	cr_expect_eq(model_state_load(&u, buf_bytes(&b)), -93); /* EPROTONOSUPPORT */
	b.p[7]--;
	cr_expect_eq(model_state_load(&u, buf_bytes(&b)), 0);
	cr_expect_eq(u.lines, 3);
	buf_fini(&b);
	skels_fini(&t);
	skels_fini(&u);
}

Test(state, file)
{
	char dir[] = "/tmp/logptn-test-XXXXXX", path[64];
	struct skels t, u;
	struct formats *f = formats_of(&t, one);
	FILE *x;

	formats_free(&f);
	cr_assert(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/state", dir);
	skels_init(&u);
	cr_expect_eq(model_state_load_file(&u, path), 0); /* none yet */
	cr_expect_eq(u.n, 0);
	cr_expect_eq(model_state_save_file(&t, path), 0);
	cr_expect_eq(model_state_save_file(&t, path), 0);
	cr_expect_eq(model_state_load_file(&u, path), 0);
	cr_expect_eq(u.lines, 3);
	x = fopen(path, "w");
	fputs("not a state", x);
	fclose(x);
	cr_expect_eq(model_state_load_file(&u, path), -74); /* EBADMSG */
	unlink(path);
	cr_expect_eq(rmdir(dir), 0); /* no temporary file stays */
	cr_expect_neq(model_state_save_file(&t, path), 0);
	skels_fini(&t);
	skels_fini(&u);
}

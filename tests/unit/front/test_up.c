/* What `lurker up` starts, when it starts it again, and when it ends. */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "fleet.h"

#define NOW (1000 * NS_PER_S)

static const char *missing;

static int is_installed(const char *name)
{
	return missing && strcmp(name, missing) == 0 ? -ENOENT : 0;
}

static struct opt_list list(char **v)
{
	struct opt_list l = {.v = v};
	while (v[l.n])
		l.n++;
	return l;
}

static const struct fleet_member *member(const struct fleet *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->member[i].row->name, name) == 0)
			return &f->member[i];
	return NULL;
}

/* A fleet of one that runs since NOW. */
static struct fleet *running(void)
{
	static struct fleet f;
	static char name[] = "capture", *v[] = {name, NULL};
	const struct opt_list asked = list(v);
	const char *culprit;
	missing = NULL;
	cr_assert_eq(fleet_choose(&f, &asked, is_installed, &culprit), 0);
	cr_assert_eq(f.n, 1);
	fleet_started(&f.member[0], NOW);
	return &f;
}

Test(up, by_default_what_every_sensor_runs)
{
	struct fleet f;
	const struct opt_list none = {0};
	const char *culprit = NULL;
	size_t n = 0;
	missing = NULL;
	cr_assert_eq(fleet_choose(&f, &none, is_installed, &culprit), 0);
	for (const struct service_row *r = service_rows; r->name; r++) {
		bool runs = r->start == SERVICE_DEFAULT;
		cr_expect_eq(member(&f, r->name) != NULL, runs, "%s", r->name);
		cr_expect_eq(fleet_wants(&none, r), runs, "%s", r->name);
		n += runs;
	}
	cr_expect_eq(f.n, n);
	cr_expect_null(member(&f, "forwarder"), "it needs a destination");
}

Test(up, readers_are_started_before_what_they_read)
{
	struct fleet f;
	const struct opt_list none = {0};
	const char *culprit = NULL;
	missing = NULL;
	cr_assert_eq(fleet_choose(&f, &none, is_installed, &culprit), 0);
	for (size_t i = 0; i < f.n; i++) {
		const struct fleet_member *source = member(&f, f.member[i].row->after);
		cr_expect(!*f.member[i].row->after || source > &f.member[i], "%s",
			  f.member[i].row->name);
	}
}

Test(up, what_is_not_installed_is_left_out_unless_it_was_asked_for)
{
	struct fleet f;
	const struct opt_list none = {0};
	char a[] = "uploader", b[] = "capture", *v[] = {a, b, NULL};
	const struct opt_list asked = list(v);
	const char *culprit = NULL;
	missing = "uploader";
	cr_assert_eq(fleet_choose(&f, &none, is_installed, &culprit), 0);
	cr_expect_null(member(&f, "uploader"));
	cr_expect_not_null(member(&f, "capture"));
	cr_expect_eq(fleet_choose(&f, &asked, is_installed, &culprit), -ENOENT);
	cr_expect_str_eq(culprit, "uploader");
}

Test(up, what_is_asked_for_runs_and_nothing_else)
{
	struct fleet f;
	char a[] = "forwarder", b[] = "capture", c[] = "no-such", *two[] = {a, b, NULL},
	     *wrong[] = {b, c, NULL};
	const struct opt_list asked = list(two), bad = list(wrong);
	const char *culprit = NULL;
	missing = NULL;
	cr_assert_eq(fleet_choose(&f, &asked, is_installed, &culprit), 0);
	cr_expect_eq(f.n, 2);
	cr_expect_not_null(member(&f, "forwarder"));
	cr_expect_not_null(member(&f, "capture"));
	cr_expect_eq(fleet_choose(&f, &bad, is_installed, &culprit), -EINVAL);
	cr_expect_str_eq(culprit, "no-such");
}

Test(up, the_pause_before_a_restart_doubles_up_to_three_seconds)
{
	struct fleet *f = running();
	struct fleet_member *m = &f->member[0];
	const struct fleet_end crash = {.by_signal = true, .number = SIGSEGV};
	static const uint64_t pause_ms[] = {100, 200, 400, 800, 1600, 3000, 3000};
	uint64_t now = NOW;
	for (size_t i = 0; i < sizeof pause_ms / sizeof *pause_ms; i++) {
		now += NS_PER_S;
		cr_assert_eq(fleet_ended(f, m, crash, now), FLEET_RESTART);
		cr_expect_not(m->running);
		cr_expect_eq(m->again_ns - now, pause_ms[i] * NS_PER_MS, "%zu", i);
		cr_expect_not(fleet_due(f, m, m->again_ns - 1));
		cr_expect(fleet_due(f, m, m->again_ns));
		now = m->again_ns;
		fleet_started(m, now);
		cr_expect_eq(m->restarts, i + 1);
		cr_expect_not(fleet_due(f, m, now + NS_PER_S), "it runs");
	}
	cr_expect_eq(f->exit_code, 0);
	/* It has run for long enough: the next death is like a first one. */
	now += FLEET_STEADY_NS;
	cr_assert_eq(fleet_ended(f, m, crash, now), FLEET_RESTART);
	cr_expect_eq(m->again_ns - now, FLEET_PAUSE_MIN_NS);
}

Test(up, an_exit_is_restarted_too_whatever_its_code_but_two)
{
	struct fleet *f = running();
	struct fleet_member *m = &f->member[0];
	cr_expect_eq(fleet_ended(f, m, (struct fleet_end){.number = 0}, NOW + 1), FLEET_RESTART);
	fleet_started(m, NOW + NS_PER_S);
	cr_expect_eq(fleet_ended(f, m, (struct fleet_end){.number = 1}, NOW + 2 * NS_PER_S),
		     FLEET_RESTART);
	fleet_started(m, NOW + 3 * NS_PER_S);
	cr_expect_eq(fleet_ended(f, m, (struct fleet_end){true, 2}, NOW + 4 * NS_PER_S),
		     FLEET_RESTART, "signal 2 is no exit code 2");
	cr_expect_eq(f->exit_code, 0);
}

Test(up, a_refused_configuration_ends_all_with_code_two)
{
	struct fleet *f = running();
	struct fleet_member *m = &f->member[0];
	cr_expect_eq(fleet_ended(f, m, (struct fleet_end){.number = 2}, NOW + 1), FLEET_REFUSED);
	cr_expect_eq(f->exit_code, 2);
	cr_expect(fleet_drain(f, NOW + 1));
	cr_expect_not(fleet_due(f, m, NOW + NS_PER_S), "nothing is started any more");
	cr_expect_not(fleet_running(f));
}

Test(up, a_start_that_failed_is_tried_again_after_the_longest_pause)
{
	struct fleet *f = running();
	struct fleet_member *m = &f->member[0];
	fleet_ended(f, m, (struct fleet_end){.number = 1}, NOW + 1);
	fleet_not_started(m, NOW + NS_PER_S);
	cr_expect_eq(m->restarts, 0);
	cr_expect_not(fleet_due(f, m, NOW + 4 * NS_PER_S - 1));
	cr_expect(fleet_due(f, m, NOW + 4 * NS_PER_S));
}

Test(up, a_drain_waits_for_all_and_tells_of_a_crash)
{
	struct fleet *f = running();
	struct fleet_member *m = &f->member[0];
	cr_expect_not(fleet_overdue(f, NOW + 3600 * NS_PER_S), "no drain, no limit");
	cr_expect(fleet_drain(f, NOW));
	cr_expect_not(fleet_drain(f, NOW + NS_PER_S), "only once");
	cr_expect(fleet_running(f));
	cr_expect_not(fleet_overdue(f, NOW + FLEET_DRAIN_LIMIT_NS));
	cr_expect(fleet_overdue(f, NOW + FLEET_DRAIN_LIMIT_NS + 1));
	cr_expect_eq(fleet_ended(f, m, (struct fleet_end){true, SIGTERM}, NOW), FLEET_DRAINED);
	cr_expect_eq(f->exit_code, 0, "it had not begun");
	cr_expect_not(fleet_running(f));
	m->running = true;
	cr_expect_eq(fleet_ended(f, m, (struct fleet_end){true, SIGABRT}, NOW), FLEET_DRAINED);
	cr_expect_eq(f->exit_code, 1);
	f->exit_code = 2;
	m->running = true;
	fleet_ended(f, m, (struct fleet_end){.number = 1}, NOW);
	cr_expect_eq(f->exit_code, 2, "the first reason stays");
}

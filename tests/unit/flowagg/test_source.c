/* source: every number once and in order, from wherever it can be had; what is nowhere is told. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "flowagg/source.h"
#include "pkt/capfile.h"

static char dir[64];
static struct journal *j;
static struct journal_batch *b;
static struct source s;
static uint64_t got, last, gaps, lost, anews;
static unsigned refuse;

static int on_packet(void *arg, const struct journal_packet *p)
{
	(void)arg;
	if (refuse) {
		refuse--;
		return -ENOSPC;
	}
	cr_assert(!last || p->number > last, "%lu after %lu", p->number, last);
	cr_assert_eq(p->ts_ns, 1000 + p->number);
	cr_assert_eq(p->caplen, 4);
	cr_assert_eq(memcmp(p->data, "data", 4), 0);
	last = p->number;
	got++;
	return 0;
}

static void on_gap(void *arg, uint64_t from, uint64_t to)
{
	(void)arg;
	gaps++;
	lost += to - from;
}

static void on_anew(void *arg, uint64_t next)
{
	(void)arg;
	anews++;
	last = next - 1;
}

static const struct source_sink sink = {on_packet, on_gap, on_anew, NULL};

static void setup(void)
{
	static const struct journal_limits limits = {1000, 4000};

	strcpy(dir, "/tmp/lurker-source-XXXXXX");
	cr_assert(mkdtemp(dir));
	cr_assert_eq(journal_open(dir, limits, 0, &j), 0);
	cr_assert_eq(journal_batch_new(1, &b), 0);
	cr_assert_eq(source_init(&s, dir, 0, &sink), 0);
}

static void teardown(void)
{
	char cmd[128];

	source_fini(&s);
	journal_close(&j);
	journal_batch_free(&b);
	snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
	cr_assert_eq(system(cmd), 0);
}

TestSuite(source, .init = setup, .fini = teardown);

/* n packets into the journal; returns the first number. */
static uint64_t journal(uint32_t n)
{
	uint64_t first = journal_next_number(j), f;
	uint32_t taken;

	journal_batch_reset(b);
	for (uint32_t i = 0; i < n; i++)
		journal_batch_add(b, 1000 + first + i, 4, 4, (const uint8_t *)"data");
	cr_assert_eq(journal_append(j, b, 0, &f, &taken), 0);
	return first;
}

static void message(uint64_t first, size_t n)
{
	struct msg_packet_row rows[300];

	for (size_t i = 0; i < n; i++)
		rows[i] =
			(struct msg_packet_row){1000 + first + i, 4, {(const uint8_t *)"data", 4}};
	struct msg_packet m = {first, 1, {rows, n}};
	cr_assert_eq(source_message(&s, &m), 0);
}

static void catch_up(void)
{
	while (s.catching_up)
		source_step(&s, 7);
}

Test(source, follows_messages)
{
	source_catch_up(&s);
	catch_up();
	for (int i = 0; i < 10; i++)
		message(journal(5), 5);
	catch_up();
	message(journal(5), 5);
	cr_assert_eq(got, 55);
	cr_assert_eq(gaps, 0);
	cr_assert_eq(s.from_bus, 5,
		     "the first message leads to the journal, as one may have been lost before it");
}

Test(source, the_first_message_heard_may_not_be_the_first_sent)
{
	journal(20);
	source_catch_up(&s);
	message(11, 10);
	catch_up();
	cr_assert_eq(got, 20);
	cr_assert_eq(gaps, 0);
}

Test(source, a_lost_message_is_read_from_the_journal)
{
	message(journal(5), 5);
	catch_up();
	journal(5); /* its message is lost */
	message(journal(5), 5);
	cr_assert(s.catching_up);
	message(journal(5), 5); /* passed over: it is in the journal */
	catch_up();
	message(journal(5), 5);
	cr_assert_eq(got, 25);
	cr_assert_eq(gaps, 0);
	cr_assert_eq(s.catch_ups, 2);
	cr_assert_eq(s.from_bus + s.from_journal, 25);
}

Test(source, what_comes_twice_is_passed_over)
{
	message(journal(5), 5);
	catch_up();
	journal(5);
	message(1, 5);
	message(3, 6); /* partly known */
	cr_assert_eq(got, 8);
	cr_assert_eq(s.known, 8);
	message(6, 5);
	cr_assert_eq(got, 10);
	cr_assert_eq(gaps, 0);
}

Test(source, what_left_the_journal_is_a_gap)
{
	message(journal(5), 5);
	catch_up();
	for (int i = 0; i < 200; i++)
		journal(5);
	source_catch_up(&s);
	catch_up();
	cr_assert_eq(gaps, 1);
	cr_assert_eq(got + lost, 1005);
	cr_assert_geq(lost, 5);
}

Test(source, without_a_journal_the_messages_are_all_there_is)
{
	source_fini(&s);
	cr_assert_eq(source_init(&s, "/nowhere", 1, &sink), 0);
	message(1, 5);
	cr_assert_eq(got, 5);
	message(11, 5);
	cr_assert(s.catching_up, "it might have come back");
	catch_up();
	cr_assert_eq(got, 5);
	message(16, 5);
	cr_assert_eq(gaps, 1);
	cr_assert_eq(lost, 10);
	cr_assert_eq(got, 10);
	message(21, 5);
	cr_assert_eq(got, 15);
}

Test(source, an_old_verdict_does_not_stand_for_later_gaps)
{
	message(journal(5), 5);
	catch_up();
	source_idle(&s); /* heard something: looks next time */
	source_idle(&s);
	cr_assert(s.catching_up);
	catch_up(); /* nothing new at 6 */
	journal(5);
	message(journal(5), 5);
	catch_up();
	cr_assert_eq(gaps, 0);
	cr_assert_eq(got, 15);
}

Test(source, when_the_last_messages_are_lost_the_idle_look_finds_them)
{
	message(journal(5), 5);
	catch_up();
	journal(5);
	source_idle(&s);
	cr_assert_not(s.catching_up);
	source_idle(&s);
	catch_up();
	cr_assert_eq(got, 10);
}

Test(source, a_journal_that_began_anew_is_noticed)
{
	char cmd[128];

	for (int i = 0; i < 10; i++)
		journal(5);
	source_catch_up(&s);
	catch_up();
	journal_close(&j);
	snprintf(cmd, sizeof cmd, "rm -rf %s/*", dir);
	cr_assert_eq(system(cmd), 0);
	static const struct journal_limits limits = {1000, 4000};
	cr_assert_eq(journal_open(dir, limits, 0, &j), 0);
	got = 0;
	journal(3);
	source_idle(&s);
	source_idle(&s);
	catch_up();
	cr_assert_eq(anews, 1);
	cr_assert_eq(got, 3);
	message(journal(2), 2);
	cr_assert_eq(got, 5);
}

Test(source, a_journal_that_began_anew_is_noticed_while_messages_come)
{
	char cmd[128];

	for (int i = 0; i < 10; i++)
		journal(5);
	source_catch_up(&s);
	catch_up();
	journal_close(&j);
	snprintf(cmd, sizeof cmd, "rm -rf %s/*", dir);
	cr_assert_eq(system(cmd), 0);
	static const struct journal_limits limits = {1000, 4000};
	cr_assert_eq(journal_open(dir, limits, 0, &j), 0);
	got = 0;
	for (int i = 0; i < 6; i++) {
		message(journal(2), 2);
		catch_up();
	}
	cr_assert_eq(anews, 1);
	cr_assert_eq(got, 12);
}

Test(source, messages_that_break_the_limits_are_refused)
{
	static uint8_t big[CAPFILE_MAX_PACKET + 1];
	struct msg_packet_row row = {1, 4, {(const uint8_t *)"data", 4}};
	struct msg_packet m = {1, 1, {&row, 1}};

	row.len = 3; /* more than there was */
	cr_assert_eq(source_message(&s, &m), -EBADMSG);
	row.len = sizeof big;
	row.data = (struct bytes){big, sizeof big};
	cr_assert_eq(source_message(&s, &m), -EBADMSG);
	row = (struct msg_packet_row){1, 4, {(const uint8_t *)"data", 4}};
	m.first = 0;
	cr_assert_eq(source_message(&s, &m), -EBADMSG);
	m.first = UINT64_MAX - 1;
	cr_assert_eq(source_message(&s, &m), -EBADMSG);
	m.first = 1;
	m.link = 70000;
	cr_assert_eq(source_message(&s, &m), -EBADMSG);
	m.packets.n = 0;
	m.link = 1;
	cr_assert_eq(source_message(&s, &m), 0);
	cr_assert_eq(got, 0);
}

Test(source, what_is_held_comes_from_the_journal_later)
{
	source_catch_up(&s);
	catch_up();
	message(journal(5), 5);
	catch_up();
	message(journal(3), 3);
	cr_assert_eq(got, 8);
	cr_assert_not(s.catching_up);
	refuse = 3;
	message(journal(5), 5);
	cr_assert(s.catching_up && s.held);
	message(journal(5), 5);
	cr_assert_not(source_step(&s, 100));
	cr_assert_not(source_step(&s, 100));
	cr_assert(s.catching_up && s.held);
	cr_assert_eq(got, 8);
	catch_up();
	cr_assert_not(s.held);
	cr_assert_eq(got, 18);
	cr_assert_eq(gaps, 0);
	message(journal(5), 5);
	cr_assert_eq(got, 23);
}

Test(source, a_gap_before_what_is_held_is_told_once)
{
	journal(20);
	source_catch_up(&s);
	catch_up();
	for (int i = 0; i < 60; i++) /* the first of these leave the journal unread */
		journal(20);
	source_catch_up(&s);
	refuse = 2;
	catch_up();
	cr_assert_eq(gaps, 1);
	cr_assert_eq(got + lost, 20 + 60 * 20);
}

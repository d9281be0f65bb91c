#include <criterion/criterion.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "balance.h"
#include "inventory.h"
#include "stat_history.h"
#include "storage/counters_file.h"

#define S UINT64_C(1000000000)
/* 2026-11-21 12:00:00 UTC */
#define NOW (UINT64_C(1795262400) * S)

static void note(struct stat_history *t, uint64_t ts, uint64_t epoch, const char *mark,
		 unsigned received, unsigned packets, unsigned next)
{
	char text[400];
	snprintf(
		text, sizeof(text),
		"{\"mark\":\"%s\",\"ts_ns\":%llu,\"start_ns\":%llu,\"counters\":{\"received\":%u,\"packets\":%u},\"gauges\":{\"next_number\":%u},\"drops\":{\"dropped_size\":%u}}",
		mark, (unsigned long long)ts, (unsigned long long)epoch, received, packets, next,
		received - packets);
	cr_assert_eq(stat_history_add(t, "capture", json_tokener_parse(text)), 0);
}

/* Three runs: one ended in order, one killed with 7 numbers after its last note, one that is on. */
static void three_runs(struct stat_history *t)
{
	note(t, 100, 1, "start", 0, 0, 1);
	note(t, 200, 1, "time", 50, 50, 51);
	note(t, 300, 1, "stop", 100, 98, 99);
	note(t, 400, 2, "start", 0, 0, 99);
	note(t, 500, 2, "lost", 20, 20, 119);
	note(t, 600, 3, "start", 0, 0, 126);
	note(t, 700, 3, "time", 5, 5, 131);
}

Test(balance, runs_are_added_up)
{
	struct stat_history t = {.until_ns = 1000};
	three_runs(&t);
	cr_expect_eq(stat_history_service(&t, "capture")->nruns, 3);
	cr_expect_eq(stat_history_sum(&t, "capture", "received"), 125);
	cr_expect_eq(stat_history_sum(&t, "capture", "dropped_size"), 2);
	cr_expect_eq(stat_history_begin(&t, "capture", "next_number", NULL), 1);
	cr_expect_eq(stat_history_end(&t, "capture", "next_number"), 131);
	cr_expect_eq(stat_history_late(&t, "capture", "next_number", NULL), 7,
		     "after the last note of the killed run");
	cr_expect_eq(stat_history_sum(&t, "nobody", "received"), 0);
	cr_expect_eq(stat_history_sum(&t, "capture", "no_such"), 0);
	stat_history_free(&t);
}

Test(balance, a_period_begins_at_the_note_before_it)
{
	struct stat_history t = {.since_ns = 250, .until_ns = 450};
	three_runs(&t);
	cr_expect_eq(stat_history_sum(&t, "capture", "received"), 50,
		     "the rest of the first run, nothing of the second");
	cr_expect_eq(stat_history_begin(&t, "capture", "next_number", NULL), 51);
	cr_expect_eq(stat_history_end(&t, "capture", "next_number"), 99);
	cr_expect_eq(stat_history_late(&t, "capture", "next_number", NULL), 0);
	stat_history_free(&t);

	t = (struct stat_history){.since_ns = 550, .until_ns = 1000};
	three_runs(&t);
	cr_expect_eq(stat_history_late(&t, "capture", "next_number", NULL), 7,
		     "the run before the period was killed");
	stat_history_free(&t);

	t = (struct stat_history){.since_ns = 800, .until_ns = 1000};
	three_runs(&t);
	cr_expect_eq(stat_history_sum(&t, "capture", "received"), 0);
	cr_expect_eq(stat_history_end(&t, "capture", "next_number"), 131,
		     "nothing since: as it stood");
	stat_history_free(&t);
}

/* The disk took no note at the start of the second run. */
Test(balance, a_run_whose_first_note_is_late_is_counted_from_its_start)
{
	static const char *const late =
		"{\"mark\":\"stop\",\"ts_ns\":900,\"start_ns\":4,\"counters\":{\"packets\":9},\"gauges\":{\"first_number\":133,\"next_number\":142}}";
	struct stat_history t = {.until_ns = 1000};
	struct balance b;
	three_runs(&t);
	cr_assert_eq(stat_history_add(&t, "capture", json_tokener_parse(late)), 0);
	cr_expect_eq(stat_history_late(&t, "capture", "next_number", "first_number"), 7 + 2);
	balance_draw(&balance_rules[1], &t, &(struct inventory){0}, &b);
	cr_expect_eq(b.in_sum, 141);
	cr_expect_eq(b.out_sum, 98 + 20 + 5 + 9 + 7 + 2);
	stat_history_free(&t);

	t = (struct stat_history){.since_ns = 750, .until_ns = 1000};
	cr_assert_eq(stat_history_add(&t, "capture", json_tokener_parse(late)), 0);
	cr_expect_eq(stat_history_begin(&t, "capture", "next_number", "first_number"), 133);
	stat_history_free(&t);
}

Test(balance, what_is_missing_shows)
{
	struct stat_history t = {.until_ns = 1000};
	struct inventory s = {.for_uploader = 10, .objects = 6, .uploader_queue = 3};
	struct balance b;
	three_runs(&t);
	balance_draw(&balance_rules[0], &t, &s, &b);
	cr_expect_eq(b.in_sum, 125);
	cr_expect_eq(b.out_sum, 125);
	for (size_t i = 0; i < balance_nrules; i++) {
		const struct balance_rule *r = &balance_rules[i];
		cr_expect(r->in[0].name && r->out[0].name);
		if (strcmp(r->service, "uploader") != 0)
			continue;
		balance_draw(r, &t, &s, &b);
		cr_expect_eq(b.in_sum - b.out_sum, 1, "one packet is nowhere");
	}
	stat_history_free(&t);
}

static struct bytes json(const char *text)
{
	return bytes_str(text);
}

Test(balance, counters_on_disk_outlive_a_kill)
{
	char dir[] = "/tmp/lurker-account-XXXXXX", path[128];
	struct counters_file *a;
	struct stat_history t;
	cr_assert(mkdtemp(dir));
	cr_expect_eq(stat_history_read(dir, 0, UINT64_MAX, &t), -ENOENT);
	snprintf(path, sizeof(path), "%s/stat", dir);
	cr_assert_eq(mkdir(path, 0750), 0);
	cr_assert_eq(counters_file_open(dir, "x", &a), 0);
	cr_expect_eq(counters_file_note(a, NOW, json("no"), false), -EINVAL);
	cr_expect_eq(
		counters_file_note(a, NOW, json("{\"start_ns\":1,\"counters\":{\"n\":1}}"), false),
		0);
	cr_expect_eq(counters_file_note(a, NOW + S, json("{\"start_ns\":1,\"counters\":{\"n\":2}}"),
					false),
		     0);
	counters_file_close(&a); /* as a kill would: no last note */
	cr_assert_eq(stat_history_read(dir, 0, UINT64_MAX, &t), 0);
	cr_expect_eq(stat_history_sum(&t, "x", "n"), 2, "from the file that is replaced");
	stat_history_free(&t);

	cr_assert_eq(counters_file_open(dir, "x", &a), 0);
	cr_expect_eq(counters_file_note(a, NOW + 2 * S,
					json("{\"start_ns\":2,\"counters\":{\"n\":5}}"), false),
		     0);
	cr_expect_eq(counters_file_note(a, NOW + 2 * S + COUNTERS_FILE_EVERY_NS,
					json("{\"start_ns\":2,\"counters\":{\"n\":6}}"), false),
		     0);
	cr_expect_eq(counters_file_note(a, NOW + 700 * S,
					json("{\"start_ns\":2,\"counters\":{\"n\":7}}"), true),
		     0);
	counters_file_close(&a);
	cr_assert_eq(stat_history_read(dir, 0, UINT64_MAX, &t), 0);
	cr_expect_eq(stat_history_sum(&t, "x", "n"), 9, "both runs");
	const struct stat_history_service *s = stat_history_service(&t, "x");
	cr_expect(s->nruns == 2 && s->run[0].killed && !s->run[1].killed);
	stat_history_free(&t);
	cr_assert_eq(stat_history_read(dir, NOW + 5 * S, UINT64_MAX, &t), 0);
	cr_expect_eq(stat_history_sum(&t, "x", "n"), 2, "since the note before");
	stat_history_free(&t);
	snprintf(path, sizeof(path), "rm -r %s", dir);
	cr_assert_eq(system(path), 0);
}

/* A nanosecond pcap with n packets of one byte. */
static void write_pcap(const char *path, unsigned n)
{
	static const uint32_t head[] = {0xa1b23c4d, 0x00040002, 0, 0, 65536, 1};
	FILE *f = fopen(path, "w");
	cr_assert(f);
	fwrite(head, sizeof(head), 1, f);
	for (uint32_t i = 0; i < n; i++) {
		const uint32_t rec[] = {i + 1, 0, 1, 1};
		fwrite(rec, sizeof(rec), 1, f);
		fputc('x', f);
	}
	fclose(f);
}

Test(balance, files_count_once)
{
	char dir[] = "/tmp/lurker-stored-XXXXXX", text[1024];
	struct inventory s;
	cr_assert(mkdtemp(dir));
	snprintf(text, sizeof(text),
		 "cd %s && mkdir -p objects/pcap spool/queue/uploader/pcap "
		 "spool/queue/analyzer/pcap records/analysis",
		 dir);
	cr_assert_eq(system(text), 0);
	cr_assert_eq(chdir(dir), 0);
	write_pcap("objects/pcap/a.pcap", 3);
	write_pcap("objects/pcap/b.pcap", 4);
	write_pcap("spool/queue/uploader/pcap/b.pcap", 4); /* stored, its entry not removed yet */
	write_pcap("spool/queue/uploader/pcap/c.pcap", 5);
	write_pcap("spool/queue/analyzer/pcap/c.pcap", 5);
	FILE *f = fopen("records/analysis/2026-11-21.jsonl", "w");
	cr_assert(f);
	fputs("{\"flow_id\":\"1\",\"packets\":3,\"s3path\":\"file:///x/pcap/a.pcap\"}\n"
	      "{\"flow_id\":\"1\",\"packets\":3,\"s3path\":\"file:///x/pcap/a.pcap\"}\n"
	      "{\"flow_id\":\"2\",\"packets\":4,\"s3path\":\"file:///x/pcap/b.pcap\"}\n"
	      "{\"flow_id\":\"3\",\"packets\":9,\"tunnel\":\"gre\",\"s3path\":\"file:///x/pcap/"
	      "b.pcap\"}\n"
	      "{\"flow_id\":\"4\",\"packets\":5,\"s3path\":\"file:///x/pcap/c.pcap\"}\n"
	      "not json\n",
	      f);
	fclose(f);
	cr_assert_eq(inventory_read(dir, NULL, 1, &s), 0);
	cr_expect(s.uploads && s.analyses && s.by_flowagg);
	cr_expect_eq(s.objects, 7);
	cr_expect_eq(s.uploader_queue, 5);
	cr_expect_eq(s.analyzer_queue, 5);
	cr_expect_eq(s.records, 7,
		     "twice is once; inner flows and entries that come again do not count");
	cr_expect_eq(s.duplicates, 1);
	cr_expect_eq(inventory_value(&s, "objects"), 7);
	cr_expect_eq(inventory_value(&s, "else"), 0);
	cr_assert_eq(truncate("objects/pcap/b.pcap", 60), 0);
	cr_assert_eq(inventory_read(dir, NULL, 1, &s), 0);
	cr_expect_eq(s.broken, 1);
	cr_assert_eq(chdir("/"), 0);
	snprintf(text, sizeof(text), "rm -r %s", dir);
	cr_assert_eq(system(text), 0);
}

/* What was taken out of the queues, in all the states in which a kill can leave it. */
Test(balance, what_was_evicted_counts_once)
{
	char dir[] = "/tmp/lurker-stored-XXXXXX", text[1024];
	struct inventory s;
	cr_assert(mkdtemp(dir));
	snprintf(
		text, sizeof(text),
		"cd %s && mkdir -p objects/pcap spool/queue/uploader/pcap "
		"spool/queue/analyzer/pcap spool/evicted/uploader/pcap spool/evicted/analyzer/pcap "
		"records/analysis",
		dir);
	cr_assert_eq(system(text), 0);
	cr_assert_eq(chdir(dir), 0);
	write_pcap("objects/pcap/bundle_1.pcap", 3); /* stored, taken out before its entry went */
	write_pcap("spool/evicted/uploader/pcap/bundle_2.pcap", 4); /* not recorded yet */
	write_pcap("spool/evicted/analyzer/pcap/bundle_2.pcap", 4); /* recorded, not removed yet */
	write_pcap("spool/queue/uploader/pcap/bundle_4.pcap", 6);   /* came again */
	write_pcap("spool/queue/analyzer/pcap/bundle_4.pcap", 6);
	FILE *f = fopen("flowagg.evicted", "w");
	cr_assert(f);
	fputs("uploader - 1000 20\n"
	      "analyzer - 2000 30\n"
	      "uploader pcap/bundle_1.pcap 3 1\n"
	      "analyzer pcap/bundle_2.pcap 4 1\n"
	      "uploader pcap/bundle_3.pcap 5 1\n"
	      "analyzer pcap/bundle_3.pcap 5 1\n"
	      "analyzer pcap/bundle_3.pcap 5 1\n"
	      "uploader pcap/bundle_4.pcap 6 1\n"
	      "analyzer pcap/bundle_4.pcap 6 1\n"
	      "mirror pcap/bundle_5.pcap 100 1\n"
	      "analyzer pcap/bundle_6.pcap",
	      f);
	fclose(f);
	f = fopen("analyzer.outside", "w");
	cr_assert(f);
	fputs("analyzer pcap/x.pcap 7 1\n"
	      "analyzer pcap/x.pcap 7 1\n"
	      "analyzer pcap/bundle_3.pcap 5 1\n"
	      "analyzer pcap/bundle_4.pcap 6 1\n",
	      f);
	fclose(f);
	f = fopen("uploader.stored", "w");
	cr_assert(f);
	fputs("uploader - 500 20\n"
	      "uploader pcap/y.pcap 8 1\n"
	      "uploader pcap/bundle_1.pcap 3 1\n"
	      "uploader pcap/bundle_4.pcap 6 1\n",
	      f);
	fclose(f);
	f = fopen("records/analysis/2026-11-21.jsonl", "w");
	cr_assert(f);
	fputs("{\"flow_id\":\"1\",\"packets\":3,\"s3path\":\"file:///x/pcap/bundle_1.pcap\"}\n"
	      "{\"flow_id\":\"2\",\"packets\":2,\"s3path\":\"file:///x/pcap/bundle_3.pcap\"}\n",
	      f);
	fclose(f);
	cr_assert_eq(inventory_read(dir, NULL, 1, &s), 0);
	cr_expect_eq(s.objects, 3);
	cr_expect_eq(s.uploader_queue, 6);
	cr_expect_eq(s.uploader_evicted, 1000 + 4 + 5);
	cr_expect_eq(s.analyzer_queue, 6);
	cr_expect_eq(s.analyzer_evicted, 2000 + 4 + 5);
	cr_expect_eq(s.analyzer_outside, 7,
		     "twice is once, and not what counts in queue or evicted");
	cr_expect_eq(s.uploader_stored, 500 + 8, "not what is in the archive or in the queue");
	inventory_free(&s);
	cr_assert_eq(inventory_read(dir, "objects", 1, &s), 0);
	cr_expect_eq(s.uploader_stored, 0, "all is in that directory");
	inventory_free(&s);
	cr_expect_eq(s.records, 3, "of a file that was taken out half-way no record counts");
	cr_expect_eq(inventory_value(&s, "uploader_evicted"), 1009);
	cr_expect_eq(inventory_value(&s, "analyzer_evicted"), 2009);
	cr_assert_eq(chdir("/"), 0);
	snprintf(text, sizeof(text), "rm -r %s", dir);
	cr_assert_eq(system(text), 0);
}

static void add(struct stat_history *t, const char *service, uint64_t epoch, const char *counters)
{
	char text[400];
	snprintf(text, sizeof(text),
		 "{\"mark\":null,\"ts_ns\":%llu,\"start_ns\":%llu,\"counters\":{%s}}",
		 (unsigned long long)epoch, (unsigned long long)epoch, counters);
	cr_assert_eq(stat_history_add(t, service, json_tokener_parse(text)), 0);
}

static int64_t missing_numbers(const struct stat_history *t, struct journal_range *journal,
			       size_t n)
{
	struct inventory s = {.journal = {journal, n}};
	struct balance b;
	balance_hand(&s, t, t);
	for (size_t i = 0; i < balance_nrules; i++)
		if (strcmp(balance_rules[i].service, "journal") == 0) {
			balance_draw(&balance_rules[i], t, &s, &b);
			return (int64_t)(b.in_sum - b.out_sum);
		}
	cr_assert_fail("no such rule");
	return 0;
}

Test(balance, numbers_between_capture_and_flowagg)
{
	struct journal_range all = {1, 101}, rest = {61, 101}, holed[] = {{1, 71}, {81, 101}};
	struct stat_history t = {.until_ns = 1000};
	add(&t, "capture", 1, "\"next_number\":101");
	cr_expect_eq(missing_numbers(&t, &all, 1), 0, "flowagg did not run yet");
	cr_expect_eq(missing_numbers(&t, NULL, 0), 100, "the journal is gone");
	cr_expect_eq(missing_numbers(&t, holed, 2), 10);
	add(&t, "flowagg", 1, "\"next_number\":61,\"total_packets\":60");
	cr_expect_eq(missing_numbers(&t, &all, 1), 0, "what was taken in does not wait");
	cr_expect_eq(missing_numbers(&t, &rest, 1), 0);
	cr_expect_eq(missing_numbers(&t, NULL, 0), 40);
	add(&t, "flowagg", 2, "\"next_number\":101,\"total_packets\":60,\"total_gap\":40");
	cr_expect_eq(missing_numbers(&t, NULL, 0), 40, "that nobody had them is no account");
	add(&t, "capture", 2, "\"next_number\":101,\"journal_removed_unread\":30");
	cr_expect_eq(missing_numbers(&t, NULL, 0), 10, "but that they were removed is");
	add(&t, "flowagg", 3, "\"next_number\":101,\"total_packets\":60,\"total_before\":40");
	cr_expect_eq(missing_numbers(&t, NULL, 0), 10);
	add(&t, "capture", 3, "\"next_number\":101,\"journal_removed\":1");
	cr_expect_eq(missing_numbers(&t, NULL, 0), 0, "before flowagg's first start");
	stat_history_free(&t);
}

Test(balance, a_queue_is_given_what_came_while_it_was_there)
{
	struct stat_history t = {.until_ns = 1000};
	struct inventory s = {0};
	add(&t, "flowagg", 1, "\"total_delivered\":10,\"for_uploader\":1,\"for_analyzer\":1");
	add(&t, "flowagg", 2, "\"total_delivered\":30,\"for_uploader\":1");
	add(&t, "flowagg", 3, "\"total_delivered\":35,\"for_uploader\":1,\"for_analyzer\":1");
	balance_hand(&s, &t, &t);
	cr_expect_eq(s.for_uploader, 35);
	cr_expect_eq(s.for_analyzer, 15);
	cr_expect(s.uploads && s.analyses);
	stat_history_free(&t);
}

Test(balance, what_cannot_be_drawn_but_should_is_missing)
{
	struct stat_history none = {0}, t = {.until_ns = 1000};
	const char *why;
	add(&t, "capture", 1, "\"next_number\":101");
	for (size_t i = 0; i < balance_nrules; i++) {
		const struct balance_rule *r = &balance_rules[i];
		struct inventory idle = {0}, busy = {.given = 1,
						     .by_flowagg = true,
						     .uploads = true,
						     .analyses = true,
						     .objects = 1,
						     .records = 1};
		cr_expect_eq(balance_ready(r, &none, &none, &idle, &why), BALANCE_NOTHING);
		if (strcmp(r->service, "journal") != 0)
			cr_expect_eq(balance_ready(r, &none, &none, &busy, &why), BALANCE_MISSING);
		if (strcmp(r->service, "capture") == 0) {
			cr_expect_eq(balance_ready(r, &t, &t, &busy, &why), BALANCE_READY);
			cr_expect_eq(balance_ready(r, &none, &t, &busy, &why), BALANCE_NOTHING,
				     "no counters of that time");
		}
	}
	stat_history_free(&t);
}

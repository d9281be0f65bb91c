#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "inventory.h"

/* A nanosecond pcap with n packets of one byte. */
static void write_pcap(const char *path, unsigned n)
{
	static const uint32_t head[] = {0xa1b23c4d, 0x00040002, 0, 0, 65536, 1};
	FILE *f = fopen(path, "w");
	cr_assert(f);
	fwrite(head, sizeof head, 1, f);
	for (uint32_t i = 0; i < n; i++) {
		const uint32_t rec[] = {i + 1, 0, 1, 1};
		fwrite(rec, sizeof rec, 1, f);
		fputc('x', f);
	}
	fclose(f);
}

Test(inventory, files_count_once)
{
	char dir[] = "/tmp/lurker-inventory-XXXXXX", text[1024];
	struct inventory s;
	cr_assert(mkdtemp(dir));
	snprintf(text, sizeof text,
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
	snprintf(text, sizeof text, "rm -r %s", dir);
	cr_assert_eq(system(text), 0);
}

/* What was evicted from the queues, in all the states in which a kill can leave it. */
Test(inventory, what_was_evicted_counts_once)
{
	char dir[] = "/tmp/lurker-inventory-XXXXXX", text[1024];
	struct inventory s;
	cr_assert(mkdtemp(dir));
	snprintf(
		text, sizeof text,
		"cd %s && mkdir -p objects/pcap spool/queue/uploader/pcap "
		"spool/queue/analyzer/pcap spool/evicted/uploader/pcap spool/evicted/analyzer/pcap "
		"records/analysis",
		dir);
	cr_assert_eq(system(text), 0);
	cr_assert_eq(chdir(dir), 0);
	write_pcap("objects/pcap/bundle_1.pcap", 3); /* stored, evicted before its entry went */
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
	cr_expect_eq(s.uploader_stored, 0, "everything is in that directory");
	inventory_free(&s);
	cr_expect_eq(s.records, 3, "no record counts of a file that was evicted half-way");
	cr_expect_eq(inventory_value(&s, "uploader_evicted"), 1009);
	cr_expect_eq(inventory_value(&s, "analyzer_evicted"), 2009);
	cr_assert_eq(chdir("/"), 0);
	snprintf(text, sizeof text, "rm -r %s", dir);
	cr_assert_eq(system(text), 0);
}

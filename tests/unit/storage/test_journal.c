/* journal: numbers go on, torn tails go, the total is kept, readers see every packet once or a
 * counted gap. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal_world.h"
#include "pkt/capfile.h"

Test(journal, numbers_begin_at_one_and_go_on)
{
	append(3);
	cr_assert_eq(journal_next_number(j), 4);
	reopen(0);
	cr_assert_eq(journal_next_number(j), 4);
	append(2);
	cr_assert_eq(read_on(1), 5);
	cr_assert_eq(journal_reader_at(r), 6);
}

Test(journal, a_reader_follows_over_segments_while_they_grow)
{
	for (int i = 0; i < 10; i++) {
		append(1 + (uint32_t)i % 3);
		read_on(journal_reader_at(r) ? journal_reader_at(r) : 1);
	}
	cr_assert_eq(journal_reader_at(r), journal_next_number(j));
	cr_assert_gt(journal_use(j).segments, 1);
	append(30); /* a batch larger than a segment is not split */
	cr_assert_eq(read_on(journal_next_number(j) - 30), 30);
}

Test(journal, any_tool_opens_a_segment)
{
	struct capfile *c;
	struct capfile_packet p;
	char path[128], err[128];

	append(2);
	path_of(1, path);
	cr_assert_eq(capfile_open(path, &c, err, sizeof err), 0);
	cr_assert_eq(capfile_next(c, &p), 1);
	cr_assert_eq(p.ts_ns, 1);
	cr_assert_eq(p.linktype, 1);
	cr_assert_eq(capfile_next(c, &p), 1);
	cr_assert_eq(capfile_next(c, &p), 0);
	capfile_close(&c);
}

Test(journal, ticks_have_numbers)
{
	struct journal_packet p;
	uint64_t first;
	uint32_t taken;

	cr_assert_eq(journal_batch_tick(b, 5), 0);
	cr_assert_eq(journal_batch_tick(b, 0), 0); /* 16 zero bytes are no record */
	cr_assert_eq(journal_append(j, b, 0, &first, &taken), 0);
	cr_assert_eq(journal_reader_next(r, &p), 1);
	cr_assert(p.number == 1 && p.ts_ns == 5 && !p.caplen && !p.len);
	cr_assert_eq(journal_reader_next(r, &p), 1);
	cr_assert(p.number == 2 && p.ts_ns == 1);
	cr_assert_eq(journal_reader_next(r, &p), 0);
}

Test(journal, another_link_type_begins_a_segment)
{
	struct journal_packet p;

	append(1);
	b->linktype = 101;
	append(1);
	cr_assert_eq(journal_use(j).segments, 2);
	cr_assert_eq(journal_reader_next(r, &p), 1);
	cr_assert_eq(p.linktype, 1);
	cr_assert_eq(journal_reader_next(r, &p), 1);
	cr_assert_eq(p.linktype, 101);
	reopen(0);
	append(1); /* still 101 */
	cr_assert_eq(journal_use(j).segments, 2);
}

Test(journal, the_oldest_go_and_the_reader_sees_the_gap)
{
	struct journal_packet p;

	append(1);
	cr_assert_eq(read_on(1), 1);
	for (int i = 0; i < 100; i++)
		append(5);
	struct journal_use use = journal_use(j);
	cr_assert_leq(use.bytes, small.total_bytes);
	cr_assert_gt(use.removed, 10);
	/* The segment the reader had open is read to its end; then it goes on with the oldest. */
	uint64_t at = journal_reader_at(r);
	cr_assert_eq(journal_reader_next(r, &p), 1);
	while (p.number == at)
		cr_assert_eq((at++, journal_reader_next(r, &p)), 1);
	cr_assert_eq(p.number, use.oldest);
	cr_assert_eq(read_on(use.oldest + 1), 501 - use.oldest);
}

Test(journal, seek_finds_any_number)
{
	struct journal_packet p;

	for (int i = 0; i < 100; i++)
		append(5);
	uint64_t oldest = journal_use(j).oldest;
	for (uint64_t n = oldest; n <= 500; n += 7) {
		journal_reader_seek(r, n);
		cr_assert_eq(journal_reader_next(r, &p), 1);
		cr_assert_eq(p.number, n);
	}
	journal_reader_seek(r, oldest + 1); /* back */
	cr_assert_eq(journal_reader_next(r, &p), 1);
	cr_assert_eq(p.number, oldest + 1);
	journal_reader_seek(r, 1); /* gone */
	cr_assert_eq(journal_reader_next(r, &p), 1);
	cr_assert_eq(p.number, oldest);
	journal_reader_seek(r, 501); /* to come */
	cr_assert_eq(journal_reader_next(r, &p), 0);
	append(1);
	cr_assert_eq(journal_reader_next(r, &p), 1);
	cr_assert_eq(p.number, 501);
}

Test(journal, a_torn_tail_is_cut_off_wherever_it_was_torn)
{
	char path[128];
	struct stat st;

	path_of(1, path);
	for (off_t cut = 24 + 200; cut < 24 + 300; cut++) {
		append(3);
		journal_close(&j);
		cr_assert_eq(truncate(path, cut), 0);
		cr_assert_eq(journal_open(dir, small, 0, &j), 0);
		cr_assert_eq(journal_next_number(j), 3, "cut at %ld", (long)cut);
		cr_assert_eq(stat(path, &st), 0);
		cr_assert_eq(st.st_size, 24 + 200);
		append(1);
		cr_assert_eq(read_on(1), 3);
		journal_reader_seek(r, 1);
		journal_close(&j);
		unlink(path);
		cr_assert_eq(journal_open(dir, small, 0, &j), 0);
	}
}

/* Packets behind a damaged record have no numbers any more, but they are there. */
Test(journal, what_is_behind_a_damaged_record_is_set_aside)
{
	char path[128], aside[140];
	uint8_t was[400], is[400];
	struct stat st;

	append(7);
	journal_close(&j);
	path_of(1, path);
	snprintf(aside, sizeof aside, "%s.bad", path);
	int fd = open(path, O_RDWR);
	cr_assert_eq(pwrite(fd, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, 24 + 300 + 4), 8);
	cr_assert_eq(pread(fd, was, sizeof was, 24 + 300), sizeof was);
	close(fd);
	cr_assert_eq(journal_open(dir, small, 8, &j), 0);
	cr_assert_eq(journal_use(j).set_aside, sizeof was);
	cr_assert_eq(journal_next_number(j), 8);
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_size, 24 + 300);
	fd = open(aside, O_RDONLY);
	cr_assert_eq(read(fd, is, sizeof is), sizeof is);
	cr_assert_eq(memcmp(is, was, sizeof is), 0);
	cr_assert_eq(read(fd, is, 1), 0);
	close(fd);
	append(1);
	struct journal_packet p;
	for (uint64_t n = 1; n <= 4; n++) {
		cr_assert_eq(journal_reader_next(r, &p), 1);
		cr_assert_eq(p.number, n < 4 ? n : 8);
	}
}

Test(journal, a_segment_without_a_whole_header_is_made_anew)
{
	char path[128];

	append(3);
	journal_close(&j);
	path_of(4, path);
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	cr_assert_eq(write(fd, "\x4d\x3c", 2), 2);
	close(fd);
	cr_assert_eq(journal_open(dir, small, 0, &j), 0);
	cr_assert_eq(journal_next_number(j), 4);
	append(2);
	cr_assert_eq(read_on(1), 5);
}

Test(journal, what_power_loss_leaves_is_no_packet)
{
	char path[128], zero[300] = {0};

	append(2);
	journal_close(&j);
	path_of(1, path);
	int fd = open(path, O_WRONLY | O_APPEND);
	cr_assert_eq(write(fd, zero, sizeof zero), sizeof zero);
	close(fd);
	cr_assert_eq(journal_open(dir, small, 0, &j), 0);
	cr_assert_eq(journal_next_number(j), 3);
	cr_assert_eq(read_on(1), 2);
}

Test(journal, numbers_that_were_used_elsewhere_are_not_given_again)
{
	struct journal_packet p;

	append(2);
	reopen(100);
	append(2);
	cr_assert_eq(journal_reader_next(r, &p), 1);
	cr_assert_eq(journal_reader_next(r, &p), 1);
	cr_assert_eq(journal_reader_next(r, &p), 1);
	cr_assert_eq(p.number, 100);
}

Test(journal, other_files_are_left_alone)
{
	char path[128];

	snprintf(path, sizeof path, "%s/0000000000000000000x.pcap", dir);
	close(open(path, O_WRONLY | O_CREAT, 0600));
	snprintf(path, sizeof path, "%s/99999999999999999999.pcap", dir); /* more than 64 bits */
	close(open(path, O_WRONLY | O_CREAT, 0600));
	reopen(0);
	append(3);
	cr_assert_eq(read_on(1), 3);
	cr_assert_eq(access(path, F_OK), 0);
}

Test(journal, what_does_not_fit_into_a_batch)
{
	static uint8_t big[CAPFILE_MAX_PACKET + 1];

	cr_assert_eq(journal_batch_add(b, 1, CAPFILE_MAX_PACKET + 1, CAPFILE_MAX_PACKET + 1, big),
		     -EMSGSIZE);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(journal_batch_add(b, 1, CAPFILE_MAX_PACKET, CAPFILE_MAX_PACKET, big),
			     0);
	cr_assert_eq(journal_batch_add(b, 1, CAPFILE_MAX_PACKET, CAPFILE_MAX_PACKET, big),
		     -ENOBUFS);
	journal_batch_reset(b);
	for (int i = 0; i < JOURNAL_BATCH; i++)
		cr_assert_eq(journal_batch_tick(b, 1), 0);
	cr_assert_eq(journal_batch_tick(b, 1), -ENOBUFS);
	journal_batch_reset(b);
	cr_assert_eq(journal_batch_add(b, 1, 10, 5, big),
		     0); /* shorter on the wire than captured */
	cr_assert_eq(b->rec[0].len, 10);
}

/* A file size limit stands for the full disk: a write comes back short, then fails. */
Test(journal, a_short_write_keeps_the_whole_records_and_tells_the_rest)
{
	struct rlimit limit = {24 + 250, RLIM_INFINITY};
	uint8_t data[84] = {0};
	uint64_t first;
	uint32_t taken;

	signal(SIGXFSZ, SIG_IGN);
	for (uint32_t i = 0; i < 5; i++) {
		memset(data, (int)(1 + i), sizeof data);
		journal_batch_add(b, 1 + i, sizeof data, 100, data);
	}
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	cr_assert_eq(journal_append(j, b, 0, &first, &taken), -EFBIG);
	cr_assert_eq(first, 1);
	cr_assert_eq(taken, 2);
	cr_assert_eq(journal_next_number(j), 3);
	limit.rlim_cur = RLIM_INFINITY;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	append(2);
	cr_assert_eq(read_on(1), 4);
}

Test(journal, bounds)
{
	uint64_t oldest, next;

	cr_assert_eq(journal_bounds("/nowhere", &oldest, &next), 0);
	cr_assert(oldest == 0 && next == 0);
	cr_assert_eq(journal_flush("/nowhere"), 0);
	cr_assert_eq(journal_flush(dir), 0);
	cr_assert_eq(journal_bounds(dir, &oldest, &next), 0);
	cr_assert(oldest == 0 && next == 0);
	for (int i = 0; i < 100; i++)
		append(5);
	cr_assert_eq(journal_bounds(dir, &oldest, &next), 0);
	cr_assert_eq(oldest, journal_use(j).oldest);
	cr_assert_eq(next, 501);
	cr_assert_eq(journal_flush(dir), 0);
}

Test(journal, a_reader_may_come_before_the_journal)
{
	struct journal_reader *early;
	struct journal_packet p;

	cr_assert_eq(journal_reader_new("/nowhere/journal", &early), 0);
	cr_assert_eq(journal_reader_next(early, &p), 0);
	journal_reader_free(&early);
	cr_assert_eq(journal_reader_next(r, &p), 0);
}

Test(journal, a_broken_record_in_the_middle_costs_the_rest_of_its_segment)
{
	char path[128];

	for (int i = 0; i < 4; i++)
		append(5);
	path_of(1, path);
	int fd = open(path, O_WRONLY);
	cr_assert_eq(pwrite(fd, "\xff\xff\xff\xff", 4, 24 + 200 + 8), 4); /* a length */
	close(fd);
	struct journal_packet p;
	cr_assert_eq(journal_reader_next(r, &p), 1);
	cr_assert_eq(journal_reader_next(r, &p), 1);
	cr_assert_eq(journal_reader_next(r, &p), 1);
	cr_assert_eq(p.number, 6);
}

Test(journal, a_record_that_is_longer_than_its_packet_was_is_none)
{
	struct segment_record rec;
	uint8_t raw[PCAP_RECORD_HEADER + 8] = {0};

	pcap_put_record(raw, 5, 8, 8);
	cr_assert_eq(segment_record(raw, sizeof raw, &rec), (int64_t)sizeof raw);
	cr_assert_eq(segment_record(raw, sizeof raw - 1, &rec), 0);
	pcap_put_record(raw, 5, 8, 7);
	cr_assert_eq(segment_record(raw, sizeof raw, &rec), -EBADMSG);
	pcap_put_record(raw, 5, CAPFILE_MAX_PACKET + 1, CAPFILE_MAX_PACKET + 1);
	cr_assert_eq(segment_record(raw, sizeof raw, &rec), -EBADMSG);
	pcap_put_record(raw, 5, 8, 8);
	memcpy(raw + 4, "\xff\xff\xff\xff", 4); /* nanoseconds */
	cr_assert_eq(segment_record(raw, sizeof raw, &rec), -EBADMSG);
}

static int handed_over;

static void hand_over(void *arg, int fd)
{
	(void)arg;
	cr_assert_eq(fdatasync(fd), 0);
	close(fd);
	handed_over++;
}

Test(journal, flushing_can_be_handed_to_somebody_else)
{
	append(3);
	journal_on_flush(j, hand_over, NULL);
	cr_assert_eq(journal_sync(j), 0);
	cr_assert_eq(handed_over, 1);
	cr_assert_eq(journal_sync(j), 0);
	cr_assert_eq(handed_over, 1, "nothing new");
	append(5);
	append(5); /* a new segment: the old one and the folder */
	cr_assert_eq(handed_over, 3);
	journal_close(&j);
	cr_assert_eq(handed_over, 4);
	reopen(0);
	cr_assert_eq(read_on(1), 13);
}

Test(journal, sync_has_nothing_to_do_twice)
{
	cr_assert_eq(journal_sync(j), 0);
	append(1);
	cr_assert_eq(journal_sync(j), 0);
	cr_assert_eq(journal_sync(j), 0);
}

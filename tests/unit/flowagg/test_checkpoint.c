/* checkpoint: only a whole one of this version is taken, whatever the bytes say. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zlib.h>

#include "flowagg/ckfile.h"
#include "flowagg_world.h"

static struct world w;
static struct sink s;

static off_t
	/* files seem to be so much longer: as with a bad sector, their last pages cannot be read */
	missing;

/* In place of libc's. */
int fstat(int fd, struct stat *st)
{
	int rc = (int)syscall(SYS_newfstatat, fd, "", st, 0x1000 /* AT_EMPTY_PATH */);
	st->st_size += missing;
	return rc;
}

static void setup(void)
{
	world_init(&w, &world_limits);
	SEND(&w, 0, frame_tcp(A, 1, B, 80, TCP_SYN, 1, 0));
	SEND(&w, 1, frame_udp(A, 1, B, 53, 100));
	SEND(&w, 2, frame_fragment(A, 7, B, 9, 42, 0, 16, true));
	SEND(&w, 3, frame_tcp(A, 2, B, 80, TCP_SYN, 1, 5));
	SEND(&w, 4, frame_tcp(A, 2, B, 80, TCP_SYN, 2, 5)); /* a name to remember */
	SEND(&w, 61 * SECOND, frame_udp(A, 9, B, 53, 600)); /* the SYN is in the bundle now */
	for (int i = 0; i < 3; i++)
		SEND(&w, 61 * SECOND, frame_tcp(A, 10 + i, B, 80, TCP_SYN, 1, (size_t)i));
	cr_assert_eq(checkpoint_save(&w.agg, sink_put, &s), 0);
}

static void teardown(void)
{
	free(s.p);
	s = (struct sink){0};
	world_fini(&w);
}

TestSuite(checkpoint, .init = setup, .fini = teardown);

static void again(const uint8_t *p, size_t n, int want)
{
	struct agg a;

	int rc = checkpoint_load(&a, &world_limits, w.agg.seal, &w, p, n);
	cr_assert_eq(rc, want, "%d, not %d", rc, want);
	if (!rc)
		agg_fini(&a);
}

Test(checkpoint, comes_back_as_it_was)
{
	struct sink t = {0};

	world_reload(&w);
	cr_assert_eq(w.agg.next, 10);
	cr_assert_eq(w.agg.next_seal, w.n + 1);
	cr_assert_eq(w.agg.counts.bundled, 1);
	cr_assert_eq(checkpoint_save(&w.agg, sink_put, &t), 0);
	cr_assert_eq(t.n, s.n);
	cr_assert_arr_eq(t.p, s.p, t.n);
	free(t.p);
}

Test(checkpoint, torn_anywhere_or_changed_anywhere_is_refused)
{
	uint64_t next, seal;

	for (size_t n = 0; n < s.n; n++) {
		again(s.p, n, -EBADMSG);
		cr_assert_eq(checkpoint_verify(s.p, n, &next, &seal), -EBADMSG);
	}
	for (size_t i = 0; i < s.n; i++) {
		s.p[i] ^= 0x10;
		again(s.p, s.n, i >= 8 && i < 12 ? -EPROTONOSUPPORT : -EBADMSG);
		s.p[i] ^= 0x10;
	}
	again(s.p, s.n, 0);
}

Test(checkpoint, contents_that_contradict_themselves_are_refused_or_harmless)
{
	/* Each byte in turn, with a checksum that is right: no crash, no leak (the sanitizers
	 * look). */
	for (size_t i = 12; i < s.n - 4; i++) {
		for (int bit = 0; bit < 8; bit += 3) {
			struct agg a;
			s.p[i] ^= (uint8_t)(1 << bit);
			uint32_t crc = (uint32_t)crc32_z(0, s.p, s.n - 4);
			memcpy(s.p + s.n - 4, &crc, 4);
			int rc = checkpoint_load(&a, &world_limits, w.agg.seal, &w, s.p, s.n);
			if (!rc) {
				struct agg_packet tick = {a.next, T0 + 4000 * SECOND, 0, 0, 1,
							  NULL};
				agg_packet(&a, &tick);
				agg_fini(&a);
			}
			s.p[i] ^= (uint8_t)(1 << bit);
		}
	}
}

Test(checkpoint, lower_limits_end_flows_by_pressure)
{
	struct agg_limits l = world_limits;
	struct agg a;
	size_t before = w.n;

	l.max_flows = 2;
	cr_assert_eq(checkpoint_load(&a, &l, w.agg.seal, &w, s.p, s.n), 0);
	cr_assert_eq(a.table.used, 2);
	cr_assert_gt(w.n, before);
	agg_fini(&a);
	/* A flow larger than all memory cannot be kept: refused, not a crash. */
	l.max_bytes = 512;
	cr_assert_eq(checkpoint_load(&a, &l, w.agg.seal, &w, s.p, s.n), -EBADMSG);
}

Test(checkpoint, an_error_of_the_disk_is_passed_on)
{
	for (size_t n = 1; n < s.n; n += 100) {
		struct sink full = {.fail_after = n};
		cr_assert_eq(checkpoint_save(&w.agg, sink_put, &full), -ENOSPC);
		free(full.p);
	}
}

Test(checkpoint, the_file_is_replaced_in_one_step)
{
	char dir[] = "/tmp/lurker-ckfile-XXXXXX", path[64], tmp[64];
	uint64_t next, seal;
	struct agg a;

	cr_assert(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/cp", dir);
	snprintf(tmp, sizeof tmp, "%s/cp.new", dir);
	cr_assert_eq(ckfile_heads(path, &next, &seal), -ENOENT);
	cr_assert_eq(ckfile_load(path, &a, &world_limits, w.agg.seal, &w), -ENOENT);
	cr_assert_eq(ckfile_save(path, &w.agg), 0);
	cr_assert_eq(ckfile_heads(path, &next, &seal), 0);
	cr_assert_eq(next, 10);
	cr_assert_eq(seal, w.agg.next_seal);
	cr_assert_eq(access(tmp, F_OK), -1);
	cr_assert_eq(ckfile_load(path, &a, &world_limits, w.agg.seal, &w), 0);
	agg_fini(&a);
	missing = 1 << 20;
	cr_assert_eq(ckfile_heads(path, &next, &seal), -EIO);
	cr_assert_eq(ckfile_load(path, &a, &world_limits, w.agg.seal, &w), -EIO);
	missing = 0;
	cr_assert_eq(ckfile_heads(path, &next, &seal), 0);
	cr_assert_eq(truncate(path, 0), 0);
	cr_assert_eq(ckfile_heads(path, &next, &seal), -EBADMSG);
	cr_assert_eq(ckfile_save("/nowhere/cp", &w.agg), -ENOENT);
	unlink(path);
	rmdir(dir);
}

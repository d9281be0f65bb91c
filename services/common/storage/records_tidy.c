/*
 * Old days become DAY.jsonl.gz: written beside as .tmp, synced, renamed, and only then is the plain
 * file unlinked. A crash leaves the plain file, a .tmp that the next attempt overwrites, or both
 * forms whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "storage/records_file.h"

#define STEP_BYTES (256u << 10)   /* compressed in one call: some milliseconds */
#define GRACE_NS   3600000000000u /* after midnight, for writers whose last line is late */

static void records_gz_tmp_name(uint32_t day, char out[DAY_NAME])
{
	char gz[DAY_NAME];
	day_name(day, true, gz);
	snprintf(out, DAY_NAME, "%.*s.tmp", DAY_NAME - 5, gz);
}

void records_gz_abandon(struct records *r)
{
	struct records_gz *g = &r->gz;
	if (g->ours) {
		char tmp[DAY_NAME];
		records_gz_tmp_name(g->day, tmp);
		unlinkat(r->dirfd, tmp, 0);
	}
	if (g->gz)
		gzclose(g->gz);
	if (g->in >= 0)
		close(g->in);
	if (g->out >= 0)
		close(g->out);
	*g = (struct records_gz){.in = -1, .out = -1};
}

struct plan {
	const struct records *r;
	int64_t today, settled; /* days since 1970: of now, and of an hour ago */
	uint32_t newest;
	uint32_t remove, compress; /* the oldest of each kind; 0: none */
	bool remove_gz;
};

static void plan_day(void *arg, uint32_t day, bool gz)
{
	struct plan *p = arg;
	if (day >= p->newest)
		return; /* may still be written, whatever the clock says */
	if (p->r->keep_days > 0 && p->today - day_number(day) > p->r->keep_days) {
		if (p->remove == 0 || day < p->remove) {
			p->remove = day;
			p->remove_gz = gz;
		}
	} else if (!gz && p->settled - day_number(day) >= p->r->plain_days) {
		if (p->compress == 0 || day < p->compress)
			p->compress = day;
	}
}

/* Takes the temporary file for this process alone. 1: another process is at it. */
static int records_gz_take_tmp(struct records *r, const char *tmp)
{
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	struct stat here, there;
	r->gz.out = openat(r->dirfd, tmp, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (r->gz.out < 0)
		return -errno;
	if (fcntl(r->gz.out, F_OFD_SETLK, &l) < 0)
		return errno == EAGAIN || errno == EACCES ? 1 : -errno;
	/* Between the open and the lock it may have become the finished file. */
	if (fstat(r->gz.out, &here) < 0)
		return -errno;
	if (fstatat(r->dirfd, tmp, &there, 0) < 0 || here.st_ino != there.st_ino)
		return 1;
	r->gz.ours = true;
	return ftruncate(r->gz.out, 0) < 0 ? -errno : 0;
}

static int records_gz_begin(struct records *r, uint32_t day)
{
	char name[DAY_NAME], tmp[DAY_NAME];
	struct stat st;
	day_name(day, false, name);
	records_gz_tmp_name(day, tmp);
	r->gz.day = day;
	r->gz.in = openat(r->dirfd, name, O_RDWR | O_CLOEXEC);
	if (r->gz.in >= 0) {
		records_seal(r->gz.in);
	} else {
		r->gz.in = openat(r->dirfd, name, O_RDONLY | O_CLOEXEC);
		if (r->gz.in < 0 || fstat(r->gz.in, &st) < 0)
			return errno == ENOENT ? 1 : -errno;
		if (!day_sealed(&st))
			return -EACCES;
	}
	int rc = records_gz_take_tmp(r, tmp);
	if (rc != 0)
		return rc;
	int fd = fcntl(r->gz.out, F_DUPFD_CLOEXEC, 0);
	r->gz.gz = fd >= 0 ? gzdopen(fd, "wb6") : NULL;
	if (!r->gz.gz) {
		if (fd >= 0)
			close(fd);
		return -ENOMEM;
	}
	return 0;
}

static int records_gz_finish(struct records *r)
{
	char name[DAY_NAME], tmp[DAY_NAME], gz[DAY_NAME];
	day_name(r->gz.day, false, name);
	day_name(r->gz.day, true, gz);
	records_gz_tmp_name(r->gz.day, tmp);
	int rc = gzclose(r->gz.gz);
	r->gz.gz = NULL;
	if (rc != Z_OK)
		return rc == Z_ERRNO ? -errno : -EIO;
	if (fchmod(r->gz.out, 0440) < 0 || fsync(r->gz.out) < 0 ||
	    renameat(r->dirfd, tmp, r->dirfd, gz) < 0)
		return -errno;
	r->gz.ours = false;
	return fsync(r->dirfd) < 0 || unlinkat(r->dirfd, name, 0) < 0 ? -errno : 0;
}

/* One step of the compression at hand; 1 while there is more of it. */
static int records_gz_step(struct records *r)
{
	static const size_t piece = 64u << 10;
	uint8_t data[64u << 10];
	for (size_t done = 0; done < STEP_BYTES; done += piece) {
		ssize_t n = read(r->gz.in, data, piece);
		if (n < 0)
			return -errno;
		if (n == 0)
			return records_gz_finish(r);
		if (gzwrite(r->gz.gz, data, (unsigned)n) != n)
			return -EIO;
	}
	return 1;
}

int records_tidy(struct records *r, uint64_t now_ns, uint64_t mono_ns)
{
	char name[DAY_NAME];
	uint32_t first;
	bool even = records_clock_is_even(&r->clock, now_ns, mono_ns);
	int rc = even && !r->gz.gz ? records_come_back(r, now_ns) : 0;
	if (rc)
		return rc;
	if (!r->gz.gz) {
		struct plan p = {.r = r,
				 .today = day_number(day_of_ns(now_ns)),
				 .settled = day_number(day_of_ns(now_ns - GRACE_NS))};
		rc = day_after(r->dirfd, 0, &first, &p.newest);
		if (rc == 0)
			rc = day_each(r->dirfd, plan_day, &p);
		if (rc < 0)
			return rc;
		if (p.remove && even) {
			day_name(p.remove, p.remove_gz, name);
			return unlinkat(r->dirfd, name, 0) < 0 && errno != ENOENT ? -errno : 1;
		}
		if (!p.compress)
			return 0;
		rc = records_gz_begin(r, p.compress);
		if (rc != 0) {
			records_gz_abandon(r);
			return rc < 0 ? rc : 0;
		}
	}
	rc = records_gz_step(r);
	if (rc == 1)
		return 1;
	records_gz_abandon(r);
	return rc < 0 ? rc : 1;
}

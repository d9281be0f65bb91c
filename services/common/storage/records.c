/*
 * Several processes may append to the same topic. Each line is written under a lock, which keeps
 * three promises: a line that fails can be taken back without touching another's; a torn end that a
 * killed process left is closed before the next line; and a day is sealed (made read-only) before a
 * file of a later day is made, so that a reader that finds a sealed file empty has all of that day.
 */
#include "storage/records.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "storage/records_file.h"

#define MAX_LINE  (64u << 20)  /* readers skip longer ones */
#define COPY_LINE (256u << 10) /* longer ones are written from where they are */
/* Ends a torn line. JSON holds no control characters, so readers can tell (a newline alone could
 * leave what looks like a shorter record). */
#define TORN_END "\x18\n"

static int records_lock_op(int fd, short type)
{
	struct flock l = {.l_type = type, .l_whence = SEEK_SET};
	int rc;
	do
		rc = fcntl(fd, F_OFD_SETLKW, &l);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : 0;
}

int records_lock(int fd)
{
	return records_lock_op(fd, F_WRLCK);
}

void records_unlock(int fd)
{
	records_lock_op(fd, F_UNLCK);
}

void records_seal(int fd)
{
	if (records_lock(fd) < 0)
		return;
	fchmod(fd, 0440); /* of another owner's file it fails: then its owner seals it */
	records_unlock(fd);
}

static void records_seal_day(struct records *r, uint32_t day)
{
	char name[DAY_NAME];
	struct stat st;
	day_name(day, false, name);
	/* Sealed files cannot be opened for writing, and locking needs that. */
	int fd = openat(r->dirfd, name, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && !day_sealed(&st))
		records_seal(fd);
	close(fd);
}

struct seal_older {
	struct records *r;
	uint32_t newest;
};

static void seal_if_older(void *arg, uint32_t day, bool gz)
{
	struct seal_older *s = arg;
	if (!gz && day < s->newest)
		records_seal_day(s->r, day);
}

int records_open(const char *dir, int64_t keep_days, int64_t plain_days, struct records **out)
{
	int rc = fs_make_dirs(AT_FDCWD, dir, 0750, FS_NONE);
	if (rc < 0)
		return rc;
	struct records *r = calloc(1, sizeof *r);
	if (!r)
		return -ENOMEM;
	*r = (struct records){.fd = -1,
			      .from = -1,
			      .again = -1,
			      .keep_days = keep_days,
			      .plain_days = plain_days > 1 ? plain_days : 1,
			      .line = {.limit = COPY_LINE + 1},
			      .gz = {.in = -1, .out = -1}};
	r->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->dirfd < 0) {
		rc = -errno;
		goto fail;
	}
	/* After a crash between sealing and the next day, or a restored copy: readers must not wait
	 * there. */
	uint32_t first;
	struct seal_older s = {.r = r};
	rc = day_after(r->dirfd, 0, &first, &s.newest);
	if (rc == 0)
		rc = day_each(r->dirfd, seal_if_older, &s);
	if (rc < 0)
		goto fail;
	*out = r;
	return 0;
fail:
	records_close(&r);
	return rc;
}

void records_close(struct records **rp)
{
	struct records *r = *rp;
	if (!r)
		return;
	records_gz_abandon(r);
	buf_fini(&r->line);
	if (r->fd >= 0)
		close(r->fd);
	if (r->dirfd >= 0)
		close(r->dirfd);
	free(r);
	*rp = NULL;
}

/* Opens the file of a day, or of the first one after it that is not over. */
static int records_open_day(struct records *r, uint32_t day)
{
	char name[DAY_NAME];
	struct stat st;
	for (;; day = day_next(day)) {
		day_name(day, true, name);
		if (fstatat(r->dirfd, name, &st, 0) == 0)
			continue;
		day_name(day, false, name);
		bool there = fstatat(r->dirfd, name, &st, 0) == 0;
		if (there && day_sealed(&st))
			continue;
		int fd = openat(r->dirfd, name, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
		if (fd < 0 && errno == EACCES && fstatat(r->dirfd, name, &st, 0) == 0 &&
		    day_sealed(&st))
			continue; /* sealed just now */
		if (fd < 0)
			return -errno;
		r->fd = fd;
		r->day = day;
		r->size = -1;
		r->fresh = r->fresh || !there;
		return 0;
	}
}

/* Goes on to a day. Days never go back: readers do not, either. */
static int records_move_to(struct records *r, uint32_t day)
{
	uint32_t first, newest;
	if (r->fd >= 0) {
		if (r->from >= 0 && fdatasync(r->fd) < 0 && !r->former)
			r->former = -errno;
		r->scattered = r->from >= 0;
		r->again = -1;
		records_seal(r->fd);
		close(r->fd);
		r->fd = -1;
	}
	int rc = day_after(r->dirfd, 0, &first, &newest);
	if (rc < 0)
		return rc;
	if (newest > day)
		day = newest;
	else if (newest && newest < day)
		records_seal_day(r, newest);
	return records_open_day(r, day);
}

/* With the lock: closes a line that was torn by a power loss, or by a kill in the middle of a
 * write. *size is that of the file, before and after. */
static int records_close_torn(struct records *r, int64_t *size)
{
	char last;
	if (*size == 0 || *size == r->size)
		return 0;
	if (pread(r->fd, &last, 1, *size - 1) != 1)
		return -EIO;
	if (last == '\n')
		return 0;
	ssize_t n = write(r->fd, TORN_END, strlen(TORN_END));
	if (n != (ssize_t)strlen(TORN_END))
		return n < 0 ? -errno : -ENOSPC;
	*size += n;
	return 0;
}

/* Locks the file of the day; 1 when that day is over. */
static int records_lock_day(struct records *r, struct stat *st)
{
	int rc = records_lock(r->fd);
	if (rc < 0)
		return rc;
	if (fstat(r->fd, st) < 0)
		rc = -errno;
	else if (day_sealed(st))
		rc = 1;
	if (rc != 0)
		records_unlock(r->fd);
	return rc;
}

/* records_write_whole: the line and its newline; what write(2) returns, the sum if there were
 * two. */
static ssize_t records_write_whole(struct records *r, struct bytes line)
{
	if (line.n > COPY_LINE) {
		ssize_t n = write(r->fd, line.p, line.n);
		/* Without its newline it is a torn line like any other. */
		return n == (ssize_t)line.n && write(r->fd, "\n", 1) == 1 ? n + 1 : n;
	}
	/* One piece: two cost a file system half as much again. */
	buf_reset(&r->line);
	buf_add(&r->line, line.p, line.n);
	if (buf_addc(&r->line, '\n') == 0)
		return write(r->fd, r->line.p, r->line.n);
	errno = ENOMEM;
	return -1;
}

/* records_write_again: over the same line, which a failed sync may have left in memory only: Linux
 * reports an error of writing back once per open file and then takes the pages for clean, so that a
 * second sync would say that all is well. */
static int records_write_again(struct records *r, struct bytes line)
{
	char name[DAY_NAME];
	day_name(r->day, false, name);
	/* On a descriptor that appends, pwrite(2) does so too. */
	int fd = openat(r->dirfd, name, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int rc = 0;
	ssize_t n = pwrite(fd, line.p, line.n, r->again);
	if (n != (ssize_t)line.n || pwrite(fd, "\n", 1, r->again + n) != 1)
		rc = n < 0 ? -errno : -ENOSPC;
	close(fd);
	if (!rc)
		r->again += n + 1;
	if (r->again == r->to)
		r->again = -1;
	return rc;
}

static int records_write_line(struct records *r, int64_t size, struct bytes line)
{
	if (r->again >= 0 && r->again + (int64_t)line.n + 1 <= r->to)
		return records_write_again(r, line);
	r->again = -1;
	int rc = records_close_torn(r, &size);
	if (rc < 0)
		return rc;
	ssize_t n = records_write_whole(r, line);
	if (n == (ssize_t)line.n + 1) {
		if (r->from < 0)
			r->from = size;
		else if (r->to != size)
			r->scattered = true;
		r->to = r->size = size + n;
		return 0;
	}
	rc = n < 0 ? -errno : -ENOSPC;
	r->size = -1;
	/* Should even this fail, the next append closes the torn line. */
	if (n > 0 && ftruncate(r->fd, size) < 0)
		rc = -errno;
	return rc;
}

int records_append(struct records *r, uint64_t now_ns, struct bytes line)
{
	struct stat st;
	uint32_t day = day_of_ns(now_ns);
	if (line.n == 0 || line.n > MAX_LINE)
		return -EINVAL;
	int rc = r->fd < 0 || day > r->day ? records_move_to(r, day) : 0;
	if (rc == 0)
		rc = records_lock_day(r, &st);
	while (rc == 1) {
		rc = records_move_to(r, day);
		if (rc == 0)
			rc = records_lock_day(r, &st);
	}
	if (rc < 0)
		return rc;
	rc = records_write_line(r, st.st_size, line);
	records_unlock(r->fd);
	return rc;
}

static int records_sync_all(struct records *r)
{
	if (r->former)
		return r->former;
	if (r->fd >= 0 && fdatasync(r->fd) < 0)
		return -errno;
	/* Of folders the journal of the filesystem is asked: once that has failed it does so until
	 * the next mount. */
	if (r->fresh && fsync(r->dirfd) < 0)
		return -errno;
	r->fresh = false;
	return 0;
}

int records_sync(struct records *r)
{
	int rc = r->again >= 0 ? -EIO : records_sync_all(r);
	r->former = 0;
	if (rc)
		r->size = -1; /* nor is it sure where the last line ends */
	r->again = rc && !r->scattered ? r->from : -1;
	if (!rc || r->scattered)
		r->from = -1;
	r->scattered = false;
	return rc;
}

#include "store_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive.h"
#include "base/fs.h"

/* Links that share the flushes of their folders. */
#define BATCH 64

/* The one temporary name: copies are made one after the other. */
#define TEMPORARY ".copy"

struct store_dir {
	struct object_store store;
	int fd;
	char url[PATH_MAX + 16];
	struct put *pending[BATCH];
	size_t n;
	struct archive archive;
	struct store_dir_counts *counts;
};

static struct store_dir *dir_of(struct object_store *s)
{
	return (struct store_dir *)s;
}

static int copy_bytes(void *arg, int to)
{
	const struct put *p = arg;
	char block[1 << 16];
	off_t at = 0;
	ssize_t n;
	int rc = 0;
	while (!rc && (n = pread(p->fd, block, sizeof block, at)) != 0) {
		rc = n < 0 ? -errno : fs_write_all(to, block, (size_t)n);
		at += n;
	}
	return rc;
}

/* Another filesystem, or a name that is taken by other bytes. Whole before it has its name: the
 * queue's entry goes after dir_flush, which flushes the folder once for many. */
static int put_copy(const struct store_dir *d, struct put *p)
{
	unlinkat(d->fd, TEMPORARY, 0);
	return fs_replace_at(d->fd, TEMPORARY, p->key, 0640, FS_FILE, copy_bytes, p);
}

static bool same_bytes(int a, int b)
{
	char x[1 << 14], y[sizeof x];
	off_t at = 0;
	for (;;) {
		ssize_t n = pread(a, x, sizeof x, at), m = pread(b, y, sizeof y, at);
		if (n != m || n < 0 || memcmp(x, y, (size_t)n) != 0)
			return false;
		if (n == 0)
			return true;
		at += n;
	}
}

/* Whether the name holds the object already: a run that ended before the queue's entry went. */
static bool have(const struct store_dir *d, const struct put *p)
{
	struct stat ours, theirs;
	int fd = openat(d->fd, p->key, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	bool same = fstat(fd, &ours) == 0 && fstat(p->fd, &theirs) == 0 &&
		    ((ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino) ||
		     (ours.st_size == theirs.st_size && same_bytes(fd, p->fd)));
	close(fd);
	return same;
}

/* Without its own path: linkat of a descriptor goes through /proc. */
static int put_link(const struct store_dir *d, const struct put *p)
{
	char from[40];
	snprintf(from, sizeof from, "/proc/self/fd/%d", p->fd);
	return linkat(AT_FDCWD, from, d->fd, p->key, AT_SYMLINK_FOLLOW) != 0 ? -errno : 0;
}

static int put_one(struct store_dir *d, struct put *p)
{
	struct stat st;
	int rc = put_link(d, p);
	if (rc == -ENOENT) {
		rc = fs_make_parents(d->fd, p->key, 0750, FS_FILE_AND_DIR);
		if (!rc)
			rc = put_link(d, p);
	}
	if (!rc) {
		d->counts->linked++;
	} else if (rc == -EEXIST && have(d, p)) {
		d->counts->kept++;
		return 0;
	} else {
		uint64_t *count = rc == -EEXIST ? &d->counts->replaced : &d->counts->copied;
		rc = put_copy(d, p);
		if (rc)
			return rc;
		++*count;
	}
	if (fstat(p->fd, &st) == 0)
		archive_add(&d->archive, p->key, (uint64_t)st.st_blocks * 512);
	return 0;
}

static void say(struct store_dir *d, struct put *p, int rc)
{
	bool refused = rc == -EFBIG || rc == -ENAMETOOLONG || rc == -EISDIR || rc == -ENOTDIR;
	/* A wrong mode or owner, or a read-only filesystem, will not pass by itself. */
	bool stuck = rc == -EACCES || rc == -EPERM || rc == -EROFS;
	d->store.done(d->store.arg, p,
		      !rc       ? OUTCOME_OK
		      : refused ? OUTCOME_REFUSED
		      : stuck   ? OUTCOME_STUCK
				: OUTCOME_RETRY,
		      rc ? strerror(-rc) : NULL, 0);
}

static void dir_flush(struct object_store *s)
{
	struct store_dir *d = dir_of(s);
	struct put *batch[BATCH];
	size_t n = d->n;
	int rc = 0;
	/* done() may begin the next put. */
	memcpy(batch, d->pending, n * sizeof *batch);
	d->n = 0;
	for (size_t i = 0; i < n; i++) {
		size_t folder = (size_t)(strrchr(batch[i]->key, '/') - batch[i]->key + 1);
		/* The queue comes in order of names, so a folder's files stand together. */
		if (i == 0 || strncmp(batch[i]->key, batch[i - 1]->key, folder) != 0)
			rc = fs_sync_parent(d->fd, batch[i]->key);
		say(d, batch[i], rc);
	}
}

static void dir_put(struct object_store *s, struct put *p)
{
	struct store_dir *d = dir_of(s);
	int rc = strchr(p->key, '/') ? put_one(d, p) : -ENAMETOOLONG;
	if (rc) {
		say(d, p, rc);
		return;
	}
	d->pending[d->n++] = p;
	if (d->n == BATCH)
		dir_flush(s);
}

static bool dir_tidy(struct object_store *s)
{
	struct store_dir *d = dir_of(s);
	bool more = archive_tidy(&d->archive);
	d->counts->archive_bytes = d->archive.bytes;
	d->counts->removed = d->archive.removed;
	d->counts->removed_bytes = d->archive.removed_bytes;
	return more;
}

static void dir_free(struct object_store *s)
{
	struct store_dir *d = dir_of(s);
	if (d->fd >= 0)
		close(d->fd);
	free(d);
}

static const struct object_store_class dir_class = {
	.name = "dir", .put = dir_put, .flush = dir_flush, .tidy = dir_tidy, .free = dir_free};

int store_dir_url(const char *dir, char *out, size_t n)
{
	size_t len = strlen(dir);
	while (len > 1 && dir[len - 1] == '/')
		len--;
	int m = snprintf(out, n, "file://%.*s/", (int)len, dir);
	return m < 0 || (size_t)m >= n ? -ENAMETOOLONG : 0;
}

int store_dir_new(const char *dir, uint64_t max_bytes, struct store_dir_counts *counts,
		  struct object_store **out)
{
	struct store_dir *d = calloc(1, sizeof *d);
	if (!d)
		return -ENOMEM;
	d->fd = -1;
	int rc = store_dir_url(dir, d->url, sizeof d->url);
	if (!rc)
		rc = fs_open_dirs(dir, 0750, &d->fd);
	if (rc) {
		dir_free(&d->store);
		return rc;
	}
	d->store =
		(struct object_store){.class = &dir_class, .slots = BATCH, .destination = d->url};
	d->counts = counts;
	unlinkat(d->fd, TEMPORARY, 0);
	archive_init(&d->archive, d->fd, max_bytes);
	*out = &d->store;
	return 0;
}

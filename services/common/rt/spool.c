/*
 * The sealer's side. A file's name in tmp/ is its place in the batch, "0" to "255"; until
 * spool_forget it is a second name of what is in the queues, so the same batch can be linked again
 * after an error.
 */
#include "rt/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rt/loop.h"
#include "rt/spool_dir.h"

/* Up to so many files of a batch are flushed one by one; for more, one syncfs costs less: 256 files of
 * 2 kB took 1526 ms one by one and 26 to 39 ms with syncfs, four took 26 and 14 ms (ext4 on a virtual disk,
 * where one flush takes 5 to 10 ms). The price: what others wrote to the filesystem is flushed too. */
#define FLUSH_SINGLY 2

/* A full count of the queues is made again after so long while they seem full. */
#define RECOUNT_NS (2 * UINT64_C(1000000000))

struct pending {
	char key[SPOOL_KEY_MAX];
	int fd; /* -1 once it was flushed and closed */
	uint64_t bytes;
};

struct spool {
	int dirfd;
	char **consumers;
	size_t nconsumers;
	struct spool_limits limits;
	struct spool_use use; /* an upper bound: what a recount found and came in since */
	uint64_t counted_ns;
	struct pending *pending;
	size_t npending;
	bool committed;
};

static void tmp_name(size_t i, char out[32])
{
	snprintf(out, 32, "tmp/%zu", i);
}

/* Adds up a folder of a queue and all below it. A file counts by its share of links: with two
 * consumers each of its two links counts for half. Both sums are in 1/SHARES, which 1 to 10 links
 * divide. */
#define SHARES 2520u
struct sum {
	uint64_t bytes, files;
};

static void add_up(int at, const char *name, int depth, struct sum *sum)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return;
	DIR *d = fdopendir(fd);
	if (!d) {
		close(fd);
		return;
	}
	for (struct dirent *e; (e = readdir(d));) {
		struct stat st;
		if (e->d_name[0] == '.')
			continue;
		if (e->d_type == DT_DIR) {
			if (depth > 0)
				add_up(dirfd(d), e->d_name, depth - 1, sum);
		} else if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			   st.st_nlink) {
			sum->bytes += (uint64_t)st.st_size * (SHARES / st.st_nlink);
			sum->files += SHARES / st.st_nlink;
		}
	}
	closedir(d);
}

static void recount(struct spool *s)
{
	struct sum sum = {0};

	/* queue/<consumer>/pcap/YYYY/MM/DD/HH */
	add_up(s->dirfd, "queue", 6, &sum);
	s->use = (struct spool_use){sum.bytes / SHARES, (sum.files + SHARES - 1) / SHARES};
	s->counted_ns = clock_mono_ns();
}

static int empty_tmp(struct spool *s)
{
	int fd = openat(s->dirfd, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	DIR *d = fdopendir(fd);
	if (!d) {
		int rc = -errno;
		close(fd);
		return rc;
	}
	for (struct dirent *e; (e = readdir(d));)
		if (e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	return 0;
}

int spool_open(const char *spool_dir, const char *const *consumers, size_t n,
	       struct spool_limits limits, struct spool **out)
{
	struct spool *s = calloc(1, sizeof *s);
	int rc;

	if (!s)
		return -ENOMEM;
	s->dirfd = -1;
	s->limits = limits;
	s->pending = calloc(SPOOL_BATCH, sizeof *s->pending);
	s->consumers = calloc(n ? n : 1, sizeof *s->consumers);
	rc = s->pending && s->consumers ? spool_opendirs(spool_dir, &s->dirfd) : -ENOMEM;
	if (!rc)
		rc = spool_mkdirs(s->dirfd, "tmp", true, true);
	for (size_t i = 0; i < n && !rc; i++) {
		char path[SPOOL_KEY_MAX + 16];
		snprintf(path, sizeof path, "queue/%s", consumers[i]);
		s->consumers[i] = strdup(consumers[i]);
		if (!s->consumers[i])
			rc = -ENOMEM;
		else if (!spool_key_valid(consumers[i]) || strchr(consumers[i], '/'))
			rc = -EINVAL;
		else
			rc = spool_mkdirs(s->dirfd, path, true, true);
		s->nconsumers++;
	}
	if (!rc)
		rc = empty_tmp(s);
	if (rc) {
		spool_close(&s);
		return rc;
	}
	recount(s);
	*out = s;
	return 0;
}

void spool_close(struct spool **sp)
{
	struct spool *s = *sp;

	if (!s)
		return;
	for (size_t i = 0; i < s->npending; i++)
		if (s->pending[i].fd >= 0)
			close(s->pending[i].fd);
	for (size_t i = 0; i < s->nconsumers; i++)
		free(s->consumers[i]);
	free(s->consumers);
	free(s->pending);
	if (s->dirfd >= 0)
		close(s->dirfd);
	free(s);
	*sp = NULL;
}

static bool fits(const struct spool *s, uint64_t bytes, bool plain)
{
	uint64_t b = s->limits.max_bytes, f = s->limits.max_files;

	if (plain) {
		b -= b / 10;
		f -= f / 10;
	}
	return s->use.bytes + bytes <= b && s->use.files < f;
}

bool spool_room(struct spool *s, uint64_t bytes, bool plain)
{
	if (fits(s, bytes, plain))
		return true;
	if (clock_mono_ns() - s->counted_ns < RECOUNT_NS)
		return false;
	recount(s);
	return fits(s, bytes, plain);
}

int spool_create(struct spool *s, const char *key, int *out)
{
	char name[32];

	if (!spool_key_valid(key))
		return -EINVAL;
	if (s->npending == SPOOL_BATCH || s->committed)
		return -ENOBUFS;
	tmp_name(s->npending, name);
	/* Never the same inode twice: an old one may have links in the queues. */
	unlinkat(s->dirfd, name, 0);
	int fd = openat(s->dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	struct pending *p = &s->pending[s->npending++];
	snprintf(p->key, sizeof p->key, "%s", key);
	p->fd = fd;
	*out = fd;
	return 0;
}

void spool_drop(struct spool *s)
{
	char name[32];

	struct pending *p = &s->pending[--s->npending];
	if (p->fd >= 0)
		close(p->fd);
	tmp_name(s->npending, name);
	unlinkat(s->dirfd, name, 0);
}

size_t spool_pending(const struct spool *s)
{
	return s->npending;
}

/* Since Linux 5.8 syncfs reports what failed to be written since the descriptor was opened or last
 * asked. An fsync of each file after it would wait for the disk's cache once a file. */
static int flush_files(struct spool *s)
{
	bool singly = s->npending <= FLUSH_SINGLY;
	struct stat st;

	if (!singly && syncfs(s->dirfd) < 0)
		return -errno;
	for (size_t i = 0; i < s->npending; i++) {
		struct pending *p = &s->pending[i];
		if (p->fd < 0)
			continue;
		if ((singly && fdatasync(p->fd) < 0) || fstat(p->fd, &st) < 0)
			return -errno;
		p->bytes = (uint64_t)st.st_size;
	}
	for (size_t i = 0; i < s->npending; i++) {
		if (s->pending[i].fd >= 0)
			close(s->pending[i].fd);
		s->pending[i].fd = -1;
	}
	return 0;
}

static int link_one(struct spool *s, size_t i, const char *path)
{
	char name[32];

	tmp_name(i, name);
	/* A consumer may remove a folder that it found empty, just before we link into it. */
	for (int tries = 0; tries < 8; tries++) {
		if (linkat(s->dirfd, name, s->dirfd, path, 0) == 0 || errno == EEXIST)
			return 0;
		if (errno != ENOENT)
			return -errno;
		int rc = spool_mkdirs(s->dirfd, path, false, true);
		if (rc)
			return rc;
	}
	return -ENOENT;
}

static size_t folder_len(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? (size_t)(slash - path) : 0;
}

/* Links the batch into one queue and flushes each of its folders once. */
static int deliver(struct spool *s, const char *consumer)
{
	char path[SPOOL_KEY_MAX + 64], last[SPOOL_KEY_MAX + 64] = "";
	int rc = 0;

	for (size_t i = 0; i < s->npending && !rc; i++) {
		snprintf(path, sizeof path, "queue/%s/%s", consumer, s->pending[i].key);
		rc = link_one(s, i, path);
		if (rc)
			break;
		size_t n = folder_len(path);
		/* Batches come nearly sorted: when the folder changes, the former one is complete
		 * or is flushed a second time, which then costs next to nothing. */
		if (last[0] && (folder_len(last) != n || strncmp(last, path, n) != 0))
			rc = spool_fsync_parent(s->dirfd, last);
		memcpy(last, path, sizeof last);
	}
	if (!rc && last[0])
		rc = spool_fsync_parent(s->dirfd, last);
	return rc;
}

int spool_commit(struct spool *s)
{
	int rc = flush_files(s);

	for (size_t i = 0; i < s->nconsumers && !rc; i++)
		rc = deliver(s, s->consumers[i]);
	if (rc)
		return rc;
	for (size_t i = 0; i < s->npending; i++) {
		s->use.bytes += s->pending[i].bytes;
		s->use.files++;
	}
	s->committed = true;
	return 0;
}

void spool_forget(struct spool *s)
{
	char name[32];

	for (size_t i = 0; i < s->npending; i++) {
		tmp_name(i, name);
		unlinkat(s->dirfd, name, 0);
	}
	s->npending = 0;
	s->committed = false;
}

struct spool_use spool_use(struct spool *s)
{
	return s->use;
}

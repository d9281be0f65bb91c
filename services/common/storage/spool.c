/*
 * The sealer's side. A file's name in tmp/ is its place in the batch, "0" to "255"; until
 * spool_forget it is a second name of what is in the queues, so the same batch can be linked again
 * after an error.
 */
#include "storage/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "rt/loop.h"
#include "storage/spool_dir.h"
#include "storage/spool_own.h"

/* Up to so many files of a batch are flushed one by one; for more, one syncfs costs less: 256 files
 * of 2 kB took 1526 ms one by one and 26 to 39 ms with syncfs, four took 26 and 14 ms (ext4 on a
 * virtual disk, where one flush takes 5 to 10 ms). The price: what others wrote to the filesystem
 * is flushed too. */
#define FLUSH_SINGLY 2

/* What consumers have finished shows after so long at the latest, for while it does not, bundles go
 * that need not. */
#define COUNT_REST_NS (5 * UINT64_C(1000000000))

static void spool_tmp_name(size_t i, char out[32])
{
	snprintf(out, 32, "tmp/%zu", i);
}

struct spool_sum spool_share(const struct stat *st)
{
	uint64_t share = st->st_nlink ? SHARES / st->st_nlink : 0;

	return (struct spool_sum){(uint64_t)st->st_size * share, share};
}

/* Adds up a folder of a queue and all below it. */
static void spool_add_up(int at, const char *name, int depth, struct spool_sum *sum)
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
				spool_add_up(dirfd(d), e->d_name, depth - 1, sum);
		} else if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
			struct spool_sum one = spool_share(&st);
			sum->bytes += one.bytes;
			sum->files += one.files;
		}
	}
	closedir(d);
}

static void spool_recount(struct spool *s)
{
	uint64_t begin = clock_mono_ns();

	s->use = (struct spool_sum){0};
	/* queue/<consumer>/pcap/YYYY/MM/DD/HH */
	spool_add_up(s->dirfd, "queue", 6, &s->use);
	s->counted_ns = clock_mono_ns();
	s->count_cost_ns = s->counted_ns - begin;
}

static int spool_empty_tmp(struct spool *s)
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

static int spool_add_queue(struct spool *s, const char *name)
{
	char path[OBJECT_KEY_MAX + 16];

	if (!object_key_valid(name) || strchr(name, '/') || s->nqueues == SPOOL_QUEUES)
		return -EINVAL;
	s->queues[s->nqueues] = strdup(name);
	if (!s->queues[s->nqueues])
		return -ENOMEM;
	s->nqueues++;
	snprintf(path, sizeof path, "queue/%s", name);
	return fs_make_dirs(s->dirfd, path, 0750, FS_FILE_AND_DIR);
}

/* A consumer that was taken out of the configuration leaves its queue, which takes room as well. */
static int spool_add_other_queues(struct spool *s)
{
	int fd = openat(s->dirfd, "queue", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	int rc = 0;

	if (!d) {
		rc = errno == ENOENT ? 0 : -errno;
		if (fd >= 0)
			close(fd);
		return rc;
	}
	for (struct dirent *e; s->nqueues < SPOOL_QUEUES && rc != -ENOMEM && (e = readdir(d));) {
		bool known = e->d_name[0] == '.';
		for (size_t i = 0; i < s->nconsumers && !known; i++)
			known = strcmp(s->queues[i], e->d_name) == 0;
		if (!known)
			rc = spool_add_queue(s, e->d_name);
	}
	closedir(d);
	return rc == -ENOMEM ? rc : 0;
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
	rc = s->pending ? fs_open_dirs(spool_dir, 0750, &s->dirfd) : -ENOMEM;
	if (!rc)
		rc = fs_make_dirs(s->dirfd, "tmp", 0750, FS_FILE_AND_DIR);
	for (size_t i = 0; i < n && !rc; i++)
		rc = spool_add_queue(s, consumers[i]);
	s->nconsumers = s->nqueues;
	if (!rc)
		rc = spool_add_other_queues(s);
	if (!rc)
		rc = spool_empty_tmp(s);
	if (rc) {
		spool_close(&s);
		return rc;
	}
	spool_recount(s);
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
	for (size_t i = 0; i < s->nqueues; i++)
		free(s->queues[i]);
	key_window_fini(&s->search.found);
	free(s->pending);
	if (s->dirfd >= 0)
		close(s->dirfd);
	free(s);
	*sp = NULL;
}

struct spool_use spool_use(struct spool *s)
{
	return (struct spool_use){(s->use.bytes + SHARES - 1) / SHARES,
				  (s->use.files + SHARES - 1) / SHARES};
}

static bool spool_fits(struct spool *s, uint64_t bytes)
{
	struct spool_use use = spool_use(s);

	return use.bytes + s->needs.bytes + bytes <= s->limits.max_bytes &&
	       use.files + s->needs.files < s->limits.max_files;
}

/* The first queue that has it, or nconsumers. */
static size_t spool_queue_of(struct spool *s, const char *key)
{
	char path[2 * OBJECT_KEY_MAX];
	struct stat st;
	size_t i = 0;

	for (; i < s->nconsumers; i++) {
		snprintf(path, sizeof path, "queue/%s/%s", s->queues[i], key);
		if (fstatat(s->dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
			break;
	}
	return i;
}

static void spool_comes_again(struct spool *s, struct spool_pending *p, size_t in)
{
	if (p->again || p->linked)
		return;
	p->again = true;
	p->in = in;
	s->needs.bytes -= p->bytes;
	s->needs.files--;
}

static void spool_look_at_pending(struct spool *s)
{
	for (; s->looked_at < s->npending; s->looked_at++) {
		struct spool_pending *p = &s->pending[s->looked_at];
		size_t in = spool_queue_of(s, p->key);
		if (in < s->nconsumers)
			spool_comes_again(s, p, in);
	}
}

int spool_room(struct spool *s, const char *key, uint64_t bytes)
{
	if (spool_fits(s, bytes) || spool_queue_of(s, key) < s->nconsumers)
		return 1;
	if (bytes > s->limits.max_bytes)
		return -EFBIG;
	spool_look_at_pending(s);
	uint64_t rest = SPOOL_REST * s->count_cost_ns;
	if (clock_mono_ns() - s->counted_ns >= (rest < COUNT_REST_NS ? rest : COUNT_REST_NS))
		spool_recount(s);
	return spool_fits(s, bytes);
}

int spool_create(struct spool *s, const char *key, uint64_t bytes, int *out)
{
	char name[32];

	if (!object_key_valid(key))
		return -EINVAL;
	if (s->npending == SPOOL_BATCH || s->committed)
		return -ENOBUFS;
	spool_tmp_name(s->npending, name);
	/* Never the same inode twice: an old one may have links in the queues. */
	unlinkat(s->dirfd, name, 0);
	int fd = openat(s->dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	struct spool_pending *p = &s->pending[s->npending++];
	snprintf(p->key, sizeof p->key, "%s", key);
	p->fd = fd;
	p->bytes = bytes;
	p->again = p->linked = false;
	s->needs.bytes += bytes;
	s->needs.files++;
	*out = fd;
	return 0;
}

void spool_drop(struct spool *s)
{
	char name[32];

	struct spool_pending *p = &s->pending[--s->npending];
	spool_comes_again(s, p, 0);
	if (s->looked_at > s->npending)
		s->looked_at = s->npending;
	if (p->fd >= 0)
		close(p->fd);
	spool_tmp_name(s->npending, name);
	unlinkat(s->dirfd, name, 0);
}

size_t spool_pending(const struct spool *s)
{
	return s->npending;
}

/* Since Linux 5.8 syncfs reports what failed to be written since the descriptor was opened or last
 * asked. An fsync of each file after it would wait for the disk's cache once a file. */
static int spool_flush_files(struct spool *s)
{
	bool singly = s->npending <= FLUSH_SINGLY;

	if (!singly && syncfs(s->dirfd) < 0)
		return -errno;
	for (size_t i = 0; i < s->npending && singly; i++)
		if (s->pending[i].fd >= 0 && fdatasync(s->pending[i].fd) < 0)
			return -errno;
	for (size_t i = 0; i < s->npending; i++) {
		if (s->pending[i].fd >= 0)
			close(s->pending[i].fd);
		s->pending[i].fd = -1;
	}
	return 0;
}

static int spool_link_from(struct spool *s, const char *from, const char *path)
{
	/* A consumer may remove a folder that it found empty, just before we link into it. */
	for (int tries = 0; tries < 8; tries++) {
		if (linkat(s->dirfd, from, s->dirfd, path, 0) == 0)
			return 0;
		if (errno != ENOENT)
			return -errno;
		int rc = fs_make_parents(s->dirfd, path, 0750, FS_FILE_AND_DIR);
		if (rc)
			return rc;
	}
	return -ENOENT;
}

/* 0, -EEXIST (a kill, or a commit that failed, came after the link) or another -errno. */
static int spool_link_one(struct spool *s, size_t i, const char *path)
{
	const struct spool_pending *p = &s->pending[i];
	char from[2 * OBJECT_KEY_MAX];

	/* The same bytes: so that it stays one file, not one a queue. */
	if (p->again) {
		snprintf(from, sizeof from, "queue/%s/%s", s->queues[p->in], p->key);
		int rc = spool_link_from(s, from, path);
		if (rc != -ENOENT)
			return rc;
	}
	spool_tmp_name(i, from);
	return spool_link_from(s, from, path);
}

static size_t folder_len(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? (size_t)(slash - path) : 0;
}

/* Links the batch into one queue and flushes each of its folders once. */
static int spool_deliver(struct spool *s, size_t to)
{
	char path[OBJECT_KEY_MAX + 64], last[OBJECT_KEY_MAX + 64] = "";
	int rc = 0;

	for (size_t i = 0; i < s->npending && !rc; i++) {
		snprintf(path, sizeof path, "queue/%s/%s", s->queues[to], s->pending[i].key);
		rc = spool_link_one(s, i, path);
		if (rc == -EEXIST) {
			spool_comes_again(s, &s->pending[i], to);
			rc = 0;
		}
		if (rc)
			break;
		s->pending[i].linked |= !s->pending[i].again;
		size_t n = folder_len(path);
		/* Batches come nearly sorted: when the folder changes, the former one is complete
		 * or is flushed a second time, which then costs next to nothing. */
		if (last[0] && (folder_len(last) != n || strncmp(last, path, n) != 0))
			rc = fs_sync_parent(s->dirfd, last);
		memcpy(last, path, sizeof last);
	}
	if (!rc && last[0])
		rc = fs_sync_parent(s->dirfd, last);
	return rc;
}

int spool_commit(struct spool *s)
{
	int rc = s->lost;

	if (!rc)
		rc = s->lost = spool_flush_files(s);
	for (size_t i = 0; i < s->nconsumers && !rc; i++)
		rc = spool_deliver(s, i);
	if (rc)
		return rc;
	s->use.bytes += s->needs.bytes * SHARES;
	s->use.files += s->needs.files * SHARES;
	for (size_t i = 0; i < s->npending; i++)
		if (object_key_is_bundle(s->pending[i].key))
			s->search.none_until_ns = 0;
	s->committed = true;
	return 0;
}

bool spool_is_lost(const struct spool *s)
{
	return s->lost;
}

void spool_forget(struct spool *s)
{
	char name[32];

	for (size_t i = 0; i < s->npending; i++) {
		spool_tmp_name(i, name);
		unlinkat(s->dirfd, name, 0);
	}
	s->npending = s->looked_at = 0;
	s->needs = (struct spool_use){0};
	s->committed = false;
}

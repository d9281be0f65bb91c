/*
 * The way out of full queues: the oldest bundle over all of them, hour by hour. Names are found
 * some hundred at a time, and the place is kept, so that a folder of many is not read again for
 * each. The search begins anew at the oldest when it came to the end or nothing was wanted for a
 * while: what was in a consumer's hand then may be free now.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "rt/loop.h"
#include "storage/spool_dir.h"
#include "storage/spool_own.h"

#define FOUND_MAX   256
#define PLACE_NS    (60 * UINT64_C(1000000000))
#define PATH_BYTES  (2 * OBJECT_KEY_MAX)
#define EVICT_DEPTH 5 /* evicted/<consumer>/pcap/YYYY/MM/DD/HH */

static void evict_rewind_search(struct spool_search *e)
{
	e->hour[0] = e->last[0] = '\0';
	key_window_clear(&e->found);
	e->at = 0;
}

static DIR *evict_open_folder(int at, const char *path)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d && fd >= 0)
		close(fd);
	return d;
}

/* The oldest hour of any queue after the one looked at. */
static bool evict_next_hour(struct spool *s)
{
	struct spool_search *e = &s->search;
	char path[PATH_BYTES], hour[OBJECT_KEY_MAX], first[OBJECT_KEY_MAX] = "";

	for (size_t i = 0; i < s->nqueues; i++) {
		snprintf(path, sizeof path, "queue/%s", s->queues[i]);
		int fd = openat(s->dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (fd < 0)
			continue;
		if (spool_next_hour(fd, e->hour, hour) && (!first[0] || strcmp(hour, first) < 0))
			memcpy(first, hour, sizeof first);
		close(fd);
	}
	if (!first[0])
		return false;
	memcpy(e->hour, first, sizeof e->hour);
	e->last[0] = '\0';
	return true;
}

/* The hour's oldest bundles after the one found last. */
static void evict_list_hour(struct spool *s)
{
	struct spool_search *e = &s->search;
	char path[PATH_BYTES], key[PATH_BYTES];

	key_window_clear(&e->found);
	e->at = 0;
	for (size_t i = 0; i < s->nqueues; i++) {
		snprintf(path, sizeof path, "queue/%.40s/%s", s->queues[i], e->hour);
		DIR *d = evict_open_folder(s->dirfd, path);
		for (struct dirent *f; d && (f = readdir(d));) {
			if (!object_key_is_bundle(f->d_name) ||
			    snprintf(key, sizeof key, "%s/%s", e->hour, f->d_name) >=
				    OBJECT_KEY_MAX)
				continue;
			if (object_key_valid(key) && strverscmp(key, e->last) > 0)
				key_window_add(&e->found, key);
		}
		if (d)
			closedir(d);
	}
	key_window_sort(&e->found);
}

static bool evict_next_bundle(struct spool *s, char key[OBJECT_KEY_MAX])
{
	struct spool_search *e = &s->search;

	while (e->at == e->found.n) {
		if (!e->found.more && !evict_next_hour(s))
			return false;
		evict_list_hour(s);
	}
	memcpy(key, e->found.key[e->at++], OBJECT_KEY_MAX);
	memcpy(e->last, key, sizeof e->last);
	return true;
}

static int evict_move_entry(struct spool *s, const char *consumer, const char *key)
{
	char from[PATH_BYTES], to[PATH_BYTES];

	snprintf(from, sizeof from, "queue/%s/%s", consumer, key);
	snprintf(to, sizeof to, "evicted/%s/%s", consumer, key);
	if (renameat(s->dirfd, from, s->dirfd, to) == 0)
		return 0;
	int rc = errno == ENOENT ? fs_make_parents(s->dirfd, to, 0750, FS_NONE) : -errno;
	return !rc && renameat(s->dirfd, from, s->dirfd, to) < 0 ? -errno : rc;
}

/* Takes the entry out of one queue. 1; 0: it is not there, or in the consumer's hand; -errno. */
static int evict_take_out(struct spool *s, const char *consumer, const char *key,
			  spool_evicted_fn out, void *arg)
{
	char path[PATH_BYTES];
	struct stat st;

	snprintf(path, sizeof path, "queue/%s/%s", consumer, key);
	int fd = openat(s->dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == EMFILE || errno == ENFILE || errno == EIO ? -errno : 0;
	int rc = -ENOENT;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && flock(fd, LOCK_EX | LOCK_NB) == 0)
		rc = evict_move_entry(s, consumer, key);
	if (rc) {
		close(fd);
		return rc == -ENOENT ? 0 : rc;
	}
	struct spool_sum one = spool_share(&st);
	s->use.bytes -= one.bytes < s->use.bytes ? one.bytes : s->use.bytes;
	s->use.files -= one.files < s->use.files ? one.files : s->use.files;
	out(arg, consumer, key, fd);
	return 1;
}

/* A commit that failed half-way is made again: what it has linked already stays. */
static bool evict_is_pending(const struct spool *s, const char *key)
{
	for (size_t i = 0; i < s->npending; i++)
		if (strcmp(s->pending[i].key, key) == 0)
			return true;
	return false;
}

static int evict_take_out_of_all(struct spool *s, const char *key, spool_evicted_fn out, void *arg)
{
	int n = 0;

	for (size_t i = 0; i < s->nqueues && !evict_is_pending(s, key); i++) {
		int rc = evict_take_out(s, s->queues[i], key, out, arg);
		if (rc < 0)
			return n ? 1 : rc;
		n += rc;
	}
	return n > 0;
}

int spool_evict(struct spool *s, spool_evicted_fn out, void *arg)
{
	struct spool_search *e = &s->search;
	uint64_t begin = clock_mono_ns();
	char key[OBJECT_KEY_MAX];

	if (begin < e->none_until_ns)
		return 0;
	if (!e->found.max && key_window_init(&e->found, FOUND_MAX, strverscmp))
		return -ENOMEM;
	if (begin - e->found_ns > PLACE_NS)
		evict_rewind_search(e);
	for (bool whole = !e->hour[0];;) {
		while (evict_next_bundle(s, key)) {
			int rc = evict_take_out_of_all(s, key, out, arg);
			if (rc) {
				e->found_ns = begin;
				return rc;
			}
		}
		evict_rewind_search(e);
		if (whole)
			break;
		whole = true;
	}
	uint64_t end = clock_mono_ns();
	e->none_until_ns = end + SPOOL_REST * (end - begin);
	return 0;
}

int spool_evicted(struct spool *s, const char *consumer, const char *key)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof path, "evicted/%s/%s", consumer, key);
	if (unlinkat(s->dirfd, path, 0) < 0 && errno != ENOENT)
		return -errno;
	*strrchr(path, '/') = '\0';
	spool_rmdirs(s->dirfd, path);
	return 0;
}

struct left {
	struct spool *s;
	const char *consumer;
	size_t max;
	spool_evicted_fn out;
	void *arg;
};

/* folder: below evicted/<consumer>/, "" for that itself. */
static int evict_look(struct left *l, const char *folder, int depth)
{
	char path[PATH_BYTES], key[PATH_BYTES];
	int rc = 0;

	snprintf(path, sizeof path, "evicted/%.40s%s%s", l->consumer, folder[0] ? "/" : "", folder);
	DIR *d = evict_open_folder(l->s->dirfd, path);
	if (!d)
		return errno == ENOENT ? 0 : -errno;
	for (struct dirent *f; !rc && l->max && (f = readdir(d));) {
		if (snprintf(key, sizeof key, "%s%s%s", folder, folder[0] ? "/" : "", f->d_name) >=
			    OBJECT_KEY_MAX ||
		    !object_key_valid(key))
			continue;
		if (depth) {
			rc = evict_look(l, key, depth - 1);
			continue;
		}
		int fd = openat(dirfd(d), f->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (fd < 0) {
			rc = -errno;
		} else {
			l->max--;
			l->out(l->arg, l->consumer, key, fd);
		}
	}
	closedir(d);
	/* A run that was killed between making the folders and moving the entry left them empty. */
	spool_rmdirs(l->s->dirfd, path);
	return rc;
}

int spool_left(struct spool *s, size_t max, spool_evicted_fn out, void *arg)
{
	struct left l = {.s = s, .max = max, .out = out, .arg = arg};
	int rc = 0;

	for (size_t i = 0; i < s->nqueues && !rc; i++) {
		l.consumer = s->queues[i];
		rc = evict_look(&l, "", EVICT_DEPTH);
	}
	return rc;
}

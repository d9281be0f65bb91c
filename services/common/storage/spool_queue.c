/*
 * The consumer's side. The window holds the QUEUE_WINDOW smallest keys above the cursor of one
 * hour's folder; the cursor is the last key handed out, so entries left in place are passed over
 * until the end.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "storage/key_window.h"
#include "storage/spool.h"
#include "storage/spool_dir.h"

#define QUEUE_WINDOW 4096

/* An empty folder stays so long after its last change, so that the current hour's is not made anew
 * all the time. */
#define FOLDER_KEPT_S 3600

/* queue/<consumer>/pcap/YYYY/MM/DD/HH: more levels are not ours. */
#define QUEUE_DEPTH 8

struct queue {
	int spoolfd, fd;
	char *consumer;
	char cursor[OBJECT_KEY_MAX];
	struct key_window window;
	size_t at;
};

int queue_open(const char *spool_dir, const char *consumer, struct queue **out)
{
	struct queue *q = calloc(1, sizeof *q);
	char path[OBJECT_KEY_MAX + 16];
	int rc;

	if (!q)
		return -ENOMEM;
	q->spoolfd = q->fd = -1;
	q->consumer = strdup(consumer);
	rc = q->consumer ? key_window_init(&q->window, QUEUE_WINDOW, strcmp) : -ENOMEM;
	if (!rc && (!object_key_valid(consumer) || strchr(consumer, '/')))
		rc = -EINVAL;
	if (!rc)
		rc = fs_open_dirs(spool_dir, 0750, &q->spoolfd);
	if (!rc) {
		snprintf(path, sizeof path, "queue/%s", consumer);
		rc = fs_make_dirs(q->spoolfd, path, 0750, FS_NONE);
	}
	if (!rc) {
		q->fd = openat(q->spoolfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (q->fd < 0)
			rc = -errno;
	}
	if (rc)
		queue_close(&q);
	else
		*out = q;
	return rc;
}

void queue_close(struct queue **qp)
{
	struct queue *q = *qp;

	if (!q)
		return;
	if (q->fd >= 0)
		close(q->fd);
	if (q->spoolfd >= 0)
		close(q->spoolfd);
	key_window_fini(&q->window);
	free(q->consumer);
	free(q);
	*qp = NULL;
}

void queue_rewind(struct queue *q)
{
	key_window_clear(&q->window);
	q->at = 0;
	q->cursor[0] = '\0';
}

static DIR *queue_open_folder(int at, const char *path)
{
	int fd = openat(at, path[0] ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return NULL;
	DIR *d = fdopendir(fd);
	if (!d)
		close(fd);
	return d;
}

static bool queue_join(char out[OBJECT_KEY_MAX], const char *folder, const char *name)
{
	int n = snprintf(out, OBJECT_KEY_MAX, "%s%s%s", folder, folder[0] ? "/" : "", name);
	return n > 0 && n < OBJECT_KEY_MAX;
}

/* Whether everything in the folder sorts at or below the cursor. */
static bool queue_passed(const struct queue *q, const char *folder)
{
	size_t n = strlen(folder);
	int c = strncmp(folder, q->cursor, n);

	/* A folder's entries continue with '/'; the cursor itself may lie in it. */
	return c < 0 || (c == 0 && q->cursor[n] != '\0' && q->cursor[n] > '/');
}

static int name_order(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Fills the window from the first folder, in order of names, that has an entry above the cursor. A
 * folder holds few folders (at most 31), so they are listed whole; files are not. Empty folders on
 * the way are removed. */
static void queue_search(struct queue *q, const char *folder, int depth)
{
	char sub[64][32], key[OBJECT_KEY_MAX];
	size_t nsub = 0, entries = 0;
	struct stat st;
	DIR *d = queue_open_folder(q->fd, folder);

	if (!d)
		return;
	if (fstat(dirfd(d), &st) < 0)
		st.st_mtime = time(NULL);
	for (struct dirent *e; (e = readdir(d));) {
		if (e->d_name[0] == '.')
			continue;
		entries++;
		if (e->d_type == DT_DIR) {
			if (nsub < 64 && strlen(e->d_name) < sizeof sub[0])
				strcpy(sub[nsub++], e->d_name);
		} else if (queue_join(key, folder, e->d_name) && object_key_valid(key) &&
			   strcmp(key, q->cursor) > 0) {
			key_window_add(&q->window, key);
		}
	}
	closedir(d);
	if (!entries && folder[0] && st.st_mtime + FOLDER_KEPT_S < time(NULL)) {
		/* The sealer makes it again should it need it. */
		unlinkat(q->fd, folder, AT_REMOVEDIR);
		return;
	}
	qsort(sub, nsub, sizeof sub[0], name_order);
	for (size_t i = 0; i < nsub && !q->window.n && depth > 0; i++)
		if (queue_join(key, folder, sub[i]) && !queue_passed(q, key))
			queue_search(q, key, depth - 1);
}

int queue_next(struct queue *q, char key[OBJECT_KEY_MAX])
{
	if (q->at == q->window.n) {
		key_window_clear(&q->window);
		q->at = 0;
		queue_search(q, "", QUEUE_DEPTH);
		key_window_sort(&q->window);
		if (!q->window.n) {
			queue_rewind(q);
			return 0;
		}
	}
	memcpy(key, q->window.key[q->at++], OBJECT_KEY_MAX);
	memcpy(q->cursor, key, OBJECT_KEY_MAX);
	return 1;
}

/* The sealer takes an entry away while it has the lock alone. So an entry that is locked is about
 * to go, and one that still has its name once we share the lock stays until we let go. */
static int queue_hold(const struct queue *q, const char *key, int fd)
{
	struct stat ours, named;

	if (flock(fd, LOCK_SH | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -ENOENT : -errno;
	if (fstat(fd, &ours) < 0 || fstatat(q->fd, key, &named, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return ours.st_ino == named.st_ino ? 0 : -ENOENT;
}

int queue_get(struct queue *q, const char *key, int *fd)
{
	*fd = -1;
	if (!object_key_valid(key))
		return -EINVAL;
	int opened = openat(q->fd, key, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (opened < 0)
		return -errno;
	int rc = queue_hold(q, key, opened);
	if (rc)
		close(opened);
	else
		*fd = opened;
	return rc;
}

int queue_done(struct queue *q, const char *key)
{
	if (!object_key_valid(key))
		return -EINVAL;
	return unlinkat(q->fd, key, 0) < 0 && errno != ENOENT ? -errno : 0;
}

int queue_bad(struct queue *q, const char *key)
{
	char to[2 * OBJECT_KEY_MAX];

	if (!object_key_valid(key))
		return -EINVAL;
	snprintf(to, sizeof to, "bad/%s/%s", q->consumer, key);
	int rc = fs_make_parents(q->spoolfd, to, 0750, FS_NONE);
	if (rc)
		return rc;
	return renameat(q->fd, key, q->spoolfd, to) < 0 ? -errno : 0;
}

static uint64_t queue_count_in(int at, const char *name, int depth, uint64_t max)
{
	uint64_t n = 0;
	DIR *d = queue_open_folder(at, name);

	if (!d)
		return 0;
	for (struct dirent *e; n < max && (e = readdir(d));) {
		if (e->d_name[0] == '.')
			continue;
		if (e->d_type != DT_DIR)
			n++;
		else if (depth > 0)
			n += queue_count_in(dirfd(d), e->d_name, depth - 1, max - n);
	}
	closedir(d);
	return n;
}

uint64_t queue_count(struct queue *q, uint64_t max)
{
	return queue_count_in(q->fd, "", QUEUE_DEPTH, max);
}

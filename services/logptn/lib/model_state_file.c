#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "logptn/lib/model_state.h"

static int read_all(int fd, struct buf *b)
{
	for (;;) {
		uint8_t *p = buf_room(b, 65536);
		ssize_t n;

		if (!p)
			return -EFBIG;
		n = read(fd, p, 65536);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : 0;
		b->n += (size_t)n;
	}
}

int model_state_read(const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), r;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	r = read_all(fd, out);
	close(fd);
	return r;
}

int model_state_load_file(struct skels *t, const char *path)
{
	struct buf b;
	int r;

	buf_init(&b, MODEL_STATE_MAX + 65536);
	r = model_state_read(path, &b);
	if (!r && b.n)
		r = model_state_load(t, buf_bytes(&b));
	if (r)
		fprintf(stderr, "logptn: %s: %s\n", path,
			r == -EBADMSG           ? "damaged, or not a state of logptn"
			: r == -EPROTONOSUPPORT ? "written by another version"
						: strerror(-r));
	buf_fini(&b);
	return r;
}

static int write_synced(const char *path, struct bytes b)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600), r = 0;

	if (fd < 0)
		return -errno;
	while (!r && b.n) {
		ssize_t n = write(fd, b.p, b.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			r = -errno;
		} else {
			b.p += n;
			b.n -= (size_t)n;
		}
	}
	if (!r && fsync(fd))
		r = -errno;
	if (close(fd) && !r)
		r = -errno;
	return r;
}

/* The rename is durable when the directory is. */
static int sync_parent(const char *path)
{
	char *copy = strdup(path);
	int fd, r = 0;

	if (!copy)
		return -ENOMEM;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd))
		r = -errno;
	if (fd >= 0)
		close(fd);
	free(copy);
	return r;
}

int model_state_write(const char *path, struct bytes b)
{
	char *tmp = NULL;
	int r = -ENOMEM;

	if (asprintf(&tmp, "%s.%ld.tmp", path, (long)getpid()) < 0)
		return r;
	r = write_synced(tmp, b);
	if (!r && rename(tmp, path))
		r = -errno;
	if (r)
		unlink(tmp);
	else
		r = sync_parent(path);
	free(tmp);
	return r;
}

int model_state_save_file(const struct skels *t, const char *path)
{
	struct buf b;
	int r;

	buf_init(&b, MODEL_STATE_MAX + 4096);
	r = model_state_save(t, &b);
	if (!r)
		r = model_state_write(path, buf_bytes(&b));
	if (r)
		fprintf(stderr, "logptn: %s: %s\n", path, strerror(-r));
	buf_fini(&b);
	return r;
}

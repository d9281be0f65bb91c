#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
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

static int write_state(void *arg, int fd)
{
	const struct bytes *b = arg;

	return fs_write_all(fd, b->p, b->n);
}

int model_state_write(const char *path, struct bytes b)
{
	char *tmp = NULL;
	int r;

	/* Two commands may save the same state: each has a temporary file of its own. */
	if (asprintf(&tmp, "%s.%ld.tmp", path, (long)getpid()) < 0)
		return -ENOMEM;
	/* The state holds the ids of log templates, and the lines that it was learnt from may be
	 * gone. */
	r = fs_replace_at(AT_FDCWD, tmp, path, 0600, FS_FILE_AND_DIR, write_state, &b);
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

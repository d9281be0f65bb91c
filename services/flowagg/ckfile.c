#include "flowagg/ckfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flowagg/checkpoint.h"

#define WRITE_BUFFER (1u << 20)

struct file {
	int fd;
	uint8_t *buf;
	size_t n;
};

static int drain(struct file *f)
{
	for (size_t at = 0; at < f->n;) {
		ssize_t w = write(f->fd, f->buf + at, f->n - at);
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return w < 0 ? -errno : -ENOSPC;
		at += (size_t)w;
	}
	f->n = 0;
	return 0;
}

static int put(void *arg, const void *p, size_t n)
{
	struct file *f = arg;

	/* checkpoint_save gives pieces of a few KiB. */
	if (f->n + n > WRITE_BUFFER) {
		int rc = drain(f);
		if (rc)
			return rc;
	}
	memcpy(f->buf + f->n, p, n);
	f->n += n;
	return 0;
}

static int sync_folder(const char *path)
{
	char dir[4096];
	int rc = 0;

	if (strlen(path) >= sizeof dir)
		return -ENAMETOOLONG;
	strcpy(dir, path);
	char *slash = strrchr(dir, '/');
	if (!slash)
		return -EINVAL;
	*slash = '\0';
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

int ckfile_save(const char *path, const struct agg *a)
{
	char tmp[4096];
	int rc;

	if (snprintf(tmp, sizeof tmp, "%s.new", path) >= (int)sizeof tmp)
		return -ENAMETOOLONG;
	struct file f = {.fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640)};
	if (f.fd < 0)
		return -errno;
	f.buf = malloc(WRITE_BUFFER);
	rc = f.buf ? checkpoint_save(a, put, &f) : -ENOMEM;
	if (!rc)
		rc = drain(&f);
	if (!rc && fsync(f.fd) < 0)
		rc = -errno;
	close(f.fd);
	free(f.buf);
	if (!rc && rename(tmp, path) < 0)
		rc = -errno;
	if (!rc)
		rc = sync_folder(path);
	if (rc)
		unlink(tmp);
	return rc;
}

/* Maps the file; *n 0 with a NULL pointer for an empty one. */
static int map(const char *path, const uint8_t **p, size_t *n)
{
	struct stat st;
	int rc = 0;

	*p = NULL;
	*n = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		rc = -errno;
	if (!rc && st.st_size > 0) {
		void *m = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (m == MAP_FAILED) {
			rc = -errno;
		} else {
			*p = m;
			*n = (size_t)st.st_size;
		}
	}
	close(fd);
	return rc;
}

static void unmap(const uint8_t *p, size_t n)
{
	union {
		const uint8_t *c;
		void *v;
	} u = {.c = p};

	if (p)
		munmap(u.v, n);
}

int ckfile_load(const char *path, struct agg *a, const struct agg_limits *limits, agg_seal_fn seal,
		void *arg)
{
	const uint8_t *p;
	size_t n;

	int rc = map(path, &p, &n);
	if (rc)
		return rc;
	rc = checkpoint_load(a, limits, seal, arg, p, n);
	unmap(p, n);
	return rc;
}

int ckfile_heads(const char *path, uint64_t *next, uint64_t *next_seal)
{
	const uint8_t *p;
	size_t n;

	int rc = map(path, &p, &n);
	if (rc)
		return rc;
	rc = checkpoint_verify(p, n, next, next_seal);
	unmap(p, n);
	return rc;
}

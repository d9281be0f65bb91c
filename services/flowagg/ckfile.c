#include "flowagg/ckfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flowagg/checkpoint.h"
#include "pkt/mapped.h"

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

/* Maps the file, which may be as large as the memory for flows. A page that cannot be read is
 * zeros, which the checksum knows from what was written. m->n is 0 for an empty file. */
static int map(const char *path, struct mapped *m)
{
	struct stat st;
	int rc = 0;

	*m = (struct mapped){0};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		rc = -errno;
	if (!rc && st.st_size > 0)
		rc = mapped_open(m, fd, (size_t)st.st_size);
	close(fd);
	return rc;
}

/* unmap: rc, or -EIO if a page could not be read. */
static int unmap(struct mapped *m, int rc)
{
	if (m->failed)
		rc = -EIO;
	if (m->n)
		mapped_close(m);
	return rc;
}

int ckfile_load(const char *path, struct agg *a, const struct agg_limits *limits, agg_seal_fn seal,
		void *arg)
{
	struct mapped m;

	int rc = map(path, &m);
	if (rc)
		return rc;
	int loaded = checkpoint_load(a, limits, seal, arg, m.p, m.n);
	rc = unmap(&m, loaded);
	if (rc && !loaded)
		agg_fini(a);
	return rc;
}

int ckfile_heads(const char *path, uint64_t *next, uint64_t *next_seal)
{
	struct mapped m;

	int rc = map(path, &m);
	return rc ? rc : unmap(&m, checkpoint_verify(m.p, m.n, next, next_seal));
}

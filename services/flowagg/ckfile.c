#include "flowagg/ckfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "flowagg/checkpoint.h"
#include "pkt/mapped.h"

#define WRITE_BUFFER (1u << 20)

struct file {
	int fd;
	uint8_t *buf;
	size_t n;
};

static int ckfile_put(void *arg, const void *p, size_t n)
{
	struct file *f = arg;

	/* checkpoint_save gives pieces of a few KiB. */
	if (f->n + n > WRITE_BUFFER) {
		int rc = fs_write_all(f->fd, f->buf, f->n);
		if (rc)
			return rc;
		f->n = 0;
	}
	memcpy(f->buf + f->n, p, n);
	f->n += n;
	return 0;
}

struct saving {
	const struct agg *a;
	uint8_t *buf;
};

static int ckfile_write(void *arg, int fd)
{
	const struct saving *s = arg;
	struct file f = {.fd = fd, .buf = s->buf};

	int rc = checkpoint_save(s->a, ckfile_put, &f);
	return rc ? rc : fs_write_all(fd, f.buf, f.n);
}

int ckfile_save(const char *path, const struct agg *a)
{
	struct saving s = {.a = a, .buf = malloc(WRITE_BUFFER)};

	if (!s.buf)
		return -ENOMEM;
	/* The seal log is emptied and the journal's mark set after this; neither may reach the disk
	 * before the checkpoint. */
	int rc = fs_replace_by(path, 0640, FS_FILE_AND_DIR, ckfile_write, &s);
	free(s.buf);
	return rc;
}

/* Maps the file, which may be as large as the memory for flows. A page that cannot be read is
 * zeros, which the checksum knows from what was written. m->n is 0 for an empty file. */
static int ckfile_map(const char *path, struct mapped *m)
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
static int ckfile_unmap(struct mapped *m, int rc)
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

	int rc = ckfile_map(path, &m);
	if (rc)
		return rc;
	int loaded = checkpoint_load(a, limits, seal, arg, m.p, m.n);
	rc = ckfile_unmap(&m, loaded);
	if (rc && !loaded)
		agg_fini(a);
	return rc;
}

int ckfile_heads(const char *path, uint64_t *next, uint64_t *next_seal)
{
	struct mapped m;

	int rc = ckfile_map(path, &m);
	return rc ? rc : ckfile_unmap(&m, checkpoint_verify(m.p, m.n, next, next_seal));
}

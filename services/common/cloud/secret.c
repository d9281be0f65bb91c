#include "cloud/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int secret_file(const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;
	if (fd < 0)
		return -errno;
	buf_reset(out);
	for (;;) {
		uint8_t *p = buf_room(out, 4096);
		ssize_t n = p ? read(fd, p, 4096) : -1;
		if (n <= 0) {
			rc = !p ? out->rc : n < 0 ? -errno : 0;
			break;
		}
		out->n += (size_t)n;
	}
	close(fd);
	return rc;
}

int secret_line(const char *path, char *out, size_t n)
{
	struct buf b;
	buf_init(&b, 1u << 16);
	int rc = secret_file(path, &b);
	size_t len = 0;
	while (!rc && len < b.n && b.p[len] > ' ')
		len++;
	if (!rc && (len == 0 || len >= n))
		rc = -EINVAL;
	if (!rc) {
		memcpy(out, b.p, len);
		out[len] = '\0';
	}
	if (b.p)
		explicit_bzero(b.p, b.n);
	buf_fini(&b);
	return rc;
}

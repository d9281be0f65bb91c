#include "pager.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RUN (1u << 20)

struct pager {
	const char *dir;
	int fd;
	uint64_t written; /* to the file */
	uint8_t *tail;    /* what follows it, not written yet */
	size_t tail_n;
	/* A run of the file: places are read back mostly in the order in which they were written.
	 */
	uint8_t *head;
	uint64_t head_at;
	size_t head_n;
};

int pager_new(const char *dir, struct pager **out)
{
	struct pager *p = calloc(1, sizeof *p);

	*out = p;
	if (!p)
		return -ENOMEM;
	p->dir = dir;
	p->fd = -1;
	return 0;
}

void pager_free(struct pager **p)
{
	if (!*p)
		return;
	if ((*p)->fd >= 0)
		close((*p)->fd);
	free((*p)->tail);
	free((*p)->head);
	free(*p);
	*p = NULL;
}

static int make_file(struct pager *p)
{
	char path[PATH_MAX];

	p->fd = open(p->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (p->fd >= 0)
		return 0;
	if (errno != EOPNOTSUPP && errno != EISDIR)
		return -errno;
	/* Not every filesystem has files without a name. */
	if ((size_t)snprintf(path, sizeof path, "%s/lurker-pages-XXXXXX", p->dir) >= sizeof path)
		return -ENAMETOOLONG;
	p->fd = mkostemp(path, O_CLOEXEC);
	if (p->fd < 0)
		return -errno;
	unlink(path);
	return 0;
}

static int write_out(struct pager *p, const uint8_t *data, size_t n)
{
	if (p->fd < 0) {
		int rc = make_file(p);
		if (rc)
			return rc;
	}
	while (n) {
		ssize_t got = pwrite(p->fd, data, n, (off_t)p->written);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		data += got;
		n -= (size_t)got;
		p->written += (uint64_t)got;
	}
	return 0;
}

int pager_write(struct pager *p, const void *data, size_t n, uint64_t *place)
{
	if (!p->tail) {
		p->tail = malloc(RUN);
		if (!p->tail)
			return -ENOMEM;
	}
	if (n > RUN - p->tail_n) {
		uint64_t before = p->written;
		int rc = write_out(p, p->tail, p->tail_n);
		if (rc) {
			p->written = before;
			return rc;
		}
		p->tail_n = 0;
	}
	*place = p->written + p->tail_n;
	if (n > RUN) {
		int rc = write_out(p, data, n);
		if (rc)
			p->written = *place;
		return rc;
	}
	memcpy(p->tail + p->tail_n, data, n);
	p->tail_n += n;
	return 0;
}

static int read_in(struct pager *p, uint64_t place, uint8_t *data, size_t n, size_t *got)
{
	*got = 0;
	while (*got < n) {
		ssize_t r = pread(p->fd, data + *got, n - *got, (off_t)(place + *got));
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (!r)
			break;
		*got += (size_t)r;
	}
	return 0;
}

int pager_read(struct pager *p, uint64_t place, void *data, size_t n)
{
	size_t got;
	int rc;

	if (place >= p->written) {
		if (place - p->written > p->tail_n || n > p->tail_n - (place - p->written))
			return -EIO;
		memcpy(data, p->tail + (place - p->written), n);
		return 0;
	}
	if (n <= RUN / 2) {
		if (!p->head)
			p->head = malloc(RUN);
		if (!p->head)
			return -ENOMEM;
		if (place < p->head_at || place + n > p->head_at + p->head_n) {
			p->head_n = 0;
			rc = read_in(p, place, p->head, RUN, &got);
			if (rc)
				return rc;
			p->head_at = place;
			p->head_n = got;
		}
		if (n > p->head_n)
			return -EIO;
		memcpy(data, p->head + (place - p->head_at), n);
		return 0;
	}
	rc = read_in(p, place, data, n, &got);
	return rc ? rc : got == n ? 0 : -EIO;
}

uint64_t pager_bytes(const struct pager *p)
{
	return p->written + p->tail_n;
}

#include "journal_ranges.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "storage/journal_segment.h"

static int journal_ranges_scan(int dirfd, uint64_t first, struct journal_ranges *w)
{
	char name[SEGMENT_NAME];
	uint64_t records = 0, good;
	int linktype;

	segment_name(first, name);
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno; /* removed meanwhile */
	int rc = segment_scan(fd, &records, &good, &linktype);
	close(fd);
	if (!rc)
		w->v[w->n++] = (struct journal_range){first, first + records};
	return rc;
}

int journal_ranges_read(const char *dir, uint64_t from, struct journal_ranges *w)
{
	uint64_t *list;
	size_t n;

	*w = (struct journal_ranges){0};
	int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return errno == ENOENT ? 0 : -errno;
	int rc = segment_list(dirfd, &list, &n);
	if (rc) {
		close(dirfd);
		return rc;
	}
	w->v = calloc(n + 1, sizeof *w->v);
	if (!w->v)
		rc = -ENOMEM;
	for (size_t i = 0; i < n && !rc; i++)
		if (i + 1 == n || list[i + 1] > from)
			rc = journal_ranges_scan(dirfd, list[i], w);
	free(list);
	close(dirfd);
	return rc;
}

void journal_ranges_free(struct journal_ranges *w)
{
	free(w->v);
	*w = (struct journal_ranges){0};
}

uint64_t journal_ranges_count(const struct journal_ranges *w, uint64_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < w->n; i++) {
		uint64_t from = w->v[i].from > n ? w->v[i].from : n;
		if (w->v[i].to > from)
			sum += w->v[i].to - from;
	}
	return sum;
}

uint64_t journal_ranges_end(const struct journal_ranges *w)
{
	return w->n ? w->v[w->n - 1].to : 0;
}

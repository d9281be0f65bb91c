/*
 * The journal's reader: a window of bytes slides over one segment after the other.
 *
 *   number   of the record at `at`
 *   want     what the caller asked for; records below it are passed over
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "pkt/capfile.h"
#include "storage/journal.h"
#include "storage/journal_segment.h"

#define WINDOW (CAPFILE_MAX_PACKET + (1u << 18))

/* 20 digits, a newline, a NUL, and room to see that there is more. */
#define MARK_TEXT 24

struct journal_reader {
	int dirfd, fd; /* fd -1: between segments */
	char *dir;
	uint64_t want;
	uint64_t first, number;
	int linktype; /* -1: the header was not read yet */
	uint64_t off; /* in the file, of buf */
	size_t at, have;
	bool broken; /* no record at `at`: the segment ends here */
	uint8_t *buf;
};

int journal_reader_new(const char *dir, struct journal_reader **out)
{
	struct journal_reader *r = calloc(1, sizeof *r);

	if (!r)
		return -ENOMEM;
	*r = (struct journal_reader){.dirfd = -1, .fd = -1};
	r->dir = strdup(dir);
	r->buf = malloc(WINDOW);
	if (!r->dir || !r->buf) {
		journal_reader_free(&r);
		return -ENOMEM;
	}
	*out = r;
	return 0;
}

static void journal_reader_leave(struct journal_reader *r)
{
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
}

void journal_reader_free(struct journal_reader **rp)
{
	struct journal_reader *r = *rp;

	if (!r)
		return;
	journal_reader_leave(r);
	if (r->dirfd >= 0)
		close(r->dirfd);
	free(r->buf);
	free(r->dir);
	free(r);
	*rp = NULL;
}

void journal_reader_seek(struct journal_reader *r, uint64_t n)
{
	/* Forward within the open segment nothing is to be found again. */
	if (r->fd < 0 || n < r->number)
		journal_reader_leave(r);
	r->want = n;
}

uint64_t journal_reader_at(const struct journal_reader *r)
{
	return r->want;
}

static int journal_reader_enter(struct journal_reader *r, uint64_t first)
{
	char name[SEGMENT_NAME];

	segment_name(first, name);
	int fd = openat(r->dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	journal_reader_leave(r);
	r->fd = fd;
	r->first = r->number = first;
	r->linktype = -1;
	r->off = r->at = r->have = 0;
	r->broken = false;
	return 0;
}

/* The segment to go on with: the one that holds `want`, else the first one after it; while in a
 * segment, only a later one. 1 when it was entered, 0 when there is none (yet), -errno. */
static int journal_reader_hop(struct journal_reader *r)
{
	uint64_t *list, pick = 0;
	size_t n;

	if (r->dirfd < 0) {
		r->dirfd = open(r->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (r->dirfd < 0)
			return errno == ENOENT ? 0 : -errno;
	}
	int rc = segment_list(r->dirfd, &list, &n);
	if (rc)
		return rc;
	for (size_t i = 0; i < n; i++) {
		if (r->fd >= 0 && list[i] <= r->first)
			continue;
		if (!pick || list[i] <= r->want)
			pick = list[i];
	}
	free(list);
	if (!pick)
		return 0;
	rc = journal_reader_enter(r, pick);
	/* Removed between the listing and the opening: the next call lists again. */
	return rc == -ENOENT ? 0 : rc ? rc : 1;
}

/* Reads on into the window. 1 when bytes came, 0 at the end of the file, -errno. */
static int journal_reader_fill(struct journal_reader *r)
{
	memmove(r->buf, r->buf + r->at, r->have - r->at);
	r->off += r->at;
	r->have -= r->at;
	r->at = 0;
	ssize_t got;
	do
		got = pread(r->fd, r->buf + r->have, WINDOW - r->have, (off_t)(r->off + r->have));
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	r->have += (size_t)got;
	return got > 0;
}

/* The next record of the open segment. 1, 0 when there is none (yet), -errno. */
static int journal_reader_record(struct journal_reader *r, struct journal_packet *out)
{
	struct segment_record rec;

	while (!r->broken) {
		if (r->linktype < 0 && r->have - r->at >= PCAP_FILE_HEADER) {
			r->linktype = segment_header(r->buf + r->at, r->have - r->at);
			r->at += PCAP_FILE_HEADER;
			if (r->linktype < 0) {
				r->broken = true;
				break;
			}
		}
		int64_t size = 0;
		if (r->linktype >= 0)
			size = segment_record(r->buf + r->at, r->have - r->at, &rec);
		if (size < 0) {
			/* Not yet, if a writer is about to cut it off and write something else. */
			r->have = r->at;
			return 0;
		}
		if (size > 0) {
			*out = (struct journal_packet){
				.number = r->number++,
				.ts_ns = rec.ts_ns,
				.caplen = rec.caplen,
				.len = rec.len,
				.linktype = r->linktype,
				.data = r->buf + r->at + PCAP_RECORD_HEADER,
			};
			r->at += (size_t)size;
			return 1;
		}
		int rc = journal_reader_fill(r);
		if (rc <= 0)
			return rc;
	}
	return 0;
}

/* The next packet of the open segment that is wanted. 1, 0 when there is none (yet), -errno. */
static int journal_reader_wanted(struct journal_reader *r, struct journal_packet *out)
{
	int rc;

	while ((rc = journal_reader_record(r, out)) > 0 && out->number < r->want)
		;
	if (rc > 0)
		r->want = out->number + 1;
	return rc;
}

int journal_reader_next(struct journal_reader *r, struct journal_packet *out)
{
	int rc;

	for (;;) {
		if (r->fd < 0 && (rc = journal_reader_hop(r)) <= 0)
			return rc;
		rc = journal_reader_wanted(r, out);
		if (rc)
			return rc;
		/* At its end. A later segment means that this one has got its last record, but
		 * perhaps only after we looked: look once more before leaving it. */
		uint64_t first = r->first;
		uint64_t *list;
		size_t n;
		rc = segment_list(r->dirfd, &list, &n);
		if (rc)
			return rc;
		bool later = n && list[n - 1] > first;
		free(list);
		if (!later)
			return 0;
		rc = journal_reader_wanted(r, out);
		if (rc)
			return rc;
		rc = journal_reader_hop(r);
		if (rc <= 0)
			return rc;
	}
}

static int journal_reader_newest(const char *dir, uint64_t *oldest, uint64_t *first, int *out)
{
	uint64_t *list = NULL;
	char name[SEGMENT_NAME];
	size_t n = 0;

	int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return -errno;
	int rc = segment_list(dirfd, &list, &n);
	if (!rc && !n)
		rc = -ENOENT;
	if (!rc) {
		*oldest = list[0];
		*first = list[n - 1];
		segment_name(*first, name);
		*out = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (*out < 0)
			rc = -errno;
	}
	free(list);
	close(dirfd);
	return rc;
}

/* The writer may still be flushing the segment before the newest one, and the folder. */
int journal_flush(const char *dir)
{
	uint64_t *list = NULL;
	char name[SEGMENT_NAME];
	size_t n = 0;

	int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return errno == ENOENT ? 0 : -errno;
	int rc = segment_list(dirfd, &list, &n);
	for (size_t i = n > 2 ? n - 2 : 0; i < n && !rc; i++) {
		segment_name(list[i], name);
		int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		/* Removed meanwhile: nobody will read it again. */
		if (fd < 0 && errno != ENOENT)
			rc = -errno;
		if (fd < 0)
			continue;
		if (fdatasync(fd) < 0)
			rc = -errno;
		close(fd);
	}
	if (!rc && fsync(dirfd) < 0)
		rc = -errno;
	free(list);
	close(dirfd);
	return rc;
}

int journal_bounds(const char *dir, uint64_t *oldest, uint64_t *next)
{
	uint64_t first = 0, records, good;
	int linktype, fd = -1;

	*next = 0;
	int rc = journal_reader_newest(dir, oldest, &first, &fd);
	if (rc) {
		*oldest = 0;
		return rc == -ENOENT ? 0 : rc;
	}
	rc = segment_scan(fd, &records, &good, &linktype);
	close(fd);
	*next = rc ? 0 : first + records;
	return rc;
}

static int mark_path(const char *dir, const char *reader, char *out, size_t n)
{
	int len = snprintf(out, n, "%s/%s.mark", dir, reader);
	return len < 0 || (size_t)len >= n ? -ENAMETOOLONG : 0;
}

int journal_mark_set(const char *dir, const char *reader, uint64_t n)
{
	char path[PATH_MAX], text[MARK_TEXT];

	int rc = mark_path(dir, reader, path, sizeof path);
	if (rc)
		return rc;
	int len = snprintf(text, sizeof text, "%020" PRIu64 "\n", n);
	/* What power loss leaves is an older mark or none that can be read: both keep more segments
	 * than need be, until the reader sets the next one. */
	return fs_replace(path, text, (size_t)len, 0640, FS_NONE);
}

int journal_mark_get(const char *dir, const char *reader, uint64_t *n)
{
	char path[PATH_MAX], text[MARK_TEXT], *end;

	int rc = mark_path(dir, reader, path, sizeof path);
	if (rc)
		return rc;
	ssize_t got = fs_read_text(AT_FDCWD, path, text, sizeof text);
	if (got < 0)
		return (int)got;
	if (got != 21 || text[0] < '0' || text[0] > '9')
		return -EBADMSG;
	errno = 0;
	*n = strtoull(text, &end, 10);
	return errno || *end != '\n' ? -EBADMSG : 0;
}

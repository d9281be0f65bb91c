#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "storage/records.h"
#include "storage/records_day.h"

#define MAX_LINE   (64u << 20)
#define FIRST_BUF  (64u << 10)
#define KEEP_BUF   (1u << 20)  /* memory kept when the lines are short again */
#define READ_AHEAD (32u << 10) /* least room before a read */
#define SCAN_EVERY \
	16 /* idle reads between two looks for a later day, see records_reader_finished() */

struct records_reader {
	char *dir;
	int dirfd, fd;          /* -1: not open */
	gzFile gz;              /* of the open file, when it is compressed */
	struct records_pos pos; /* of buf[start] */
	uint8_t *buf;
	size_t cap, start, scanned, end; /* start <= scanned <= end; no newline before scanned */
	bool skipping;                   /* inside a line that was too long */
	bool over; /* nothing will be added to the open file; as of before the last read */
	unsigned idle;
	uint64_t skipped;
};

int records_reader_open(const char *dir, struct records_pos from, struct records_reader **out)
{
	struct records_reader *r = calloc(1, sizeof *r);
	if (!r)
		return -ENOMEM;
	r->dirfd = r->fd = -1;
	r->pos = from;
	r->dir = strdup(dir);
	if (!r->dir) {
		records_reader_close(&r);
		return -ENOMEM;
	}
	*out = r;
	return 0;
}

static void records_reader_close_file(struct records_reader *r)
{
	if (r->gz)
		gzclose(r->gz);
	else if (r->fd >= 0)
		close(r->fd);
	r->gz = NULL;
	r->fd = -1;
	r->start = r->scanned = r->end = 0;
	r->over = r->skipping = false;
}

void records_reader_close(struct records_reader **rp)
{
	struct records_reader *r = *rp;
	if (!r)
		return;
	records_reader_close_file(r);
	if (r->dirfd >= 0)
		close(r->dirfd);
	free(r->buf);
	free(r->dir);
	free(r);
	*rp = NULL;
}

uint64_t records_reader_skipped(const struct records_reader *r)
{
	return r->skipped;
}

/* Opens the compressed file and goes to the offset. */
static int records_reader_open_gz(struct records_reader *r)
{
	char skip[8192];
	r->gz = gzdopen(r->fd, "rb");
	if (!r->gz)
		return -ENOMEM;
	gzbuffer(r->gz, 64u << 10);
	for (uint64_t left = r->pos.offset; left > 0;) {
		int n = gzread(r->gz, skip, left < sizeof skip ? (unsigned)left : sizeof skip);
		if (n <= 0)
			break; /* shorter than it was, or damaged: the next read ends this day */
		left -= (uint64_t)n;
	}
	return 0;
}

/* Opens the file of pos.day, or of the first day after it that has one. 1, 0 when there is none,
 * -errno. */
static int records_reader_open_file(struct records_reader *r)
{
	char name[DAY_NAME];
	uint32_t first, last;
	if (r->dirfd < 0) {
		r->dirfd = open(r->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (r->dirfd < 0)
			return errno == ENOENT ? 0 : -errno; /* its writer has not come yet */
	}
	for (;;) {
		/* In this order: the plain file goes when the compressed one is there. */
		for (int gz = 0; gz < 2 && r->pos.day; gz++) {
			day_name(r->pos.day, gz, name);
			r->fd = openat(r->dirfd, name, O_RDONLY | O_CLOEXEC);
			if (r->fd < 0 && errno != ENOENT)
				return -errno;
			if (r->fd < 0)
				continue;
			int rc = gz ? records_reader_open_gz(r) : 0;
			if (rc < 0)
				records_reader_close_file(r);
			return rc < 0 ? rc : 1;
		}
		uint32_t noted = day_noted(r->dirfd, r->pos.day);
		if (noted) {
			r->pos.day = noted;
			continue;
		}
		int rc = day_after(r->dirfd, r->pos.day, &first, &last);
		if (rc < 0 || first == 0)
			return rc;
		r->pos = (struct records_pos){.day = first};
	}
}

/* Makes room behind end; drops what was consumed. */
static int records_reader_make_room(struct records_reader *r)
{
	if (r->start > 0) {
		memmove(r->buf, r->buf + r->start, r->end - r->start);
		r->scanned -= r->start;
		r->end -= r->start;
		r->start = 0;
	}
	size_t cap = r->cap ? r->cap * 2 : FIRST_BUF;
	if (r->cap > KEEP_BUF && r->end <= KEEP_BUF / 2)
		cap = KEEP_BUF;
	else if (r->cap - r->end >= READ_AHEAD)
		return 0;
	uint8_t *p = realloc(r->buf, cap);
	if (!p)
		return -ENOMEM;
	r->buf = p;
	r->cap = cap;
	return 0;
}

/* Reads more. 1, 0 at the end (for now), -errno. */
static int records_reader_fill(struct records_reader *r)
{
	struct stat st;
	int rc = records_reader_make_room(r);
	if (rc < 0)
		return rc;
	ssize_t n;
	if (r->gz) {
		r->over = true;
		n = gzread(r->gz, r->buf + r->end, (unsigned)(r->cap - r->end));
		if (n < 0) {
			r->skipped++; /* a damaged file: what is behind the damage is lost */
			n = 0;
		}
	} else {
		/* Asked before the read: what is sealed then has nothing more after it. */
		if (fstat(r->fd, &st) < 0)
			return -errno;
		r->over = r->over || day_sealed(&st);
		n = pread(r->fd, r->buf + r->end, r->cap - r->end,
			  (off_t)(r->pos.offset + r->end - r->start));
		if (n < 0)
			return -errno;
	}
	r->end += (size_t)n;
	return n > 0;
}

/* At the end of the open file: whether to go on to the next day. Writers seal a day before they
 * begin another; files from elsewhere (a copy, a restored backup) may be unsealed though later ones
 * exist, so that is looked up now and then. Then one more read decides. */
static bool records_reader_finished(struct records_reader *r, bool *again)
{
	/* The open file may have got another name. */
	if (r->over || r->idle % SCAN_EVERY == 0) {
		uint32_t noted = day_noted(r->dirfd, r->pos.day);
		r->pos.day = noted ? noted : r->pos.day;
	}

	uint32_t first = 0, last;
	*again = false;
	if (r->over)
		return true;
	if (++r->idle % SCAN_EVERY == 0 && day_after(r->dirfd, r->pos.day, &first, &last) == 0 &&
	    first > 0)
		r->over = *again = true;
	return false;
}

/* Goes to the day after the open one, if there is one: an unfinished line at its end was torn. */
static bool records_reader_next_day(struct records_reader *r)
{
	uint32_t first, last;
	if (day_after(r->dirfd, r->pos.day, &first, &last) < 0 || first == 0)
		return false;
	r->skipped += r->end > r->start || r->skipping;
	records_reader_close_file(r);
	r->pos = (struct records_pos){.day = first};
	return true;
}

/* A line as written by records_append: one JSON object. What a power loss leaves is cut, closed by
 * a control character, or holds NULs. */
static bool records_reader_whole(struct bytes line)
{
	return line.n >= 2 && line.p[0] == '{' && line.p[line.n - 1] == '}' &&
	       !memchr(line.p, '\0', line.n);
}

/* Takes the next line out of the buffer; false when none is complete. */
static bool records_reader_take_line(struct records_reader *r, struct bytes *line)
{
	uint8_t *newline =
		r->end > r->scanned ? memchr(r->buf + r->scanned, '\n', r->end - r->scanned) : NULL;
	if (!newline) {
		r->scanned = r->end;
		if (!r->skipping && r->end - r->start <= MAX_LINE)
			return false;
		r->skipping = true;
		r->pos.offset += r->end - r->start;
		r->start = r->scanned = r->end = 0;
		return false;
	}
	*line = bytes_of(r->buf + r->start, (size_t)(newline - (r->buf + r->start)));
	r->pos.offset += line->n + 1;
	r->start += line->n + 1;
	r->scanned = r->start;
	if (r->skipping || line->n > MAX_LINE)
		line->n = 0; /* the rest of what was too long */
	r->skipping = false;
	return true;
}

int records_next(struct records_reader *r, struct bytes *line, struct records_pos *after)
{
	for (;;) {
		if (r->fd < 0) {
			int rc = records_reader_open_file(r);
			if (rc <= 0)
				return rc;
		}
		while (records_reader_take_line(r, line)) {
			if (records_reader_whole(*line)) {
				*after = r->pos;
				return 1;
			}
			r->skipped++;
		}
		bool again;
		int rc = records_reader_fill(r);
		if (rc < 0)
			return rc;
		if (rc > 0)
			continue;
		if (records_reader_finished(r, &again) ? !records_reader_next_day(r) : !again)
			return 0;
	}
}

/*
 * The journal's writer. Invariant: `good` is the offset after the last whole record of the open
 * segment; readers may already have read up to there, so nothing below it is ever changed or cut.
 */
#include "storage/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "pkt/capfile.h"
#include "storage/journal_segment.h"

struct seg {
	uint64_t first, bytes;
};

struct journal {
	int dirfd, fd; /* fd: the newest segment, or -1 when the next append starts one */
	char *dir;
	struct journal_limits limits;
	int linktype;  /* of the open segment */
	uint64_t good; /* bytes of the open segment */
	uint64_t next; /* number of the next packet */
	bool dirty;
	struct seg
		*seg; /* all segments, oldest first; the open one is the last and counts `good` */
	size_t nseg, cap;
	uint64_t bytes; /* of all of them */
	uint64_t removed, removed_unread, set_aside;
	journal_flush_fn flush;
	void *flush_arg;
};

static int journal_push(struct journal *j, uint64_t first, uint64_t bytes)
{
	if (j->nseg == j->cap) {
		size_t more = j->cap ? 2 * j->cap : 64;
		struct seg *v = reallocarray(j->seg, more, sizeof *v);
		if (!v)
			return -ENOMEM;
		j->seg = v;
		j->cap = more;
	}
	j->seg[j->nseg++] = (struct seg){first, bytes};
	j->bytes += bytes;
	return 0;
}

/* The number after the oldest segment's last packet. */
static uint64_t journal_oldest_end(const struct journal *j)
{
	return j->nseg > 1 ? j->seg[1].first : j->next;
}

/* How many packets of the oldest segment the reader has still to read. Without a mark there is no
 * reader: none. A mark that cannot be read (no permission, an I/O error, damage) says nothing about
 * what was read: all of them. */
static uint64_t journal_oldest_unread(const struct journal *j)
{
	uint64_t mark, first = j->seg[0].first, end = journal_oldest_end(j);

	if (!j->limits.reader)
		return 0;
	int rc = journal_mark_get(j->dir, j->limits.reader, &mark);
	if (rc == -ENOENT)
		return 0;
	if (rc) {
		log_warn("journal mark cannot be read: nothing counts as read",
			 "dir=%s error=\"%s\"", j->dir, strerror(-rc));
		mark = first;
	}
	return mark >= end ? 0 : end - (mark > first ? mark : first);
}

static void journal_remove_oldest(struct journal *j)
{
	char name[SEGMENT_NAME];

	j->removed_unread += journal_oldest_unread(j);
	segment_name(j->seg[0].first, name);
	unlinkat(j->dirfd, name, 0);
	j->bytes -= j->seg[0].bytes;
	memmove(j->seg, j->seg + 1, --j->nseg * sizeof *j->seg);
	j->removed++;
}

/* Closed segments go, oldest first, until `more` bytes fit into the total. */
static void journal_keep_total(struct journal *j, uint64_t more)
{
	while (j->nseg > (j->fd >= 0 ? 1 : 0) && j->bytes + more > j->limits.total_bytes)
		journal_remove_oldest(j);
}

/* On a full disk: one closed segment of which nothing is unread. */
static bool journal_make_room(struct journal *j)
{
	if (j->nseg <= (j->fd >= 0 ? 1 : 0) || journal_oldest_unread(j))
		return false;
	journal_remove_oldest(j);
	return true;
}

/* Flushes a descriptor that stays ours: by the hook, a copy of it. */
static int journal_flush_fd(struct journal *j, int fd)
{
	if (!j->flush)
		return fdatasync(fd) < 0 ? -errno : 0;
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0)
		return -errno;
	j->flush(j->flush_arg, copy);
	return 0;
}

static void journal_segment_end(struct journal *j)
{
	if (j->fd < 0)
		return;
	if (j->dirty)
		journal_flush_fd(j, j->fd);
	j->dirty = false;
	close(j->fd);
	j->fd = -1;
}

static int journal_segment_begin(struct journal *j, int linktype)
{
	uint8_t head[PCAP_FILE_HEADER];
	char name[SEGMENT_NAME];

	journal_segment_end(j);
	/* A segment without a packet has the name that the new one gets. */
	if (j->nseg && j->seg[j->nseg - 1].first == j->next) {
		j->bytes -= j->seg[j->nseg - 1].bytes;
		j->nseg--;
	}
	journal_keep_total(j, j->limits.segment_bytes);
	segment_name(j->next, name);
	int fd = openat(j->dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	pcap_put_header(head, linktype, CAPFILE_MAX_PACKET);
	int rc = fs_write_all(fd, head, sizeof head);
	if (!rc)
		rc = journal_push(j, j->next, sizeof head);
	if (rc) {
		close(fd);
		unlinkat(j->dirfd, name, 0);
		return rc;
	}
	/* The name must be on disk before journal_sync may promise the bytes. */
	journal_flush_fd(j, j->dirfd);
	j->fd = fd;
	j->linktype = linktype;
	j->good = sizeof head;
	return 0;
}

/* journal_set_aside: what a segment has behind a damaged record, for a person: nobody knows the
 * numbers of these packets. Not what a kill or a power loss leaves: the beginning of a record, or
 * zeroes. */
static int journal_set_aside(struct journal *j, int from, const char *name, uint64_t good)
{
	char aside[SEGMENT_NAME + 4];
	struct segment_record rec;
	uint8_t *buf = malloc(CAPFILE_MAX_PACKET);
	uint64_t kept = 0;
	ssize_t n = 0;
	int to = -1, rc = buf ? 0 : -ENOMEM;

	if (rc)
		return rc;
	snprintf(aside, sizeof aside, "%s.bad", name);
	for (uint64_t at = good; !rc; at += (uint64_t)n) {
		n = pread(from, buf, CAPFILE_MAX_PACKET, (off_t)at);
		if (n <= 0) {
			rc = n < 0 ? -errno : 0;
			break;
		}
		if (at == good && segment_record(buf, (size_t)n, &rec) == 0)
			break;
		if (to < 0 && buf[0] == 0 && memcmp(buf, buf + 1, (size_t)n - 1) == 0)
			continue;
		if (to < 0)
			to = openat(j->dirfd, aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
				    0640);
		rc = to < 0 ? -errno : fs_write_all(to, buf, (size_t)n);
		kept += (uint64_t)n;
	}
	if (to >= 0) {
		if (!rc && fdatasync(to) < 0)
			rc = -errno;
		close(to);
	}
	free(buf);
	j->set_aside = kept;
	return rc;
}

/* Takes up the newest segment of a former run. */
static int journal_resume(struct journal *j, uint64_t min_next)
{
	uint64_t *list, records = 0, good;
	char name[SEGMENT_NAME];
	struct stat st;
	size_t n;

	int rc = segment_list(j->dirfd, &list, &n);
	if (rc)
		return rc;
	for (size_t i = 0; i < n && !rc; i++) {
		segment_name(list[i], name);
		if (fstatat(j->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			rc = -errno;
		else
			rc = journal_push(j, list[i], (uint64_t)st.st_size);
	}
	free(list);
	if (rc || !n)
		goto out;
	int fd = openat(j->dirfd, name, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	rc = segment_scan(fd, &records, &good, &j->linktype);
	if (!rc && j->linktype >= 0 && good < j->seg[n - 1].bytes)
		rc = journal_set_aside(j, fd, name, good);
	if (!rc && good < j->seg[n - 1].bytes && ftruncate(fd, (off_t)good) < 0)
		rc = -errno;
	if (rc) {
		close(fd);
		return rc;
	}
	j->bytes -= j->seg[n - 1].bytes - good;
	j->seg[n - 1].bytes = good;
	j->next = j->seg[n - 1].first + records;
	/* What power loss took cannot be told from what never was: flush before building on it. */
	fdatasync(fd);
	if (j->linktype < 0 || min_next > j->next) {
		close(fd);
	} else {
		j->fd = fd;
		j->good = good;
	}
out:
	if (j->next < min_next)
		j->next = min_next;
	return rc;
}

int journal_open(const char *dir, struct journal_limits limits, uint64_t min_next,
		 struct journal **out)
{
	struct journal *j = calloc(1, sizeof *j);
	int rc;

	if (!j)
		return -ENOMEM;
	*j = (struct journal){.dirfd = -1, .fd = -1, .limits = limits, .next = 1};
	j->dir = strdup(dir);
	if (!j->dir) {
		rc = -ENOMEM;
		goto out;
	}
	rc = fs_make_dir(dir, 0750);
	if (rc)
		goto out;
	j->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (j->dirfd < 0) {
		rc = -errno;
		goto out;
	}
	rc = journal_resume(j, min_next);
	if (!rc)
		journal_keep_total(j, 0);
out:
	if (rc)
		journal_close(&j);
	else
		*out = j;
	return rc;
}

void journal_close(struct journal **jp)
{
	struct journal *j = *jp;

	if (!j)
		return;
	journal_segment_end(j);
	if (j->dirfd >= 0)
		close(j->dirfd);
	free(j->seg);
	free(j->dir);
	free(j);
	*jp = NULL;
}

/* The records of b from `from` on that end within the first n bytes after from's beginning. */
static uint32_t journal_whole(const struct journal_batch *b, uint32_t from, uint64_t n)
{
	uint64_t base = b->rec[from].off - PCAP_RECORD_HEADER;
	uint32_t i = from;

	while (i < b->n && b->rec[i].off + b->rec[i].caplen - base <= n)
		i++;
	return i - from;
}

/* Accounts k records of b from `from` on as written; returns their bytes. */
static uint64_t journal_took(struct journal *j, const struct journal_batch *b, uint32_t from,
			     uint32_t k)
{
	const struct journal_rec *last = &b->rec[from + k - 1];
	uint64_t bytes = last->off + last->caplen - (b->rec[from].off - PCAP_RECORD_HEADER);

	j->good += bytes;
	j->seg[j->nseg - 1].bytes = j->good;
	j->bytes += bytes;
	j->next += k;
	j->dirty = true;
	return bytes;
}

int journal_append(struct journal *j, const struct journal_batch *b, uint32_t from, uint64_t *first,
		   uint32_t *taken)
{
	*taken = 0;
	*first = j->next;
	while (from < b->n) {
		uint32_t start = b->rec[from].off - PCAP_RECORD_HEADER;
		size_t bytes = b->bytes - start, done;
		int rc = 0;

		if (j->fd < 0 || j->linktype != b->linktype ||
		    (j->good > PCAP_FILE_HEADER && j->good + bytes > j->limits.segment_bytes))
			rc = journal_segment_begin(j, b->linktype);
		if (!rc) {
			rc = fs_write_counted(j->fd, b->p + start, bytes, &done);
			uint32_t k = rc ? journal_whole(b, from, done) : b->n - from;
			if (k)
				done -= journal_took(j, b, from, k);
			else if (!rc)
				done = 0;
			from += k;
			*taken += k;
			/* A torn record may stay only where no further one follows it. */
			if (rc && done && ftruncate(j->fd, (off_t)j->good) < 0)
				journal_segment_end(j);
		}
		if ((rc == -ENOSPC || rc == -EDQUOT) && journal_make_room(j))
			continue;
		if (rc)
			return rc;
	}
	return 0;
}

int journal_sync(struct journal *j)
{
	if (j->fd < 0 || !j->dirty)
		return 0;
	int rc = journal_flush_fd(j, j->fd);
	if (!rc)
		j->dirty = false;
	return rc;
}

void journal_on_flush(struct journal *j, journal_flush_fn fn, void *arg)
{
	j->flush = fn;
	j->flush_arg = arg;
}

uint64_t journal_next_number(const struct journal *j)
{
	return j->next;
}

struct journal_use journal_use(const struct journal *j)
{
	return (struct journal_use){
		.bytes = j->bytes,
		.segments = j->nseg,
		.oldest = j->nseg ? j->seg[0].first : j->next,
		.removed = j->removed,
		.removed_unread = j->removed_unread,
		.set_aside = j->set_aside,
	};
}

uint64_t journal_bytes_after(const struct journal *j, uint64_t n)
{
	uint64_t bytes = 0;

	for (size_t i = j->nseg; i-- > 0;) {
		bytes += j->seg[i].bytes;
		if (j->seg[i].first <= n)
			break;
	}
	return bytes;
}

#include "storage/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "proto/buf.h"
#include "storage/spool.h"

/* A consumer's name, a key and two numbers. */
#define LINE_BYTES 512

struct parsed {
	char consumer[64], key[OBJECT_KEY_MAX];
	struct ledger_line e;
};

/* Whether it is a whole line. */
static bool ledger_parse(const char *text, struct parsed *l)
{
	int end = 0;

	l->e = (struct ledger_line){0};
	if (sscanf(text, "%63s %199s %" SCNu64 " %" SCNu64 "%n", l->consumer, l->key, &l->e.packets,
		   &l->e.entries, &end) != 4 ||
	    strcmp(text + end, "\n") != 0)
		return false;
	l->e.consumer = l->consumer;
	l->e.key = strcmp(l->key, "-") == 0 ? NULL : l->key;
	return true;
}

int ledger_read(const char *path, int (*fn)(void *arg, const struct ledger_line *e), void *arg)
{
	char text[LINE_BYTES];
	struct parsed l;
	FILE *f = fopen(path, "re");
	int rc = 0;

	if (!f)
		return errno == ENOENT ? 0 : -errno;
	while (!rc && fgets(text, sizeof text, f))
		if (ledger_parse(text, &l))
			rc = fn(arg, &l.e);
	if (!rc && ferror(f))
		rc = -EIO;
	fclose(f);
	return rc;
}

void ledger_init(struct ledger *l, const char *path, uint64_t max_bytes)
{
	*l = (struct ledger){.path = path, .max_bytes = max_bytes, .fd = -1};
}

void ledger_close(struct ledger *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

/* Where the last whole line of size bytes ends: what a power cut leaves of a file, zeroes too, may
 * be longer than a line. */
static int find_end(int fd, off_t size, off_t *end)
{
	char block[LINE_BYTES];
	const char *last = NULL;

	for (*end = size; *end > 0 && !last;) {
		off_t from = *end > LINE_BYTES ? *end - LINE_BYTES : 0;
		ssize_t n = pread(fd, block, (size_t)(*end - from), from);
		if (n != *end - from)
			return n < 0 ? -errno : -EIO;
		last = memrchr(block, '\n', (size_t)n);
		*end = last ? from + (last - block) + 1 : from;
	}
	return 0;
}

/* Opens the file, or makes it, for good; what a power cut left of a line is cut off. */
static int ledger_open(struct ledger *l)
{
	struct stat st;
	off_t end = 0;

	l->fd = open(l->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	if (l->fd < 0)
		return -errno;
	int rc = fstat(l->fd, &st) < 0 ? -errno : 0;
	if (!rc)
		rc = find_end(l->fd, st.st_size, &end);
	if (!rc && end < st.st_size && ftruncate(l->fd, end) < 0)
		rc = -errno;
	l->bytes = (uint64_t)end;
	if (!rc)
		rc = fs_sync_parent(AT_FDCWD, l->path);
	if (rc)
		ledger_close(l);
	return rc;
}

static int ledger_print(struct buf *b, const struct ledger_line *e)
{
	return buf_addf(b, "%.63s %.199s %" PRIu64 " %" PRIu64 "\n", e->consumer,
			e->key ? e->key : "-", e->packets, e->entries);
}

/* What is older than the newest half is added up, by consumer. */
struct roll {
	uint64_t sum_until, at; /* bytes */
	struct {
		char consumer[64];
		uint64_t packets, entries;
	} sum[SPOOL_QUEUES];
	struct buf rest;
};

static int roll_line(void *arg, const struct ledger_line *e)
{
	struct roll *r = arg;
	size_t before = r->rest.n;
	int rc = ledger_print(&r->rest, e);

	r->at += r->rest.n - before;
	if (rc || r->at > r->sum_until)
		return rc;
	for (size_t i = 0; i < SPOOL_QUEUES; i++) {
		if (r->sum[i].consumer[0] && strcmp(r->sum[i].consumer, e->consumer) != 0)
			continue;
		snprintf(r->sum[i].consumer, sizeof r->sum[i].consumer, "%s", e->consumer);
		r->sum[i].packets += e->packets;
		r->sum[i].entries += e->entries;
		r->rest.n = before;
		break;
	}
	return 0;
}

static int write_rolled(void *arg, int fd)
{
	const struct roll *r = arg;
	struct buf sums;
	int rc = 0;

	buf_init(&sums, SPOOL_QUEUES * LINE_BYTES);
	for (size_t i = 0; i < SPOOL_QUEUES && r->sum[i].consumer[0] && !rc; i++) {
		struct ledger_line e = {.consumer = r->sum[i].consumer,
					.packets = r->sum[i].packets,
					.entries = r->sum[i].entries};
		rc = ledger_print(&sums, &e);
	}
	if (!rc)
		rc = fs_write_all(fd, sums.p, sums.n);
	if (!rc && r->rest.n)
		rc = fs_write_all(fd, r->rest.p, r->rest.n);
	buf_fini(&sums);
	return rc;
}

/* When it fails, for want of disk or memory, the file only stays longer than it should. */
static void ledger_roll(struct ledger *l)
{
	struct roll r = {.sum_until = l->bytes / 2};

	buf_init(&r.rest, l->bytes + LINE_BYTES);
	/* Torn, it would lose lines. Should its name be lost with the power, the old file has the
	 * same sums; ledger_open() flushes the folder before the next line comes. */
	if (!ledger_read(l->path, roll_line, &r) &&
	    !fs_replace_by(l->path, 0640, FS_FILE, write_rolled, &r))
		ledger_close(l);
	buf_fini(&r.rest);
}

int ledger_add(struct ledger *l, const struct ledger_line *v, size_t n)
{
	struct buf text;

	if (l->fd >= 0 && l->bytes > l->max_bytes)
		ledger_roll(l);
	int rc = l->fd < 0 ? ledger_open(l) : 0;
	if (rc)
		return rc;
	buf_init(&text, n * LINE_BYTES);
	for (size_t i = 0; i < n && !rc; i++)
		rc = ledger_print(&text, &v[i]);
	if (!rc)
		rc = fs_write_all(l->fd, text.p, text.n);
	if (!rc && !l->unflushed && fdatasync(l->fd) < 0)
		rc = -errno;
	if (!rc)
		l->bytes += text.n;
	else if (ftruncate(l->fd, (off_t)l->bytes) < 0)
		ledger_close(l); /* the next time looks where it ends */
	buf_fini(&text);
	return rc;
}

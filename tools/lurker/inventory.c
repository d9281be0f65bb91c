#include "inventory.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "day_files.h"
#include "ledger_set.h"
#include "proto/scan.h"
#include "state_walk.h"

struct counting {
	struct inventory *s;
	uint64_t *packets, *files;
	int counted; /* directory whose files are counted elsewhere; -1: none */
};

static int inventory_count_file(void *arg, int dirfd, const char *name, const char *key)
{
	const struct counting *c = arg;
	size_t n = strlen(name);
	if (n < 5 || strcmp(name + n - 5, ".pcap") != 0)
		return 0;
	if (state_walk_has(c->counted, key))
		return 0;
	int rc = state_walk_packets(dirfd, name, c->packets);
	if (rc == -ENOENT)
		return 0;
	if (rc == -EBADMSG) {
		c->s->broken++;
		rc = 0;
	}
	if (c->files)
		++*c->files;
	return rc;
}

/* Hexadecimal digits of a flow_id. */
#define FLOW_ID_DIGITS 32

struct flow_count {
	uint64_t id[2];
	uint64_t packets;
};

struct flows {
	struct flow_count *v;
	size_t n, cap;
	int queue; /* the analyzer's queue: a record of what is still in it will be written again */
	int bad;   /* files that the analyzer set aside */
	const struct ledger_set *evicted;
};

/* Whether the record's file counts elsewhere: in the queue, as set aside, or as evicted. */
static bool inventory_elsewhere(const struct flows *f, struct bytes s3path)
{
	const uint8_t *key = s3path.n ? memmem(s3path.p, s3path.n, "/pcap/", 6) : NULL;
	size_t n = key ? s3path.n - (size_t)(key + 1 - s3path.p) : 0;
	char name[PATH_MAX];

	if (!key || n >= sizeof name)
		return false;
	memcpy(name, key + 1, n);
	name[n] = 0;
	return ledger_set_has(f->evicted, name) || state_walk_has(f->queue, name) ||
	       state_walk_has(f->bad, name);
}

static bool inventory_flow_id(struct bytes text, uint64_t id[2])
{
	id[0] = id[1] = 0;
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];
		if (i == FLOW_ID_DIGITS || !isxdigit(c))
			return false;
		id[i / 16] =
			id[i / 16] << 4 | (c <= '9' ? c - (unsigned)'0' : (c | 32u) - 'a' + 10);
	}
	return text.n > 0;
}

static bool inventory_key_is(struct bytes key, const char *name)
{
	return bytes_eq(key, bytes_str(name));
}

static int inventory_take_record(void *arg, struct bytes line)
{
	struct flows *f = arg;
	struct flow_count c = {0};
	struct bytes key, value, s3path = {0};
	struct scan s;
	bool known = false, tunnel = false;
	int rc;

	scan_init(&s, line);
	while ((rc = scan_next(&s, &key, &value)) == 1) {
		if (inventory_key_is(key, "flow_id"))
			known = inventory_flow_id(scan_string(value), c.id);
		else if (inventory_key_is(key, "packets"))
			c.packets = scan_u64(value);
		else if (inventory_key_is(key, "s3path"))
			s3path = scan_string(value);
		else
			tunnel = tunnel || inventory_key_is(key, "tunnel");
	}
	if (rc || !known || tunnel || inventory_elsewhere(f, s3path))
		return 0; /* packets inside a tunnel count with the outer flow */
	if (f->n == f->cap) {
		size_t cap = f->cap ? f->cap * 2 : 1024;
		struct flow_count *more = realloc(f->v, cap * sizeof *more);
		if (!more)
			return -ENOMEM;
		f->v = more;
		f->cap = cap;
	}
	f->v[f->n++] = c;
	return 0;
}

static int inventory_by_id(const void *a, const void *b)
{
	const struct flow_count *x = a, *y = b;
	int high = (x->id[0] > y->id[0]) - (x->id[0] < y->id[0]);
	return high ? high : (x->id[1] > y->id[1]) - (x->id[1] < y->id[1]);
}

static int inventory_open_dir(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void inventory_close_dir(int fd)
{
	if (fd >= 0)
		close(fd);
}

static int inventory_count_records(const char *dir, struct flows *f, struct inventory *s)
{
	struct day_files days;
	int rc = day_files_open(dir, &days);
	if (rc)
		return rc == -ENOENT ? 0 : rc;
	for (size_t i = 0; !rc && i < days.n; i++)
		rc = day_files_read(&days, i, inventory_take_record, f);
	day_files_close(&days);
	if (f->n)
		qsort(f->v, f->n, sizeof *f->v, inventory_by_id);
	for (size_t i = 0; i < f->n; i++) {
		if (i && inventory_by_id(&f->v[i], &f->v[i - 1]) == 0)
			s->duplicates++;
		else
			s->records += f->v[i].packets;
	}
	s->lines = f->n;
	return rc;
}

static int inventory_count_files(struct inventory *s, uint64_t *packets, const char *dir,
				 int counted)
{
	struct counting c = {s, packets, packets == &s->objects ? &s->files : NULL, counted};
	return state_walk(dir, inventory_count_file, &c);
}

/* The packets in the uploader's queue, set aside, evicted and stored; a file that is in the archive
 * counts there. */
static int inventory_read_uploader(const char *state_dir, const char *objects, bool noted,
				   struct inventory *s)
{
	char queue[PATH_MAX], path[PATH_MAX];
	struct ledger_set evicted = {0}, stored = {0};
	snprintf(queue, sizeof queue, "%s/spool/queue/uploader", state_dir);
	int archive = inventory_open_dir(objects), fd = inventory_open_dir(queue);
	s->uploads = fd >= 0;
	/* Queues first: a file that moves meanwhile is counted twice rather than missed, and the
	 * caller's second reading of the counters shows that packets were moving. */
	int rc = inventory_count_files(s, &s->uploader_queue, queue, archive);
	snprintf(path, sizeof path, "%s/uploader.stored", state_dir);
	if (!rc && noted)
		rc = ledger_set_read_log(path, "uploader", &stored);
	if (!rc)
		rc = ledger_set_read(state_dir, "uploader", &evicted);
	s->uploader_stored = ledger_set_packets(&stored, archive, fd, NULL);
	s->uploader_evicted = ledger_set_packets(&evicted, archive, fd, &stored);
	snprintf(path, sizeof path, "%s/spool/bad/uploader", state_dir);
	if (!rc)
		rc = inventory_count_files(s, &s->uploader_bad, path, -1);
	if (!rc)
		rc = inventory_count_files(s, &s->objects, objects, -1);
	ledger_set_free(&evicted);
	ledger_set_free(&stored);
	inventory_close_dir(archive);
	inventory_close_dir(fd);
	return rc;
}

static int inventory_read_analyzer(const char *state_dir, struct inventory *s)
{
	char queue[PATH_MAX], bad[PATH_MAX], path[PATH_MAX];
	struct ledger_set evicted = {0}, outside = {0};
	snprintf(queue, sizeof queue, "%s/spool/queue/analyzer", state_dir);
	snprintf(bad, sizeof bad, "%s/spool/bad/analyzer", state_dir);
	struct flows f = {.queue = inventory_open_dir(queue),
			  .bad = inventory_open_dir(bad),
			  .evicted = &evicted};
	s->analyses = f.queue >= 0;
	int rc = inventory_count_files(s, &s->analyzer_queue, queue, -1);
	if (!rc)
		rc = inventory_count_files(s, &s->analyzer_bad, bad, -1);
	if (!rc)
		rc = ledger_set_read(state_dir, "analyzer", &evicted);
	s->analyzer_evicted = ledger_set_packets(&evicted, f.queue, -1, NULL);
	snprintf(path, sizeof path, "%s/records/analysis", state_dir);
	if (!rc)
		rc = inventory_count_records(path, &f, s);
	snprintf(path, sizeof path, "%s/analyzer.outside", state_dir);
	if (!rc)
		rc = ledger_set_read_log(path, "analyzer", &outside);
	s->analyzer_outside = ledger_set_packets(&outside, f.queue, f.bad, &evicted);
	ledger_set_free(&evicted);
	ledger_set_free(&outside);
	free(f.v);
	inventory_close_dir(f.queue);
	inventory_close_dir(f.bad);
	return rc;
}

int inventory_read(const char *state_dir, const char *objects_dir, uint64_t from,
		   struct inventory *s)
{
	char path[PATH_MAX];
	struct stat st;
	*s = (struct inventory){0};
	if (strlen(state_dir) > PATH_MAX / 2)
		return -ENAMETOOLONG;
	snprintf(path, sizeof path, "%s/objects", state_dir);
	int rc = inventory_read_uploader(state_dir, objects_dir ? objects_dir : path, !objects_dir,
					 s);
	if (!rc)
		rc = inventory_read_analyzer(state_dir, s);
	snprintf(path, sizeof path, "%s/journal/flowagg.mark", state_dir);
	s->by_flowagg = s->objects || s->uploader_queue || s->uploader_bad || s->uploader_stored ||
			s->records || s->analyzer_queue || s->analyzer_bad || stat(path, &st) == 0;
	snprintf(path, sizeof path, "%s/journal", state_dir);
	return rc ? rc : journal_ranges_read(path, from, &s->journal);
}

void inventory_free(struct inventory *s)
{
	journal_ranges_free(&s->journal);
}

uint64_t inventory_value(const struct inventory *s, const char *name)
{
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{"given", s->given},
		{"taken", s->taken},
		{"waiting", s->waiting},
		{"removed", s->removed},
		{"for_uploader", s->for_uploader},
		{"for_analyzer", s->for_analyzer},
		{"objects", s->objects},
		{"uploader_queue", s->uploader_queue},
		{"uploader_bad", s->uploader_bad},
		{"uploader_evicted", s->uploader_evicted},
		{"uploader_stored", s->uploader_stored},
		{"records", s->records},
		{"analyzer_queue", s->analyzer_queue},
		{"analyzer_bad", s->analyzer_bad},
		{"analyzer_evicted", s->analyzer_evicted},
		{"analyzer_outside", s->analyzer_outside},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(rows[i].name, name) == 0)
			return rows[i].value;
	return 0;
}

#include "stored.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "days.h"
#include "gone.h"
#include "proto/scan.h"
#include "walk.h"

struct counting {
	struct stored *s;
	uint64_t *packets, *files;
	int known; /* directory whose files count already; -1: none */
};

static int count_file(void *arg, int dirfd, const char *name, const char *key)
{
	const struct counting *c = arg;
	size_t n = strlen(name);
	struct stat st;
	if (n < 5 || strcmp(name + n - 5, ".pcap") != 0)
		return 0;
	if (c->known >= 0 && fstatat(c->known, key, &st, 0) == 0)
		return 0;
	int rc = walk_packets(dirfd, name, c->packets);
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

/* A flow_id is the beginning of a SHA-256, so many hexadecimal digits. */
#define ID_TEXT 32

struct flow_count {
	uint64_t id[2];
	uint64_t packets;
};

struct flows {
	struct flow_count *v;
	size_t n, cap;
	int queue; /* the analyzer's: records of what is still there come again */
	const struct gone *gone;
};

/* Whether the record's file counts elsewhere: in the queue, or among what was taken out of it. */
static bool elsewhere(const struct flows *f, struct bytes s3path)
{
	const uint8_t *key = s3path.n ? memmem(s3path.p, s3path.n, "/pcap/", 6) : NULL;
	size_t n = key ? s3path.n - (size_t)(key + 1 - s3path.p) : 0;
	char name[PATH_MAX];
	struct stat st;

	if (!key || n >= sizeof(name))
		return false;
	memcpy(name, key + 1, n);
	name[n] = 0;
	return gone_has(f->gone, name) || (f->queue >= 0 && fstatat(f->queue, name, &st, 0) == 0);
}

static bool id_of(struct bytes text, uint64_t id[2])
{
	id[0] = id[1] = 0;
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];
		if (i == ID_TEXT || !isxdigit(c))
			return false;
		id[i / 16] =
			id[i / 16] << 4 | (c <= '9' ? c - (unsigned)'0' : (c | 32u) - 'a' + 10);
	}
	return text.n > 0;
}

static bool is(struct bytes key, const char *name)
{
	return bytes_eq(key, bytes_str(name));
}

static int take_record(void *arg, struct bytes line)
{
	struct flows *f = arg;
	struct flow_count c = {0};
	struct bytes key, value, s3path = {0};
	struct scan s;
	bool known = false, tunnel = false;
	int rc;

	scan_init(&s, line);
	while ((rc = scan_next(&s, &key, &value)) == 1) {
		if (is(key, "flow_id"))
			known = id_of(scan_string(value), c.id);
		else if (is(key, "packets"))
			c.packets = scan_u64(value);
		else if (is(key, "s3path"))
			s3path = scan_string(value);
		else
			tunnel = tunnel || is(key, "tunnel");
	}
	if (rc || !known || tunnel || elsewhere(f, s3path))
		return 0; /* what is inside a tunnel counts with its outer flow */
	if (f->n == f->cap) {
		size_t cap = f->cap ? f->cap * 2 : 1024;
		struct flow_count *more = realloc(f->v, cap * sizeof(*more));
		if (!more)
			return -ENOMEM;
		f->v = more;
		f->cap = cap;
	}
	f->v[f->n++] = c;
	return 0;
}

static int by_id(const void *a, const void *b)
{
	const struct flow_count *x = a, *y = b;
	int high = (x->id[0] > y->id[0]) - (x->id[0] < y->id[0]);
	return high ? high : (x->id[1] > y->id[1]) - (x->id[1] < y->id[1]);
}

static int count_records(const char *dir, const char *queue, const struct gone *gone,
			 struct stored *s)
{
	struct flows f = {.queue = open(queue, O_RDONLY | O_DIRECTORY | O_CLOEXEC), .gone = gone};
	struct days days;
	s->analyzer_evicted = gone_packets(gone, f.queue, -1);
	int rc = days_open(dir, &days);
	if (rc == -ENOENT) {
		rc = 0;
		goto out;
	}
	for (size_t i = 0; !rc && i < days.n; i++)
		rc = days_read(&days, i, take_record, &f);
	days_close(&days);
	if (f.n)
		qsort(f.v, f.n, sizeof(*f.v), by_id);
	for (size_t i = 0; i < f.n; i++) {
		if (i && by_id(&f.v[i], &f.v[i - 1]) == 0)
			s->again++;
		else
			s->records += f.v[i].packets;
	}
	s->lines = f.n;
out:
	free(f.v);
	if (f.queue >= 0)
		close(f.queue);
	return rc;
}

/* Of the uploader. What the archive has, or the queue again, counts there. */
static int count_gone(const char *state_dir, const char *queue, int objects, struct stored *s)
{
	struct gone gone;
	int rc = gone_read(state_dir, "uploader", &gone);
	int fd = open(queue, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!rc)
		s->uploader_evicted = gone_packets(&gone, objects, fd);
	if (fd >= 0)
		close(fd);
	gone_free(&gone);
	return rc;
}

int stored_read(const char *state_dir, const char *objects_dir, struct stored *out)
{
	char objects[PATH_MAX], path[PATH_MAX], queue[PATH_MAX];
	*out = (struct stored){0};
	struct counting c = {out, &out->objects, &out->files, -1};
	if (strlen(state_dir) > PATH_MAX / 2)
		return -ENAMETOOLONG;
	if (objects_dir)
		snprintf(objects, sizeof(objects), "%s", objects_dir);
	else
		snprintf(objects, sizeof(objects), "%s/objects", state_dir);
	int known = open(objects, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	out->has_objects = known >= 0;
	/* Queues first: what moves on meanwhile is then counted twice, not missed, and the caller sees
	 * from its second look at the counters that things moved. */
	c.known = known;
	c.packets = &out->uploader_queue;
	c.files = NULL;
	snprintf(path, sizeof(path), "%s/spool/queue/uploader", state_dir);
	int rc = walk_files(path, count_file, &c);
	if (!rc)
		rc = count_gone(state_dir, path, known, out);
	c.known = -1;
	c.packets = &out->uploader_bad;
	snprintf(path, sizeof(path), "%s/spool/bad/uploader", state_dir);
	if (!rc)
		rc = walk_files(path, count_file, &c);
	c.packets = &out->objects;
	c.files = &out->files;
	if (!rc)
		rc = walk_files(objects, count_file, &c);
	c.files = NULL;
	c.packets = &out->analyzer_queue;
	snprintf(queue, sizeof(queue), "%s/spool/queue/analyzer", state_dir);
	if (!rc)
		rc = walk_files(queue, count_file, &c);
	c.packets = &out->analyzer_bad;
	snprintf(path, sizeof(path), "%s/spool/bad/analyzer", state_dir);
	if (!rc)
		rc = walk_files(path, count_file, &c);
	snprintf(path, sizeof(path), "%s/records/analysis", state_dir);
	struct gone gone = {0};
	if (!rc)
		rc = gone_read(state_dir, "analyzer", &gone);
	if (!rc)
		rc = count_records(path, queue, &gone, out);
	gone_free(&gone);
	if (known >= 0)
		close(known);
	return rc;
}

uint64_t stored_value(const struct stored *s, const char *name)
{
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{"delivered", s->delivered},
		{"objects", s->objects},
		{"uploader_queue", s->uploader_queue},
		{"uploader_bad", s->uploader_bad},
		{"uploader_evicted", s->uploader_evicted},
		{"records", s->records},
		{"analyzer_queue", s->analyzer_queue},
		{"analyzer_bad", s->analyzer_bad},
		{"analyzer_evicted", s->analyzer_evicted},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return rows[i].value;
	return 0;
}

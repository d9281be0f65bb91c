#include "stored.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "days.h"
#include "pkt/capfile.h"

#define DEPTH_MAX 12

/* Called with the path below the walk's root. */
typedef int (*file_fn)(void *arg, int dirfd, const char *name, const char *key);

static int walk(int fd, const char *key, int depth, file_fn fn, void *arg)
{
	int rc = 0;
	DIR *d = fdopendir(fd);
	if (!d) {
		rc = -errno;
		close(fd);
		return rc;
	}
	const struct dirent *e;
	while (!rc && (e = readdir(d)) != NULL) {
		char below[PATH_MAX];
		struct stat st;
		if (e->d_name[0] == '.' ||
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue; /* gone meanwhile */
		snprintf(below, sizeof(below), "%s%s%s", key, *key ? "/" : "", e->d_name);
		if (S_ISREG(st.st_mode)) {
			rc = fn(arg, dirfd(d), e->d_name, below);
		} else if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX) {
			int sub = openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			if (sub >= 0)
				rc = walk(sub, below, depth + 1, fn, arg);
		}
	}
	closedir(d);
	return rc;
}

struct counting {
	struct stored *s;
	uint64_t *packets, *files;
	int known; /* directory whose files count already; -1: none */
};

static int count_file(void *arg, int dirfd, const char *name, const char *key)
{
	const struct counting *c = arg;
	size_t n = strlen(name);
	struct capfile *file;
	struct capfile_packet p;
	struct stat st;
	char err[128];
	if (n < 5 || strcmp(name + n - 5, ".pcap") != 0)
		return 0;
	if (c->known >= 0 && fstatat(c->known, key, &st, 0) == 0)
		return 0;
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	int rc = capfile_open_fd(fd, &file, err, sizeof(err));
	if (!rc) {
		while ((rc = capfile_next(file, &p)) == 1)
			++*c->packets;
		capfile_close(&file);
	}
	if (rc == -EBADMSG) {
		c->s->broken++;
		rc = 0;
	}
	if (c->files)
		++*c->files;
	return rc;
}

/* An absent folder holds nothing. */
static int count_folder(const char *dir, struct counting *c)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	return walk(fd, "", 0, count_file, c);
}

struct flow_count {
	char id[33];
	uint64_t packets;
};

struct flows {
	struct flow_count *v;
	size_t n, cap;
	int queue; /* the analyzer's: records of what is still there come again */
};

static bool in_queue(const struct flows *f, const char *s3path)
{
	const char *key = s3path ? strstr(s3path, "/pcap/") : NULL;
	struct stat st;
	return f->queue >= 0 && key && fstatat(f->queue, key + 1, &st, 0) == 0;
}

static const char *text_of(struct json_object *o, const char *key)
{
	struct json_object *v;
	return json_object_object_get_ex(o, key, &v) ? json_object_get_string(v) : NULL;
}

static int take_record(void *arg, struct bytes line)
{
	struct flows *f = arg;
	struct json_tokener *k = json_tokener_new();
	if (!k)
		return -ENOMEM;
	struct json_object *v, *o = json_tokener_parse_ex(k, (const char *)line.p, (int)line.n);
	json_tokener_free(k);
	int rc = 0;
	const char *id = o ? text_of(o, "flow_id") : NULL;
	if (!id || text_of(o, "tunnel") || in_queue(f, text_of(o, "s3path")))
		goto out; /* what is inside a tunnel counts with its outer flow */
	if (f->n == f->cap) {
		size_t cap = f->cap ? f->cap * 2 : 1024;
		struct flow_count *more = realloc(f->v, cap * sizeof(*more));
		if (!more) {
			rc = -ENOMEM;
			goto out;
		}
		f->v = more;
		f->cap = cap;
	}
	struct flow_count *c = &f->v[f->n++];
	snprintf(c->id, sizeof(c->id), "%s", id);
	c->packets = json_object_object_get_ex(o, "packets", &v) ? json_object_get_uint64(v) : 0;
out:
	json_object_put(o);
	return rc;
}

static int by_id(const void *a, const void *b)
{
	const struct flow_count *x = a, *y = b;
	return strcmp(x->id, y->id);
}

static int count_records(const char *dir, const char *queue, struct stored *s)
{
	struct flows f = {.queue = open(queue, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
	struct days days;
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
		if (i && strcmp(f.v[i].id, f.v[i - 1].id) == 0)
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
	int rc = count_folder(path, &c);
	c.known = -1;
	c.packets = &out->uploader_bad;
	snprintf(path, sizeof(path), "%s/spool/bad/uploader", state_dir);
	if (!rc)
		rc = count_folder(path, &c);
	c.packets = &out->objects;
	c.files = &out->files;
	if (!rc)
		rc = count_folder(objects, &c);
	c.files = NULL;
	c.packets = &out->analyzer_queue;
	snprintf(queue, sizeof(queue), "%s/spool/queue/analyzer", state_dir);
	if (!rc)
		rc = count_folder(queue, &c);
	c.packets = &out->analyzer_bad;
	snprintf(path, sizeof(path), "%s/spool/bad/analyzer", state_dir);
	if (!rc)
		rc = count_folder(path, &c);
	snprintf(path, sizeof(path), "%s/records/analysis", state_dir);
	if (!rc)
		rc = count_records(path, queue, out);
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
		{"records", s->records},
		{"analyzer_queue", s->analyzer_queue},
		{"analyzer_bad", s->analyzer_bad},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return rows[i].value;
	return 0;
}

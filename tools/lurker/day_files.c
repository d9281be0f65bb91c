#include "day_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#define LINE_MAX_BYTES (64u << 20)
#define CHUNK          (256u << 10)
#define DAYS_MAX       100000

static int day_files_by_day(const void *a, const void *b)
{
	const struct day_file *x = a, *y = b;
	return x->day < y->day ? -1 : x->day > y->day;
}

/* YYYY-MM-DD.jsonl or YYYY-MM-DD.jsonl.gz */
static bool day_files_parse_name(const char *name, struct day_file *out)
{
	unsigned y, m, d;
	int end = 0;
	if (sscanf(name, "%4u-%2u-%2u.jsonl%n", &y, &m, &d, &end) != 3 || !end)
		return false;
	*out = (struct day_file){.day = y * 10000 + m * 100 + d};
	out->plain = name[end] == '\0';
	out->packed = strcmp(name + end, ".gz") == 0;
	return out->plain || out->packed;
}

int day_files_open(const char *path, struct day_files *out)
{
	*out = (struct day_files){0};
	snprintf(out->dir, sizeof out->dir, "%s", path);
	DIR *dir = opendir(path);
	if (!dir)
		return -errno;
	int rc = 0;
	const struct dirent *e;
	while ((e = readdir(dir)) != NULL) {
		struct day_file day;
		if (!day_files_parse_name(e->d_name, &day))
			continue;
		struct day_file *v =
			out->n < DAYS_MAX ? realloc(out->v, (out->n + 1) * sizeof *v) : NULL;
		if (!v) {
			rc = -ENOMEM;
			break;
		}
		out->v = v;
		v[out->n++] = day;
	}
	closedir(dir);
	if (rc) {
		day_files_close(out);
		return rc;
	}
	qsort(out->v, out->n, sizeof *out->v, day_files_by_day);
	size_t n = 0;
	for (size_t i = 0; i < out->n; i++) {
		if (n && out->v[n - 1].day == out->v[i].day) {
			out->v[n - 1].plain |= out->v[i].plain;
			out->v[n - 1].packed |= out->v[i].packed;
		} else {
			out->v[n++] = out->v[i];
		}
	}
	out->n = n;
	return 0;
}

void day_files_close(struct day_files *d)
{
	free(d->v);
	*d = (struct day_files){0};
}

/* Calls fn for the complete lines of b and moves the rest to its beginning. */
static int day_files_lines(struct buf *b, bool *skipping, int (*fn)(void *arg, struct bytes line),
			   void *arg)
{
	size_t from = 0;
	int rc = 0;
	while (!rc) {
		const uint8_t *end = memchr(b->p + from, '\n', b->n - from);
		if (!end)
			break;
		size_t n = (size_t)(end - b->p) - from;
		if (!*skipping && n)
			rc = fn(arg, bytes_of(b->p + from, n));
		*skipping = false;
		from += n + 1;
	}
	memmove(b->p, b->p + from, b->n - from);
	b->n -= from;
	if (b->n >= LINE_MAX_BYTES) {
		*skipping = true;
		b->n = 0;
	}
	return rc;
}

void day_files_path(const struct day_files *d, size_t i, char out[DAY_FILES_PATH_MAX])
{
	const struct day_file *day = &d->v[i];
	snprintf(out, DAY_FILES_PATH_MAX, "%s/%04u-%02u-%02u.jsonl%s", d->dir, day->day / 10000,
		 day->day / 100 % 100, day->day % 100, day->plain ? "" : ".gz");
}

int64_t day_files_end(uint32_t day)
{
	struct tm tm = {.tm_year = (int)(day / 10000) - 1900,
			.tm_mon = (int)(day / 100 % 100) - 1,
			.tm_mday = (int)(day % 100) + 1};
	return timegm(&tm);
}

/* Whether a file that gives no more bytes ended well. zlib reports a cut file only when asked. */
static int day_files_eof(gzFile f, bool packed)
{
	int err = Z_OK;
	gzerror(f, &err);
	if (err == Z_ERRNO)
		return errno ? -errno : -EIO;
	if (err == Z_MEM_ERROR)
		return -ENOMEM;
	return err != Z_OK || (packed && gzdirect(f)) ? -EBADMSG : 0;
}

int day_files_read(const struct day_files *d, size_t i, int (*fn)(void *arg, struct bytes line),
		   void *arg)
{
	char path[DAY_FILES_PATH_MAX];
	day_files_path(d, i, path);
	errno = 0;
	gzFile f = gzopen(path, "rbe"); /* reads plain files as they are */
	if (!f)
		return errno ? -errno : -ENOMEM;
	struct buf b;
	buf_init(&b, LINE_MAX_BYTES + CHUNK);
	bool skipping = false;
	int rc = 0;
	while (!rc) {
		uint8_t *room = buf_room(&b, CHUNK);
		if (!room) {
			rc = -ENOMEM;
			break;
		}
		int n = gzread(f, room, CHUNK);
		if (n <= 0) {
			rc = day_files_eof(f, !d->v[i].plain);
			break;
		}
		b.n += (size_t)n;
		rc = day_files_lines(&b, &skipping, fn, arg);
	}
	gzclose(f);
	buf_fini(&b);
	return rc;
}

/*
 * pool_worker: one file to frames, in this process.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/file_walk.h"
#include "files/worker_pool.h"
#include "pkt/capfile.h"
#include "storage/object_key.h"

struct pool_worker {
	struct worker_pool_options o;
	struct record record;
	struct buf line;
	pool_frame_fn fn;
	void *arg;
	struct msg_geo geo_of;
};

int pool_worker_new(const struct worker_pool_options *o, struct pool_worker **out)
{
	struct pool_worker *w = calloc(1, sizeof *w);

	*out = w;
	if (!w)
		return -ENOMEM;
	w->o = *o;
	buf_init(&w->line, RECORD_LINE_MAX(o->input.flows.stream.max_bytes));
	int rc = record_init(&w->record, o->input.flows.stream.max_bytes);
	w->record.lean = o->format != RECORD_TABLE;
	if (rc)
		pool_worker_free(out);
	return rc;
}

void pool_worker_free(struct pool_worker **w)
{
	if (!*w)
		return;
	record_fini(&(*w)->record);
	buf_fini(&(*w)->line);
	free(*w);
	*w = NULL;
}

static int one_record(void *arg, struct record *r, const struct flow *f)
{
	struct pool_worker *w = arg;
	struct pool_frame frame = {
		.type = POOL_RECORD, .first_ns = f->first_ns, .first_no = f->first_no};

	if (w->o.geo && who_geo_look(w->o.geo, &r->src, &w->geo_of))
		r->m.geo = &w->geo_of;
	history_of(r, f, &frame.history);
	frame.bare = frame.history.bare;
	buf_reset(&w->line);
	int rc = record_text(w->o.format, r, frame.bare, &w->line);
	if (rc)
		return rc;
	frame.len = (uint32_t)w->line.n;
	return w->fn(w->arg, &frame, buf_bytes(&w->line));
}

/* source_of: key and s3path of a file. A file of an archive has its object key, however it is
 * reached; another one its canonical path (in real), so that how it is spelled does not matter. The
 * default destination is the file itself: an object that the uploader stored in a directory has the
 * same s3path as the live record. */
static void source_of(const struct worker_pool_options *o, const char *path, char real[PATH_MAX],
		      char *s3path, size_t n, struct record_source *src)
{
	const char *key = object_key_in(path);
	/* Standard input may be a file all the same. */
	bool is_file = realpath(strcmp(path, "-") == 0 ? "/proc/self/fd/0" : path, real);

	if (!key && is_file)
		key = object_key_in(real);
	*src = (struct record_source){.sensor = o->sensor,
				      .key = key       ? key
					     : is_file ? real
						       : path,
				      .s3path = s3path,
				      .nameless = !key && !is_file};
	if (o->destination)
		snprintf(s3path, n, "%s%s", o->destination, key ? key : path);
	else
		snprintf(s3path, n, "%s%s", is_file ? "file://" : "", is_file ? real : path);
}

int pool_worker_read(struct pool_worker *w, const char *path, uint32_t shard, uint32_t shards,
		     pool_frame_fn fn, void *arg)
{
	struct pool_frame end = {.type = POOL_END};
	char real[PATH_MAX], s3path[PATH_MAX + 512];
	struct record_source src;
	struct capfile *c;
	struct capture_reader_options input = w->o.input;

	source_of(&w->o, path, real, s3path, sizeof s3path, &src);
	input.flows.shard = shard;
	input.flows.shards = shards;
	w->fn = fn;
	w->arg = arg;
	end.rc = capfile_open(path, &c, end.result.error, sizeof end.result.error);
	if (!end.rc) {
		int rc =
			capture_reader_run(&input, c, &w->record, &src, one_record, w, &end.result);
		capfile_close(&c);
		/* What reading fails with is told with the file's end; what fn fails with ends
		 * everything. */
		if (rc && !end.result.rc)
			return rc;
	}
	return fn(arg, &end, (struct bytes){0});
}

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
	struct msg_geo geo_of;
	/* The current file. */
	struct capture_reader_options reading;
	struct record_source src;
	struct capfile *file; /* NULL: it could not be opened, or has ended */
	struct capture_reader reader;
	int rc, read_rc; /* of opening it, and of reading its packets */
	char why[192];
	char real[PATH_MAX], s3path[PATH_MAX + 512];
};

/* close_file: *res: what became of it. */
static void close_file(struct pool_worker *w, struct capture_reader_result *res)
{
	if (!w->file)
		return;
	capture_reader_close(&w->reader, res);
	capfile_close(&w->file);
}

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
	close_file(*w, &(struct capture_reader_result){0});
	record_fini(&(*w)->record);
	buf_fini(&(*w)->line);
	free(*w);
	*w = NULL;
}

/* record_frame: of the record just read. */
static int record_frame(struct pool_worker *w, const struct flow *f, struct pool_frame *frame)
{
	struct record *r = &w->record;

	*frame = (struct pool_frame){
		.type = POOL_RECORD, .first_ns = f->first_ns, .first_no = f->first_no};
	if (w->o.geo && who_geo_look(w->o.geo, &r->src, &w->geo_of))
		r->m.geo = &w->geo_of;
	history_of(r, f, &frame->history);
	frame->bare = frame->history.bare;
	buf_reset(&w->line);
	int rc = record_text(w->o.format, r, frame->bare, &w->line);
	frame->len = (uint32_t)w->line.n;
	return rc;
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

void pool_worker_open(struct pool_worker *w, const char *path, uint32_t shard, uint32_t shards)
{
	w->reading = w->o.input;
	w->reading.flows.shard = shard;
	w->reading.flows.shards = shards;
	source_of(&w->o, path, w->real, w->s3path, sizeof w->s3path, &w->src);
	w->file = NULL;
	w->rc = capfile_open(path, &w->file, w->why, sizeof w->why);
	w->read_rc =
		w->rc ? 0
		      : capture_reader_open(&w->reader, &w->reading, w->file, &w->record, &w->src);
}

int pool_worker_next(struct pool_worker *w, struct pool_frame *frame, struct bytes *line)
{
	const struct flow *f;
	int rc = w->read_rc ? w->read_rc : w->file ? capture_reader_next(&w->reader, &f) : 0;

	if (rc == 1) {
		rc = record_frame(w, f, frame);
		*line = buf_bytes(&w->line);
		return rc;
	}
	*frame = (struct pool_frame){.type = POOL_END, .rc = w->rc};
	*line = (struct bytes){0};
	if (w->rc)
		snprintf(frame->result.error, sizeof frame->result.error, "%s", w->why);
	close_file(w, &frame->result);
	/* What reading fails with is told with the file's end; another failure ends everything. */
	return frame->result.rc ? 0 : rc;
}

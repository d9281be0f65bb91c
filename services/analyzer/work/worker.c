#include "work/worker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "conf.h"
#include "pkt/capfile.h"
#include "proto/codec.h"

/* What is kept of the memory for one record's text. */
#define LINE_KEEP (256u << 10)

static int open_geo(struct worker *d)
{
	if (!settings.geo_place && !settings.geo_asn)
		return 0;
	int rc = who_geo_new(settings.geo_place, settings.geo_asn, &d->geo);
	if (rc)
		log_error("cannot open", "what=\"GeoIP file\" error=\"%s\"", strerror(-rc));
	return rc;
}

int worker_init(struct worker *d, const char *page_dir, struct buf *line, worker_out_fn out,
		void *arg)
{
	*d = (struct worker){.input = settings_input(1), .out = out, .arg = arg};
	if (!settings.page_dir)
		d->input.flows.page_dir = page_dir;
	d->line = line ? line : &d->own;
	buf_init(&d->own, RECORD_LINE_MAX(settings.stream_bytes));
	int rc = record_init(&d->record, d->input.flows.stream.max_bytes);
	if (!rc)
		rc = history_init(&d->history, (size_t)settings.classes, (size_t)settings.sources);
	if (rc)
		log_error("cannot begin", "error=\"%s\"", strerror(-rc));
	return rc ? rc : open_geo(d);
}

void worker_fini(struct worker *d)
{
	who_geo_free(&d->geo);
	dedup_free(&d->dedup);
	history_fini(&d->history);
	record_fini(&d->record);
	buf_fini(&d->own);
}

int worker_remember(struct worker *d, size_t max, const char *records)
{
	int rc = dedup_new(max, &d->dedup);
	if (!rc && records)
		rc = dedup_load(d->dedup, records);
	if (rc)
		log_error("records cannot be remembered", "error=\"%s\"", strerror(-rc));
	return rc;
}

static int one_record(void *arg, struct record *r, const struct flow *f)
{
	struct worker *d = arg;
	struct history_in in;
	struct history_out h;

	if (d->dedup && !dedup_add(d->dedup, r->m.flow_id)) {
		d->counts.repeated++;
		return 0;
	}
	history_of(r, f, &in);
	history_note(&d->history, &in, &h);
	r->m.first_seen = h.first_seen;
	r->m.two_phase = h.two_phase;
	r->m.tool = bytes_str(h.tool.name);
	r->m.tool_reason = bytes_str(h.tool.reason);
	if (d->geo && who_geo_look(d->geo, &r->src, &d->geo_of))
		r->m.geo = &d->geo_of;
	size_t at = d->line->n;
	int rc = msg_json_pieces(&msg_analysis_schema, &r->m, r->known->piece, r->known->npieces,
				 d->line);
	if (rc)
		buf_back(d->line, at);
	else
		rc = d->out(d->arg, r, bytes_of(d->line->p + at, d->line->n - at));
	buf_spare(&d->own, LINE_KEEP);
	/* What was not taken is not known. */
	if (rc && d->dedup)
		dedup_back(d->dedup, 1);
	return rc;
}

static void count(struct worker *d, const struct capture_reader_result *res)
{
	const struct flow_table_counts *c = &res->counts;
	const struct defrag_counts *g = &res->defrag;
	struct worker_counts *to = &d->counts;

	to->bytes += res->offset;
	to->packets += c->packets;
	to->paged_out += c->paged_out;
	to->turned_away += c->turned_away;
	to->undecoded += c->broken + c->link;
	to->outside += c->outside;
	to->fragments += g->fragments;
	to->unfinished += g->timed_out + g->evicted + res->incomplete;
}

int worker_read(struct worker *d, int fd, struct record_source *src, struct worker_result *out)
{
	struct capture_reader_result res = {0};
	struct capfile *c;

	*out = (struct worker_result){0};
	int rc = capfile_open_fd(fd, &c, out->why, sizeof out->why);
	out->unreadable = rc == -EIO;
	if (!rc) {
		rc = capture_reader_run(&d->input, c, &d->record, src, one_record, d, &res);
		/* The place of paged flows, or of the records, may fail as well. */
		out->unreadable = rc == -EIO && capfile_unreadable(c);
		capfile_close(&c);
		snprintf(out->why, sizeof out->why, "%s", res.error);
		if (!rc) {
			rc = res.rc;
			out->outside = res.counts.outside;
			count(d, &res);
		}
	}
	out->records = res.records;
	out->broken = rc == -EBADMSG;
	return out->broken ? 0 : rc;
}

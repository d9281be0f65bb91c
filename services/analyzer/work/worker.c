#include "work/worker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "conf.h"
#include "pkt/capfile.h"
#include "proto/codec.h"

static int open_geo(struct worker *w, const struct conf *c)
{
	if (!c->geo_place && !c->geo_asn)
		return 0;
	int rc = who_geo_new(c->geo_place, c->geo_asn, &w->geo);
	if (rc)
		log_error("cannot open", "what=\"GeoIP file\" error=\"%s\"", strerror(-rc));
	return rc;
}

int worker_init(struct worker *w, const struct conf *c, const char *page_dir)
{
	*w = (struct worker){.reading = conf_reader(c, 1)};
	if (!c->page_dir)
		w->reading.flows.page_dir = page_dir;
	int rc = record_init(&w->record, w->reading.flows.stream.max_bytes);
	if (!rc)
		rc = history_init(&w->history, (size_t)c->classes, (size_t)c->sources);
	if (rc)
		log_error("cannot begin", "error=\"%s\"", strerror(-rc));
	return rc ? rc : open_geo(w, c);
}

void worker_fini(struct worker *w)
{
	who_geo_free(&w->geo);
	dedup_free(&w->dedup);
	history_fini(&w->history);
	record_fini(&w->record);
}

int worker_remember(struct worker *w, size_t max, const char *records)
{
	int rc = dedup_new(max, &w->dedup);
	if (!rc && records)
		rc = dedup_load(w->dedup, records);
	if (rc)
		log_error("records cannot be remembered", "error=\"%s\"", strerror(-rc));
	return rc;
}

void worker_forget(struct worker *w, size_t n)
{
	if (w->dedup)
		dedup_back(w->dedup, n);
}

int worker_open(struct worker *w, int fd, struct record_source *src)
{
	w->given = 0;
	w->file = NULL;
	w->open_rc = capfile_open_fd(fd, &w->file, w->why, sizeof w->why);
	if (w->open_rc)
		return w->open_rc == -EBADMSG ? 0 : w->open_rc;
	return capture_reader_open(&w->reader, &w->reading, w->file, &w->record, src);
}

/* add_history: what the record says because of the ones before it, and of its source's place. */
static void add_history(struct worker *w, const struct flow *f)
{
	struct record *r = &w->record;
	struct history_in in;
	struct history_out h;

	history_of(r, f, &in);
	history_note(&w->history, &in, &h);
	r->m.first_seen = h.first_seen;
	r->m.two_phase = h.two_phase;
	r->m.tool = bytes_str(h.tool.name);
	r->m.tool_reason = bytes_str(h.tool.reason);
	if (w->geo && who_geo_look(w->geo, &r->src, &w->geo_of))
		r->m.geo = &w->geo_of;
}

int worker_next(struct worker *w)
{
	const struct flow *f;
	int rc;

	if (!w->file)
		return 0;
	while ((rc = capture_reader_next(&w->reader, &f)) == 1) {
		if (w->dedup && !dedup_add(w->dedup, w->record.m.flow_id)) {
			w->counts.repeated++;
			continue;
		}
		w->given++;
		add_history(w, f);
		return 1;
	}
	return rc;
}

int worker_json(const struct worker *w, struct buf *to)
{
	const struct record *r = &w->record;
	size_t at = to->n;
	int rc = msg_json_pieces(&msg_analysis_schema, &r->m, r->known->piece, r->known->npieces,
				 to);

	if (rc)
		buf_back(to, at);
	return rc;
}

static void count(struct worker *w, const struct capture_reader_result *res)
{
	const struct flow_table_counts *c = &res->counts;
	const struct defrag_counts *g = &res->defrag;
	struct worker_counts *to = &w->counts;

	to->bytes += res->offset;
	to->packets += c->packets;
	to->paged_out += c->paged_out;
	to->turned_away += c->turned_away;
	to->undecoded += c->broken + c->link;
	to->outside += c->outside;
	to->fragments += g->fragments;
	to->unfinished += g->timed_out + g->evicted + res->incomplete;
}

int worker_close(struct worker *w, int rc, struct worker_result *out)
{
	struct capture_reader_result res = {.rc = w->open_rc};

	*out = (struct worker_result){.unreadable = w->open_rc == -EIO};
	if (w->file) {
		capture_reader_close(&w->reader, &res);
		/* The place of paged flows, or of the records, may fail as well. */
		out->unreadable = rc == -EIO && capfile_unreadable(w->file);
		capfile_close(&w->file);
		snprintf(w->why, sizeof w->why, "%s", res.error);
	}
	snprintf(out->why, sizeof out->why, "%s", w->why);
	out->records = res.records;
	if (rc)
		return rc;
	if (!w->open_rc) {
		out->outside = res.counts.outside;
		count(w, &res);
	}
	out->broken = res.rc == -EBADMSG;
	return 0;
}

#include "lane.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cloud/retry.h"
#include "offset.h"

/* Lines looked at in one turn of the loop. */
#define TURN_LINES 500
/* The records are looked at so often without a wake-up. */
#define SCAN_NS 2000000000u
/* Lines that no sink took move the offset too, but not each with a flush. */
#define SAVE_NS 5000000000u

struct lane {
	struct loop *loop;
	struct sink *sink;
	struct lane_conf conf;
	lane_trouble_fn trouble;
	void *arg;
	struct records_reader *reader;
	struct json_tokener *tokener;
	struct lane_counts counts;
	struct records_pos saved, end; /* on disk; after the last record that was dealt with */
	size_t n, limit;               /* records in the batch, and how many it may have; 0: any */
	struct bytes held;             /* read, but the batch was full; p NULL: none */
	struct records_pos held_after;
	uint64_t first_ns; /* when the batch's first record was taken */
	uint64_t saved_ns, at_ns, next_ns;
	unsigned tries;
	bool sending, again, troubled, draining;
};

static void turn(void *arg);

static void plan(struct lane *l, uint64_t when_ns)
{
	if (when_ns >= l->next_ns || l->draining)
		return;
	l->next_ns = when_ns;
	loop_at(l->loop, when_ns, turn, l);
}

void lane_wake(struct lane *l)
{
	plan(l, clock_mono_ns() + 10000000u);
}

static void set_trouble(struct lane *l, bool begins, bool stuck, const char *why)
{
	char text[512];
	if (l->troubled == begins)
		return;
	l->troubled = begins;
	snprintf(text, sizeof text,
		 begins ? "%s: records wait: %s" : "%s: records go through again",
		 l->sink->class->name, why);
	if (l->trouble)
		l->trouble(l->arg, l->sink->class->name, begins, stuck, text);
}

static void save(struct lane *l)
{
	if (l->saved.day == l->end.day && l->saved.offset == l->end.offset)
		return;
	int rc = offset_save(l->conf.offset, l->end);
	if (rc) {
		/* The records come twice after a restart, none is lost. */
		log_error("offset not saved", "path=%s error=\"%s\"", l->conf.offset,
			  strerror(-rc));
		return;
	}
	l->saved = l->end;
	l->saved_ns = clock_mono_ns();
}

static void empty(struct lane *l)
{
	l->sink->class->clear(l->sink);
	l->n = 0;
	l->tries = 0;
	l->again = false;
}

/* Goes back to the last offset that is safe: what was gathered since is read again. */
static int rewind_reader(struct lane *l)
{
	records_reader_close(&l->reader);
	l->held.p = NULL;
	l->end = l->saved;
	return records_reader_open(l->conf.records, l->saved, &l->reader);
}

static void refused(struct lane *l, const char *why)
{
	if (l->n <= 1) {
		log_error("record left out", "sink=%s error=\"%s\"", l->sink->class->name, why);
		l->counts.refused++;
		empty(l);
		save(l);
		l->limit = 0;
		return;
	}
	l->limit = l->n / 2;
	empty(l);
	if (rewind_reader(l) != 0)
		log_error("records cannot be read", "path=%s", l->conf.records);
}

static void on_done(void *arg, enum sink_result r, const char *why, uint64_t wait_ns)
{
	struct lane *l = arg;
	uint64_t now = clock_mono_ns();
	l->sending = false;
	l->at_ns = now;
	switch (r) {
	case SINK_DELIVERED:
		l->counts.delivered += l->n;
		l->counts.batches++;
		l->limit = l->limit ? l->limit * 2 : 0;
		empty(l);
		save(l);
		set_trouble(l, false, false, NULL);
		l->at_ns = now + wait_ns; /* a destination that wants few requests */
		break;
	case SINK_REFUSED:
		refused(l, why);
		break;
	case SINK_RETRY:
	case SINK_STUCK:
		l->again = true;
		l->tries++;
		l->counts.retries++;
		l->counts.stuck += r == SINK_STUCK;
		if (l->tries == 1)
			log_warn("records not delivered, will be tried again",
				 "sink=%s error=\"%s\"", l->sink->class->name, why);
		if (r == SINK_STUCK || l->tries == 6)
			set_trouble(l, true, r == SINK_STUCK, why);
		uint64_t ns = r == SINK_STUCK
				      ? l->conf.stuck_ns
				      : retry_delay_ns(l->tries, l->conf.retry_first_ns,
						       l->conf.retry_max_ns, retry_random());
		l->at_ns = now + (ns > wait_ns ? ns : wait_ns);
		break;
	}
	plan(l, l->at_ns);
}

static void send(struct lane *l)
{
	l->sending = true;
	l->sink->class->send(l->sink);
}

/* Offers one line to the sink. False: the batch is full. */
static bool offer(struct lane *l, struct bytes line)
{
	struct json_object *init;
	json_tokener_reset(l->tokener);
	struct record r = {.line = line};
	if (line.n <= INT32_MAX)
		r.json = json_tokener_parse_ex(l->tokener, (const char *)line.p, (int)line.n);
	enum sink_add took = SINK_LEFT;
	if (!r.json || !json_object_is_type(r.json, json_type_object)) {
		l->counts.unreadable++;
	} else if (!filter_match(&l->conf.filter, r.json)) {
		l->counts.filtered++;
	} else {
		if (json_object_object_get_ex(r.json, "init_ts", &init))
			r.init_ts = json_object_get_double(init);
		took = l->sink->class->add(l->sink, &r);
		if (took == SINK_TAKEN && l->n++ == 0)
			l->first_ns = clock_mono_ns();
	}
	json_object_put(r.json);
	return took != SINK_FULL;
}

enum gathered { MORE, CAUGHT_UP, FULL };

static enum gathered gather(struct lane *l)
{
	for (unsigned i = 0; i < TURN_LINES; i++) {
		if (l->limit && l->n >= l->limit)
			return FULL;
		if (!l->held.p) {
			int rc = records_next(l->reader, &l->held, &l->held_after);
			if (rc < 0)
				log_error("records cannot be read", "path=%s error=\"%s\"",
					  l->conf.records, strerror(-rc));
			if (rc <= 0) {
				l->held.p = NULL;
				return CAUGHT_UP;
			}
			l->counts.read++;
		}
		if (!offer(l, l->held))
			return FULL;
		l->held.p = NULL;
		l->end = l->held_after;
	}
	return MORE;
}

static void turn(void *arg)
{
	struct lane *l = arg;
	uint64_t now = clock_mono_ns();
	l->next_ns = UINT64_MAX;
	if (l->sending)
		return;
	if (l->at_ns > now) {
		plan(l, l->at_ns);
		return;
	}
	if (l->again) {
		send(l);
		return;
	}
	enum gathered g = gather(l);
	now = clock_mono_ns();
	if (l->n && (g == FULL || now >= l->first_ns + l->conf.linger_ns)) {
		send(l);
		return;
	}
	if (!l->n && g == FULL)
		l->sink->class->clear(l->sink); /* there was no memory for even one record */
	if (!l->n && now >= l->saved_ns + SAVE_NS)
		save(l);
	if (g == MORE)
		plan(l, now);
	else
		plan(l, l->n ? l->first_ns + l->conf.linger_ns : now + SCAN_NS);
}

int lane_new(struct loop *loop, struct sink *s, const struct lane_conf *conf,
	     lane_trouble_fn trouble, void *arg, struct lane **out)
{
	struct lane *l = calloc(1, sizeof *l);
	if (!l)
		return -ENOMEM;
	l->loop = loop;
	l->sink = s;
	l->conf = *conf;
	l->trouble = trouble;
	l->arg = arg;
	l->next_ns = UINT64_MAX;
	l->saved = (struct records_pos){.day = conf->first_day};
	l->tokener = json_tokener_new_ex(32);
	int rc = l->tokener ? offset_load(conf->offset, &l->saved) : -ENOMEM;
	if (rc == -ENOENT)
		rc = 0;
	else if (rc)
		log_error("offset cannot be read",
			  "path=%s error=\"%s\" hint=\"remove the file to begin anew\"",
			  conf->offset, strerror(-rc));
	if (!rc)
		rc = rewind_reader(l);
	if (rc) {
		lane_free(&l);
		return rc;
	}
	s->done = on_done;
	s->arg = l;
	plan(l, 0);
	*out = l;
	return 0;
}

void lane_free(struct lane **lp)
{
	struct lane *l = *lp;
	if (!l)
		return;
	loop_at(l->loop, UINT64_MAX, turn, l);
	records_reader_close(&l->reader);
	if (l->tokener)
		json_tokener_free(l->tokener);
	free(l);
	*lp = NULL;
}

void lane_drain(struct lane *l, int ms)
{
	l->draining = true;
	if (l->sending && l->sink->class->drain)
		l->sink->class->drain(l->sink, ms);
	if (!l->n)
		save(l);
}

const struct lane_counts *lane_counts(const struct lane *l)
{
	return &l->counts;
}

uint64_t lane_gathered(const struct lane *l)
{
	return l->n;
}

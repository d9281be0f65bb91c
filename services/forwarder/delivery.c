#include "delivery.h"

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

struct delivery {
	struct loop *loop;
	struct sink *sink;
	struct delivery_conf conf;
	delivery_trouble_fn trouble;
	void *arg;
	struct records_reader *reader;
	struct json_tokener *tokener;
	struct delivery_counts counts;
	struct records_pos saved, end; /* on disk; after the last record that was dealt with */
	size_t n, limit;               /* records in the batch, and how many it may have; 0: any */
	struct bytes held;             /* read, but the batch was full; p NULL: none */
	struct records_pos held_after;
	uint64_t first_ns; /* when the batch's first record was taken */
	uint64_t saved_ns, at_ns, next_ns;
	unsigned attempts;
	bool sending, again, troubled, draining;
};

static void turn(void *arg);

static void plan(struct delivery *d, uint64_t when_ns)
{
	if (when_ns >= d->next_ns || d->draining)
		return;
	d->next_ns = when_ns;
	loop_at(d->loop, when_ns, turn, d);
}

void delivery_wake(struct delivery *d)
{
	plan(d, clock_mono_ns() + 10000000u);
}

static void set_trouble(struct delivery *d, bool begins, bool stuck, const char *why)
{
	char text[512];
	if (d->troubled == begins)
		return;
	d->troubled = begins;
	snprintf(text, sizeof text,
		 begins ? "%s: records wait: %s" : "%s: records go through again",
		 d->sink->class->name, why);
	if (d->trouble)
		d->trouble(d->arg, d->sink->class->name, begins, stuck, text);
}

static void save(struct delivery *d)
{
	if (d->saved.day == d->end.day && d->saved.offset == d->end.offset)
		return;
	int rc = offset_save(d->conf.offset, d->end);
	if (rc) {
		/* The records come twice after a restart, none is lost. */
		log_error("offset not saved", "path=%s error=\"%s\"", d->conf.offset,
			  strerror(-rc));
		return;
	}
	d->saved = d->end;
	d->saved_ns = clock_mono_ns();
}

static void empty(struct delivery *d)
{
	d->sink->class->clear(d->sink);
	d->n = 0;
	d->attempts = 0;
	d->again = false;
}

/* Goes back to the last offset that is safe: what was gathered since is read again. */
static int rewind_reader(struct delivery *d)
{
	records_reader_close(&d->reader);
	d->held.p = NULL;
	d->end = d->saved;
	return records_reader_open(d->conf.records, d->saved, &d->reader);
}

static void refused(struct delivery *d, const char *why)
{
	if (d->n <= 1) {
		log_error("record left out", "sink=%s error=\"%s\"", d->sink->class->name, why);
		d->counts.refused++;
		empty(d);
		save(d);
		d->limit = 0;
		return;
	}
	d->limit = d->n / 2;
	empty(d);
	if (rewind_reader(d) != 0)
		log_error("records cannot be read", "path=%s", d->conf.records);
}

static void on_done(void *arg, enum outcome r, const char *why, uint64_t wait_ns)
{
	struct delivery *d = arg;
	uint64_t now = clock_mono_ns();
	d->sending = false;
	d->at_ns = now;
	switch (r) {
	case OUTCOME_OK:
		d->counts.delivered += d->n;
		d->counts.batches++;
		d->limit = d->limit ? d->limit * 2 : 0;
		empty(d);
		save(d);
		set_trouble(d, false, false, NULL);
		d->at_ns = now + wait_ns; /* a destination that wants few requests */
		break;
	case OUTCOME_REFUSED:
		refused(d, why);
		break;
	case OUTCOME_RETRY:
	case OUTCOME_STUCK:
		d->again = true;
		d->attempts++;
		d->counts.retries++;
		d->counts.stuck += r == OUTCOME_STUCK;
		if (d->attempts == 1)
			log_warn("records not delivered, will be tried again",
				 "sink=%s error=\"%s\"", d->sink->class->name, why);
		if (r == OUTCOME_STUCK || d->attempts == 6)
			set_trouble(d, true, r == OUTCOME_STUCK, why);
		uint64_t ns = r == OUTCOME_STUCK
				      ? d->conf.stuck_ns
				      : retry_delay_ns(d->attempts, d->conf.retry_first_ns,
						       d->conf.retry_max_ns, retry_random());
		d->at_ns = now + (ns > wait_ns ? ns : wait_ns);
		break;
	}
	plan(d, d->at_ns);
}

static void send(struct delivery *d)
{
	d->sending = true;
	d->sink->class->send(d->sink);
}

/* Offers one line to the sink. False: the batch is full. */
static bool offer(struct delivery *d, struct bytes line)
{
	struct json_object *init;
	json_tokener_reset(d->tokener);
	struct record r = {.line = line};
	if (line.n <= INT32_MAX)
		r.json = json_tokener_parse_ex(d->tokener, (const char *)line.p, (int)line.n);
	enum sink_add took = SINK_LEFT;
	if (!r.json || !json_object_is_type(r.json, json_type_object)) {
		d->counts.unreadable++;
	} else if (!record_filter_match(&d->conf.filter, r.json)) {
		d->counts.filtered++;
	} else {
		if (json_object_object_get_ex(r.json, "init_ts", &init))
			r.init_ts = json_object_get_double(init);
		took = d->sink->class->add(d->sink, &r);
		if (took == SINK_TAKEN && d->n++ == 0)
			d->first_ns = clock_mono_ns();
	}
	json_object_put(r.json);
	return took != SINK_FULL;
}

enum gathered { MORE, CAUGHT_UP, FULL };

static enum gathered gather(struct delivery *d)
{
	for (unsigned i = 0; i < TURN_LINES; i++) {
		if (d->limit && d->n >= d->limit)
			return FULL;
		if (!d->held.p) {
			int rc = records_next(d->reader, &d->held, &d->held_after);
			if (rc < 0)
				log_error("records cannot be read", "path=%s error=\"%s\"",
					  d->conf.records, strerror(-rc));
			if (rc <= 0) {
				d->held.p = NULL;
				return CAUGHT_UP;
			}
			d->counts.read++;
		}
		if (!offer(d, d->held))
			return FULL;
		d->held.p = NULL;
		d->end = d->held_after;
	}
	return MORE;
}

static void turn(void *arg)
{
	struct delivery *d = arg;
	uint64_t now = clock_mono_ns();
	d->next_ns = UINT64_MAX;
	if (d->sending)
		return;
	if (d->at_ns > now) {
		plan(d, d->at_ns);
		return;
	}
	if (d->again) {
		send(d);
		return;
	}
	enum gathered g = gather(d);
	now = clock_mono_ns();
	if (d->n && (g == FULL || now >= d->first_ns + d->conf.linger_ns)) {
		send(d);
		return;
	}
	if (!d->n && g == FULL)
		d->sink->class->clear(d->sink); /* there was no memory for even one record */
	if (!d->n && now >= d->saved_ns + SAVE_NS)
		save(d);
	if (g == MORE)
		plan(d, now);
	else
		plan(d, d->n ? d->first_ns + d->conf.linger_ns : now + SCAN_NS);
}

int delivery_new(struct loop *loop, struct sink *s, const struct delivery_conf *conf,
		 delivery_trouble_fn trouble, void *arg, struct delivery **out)
{
	struct delivery *d = calloc(1, sizeof *d);
	if (!d)
		return -ENOMEM;
	d->loop = loop;
	d->sink = s;
	d->conf = *conf;
	d->trouble = trouble;
	d->arg = arg;
	d->next_ns = UINT64_MAX;
	d->saved = (struct records_pos){.day = conf->first_day};
	d->tokener = json_tokener_new_ex(32);
	int rc = d->tokener ? offset_load(conf->offset, &d->saved) : -ENOMEM;
	if (rc == -ENOENT)
		rc = 0;
	else if (rc)
		log_error("offset cannot be read",
			  "path=%s error=\"%s\" hint=\"remove the file to begin anew\"",
			  conf->offset, strerror(-rc));
	if (!rc)
		rc = rewind_reader(d);
	if (rc) {
		delivery_free(&d);
		return rc;
	}
	s->done = on_done;
	s->arg = d;
	plan(d, 0);
	*out = d;
	return 0;
}

void delivery_free(struct delivery **dp)
{
	struct delivery *d = *dp;
	if (!d)
		return;
	loop_at(d->loop, UINT64_MAX, turn, d);
	records_reader_close(&d->reader);
	if (d->tokener)
		json_tokener_free(d->tokener);
	free(d);
	*dp = NULL;
}

void delivery_drain(struct delivery *d, int ms)
{
	d->draining = true;
	if (d->sending && d->sink->class->drain)
		d->sink->class->drain(d->sink, ms);
	if (!d->n)
		save(d);
}

const struct delivery_counts *delivery_counts(const struct delivery *d)
{
	return &d->counts;
}

uint64_t delivery_gathered(const struct delivery *d)
{
	return d->n;
}

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
/* How often the records are looked at without a wake-up. */
#define SCAN_NS (2 * NS_PER_S)
/* Lines that no sink took move the offset too, but not each with a flush. */
#define SAVE_NS (5 * NS_PER_S)
/* Wake-ups within this time are served together. */
#define GATHER_NS (10 * NS_PER_MS)
/* A batch that failed this often is worth an alert. */
#define ALERT_STREAK 6

struct delivery {
	struct loop *loop;
	struct sink *sink;
	struct delivery_conf conf;
	struct records_reader *reader;
	struct json_tokener *tokener;
	struct delivery_counts counts;
	struct records_pos saved, end; /* on disk; after the last record that was dealt with */
	size_t n, limit;               /* records in the batch, and how many it may have; 0: any */
	struct bytes held;             /* read, but the batch was full; p NULL: none */
	struct records_pos held_after;
	uint64_t first_ns; /* when the batch's first record was taken */
	uint64_t saved_ns, next_ns;
	char begins[64], ends[64]; /* messages of alerts */
	struct retry retry;
	struct attempts attempts; /* at the batch; nothing is sent before at_ns */
	bool sending, again, draining;
};

static void delivery_turn(void *arg);

static void delivery_plan(struct delivery *d, uint64_t when_ns)
{
	if (when_ns >= d->next_ns || d->draining)
		return;
	d->next_ns = when_ns;
	loop_at(d->loop, when_ns, delivery_turn, d);
}

void delivery_wake(struct delivery *d)
{
	delivery_plan(d, clock_mono_ns() + GATHER_NS);
}

static void delivery_save(struct delivery *d)
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

static void delivery_empty(struct delivery *d)
{
	d->sink->class->clear(d->sink);
	d->n = 0;
	d->attempts = (struct attempts){0};
	d->again = false;
}

/* Goes back to the last offset that is safe: what was gathered since is read again. */
static int delivery_rewind(struct delivery *d)
{
	records_reader_close(&d->reader);
	d->held.p = NULL;
	d->end = d->saved;
	return records_reader_open(d->conf.records, d->saved, &d->reader);
}

static void delivery_refused(struct delivery *d, const char *why)
{
	if (d->n <= 1) {
		log_error("record left out", "sink=%s error=\"%s\"", d->sink->class->name, why);
		d->counts.refused++;
		delivery_empty(d);
		delivery_save(d);
		d->limit = 0;
		return;
	}
	d->limit = d->n / 2;
	delivery_empty(d);
	if (delivery_rewind(d) != 0)
		log_error("records cannot be read", "path=%s", d->conf.records);
}

static void delivery_failed(struct delivery *d, const struct failure *f)
{
	d->again = true;
	d->counts.retries++;
	d->counts.stuck += f->outcome == OUTCOME_STUCK;
	if (d->attempts.n == 1)
		log_warn("records not delivered, will be tried again", "sink=%s error=\"%s\"",
			 d->sink->class->name, f->why);
	retry_failed(&d->retry, &d->attempts, f, clock_mono_ns(), retry_random());
}

static void delivery_done(struct delivery *d)
{
	d->counts.delivered += d->n;
	d->counts.batches++;
	d->limit = d->limit ? d->limit * 2 : 0;
	delivery_empty(d);
	delivery_save(d);
	retry_passed(&d->retry);
}

static void on_done(void *arg, enum outcome r, const char *why, uint64_t wait_ns)
{
	struct delivery *d = arg;
	uint64_t now = clock_mono_ns();
	d->sending = false;
	d->attempts.at_ns = now;
	switch (r) {
	case OUTCOME_OK:
		delivery_done(d);
		d->attempts.at_ns = now + wait_ns; /* a destination that wants few requests */
		break;
	case OUTCOME_REFUSED:
		delivery_refused(d, why);
		d->attempts.at_ns = now;
		break;
	case OUTCOME_RETRY:
	case OUTCOME_STUCK:
		delivery_failed(d, &(const struct failure){r, why, wait_ns});
		break;
	}
	delivery_plan(d, d->attempts.at_ns);
}

static void delivery_send(struct delivery *d)
{
	d->sending = true;
	d->attempts.n++;
	d->sink->class->send(d->sink);
}

/* Offers one line to the sink. False: the batch is full. */
static bool delivery_offer(struct delivery *d, struct bytes line)
{
	struct json_object *init;
	json_tokener_reset(d->tokener);
	struct record r = {.line = line};
	if (line.n <= INT32_MAX)
		r.json = json_tokener_parse_ex(d->tokener, (const char *)line.p, (int)line.n);
	enum sink_add took = SINK_LEFT;
	if (!r.json || !json_object_is_type(r.json, json_type_object)) {
		d->counts.unreadable++;
	} else if (!sink_filter_match(&d->conf.filter, r.json)) {
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

static enum gathered delivery_gather(struct delivery *d)
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
		if (!delivery_offer(d, d->held))
			return FULL;
		d->held.p = NULL;
		d->end = d->held_after;
	}
	return MORE;
}

static void delivery_turn(void *arg)
{
	struct delivery *d = arg;
	uint64_t now = clock_mono_ns();
	d->next_ns = UINT64_MAX;
	if (d->sending)
		return;
	if (d->attempts.at_ns > now) {
		delivery_plan(d, d->attempts.at_ns);
		return;
	}
	if (d->again) {
		delivery_send(d);
		return;
	}
	enum gathered g = delivery_gather(d);
	now = clock_mono_ns();
	if (d->n && (g == FULL || now >= d->first_ns + d->conf.linger_ns)) {
		delivery_send(d);
		return;
	}
	if (!d->n && g == FULL)
		d->sink->class->clear(d->sink); /* there was no memory for even one record */
	if (!d->n && now >= d->saved_ns + SAVE_NS)
		delivery_save(d);
	if (g == MORE)
		delivery_plan(d, now);
	else
		delivery_plan(d, d->n ? d->first_ns + d->conf.linger_ns : now + SCAN_NS);
}

int delivery_new(struct loop *loop, struct sink *s, const struct delivery_conf *conf,
		 retry_alert_fn alert, void *arg, struct delivery **out)
{
	struct delivery *d = calloc(1, sizeof *d);
	if (!d)
		return -ENOMEM;
	d->loop = loop;
	d->sink = s;
	d->conf = *conf;
	d->next_ns = UINT64_MAX;
	snprintf(d->begins, sizeof d->begins, "%s: records wait", s->class->name);
	snprintf(d->ends, sizeof d->ends, "%s: records go through again", s->class->name);
	const struct retry_conf retry = {.first_ns = conf->retry_first_ns,
					 .max_ns = conf->retry_max_ns,
					 .stuck_ns = conf->stuck_ns,
					 .alert_ns = UINT64_MAX,
					 .alert_streak = ALERT_STREAK,
					 .begins = d->begins,
					 .ends = d->ends};
	retry_init(&d->retry, &retry, alert, arg);
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
		rc = delivery_rewind(d);
	if (rc) {
		delivery_free(&d);
		return rc;
	}
	s->done = on_done;
	s->arg = d;
	delivery_plan(d, 0);
	*out = d;
	return 0;
}

void delivery_free(struct delivery **dp)
{
	struct delivery *d = *dp;
	if (!d)
		return;
	loop_at(d->loop, UINT64_MAX, delivery_turn, d);
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
		delivery_save(d);
}

const struct delivery_counts *delivery_counts(const struct delivery *d)
{
	return &d->counts;
}

uint64_t delivery_gathered(const struct delivery *d)
{
	return d->n;
}

#include "work/record_batch.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "storage/ledger.h"
#include "storage/records.h"

/* What the ends take at most: a record is never shorter than this. */
#define RECORD_LEAST 64u

void record_batch_init(struct record_batch *b, size_t limit)
{
	buf_init(&b->lines, limit);
	buf_init(&b->bodies, limit);
	buf_init(&b->ends, limit / RECORD_LEAST * sizeof(struct record_batch_end));
	b->records = 0;
	b->written = b->placed = 0;
	b->entries = 0;
	b->flushes = 0;
}

static void let_go(struct record_batch *b)
{
	for (size_t i = 0; i < b->entries; i++)
		if (b->entry[i].hold >= 0)
			close(b->entry[i].hold);
	b->entries = 0;
}

void record_batch_fini(struct record_batch *b)
{
	let_go(b);
	buf_fini(&b->lines);
	buf_fini(&b->bodies);
	buf_fini(&b->ends);
}

/* end_of: of the first n records. */
static struct record_batch_end end_of(const struct record_batch *b, size_t n)
{
	struct record_batch_end e = {0};

	if (n)
		memcpy(&e, b->ends.p + (n - 1) * sizeof e, sizeof e);
	return e;
}

static struct bytes line_of(const struct record_batch *b, size_t i)
{
	size_t from = end_of(b, i).line;
	return bytes_of(b->lines.p + from, end_of(b, i + 1).line - from);
}

static struct bytes body_of(const struct record_batch *b, size_t i)
{
	size_t from = end_of(b, i).body;
	return bytes_of(b->bodies.p + from, end_of(b, i + 1).body - from);
}

void record_batch_drop(struct record_batch *b)
{
	const struct record_batch_end e = end_of(b, b->records);

	buf_back(&b->lines, e.line);
	buf_back(&b->bodies, e.body);
}

int record_batch_record(struct record_batch *b)
{
	const struct record_batch_end e = {.line = b->lines.n, .body = b->bodies.n};
	size_t before = b->ends.n;
	int rc = buf_add(&b->ends, &e, sizeof e);

	if (rc) {
		buf_back(&b->ends, before);
		record_batch_drop(b);
		return rc;
	}
	b->records++;
	return 0;
}

struct record_batch_mark record_batch_mark(const struct record_batch *b)
{
	return (struct record_batch_mark){.records = b->records, .flushes = b->flushes};
}

size_t record_batch_back(struct record_batch *b, struct record_batch_mark m)
{
	size_t from = m.flushes == b->flushes ? m.records : 0;
	/* Lines that a failed flush has written stay, unpublished; whoever reads them twice knows
	 * them by their flow_id. */
	size_t keep = from > b->placed ? from : b->placed, n = b->records - keep;
	const size_t body = end_of(b, from).body;

	for (size_t i = from; i < keep; i++) {
		struct record_batch_end e = {.line = end_of(b, i + 1).line, .body = body};
		memcpy(b->ends.p + i * sizeof e, &e, sizeof e);
	}
	b->records = keep;
	buf_back(&b->ends, keep * sizeof(struct record_batch_end));
	record_batch_drop(b);
	return n;
}

void record_batch_entry(struct record_batch *b, const char *key, int hold, bool bad,
			uint64_t outside)
{
	strncpy(b->entry[b->entries].key, key, OBJECT_KEY_MAX - 1);
	b->entry[b->entries].key[OBJECT_KEY_MAX - 1] = 0;
	b->entry[b->entries].hold = hold;
	b->entry[b->entries].outside = outside;
	b->entry[b->entries++].bad = bad;
}

bool record_batch_has_enough(const struct record_batch *b)
{
	return end_of(b, b->records).line >= RECORD_BATCH_FULL;
}

bool record_batch_is_full(const struct record_batch *b)
{
	return b->entries == RECORD_BATCH_ENTRIES || record_batch_has_enough(b);
}

bool record_batch_is_empty(const struct record_batch *b)
{
	return !b->entries && !b->records;
}

/* Before the entries go, so that it is as sure as the records. What is set aside counts as that. */
static int note_outside(const struct record_batch *b, struct ledger *log)
{
	struct ledger_line v[RECORD_BATCH_ENTRIES];
	size_t n = 0;

	for (size_t i = 0; i < b->entries; i++)
		if (b->entry[i].outside && !b->entry[i].bad)
			v[n++] = (struct ledger_line){"analyzer", b->entry[i].key,
						      b->entry[i].outside, 1};
	return n ? ledger_add(log, v, n) : 0;
}

int record_batch_flush(struct record_batch *b, const struct record_batch_out *o, uint64_t now_ns,
		       struct record_batch_counts *c)
{
	for (; b->written < b->records; b->written++) {
		int rc = records_append(o->records, now_ns, line_of(b, b->written));
		if (rc)
			return rc;
		if (b->written < b->placed)
			continue;
		b->placed++;
		c->records++;
	}
	if (b->records) {
		int rc = records_sync(o->records);
		if (rc) {
			b->written = 0;
			return rc;
		}
	}
	int rc = o->outside ? note_outside(b, o->outside) : 0;
	if (rc)
		return rc;
	/* Nothing fails from here on. The lines go first: a message is copied once more. */
	buf_spare(&b->lines, RECORD_BATCH_KEEP);
	for (size_t i = 0; i < b->records; i++)
		if (body_of(b, i).n)
			o->publish(o->arg, body_of(b, i));
	for (size_t i = 0; i < b->entries; i++) {
		rc = b->entry[i].bad ? queue_bad(o->queue, b->entry[i].key)
				     : queue_done(o->queue, b->entry[i].key);
		/* It will be offered again, and its records come twice: better than not at all. */
		if (rc)
			c->stuck_entries++;
		else if (b->entry[i].bad)
			c->set_aside++;
		else
			c->entries++;
	}
	buf_spare(&b->bodies, RECORD_BATCH_KEEP);
	buf_spare(&b->ends, RECORD_BATCH_KEEP);
	b->records = 0;
	b->written = b->placed = 0;
	let_go(b);
	b->flushes++;
	return 0;
}

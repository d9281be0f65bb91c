#include "batch.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "rt/records.h"

void batch_init(struct batch *b, size_t limit)
{
	buf_init(&b->lines, limit);
	buf_init(&b->bodies, limit);
	b->written = 0;
	b->entries = 0;
	b->flushes = 0;
}

static void let_go(struct batch *b)
{
	for (size_t i = 0; i < b->entries; i++)
		if (b->entry[i].hold >= 0)
			close(b->entry[i].hold);
	b->entries = 0;
}

void batch_fini(struct batch *b)
{
	let_go(b);
	buf_fini(&b->lines);
	buf_fini(&b->bodies);
}

/* put: 0 or -errno; on an error nothing was added. */
static int put(struct buf *to, struct bytes b)
{
	size_t before = to->n;
	uint64_t n = b.n;
	int rc = buf_add(to, &n, sizeof n);

	if (!rc && b.n)
		rc = buf_add(to, b.p, b.n);
	if (rc) {
		to->n = before;
		to->failed = false;
	}
	return rc;
}

/* get: the piece at *at, which moves on. */
static struct bytes get(const struct buf *from, size_t *at)
{
	uint64_t n;

	memcpy(&n, from->p + *at, sizeof n);
	struct bytes b = {.p = from->p + *at + sizeof n, .n = (size_t)n};
	*at += sizeof n + b.n;
	return b;
}

int batch_record(struct batch *b, struct bytes line, struct bytes body)
{
	size_t before = b->bodies.n;
	int rc = body.n ? put(&b->bodies, body) : 0;

	if (!rc)
		rc = put(&b->lines, line);
	if (rc)
		b->bodies.n = before;
	return rc;
}

struct batch_mark batch_mark(const struct batch *b)
{
	return (struct batch_mark){
		.lines = b->lines.n, .bodies = b->bodies.n, .flushes = b->flushes};
}

size_t batch_back(struct batch *b, struct batch_mark m)
{
	if (m.flushes != b->flushes)
		m = (struct batch_mark){0};
	/* Lines that a failed flush has written stay; whoever reads them twice knows them by their
	 * flow_id. */
	size_t keep = m.lines > b->written ? m.lines : b->written, n = 0;
	for (size_t at = keep; at < b->lines.n; n++)
		get(&b->lines, &at);
	b->lines.n = keep;
	b->bodies.n = m.bodies;
	return n;
}

void batch_entry(struct batch *b, const char *key, int hold, bool bad)
{
	strncpy(b->entry[b->entries].key, key, SPOOL_KEY_MAX - 1);
	b->entry[b->entries].key[SPOOL_KEY_MAX - 1] = 0;
	b->entry[b->entries].hold = hold;
	b->entry[b->entries++].bad = bad;
}

bool batch_is_full(const struct batch *b)
{
	return b->entries == BATCH_ENTRIES || b->lines.n >= BATCH_FULL;
}

bool batch_is_empty(const struct batch *b)
{
	return !b->entries && !b->lines.n;
}

int batch_flush(struct batch *b, const struct batch_out *o, uint64_t now_ns, struct batch_counts *c)
{
	while (b->written < b->lines.n) {
		size_t at = b->written;
		int rc = records_append(o->records, now_ns, get(&b->lines, &at));
		if (rc)
			return rc;
		b->written = at;
		c->records++;
	}
	if (b->lines.n) {
		int rc = records_sync(o->records);
		if (rc)
			return rc;
	}
	for (size_t at = 0; at < b->bodies.n;)
		o->publish(o->arg, get(&b->bodies, &at));
	for (size_t i = 0; i < b->entries; i++) {
		int rc = b->entry[i].bad ? queue_bad(o->queue, b->entry[i].key)
					 : queue_done(o->queue, b->entry[i].key);
		/* It will be offered again, and its records come twice: better than not at all. */
		if (rc)
			c->stuck_entries++;
		else if (b->entry[i].bad)
			c->set_aside++;
		else
			c->entries++;
	}
	buf_spare(&b->lines, BATCH_KEEP);
	buf_spare(&b->bodies, BATCH_KEEP);
	b->written = 0;
	let_go(b);
	b->flushes++;
	return 0;
}

#include "capture/outlet.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "capture/capture_count.h"
#include "proto/codec.h"

int outlet_init(struct outlet *o, struct journal **journal, struct bus *bus, uint64_t *metrics)
{
	*o = (struct outlet){.bus = bus, .m = metrics};
	int rc = journal_batch_new(1, &o->batch);
	if (rc)
		return rc;
	buf_init(&o->body, BUS_MAX_FRAME);
	o->journal = *journal;
	*journal = NULL;
	return 0;
}

void outlet_fini(struct outlet *o)
{
	if (!o->journal)
		return;
	outlet_flush(o);
	journal_close(&o->journal);
	journal_batch_free(&o->batch);
	buf_fini(&o->body);
}

static void outlet_publish(struct outlet *o, uint64_t first, uint32_t n)
{
	const struct journal_batch *b = o->batch;

	for (uint32_t i = 0; i < n; i++) {
		const struct journal_rec *r = &b->rec[i];
		o->rows[i] = (struct msg_packet_row){r->ts_ns, r->len, {b->p + r->off, r->caplen}};
	}
	struct msg_packet m = {
		.first = first,
		.link = (uint64_t)b->linktype,
		.packets = {o->rows, n},
	};
	buf_reset(&o->body);
	if (msg_encode(&msg_packet_schema, &m, &o->body) == 0)
		bus_publish(o->bus, "packet", buf_bytes(&o->body));
	/* A message that could not be encoded is a gap for flowagg, which then reads the
	 * journal. */
}

/* Logs once that the journal cannot be written, and once that it can be again. */
static void outlet_report(struct outlet *o, int rc)
{
	if (rc && !o->error)
		log_error("journal cannot be written", "error=\"%s\" next=%" PRIu64, strerror(-rc),
			  journal_next_number(o->journal));
	else if (!rc && o->error)
		log_info("journal works again", "next=%" PRIu64 " dropped=%" PRIu64,
			 journal_next_number(o->journal), o->m[CAPTURE_DROPPED_JOURNAL]);
	o->error = rc;
}

void outlet_flush(struct outlet *o)
{
	const struct journal_batch *b = o->batch;
	uint64_t first;
	uint32_t taken;

	if (!b->n)
		return;
	int rc = journal_append(o->journal, b, 0, &first, &taken);
	outlet_report(o, rc);
	for (uint32_t i = 0; i < b->n; i++) {
		bool tick = !b->rec[i].caplen && !b->rec[i].len;
		if (i >= taken) {
			o->m[CAPTURE_DROPPED_JOURNAL] += !tick;
			continue;
		}
		o->m[tick ? CAPTURE_TICKS : CAPTURE_PACKETS]++;
		o->m[CAPTURE_PACKET_BYTES] += b->rec[i].caplen;
		o->alive_ns = b->rec[i].ts_ns;
	}
	if (taken) {
		outlet_publish(o, first, taken);
		o->m[CAPTURE_BATCHES]++;
	}
	journal_batch_reset(o->batch);
}

void outlet_packet(struct outlet *o, int linktype, uint64_t ts_ns, uint32_t caplen, uint32_t len,
		   const uint8_t *data)
{
	o->m[CAPTURE_RECEIVED]++;
	if (!caplen && !len) {
		o->m[CAPTURE_DROPPED_EMPTY]++; /* would be taken for a tick */
		return;
	}
	if (o->batch->linktype != linktype) {
		outlet_flush(o);
		o->batch->linktype = linktype;
	}
	int rc = journal_batch_add(o->batch, ts_ns, caplen, len, data);
	if (rc == -ENOBUFS) {
		outlet_flush(o);
		rc = journal_batch_add(o->batch, ts_ns, caplen, len, data);
	}
	if (rc)
		o->m[CAPTURE_DROPPED_SIZE]++;
}

void outlet_tick(struct outlet *o, uint64_t ts_ns)
{
	if (journal_batch_tick(o->batch, ts_ns) == -ENOBUFS) {
		outlet_flush(o);
		journal_batch_tick(o->batch, ts_ns);
	}
	outlet_flush(o);
}

#include "read/capture_reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pkt/linktype.h"
#include "pkt/siphash.h"
#include "read/packet_filter.h"

/* How often progress is told, in packets. */
#define PROGRESS_STEP 4096

static bool read_again(void *arg, uint64_t place, struct pkt *p)
{
	struct capfile_packet k;

	if (!capfile_again(arg, place, &k))
		return false;
	p->ts_ns = k.ts_ns;
	pkt_decode(k.linktype, k.data, k.caplen, k.len, p);
	return true;
}

static void read_again_ahead(void *arg, uint64_t place)
{
	capfile_ahead(arg, place);
}

static void read_again_done(void *arg, uint64_t place)
{
	capfile_done(arg, place);
}

static bool is_foreign(const struct flow_table *t, const struct capfile_packet *k)
{
	return k->linktype == LINK_ETHERNET && flow_table_foreign(t, k->data, k->caplen);
}

/* is_wanted: whether the filter lets a packet through. */
static bool is_wanted(struct packet_filter *f, const struct capfile_packet *k,
		      struct capture_reader_result *res)
{
	const char *why;
	int match = f ? packet_filter_match(f, k, &why) : 1;

	if (match < 0 && !*res->unfiltered) {
		snprintf(res->unfiltered, sizeof res->unfiltered, "%s", why);
		res->unfiltered_link = k->linktype;
	}
	return match > 0;
}

/* name_stream: what a stream begins with tells it from others. */
static void name_stream(struct record_source *src, const struct capfile_packet *first)
{
	static const uint8_t fixed[16] = "lurker-analyzer";

	snprintf(src->stream_key, sizeof src->stream_key, "-%" PRIu64 "-%016" PRIx64, first->ts_ns,
		 siphash24(first->data, first->caplen, fixed));
	src->key = src->stream_key;
}

/* read_packets: all of them into the flow table. 0 at the end, -EBADMSG where the file breaks,
 * another -errno. */
static int read_packets(struct capture_reader *r)
{
	const struct capture_reader_options *o = r->o;
	struct capfile *c = r->c;
	struct flow_table *t = r->flows;
	struct flow_table_packet batch[FLOW_TABLE_BATCH];
	struct capfile_packet k;
	uint64_t told = 0, no = 0;
	size_t n = 0;
	int rc = 0, read;

	do {
		/* Packets stay where they are as long as the next ones are at hand. */
		bool more = (read = capfile_next(c, &k)) == 1;
		if (more && !no && r->src->nameless)
			name_stream(r->src, &k);
		if (more && !is_foreign(t, &k) && is_wanted(o->filter, &k, &r->res)) {
			struct flow_table_packet *to = &batch[n++];
			to->no = no;
			to->place = k.place;
			to->p.ts_ns = k.ts_ns;
			pkt_decode(k.linktype, k.data, k.caplen, k.len, &to->p);
			to->p.ts_wraps = k.ts_wraps;
			if (to->p.stop == PKT_LINK)
				r->res.unknown_link = k.linktype;
		}
		if (o->progress && (!more || no % PROGRESS_STEP == 0)) {
			*o->progress += capfile_offset(c) - told;
			told = capfile_offset(c);
		}
		no += more;
		if (n == FLOW_TABLE_BATCH || !more || !capfile_at_hand(c)) {
			rc = flow_table_packets(t, batch, n);
			n = 0;
		}
	} while (!rc && read == 1);
	return rc ? rc : read;
}

int capture_reader_open(struct capture_reader *r, const struct capture_reader_options *o,
			struct capfile *c, struct record *record, struct record_source *src)
{
	struct flow_table_options flows = o->flows;

	*r = (struct capture_reader){.o = o, .c = c, .record = record, .src = src};
	flows.again = (struct flow_table_again){
		.read = read_again, .ahead = read_again_ahead, .done = read_again_done, .arg = c};
	int rc = flow_table_new(&flows, &r->flows);
	if (rc)
		return rc;
	struct capture_reader_result *res = &r->res;
	res->rc = read_packets(r);
	res->offset = capfile_offset(c);
	if (res->rc)
		snprintf(res->error, sizeof res->error, "%s",
			 *capfile_error(c) ? capfile_error(c) : strerror(-res->rc));
	/* What is read from a file that breaks is good; without disk for paging or memory nothing
	 * is. */
	src->broken = res->rc == -EBADMSG;
	return res->rc && !src->broken ? res->rc : flow_table_finish(r->flows);
}

int capture_reader_next(struct capture_reader *r, const struct flow **f)
{
	struct flow_table_ahead ahead;
	struct flow *flow;
	int rc = flow_table_next(r->flows, &flow, &ahead);

	if (rc <= 0)
		return rc;
	if (ahead.soon)
		record_ahead(r->record, ahead.soon, false);
	if (ahead.near)
		record_ahead(r->record, ahead.near, true);
	rc = record_fill(r->record, r->src, &r->o->flows.stream, flow);
	if (rc)
		return rc;
	r->res.records++;
	*f = flow;
	return 1;
}

void capture_reader_close(struct capture_reader *r, struct capture_reader_result *res)
{
	struct capture_reader_result *own = &r->res;

	if (r->flows) {
		own->counts = *flow_table_counts(r->flows);
		own->defrag = *flow_table_defrag(r->flows);
		own->incomplete = flow_table_incomplete(r->flows);
		own->strays = capfile_strays(r->c);
		/* Of no known link type either. Of processes that share a file the first one counts
		 * them. */
		uint64_t strays = r->o->flows.shard ? 0 : own->strays;
		own->counts.packets += strays;
		own->counts.link += strays;
		own->counts.outside += strays;
		flow_table_free(&r->flows);
		record_end(r->record);
	}
	*res = *own;
}

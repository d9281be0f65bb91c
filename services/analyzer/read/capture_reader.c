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

struct hand_out {
	const struct capture_reader_options *o;
	struct record *r;
	const struct record_source *src;
	capture_reader_fn fn;
	void *arg;
	struct capture_reader_result *res;
};

static int hand_out(void *arg, struct flow *f)
{
	struct hand_out *h = arg;
	int rc = record_fill(h->r, h->src, &h->o->flows.stream, f);

	if (rc)
		return rc;
	h->res->records++;
	return h->fn(h->arg, h->r, f);
}

static void ahead(void *arg, const struct flow *f, bool near)
{
	record_ahead(((struct hand_out *)arg)->r, f, near);
}

static bool again(void *arg, uint64_t place, struct pkt *p)
{
	struct capfile_packet k;

	if (!capfile_again(arg, place, &k))
		return false;
	p->ts_ns = k.ts_ns;
	pkt_decode(k.linktype, k.data, k.caplen, k.len, p);
	return true;
}

static void again_ahead(void *arg, uint64_t place)
{
	capfile_ahead(arg, place);
}

static void again_done(void *arg, uint64_t place)
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

/* read_all: 0 at the end, -EBADMSG where the file breaks, another -errno. */
static int read_all(const struct capture_reader_options *o, struct capfile *c, struct flow_table *t,
		    struct record_source *src, struct capture_reader_result *res)
{
	struct flow_table_packet batch[FLOW_TABLE_BATCH];
	struct capfile_packet k;
	uint64_t told = 0, no = 0;
	size_t n = 0;
	int rc = 0, read;

	do {
		/* Packets stay where they are as long as the next ones are at hand. */
		bool more = (read = capfile_next(c, &k)) == 1;
		if (more && !no && src->nameless)
			name_stream(src, &k);
		if (more && !is_foreign(t, &k) && is_wanted(o->filter, &k, res)) {
			struct flow_table_packet *to = &batch[n++];
			to->no = no;
			to->place = k.place;
			to->p.ts_ns = k.ts_ns;
			pkt_decode(k.linktype, k.data, k.caplen, k.len, &to->p);
			to->p.ts_wraps = k.ts_wraps;
			if (to->p.stop == PKT_LINK)
				res->unknown_link = k.linktype;
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

int capture_reader_run(const struct capture_reader_options *o, struct capfile *c, struct record *r,
		       struct record_source *src, capture_reader_fn fn, void *arg,
		       struct capture_reader_result *res)
{
	struct hand_out h = {.o = o, .r = r, .src = src, .fn = fn, .arg = arg, .res = res};
	struct flow_table_options flows = o->flows;
	struct flow_table *t;

	*res = (struct capture_reader_result){0};
	flows.again = (struct flow_table_again){
		.read = again, .ahead = again_ahead, .done = again_done, .arg = c};
	int rc = flow_table_new(&flows, &t);
	if (rc)
		return rc;
	res->rc = read_all(o, c, t, src, res);
	res->offset = capfile_offset(c);
	if (res->rc)
		snprintf(res->error, sizeof res->error, "%s",
			 *capfile_error(c) ? capfile_error(c) : strerror(-res->rc));
	/* What is read from a file that breaks is good; without disk for paging or memory nothing
	 * is. */
	bool broken = res->rc == -EBADMSG;
	if (res->rc && !broken)
		rc = res->rc;
	src->broken = broken;
	if (!rc)
		rc = flow_table_finish(
			t, &(struct flow_table_taker){.take = hand_out, .ahead = ahead, .arg = &h});
	res->counts = *flow_table_counts(t);
	res->defrag = *flow_table_defrag(t);
	res->incomplete = flow_table_incomplete(t);
	res->strays = capfile_strays(c);
	/* Of no known link type either. Of processes that share a file the first one counts
	 * them. */
	uint64_t strays = o->flows.shard ? 0 : res->strays;
	res->counts.packets += strays;
	res->counts.link += strays;
	res->counts.outside += strays;
	flow_table_free(&t);
	record_end(r);
	return rc;
}

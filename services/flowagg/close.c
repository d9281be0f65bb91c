#include "flowagg/close.h"

#include <netinet/in.h>
#include <string.h>

#include "pkt/capfile.h"

#define MINUTE_NS (60 * UINT64_C(1000000000))

const char *agg_reason_text(enum agg_reason reason)
{
	static const char *const text[END_REASONS] = {
		[END_IDLE] = "idle",   [END_AGE] = "age",           [END_SIZE] = "size",
		[END_REUSE] = "reuse", [END_PRESSURE] = "pressure", [END_MINUTE] = "minute",
		[END_FULL] = "full",
	};
	return text[reason];
}

/* Whether the file gets packets of that side. */
static bool close_keeps(const struct agg *a, const struct open_flow *f, unsigned side)
{
	return !a->limits.initiator_only || side == f->initiator;
}

static uint64_t close_kept_packets(const struct agg *a, const struct open_flow *f)
{
	return a->limits.initiator_only ? f->wire[f->initiator] : f->packets;
}

/* Hands over the flow's records in pcap form. */
static int close_records(const struct agg *a, const struct open_flow *f, agg_put_fn put, void *arg)
{
	struct chain_pos pos = chain_begin(&f->chain);
	uint8_t head[PCAP_RECORD_HEADER];
	const uint8_t *from;
	int rc = 0;

	for (uint32_t i = 0; i < f->packets && !rc; i++) {
		struct stored s;
		chain_copy(&a->pool, &pos, &s, sizeof s);
		bool keep = close_keeps(a, f, s.len_side & 1);
		if (keep) {
			pcap_put_record(head, s.ts_ns, s.caplen, s.len_side >> 1);
			rc = put(arg, head, sizeof head);
		}
		for (size_t left = s.caplen; left && !rc;) {
			size_t n = chain_read(&a->pool, &pos, left, &from);
			if (keep)
				rc = put(arg, from, n);
			left -= n;
		}
	}
	return rc;
}

int agg_write(const struct agg_sealed *s, agg_put_fn put, void *arg)
{
	uint8_t head[PCAP_FILE_HEADER];

	pcap_put_header(head, s->linktype, CAPFILE_MAX_PACKET);
	int rc = put(arg, head, sizeof head);
	if (!rc)
		rc = s->flow ? close_records(s->agg, s->flow, put, arg)
			     : put(arg, s->agg->bundle.p, s->agg->bundle.bytes);
	return rc;
}

struct copy {
	uint8_t *to;
};

static int close_copy(void *arg, const void *p, size_t n)
{
	struct copy *c = arg;

	memcpy(c->to, p, n);
	c->to += n;
	return 0;
}

/* Bytes of the flow's records in a file; of the initiator's side only, if so configured. */
static uint64_t close_record_bytes(const struct agg *a, const struct open_flow *f)
{
	/* A record takes the same in memory and in the file: 16 bytes and the packet. */
	_Static_assert(sizeof(struct stored) == PCAP_RECORD_HEADER, "records of one size");
	if (!a->limits.initiator_only)
		return f->bytes;
	struct chain_pos pos = chain_begin(&f->chain);
	uint64_t bytes = 0;
	for (uint32_t i = 0; i < f->packets; i++) {
		struct stored s;
		const uint8_t *from;
		chain_copy(&a->pool, &pos, &s, sizeof s);
		for (size_t left = s.caplen; left;)
			left -= chain_read(&a->pool, &pos, left, &from);
		if (close_keeps(a, f, s.len_side & 1))
			bytes += sizeof s + s.caplen;
	}
	return bytes;
}

int close_bundle(struct agg *a, enum agg_reason reason)
{
	struct bundle *b = &a->bundle;

	if (!b->packets)
		return 0;
	struct agg_sealed s = {
		.number = a->next_seal,
		.reason = reason,
		.flows = b->flows,
		.packets = b->packets,
		.file_bytes = PCAP_FILE_HEADER + b->bytes,
		.init_ns = b->init_ns,
		.last_ns = b->last_ns,
		.first = b->first,
		.linktype = b->linktype,
		.agg = a,
	};
	name_bundle(b->init_ns, b->first, s.key);
	int rc = a->seal(a->arg, &s);
	if (rc)
		return rc;
	a->next_seal++;
	a->counts.ended[reason]++;
	a->counts.bundles++;
	a->counts.bundled -= b->packets;
	a->counts.sealed += b->packets;
	bundle_reset(b);
	return 0;
}

int close_bundle_of_past(struct agg *a)
{
	const struct bundle *b = &a->bundle;
	uint64_t ref = a->clock.ref_ns;

	if (!b->packets)
		return 0;
	/* The bundle's last flow ended after one idle timeout; another one without a flow is long
	 * enough. So a short idle timeout also delays bundles only shortly; from a minute on, the
	 * minute decides. */
	bool silent = ref > b->last_ns && ref - b->last_ns >= 2 * a->limits.idle_ns;
	return silent || b->minute != ref / MINUTE_NS ? close_bundle(a, END_MINUTE) : 0;
}

/* 1; 0: the flow is not one for the bundle; -errno. */
static int close_to_bundle(struct agg *a, const struct open_flow *f, uint64_t packets,
			   uint64_t bytes)
{
	struct bundle *b = &a->bundle;

	if (a->limits.bundling == BUNDLE_NONE || bytes > a->limits.bundle_bytes ||
	    (a->limits.bundling == BUNDLE_EMPTY && f->class == CLASS_DATA))
		return 0;
	if (b->packets &&
	    (b->bytes + bytes > a->limits.bundle_bytes || b->linktype != f->linktype)) {
		int rc = close_bundle(a, END_FULL);
		if (rc)
			return rc;
	}
	struct copy c = {bundle_room(b, bytes)};
	if (!c.to)
		return 0; /* no memory: the flow becomes a file */
	if (!b->packets) {
		b->minute = a->clock.ref_ns / MINUTE_NS;
		b->first = f->first;
		b->init_ns = f->init_ns;
		b->linktype = f->linktype;
	}
	close_records(a, f, close_copy, &c);
	b->bytes += bytes;
	b->flows++;
	b->packets += packets;
	if (b->last_ns < f->last_ns)
		b->last_ns = f->last_ns;
	a->counts.flows_bundled++;
	a->counts.bundled += packets;
	return 1;
}

static int close_to_file(struct agg *a, const struct open_flow *f, enum agg_reason reason,
			 uint64_t packets, uint64_t bytes)
{
	struct agg_sealed s = {
		.number = a->next_seal,
		.reason = reason,
		.flows = 1,
		.packets = packets,
		.file_bytes = PCAP_FILE_HEADER + bytes,
		.init_ns = f->init_ns,
		.last_ns = f->last_ns,
		.first = f->first,
		.linktype = f->linktype,
		.flow = f,
		.payload_bytes = f->payload[f->initiator],
		.agg = a,
	};
	name_flow(f, s.key);
	int rc = a->seal(a->arg, &s);
	if (rc)
		return rc;
	a->next_seal++;
	names_ended(&a->names, f, a->clock.ref_ns);
	a->counts.flows_sealed++;
	a->counts.sealed += packets;
	return 0;
}

/* Whether the host itself began the flow. The host's uploads and look-ups are no attack, and an
 * upload kept as a flow would be uploaded again, without end. A forged source cannot hide a flow
 * here: whoever sends to us has one of our addresses as the destination. A TCP flow whose beginning
 * was not seen is kept. */
static bool close_own(const struct agg *a, const struct open_flow *f)
{
	const struct addr *from = f->initiator ? &f->key.hi : &f->key.lo;
	const struct addr *to = f->initiator ? &f->key.lo : &f->key.hi;

	if (!a->limits.home || (f->key.proto == IPPROTO_TCP && f->rank == RANK_FIRST))
		return false;
	return home_has(a->limits.home, from) && !home_has(a->limits.home, to);
}

/* Puts the packets that are kept into the bundle or a file. */
static int close_keep(struct agg *a, const struct open_flow *f, enum agg_reason reason,
		      uint64_t packets)
{
	uint64_t bytes = close_record_bytes(a, f);

	int rc = close_to_bundle(a, f, packets, bytes);
	if (!rc)
		return close_to_file(a, f, reason, packets, bytes);
	return rc < 0 ? rc : 0;
}

int close_flow(struct agg *a, struct open_flow *f, enum agg_reason reason)
{
	bool ours = close_own(a, f);
	uint64_t packets = ours ? 0 : close_kept_packets(a, f);

	int rc = packets ? close_keep(a, f, reason, packets) : 0;
	if (rc)
		return rc;
	if (ours)
		a->counts.own += f->packets;
	else
		a->counts.other_side += f->packets - packets;
	a->counts.open -= f->packets;
	a->counts.ended[reason]++;
	chain_free(&a->pool, &f->chain);
	open_flows_remove(&a->table, f);
	return 0;
}

#include "record/record.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int record_init(struct record *r, uint32_t max_payload)
{
	*r = (struct record){0};
	/* Bytes before the first one seen come on top of the stream limit. */
	return memo_new((size_t)max_payload + STREAM_ORIGIN, &r->memo);
}

void record_fini(struct record *r)
{
	memo_free(&r->memo);
}

static const char *proto_name(uint8_t proto, char number[4])
{
	switch (proto) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_ICMP:
		return "icmp";
	case IPPROTO_ICMPV6:
		return "icmp6";
	}
	snprintf(number, 4, "%u", proto);
	return number;
}

static void cuts(struct record *r, const struct flow *f, const struct stream *s, bool broken)
{
	size_t n = 0;
	static const struct {
		uint8_t flag;
		const char *name;
	} limits[] = {
		{STREAM_CUT_BYTES, "stream"},
		{STREAM_CUT_WINDOW, "out_of_order"},
		{STREAM_CUT_GAPS, "gaps"},
		{STREAM_CUT_MEMORY, "memory"},
	};

	for (size_t i = 0; s && i < sizeof limits / sizeof limits[0]; i++)
		if (s->cut & limits[i].flag)
			r->cuts[n++] = bytes_str(limits[i].name);
	if (f->dir[r->initiator].starved && !(s && s->cut & STREAM_CUT_MEMORY))
		r->cuts[n++] = bytes_str("memory");
	if (f->snapped)
		r->cuts[n++] = bytes_str("snaplen");
	if (broken && !f->closed)
		r->cuts[n++] = bytes_str("capture");
	r->m.truncated = (struct msg_strs){.v = r->cuts, .n = n};
}

/* ports: of the initiator and of the responder; of ICMP type and code, whichever way it goes. */
static void ports(const struct flow *f, int initiator, uint16_t *src, uint16_t *dst)
{
	const struct flowkey *k = &f->key;
	bool icmp = k->proto == IPPROTO_ICMP || k->proto == IPPROTO_ICMPV6;
	bool swap = initiator == 1 && !icmp;

	*src = swap ? k->hi_port : k->lo_port;
	*dst = swap ? k->lo_port : k->hi_port;
}

static void ends(struct record *r, const struct flow *f)
{
	const struct flowkey *k = &f->key;
	bool down = r->initiator == 1; /* from the key's higher end to the lower */
	struct pkt p = {.stop = f->has_ports ? PKT_L4 : PKT_IP, .proto = k->proto};

	p.src = r->src = down ? k->hi : k->lo;
	p.dst = down ? k->lo : k->hi;
	ports(f, r->initiator, &p.sport, &p.dport);
	r->m.src_addr = bytes_of(r->src_text, addr_text(&p.src, r->src_text));
	r->m.dst_addr = bytes_of(r->dst_text, addr_text(&p.dst, r->dst_text));
	r->m.src_port = p.sport;
	r->m.dst_port = p.dport;
	community_id(&p, 0, r->community);
	r->m.community_id = bytes_str(r->community);
}

/* Of what was inside a tunnel nothing is known. */
static void observed(struct record *r, const struct record_source *src, const struct flow *f)
{
	if (src->observed && !f->tunnel && observed_pair(src->observed, r->dst_text, r->observed))
		r->m.observed_addr = bytes_str(r->observed);
}

static void tunnel(struct record *r, const struct flow *f)
{
	static const char *const kinds[] = {[PKT_TUNNEL_NONE] = "",
					    [PKT_TUNNEL_IPIP] = "ipip",
					    [PKT_TUNNEL_GRE] = "gre",
					    [PKT_TUNNEL_VXLAN] = "vxlan"};
	char src[ADDR_TEXT_MAX], dst[ADDR_TEXT_MAX];

	if (!f->tunnel)
		return;
	addr_text(&f->tunnel->src, src);
	addr_text(&f->tunnel->dst, dst);
	snprintf(r->tunnel, sizeof r->tunnel, "%s %s %s", kinds[f->tunnel->kind], src, dst);
	r->m.tunnel = bytes_str(r->tunnel);
}

static void identity(struct record *r, const struct record_source *src, const struct flow *f)
{
	char key[512];

	/* A packet can begin a flow and, inside it, another: the depth tells them apart. */
	if (f->tunnel) {
		snprintf(key, sizeof key, "%s#%u", src->key, f->tunnel->depth);
		flowid(src->sensor, f->first_no, key, r->flow_id);
	} else {
		flowid(src->sensor, f->first_no, src->key, r->flow_id);
	}
	r->m.flow_id = bytes_str(r->flow_id);
}

/* name_of: what names the payload of a stream: the store keeps each but once. */
static const void *name_of(const struct stream *s)
{
	return s && s->shared ? s->data : NULL;
}

/* recognise: makes r->m of what the payload says; everything else in it is zero afterwards. */
static int recognise(struct record *r, const struct flow *f, const struct stream *s,
		     struct bytes init, struct bytes resp)
{
	struct app_in in = {
		.proto = f->key.proto, .init = init, .datagram = f->datagram, .resp = resp};

	ports(f, r->initiator, &in.src_port, &in.dst_port);
	int rc = memo_recognise(r->memo, &in, name_of(s), &r->known);
	if (rc)
		return rc;
	if (r->lean && r->known->npieces)
		r->m = (struct msg_analysis){.payload = init};
	else
		r->m = r->known->rec;
	return 0;
}

void record_end(struct record *r)
{
	memo_forget(r->memo);
}

void record_ahead(const struct record *r, const struct flow *f, bool near)
{
	int initiator = flow_initiator(f);
	const struct stream *s = f->dir[initiator].stream, *other = f->dir[!initiator].stream;
	struct app_in in = {.proto = f->key.proto, .datagram = f->datagram};

	if (s)
		in.init.n = s->len;
	if (other)
		in.resp.n = other->len;
	ports(f, initiator, &in.src_port, &in.dst_port);
	memo_ahead(r->memo, &in, name_of(s), near);
}

static void fingerprint(struct record *r, const struct flow *f)
{
	const struct who_syn *syn = f->syn_dir == r->initiator ? &f->syn : NULL;

	if (syn)
		r->m.syn = bytes_of(r->syn, who_syn_text(syn, r->syn));
	if (!who_tool(syn, &r->known->said, &r->tool))
		r->tool = (struct who_tool){0};
	r->m.tool = bytes_str(r->tool.name);
	r->m.tool_reason = bytes_str(r->tool.reason);
}

int record_fill(struct record *r, const struct record_source *src, const struct stream_limits *l,
		struct flow *f)
{
	struct stream_whole init = {0}, resp = {0};
	int rc;

	r->initiator = flow_initiator(f);
	flow_settle(f, l, r->initiator);
	const struct flow_dir *d = &f->dir[r->initiator];
	struct stream *s = d->stream, *other = f->dir[!r->initiator].stream;
	if (s)
		stream_finish(s, l, &init);
	if (other)
		stream_finish(other, l, &resp);
	if (!init.payload.p)
		init.payload = bytes_of("", 0);
	rc = recognise(r, f, s, init.payload, resp.payload);
	if (rc)
		return rc;
	ends(r, f);
	observed(r, src, f);
	r->m.init_ts = f->first_ns;
	r->m.last_ts = f->last_ns;
	r->first_wraps = f->first_wraps;
	r->last_wraps = f->last_wraps;
	r->m.sensor = bytes_str(src->sensor);
	r->m.s3path = bytes_str(src->s3path);
	identity(r, src, f);
	r->m.proto = bytes_str(proto_name(f->key.proto, r->proto));
	r->m.packets = f->packets;
	r->m.bytes = f->bytes;
	r->m.payload = init.payload;
	r->m.gaps.v = init.gaps;
	r->m.gaps.n = init.ngaps;
	if (s) {
		r->m.overlap_conflicts = s->conflicts;
		r->m.out_of_window = s->beyond;
		r->m.after_fin = s->after_fin;
	}
	cuts(r, f, s, src->broken);
	r->m.bad_checksums = f->bad_checksums;
	if (d->rst)
		r->m.rst_payload = buf_bytes(d->rst);
	/* The sender of the outer packet can make up both ends of what is inside. */
	r->m.verified = d->proved && !f->tunnel;
	tunnel(r, f);
	fingerprint(r, f);
	return 0;
}

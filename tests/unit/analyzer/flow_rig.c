#include "flow_rig.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "record/record.h"

struct rig_table rig_table_of(size_t memory)
{
	struct rig_table t = {.o = {.stream = {.max_bytes = 16 << 20, .window = 1 << 20},
				    .defrag = {.max_datagrams = 16, .max_bytes = 1 << 20},
				    .memory = memory,
				    .max_flows = 1000000,
				    .page_dir = "/tmp"},
			      .now_ns = 1000};
	cr_assert(eq(int, flow_table_new(&t.o, &t.t), 0));
	return t;
}

void rig_feed(struct rig_table *t, const struct frame *f)
{
	struct flow_table_packet in = {.no = t->no++, .p.ts_ns = t->now_ns += 1000};
	pkt_decode(101, f->b, f->n, f->n, &in.p);
	cr_assert(eq(int, flow_table_packets(t->t, &in, 1), 0));
}

void rig_say(struct rig_table *t, int who, uint32_t seq, uint32_t ack, uint8_t flags,
	     const char *text, bool good)
{
	struct frame f = {0};
	uint32_t at = ip4(&f, 6, (uint16_t)(20 + strlen(text)));
	if (who == SERVER) {
		memcpy(f.b + at + 12, "\306\63\144\2", 4);
		memcpy(f.b + at + 16, "\300\0\2\1", 4);
	}
	uint32_t h = tcp(&f, who == CLIENT ? 1000 : 80, who == CLIENT ? 80 : 1000, seq, flags);
	put_be32(f.b + h + 8, ack);
	put(&f, text, (uint32_t)strlen(text));
	struct pkt p = decode(101, &f);
	seal(&f, &p, 16);
	if (!good)
		f.b[h + 16] ^= 0x10;
	rig_feed(t, &f);
}

/* One record serves all flows of a test process, as it does in the service: its buffers hold 17
 * MiB, which a sanitizer poisons each time they are made and given back. */
static struct record *rig_record(const struct stream_limits *l)
{
	static struct record r;
	static bool made;

	if (!made)
		cr_assert(eq(int, record_init(&r, l->max_bytes), 0));
	made = true;
	return &r;
}

int rig_take(void *arg, struct flow *f)
{
	struct rig_got *g = arg;
	struct record_source src = {.sensor = "s", .key = "k", .s3path = "p"};
	const struct stream_limits l = {.max_bytes = 16 << 20, .window = 1 << 20};
	cr_assert(lt(sz, g->n, 16));
	struct record *r = rig_record(&l);
	cr_assert(eq(int, record_fill(r, &src, &l, f), 0));
	g->flow[g->n].src = r->src;
	g->flow[g->n].sport = (uint16_t)r->m.src_port;
	g->flow[g->n].dport = (uint16_t)r->m.dst_port;
	g->flow[g->n].packets = r->m.packets;
	g->flow[g->n].first_no = f->first_no;
	g->flow[g->n].bad_checksums = r->m.bad_checksums;
	g->flow[g->n].len = r->m.payload.n;
	g->flow[g->n].verified = r->m.verified;
	snprintf(g->flow[g->n].payload, 64, "%.*s", (int)r->m.payload.n,
		 (const char *)r->m.payload.p);
	snprintf(g->flow[g->n].tunnel, 80, "%.*s", (int)r->m.tunnel.n, (const char *)r->m.tunnel.p);
	snprintf(g->flow[g->n].sha256, 65, "%.*s", (int)r->m.payload_sha256.n,
		 (const char *)r->m.payload_sha256.p);
	g->n++;
	record_end(r);
	return 0;
}

/* take_all: gives every flow to fn. 0, what fn returned if not 0, or -errno. */
int rig_take_all(struct flow_table *t, int (*fn)(void *arg, struct flow *f), void *arg)
{
	struct flow_table_ahead ahead;
	struct flow *f;
	int rc = flow_table_finish(t);

	while (!rc && (rc = flow_table_next(t, &f, &ahead)) == 1)
		rc = fn(arg, f);
	return rc;
}

struct rig_got rig_end(struct rig_table *t)
{
	struct rig_got g = {0};
	cr_assert(eq(int, rig_take_all(t->t, rig_take, &g), 0));
	flow_table_free(&t->t);
	cr_assert(eq(ptr, t->t, NULL));
	return g;
}

void rig_handshake(struct rig_table *t, uint32_t isn, uint32_t server)
{
	rig_say(t, CLIENT, isn, 0, TCP_SYN, "", true);
	rig_say(t, SERVER, server, isn + 1, TCP_SYN | TCP_ACK, "", true);
	rig_say(t, CLIENT, isn + 1, server + 1, TCP_ACK, "", true);
}

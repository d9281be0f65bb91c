#include "flowagg/checkpoint.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "flowagg/close.h"
#include "pkt/capfile.h"

static const char magic[8] = "lurkflow";

/* Writing: a buffer in front of put, and the checksum of what went through it. */
struct out {
	agg_put_fn put;
	void *arg;
	int rc;
	uint32_t crc;
	size_t n;
	uint8_t buf[8192];
};

static void out_flush(struct out *o)
{
	if (!o->rc && o->n) {
		o->crc = (uint32_t)crc32(o->crc, o->buf, (uInt)o->n);
		o->rc = o->put(o->arg, o->buf, o->n);
	}
	o->n = 0;
}

static void put_bytes(struct out *o, const void *p, size_t n)
{
	const uint8_t *from = p;

	while (n) {
		if (o->n == sizeof o->buf)
			out_flush(o);
		size_t k = sizeof o->buf - o->n < n ? sizeof o->buf - o->n : n;
		memcpy(o->buf + o->n, from, k);
		o->n += k;
		from += k;
		n -= k;
	}
}

static void put_u64(struct out *o, uint64_t v)
{
	v = htole64(v);
	put_bytes(o, &v, sizeof v);
}

static void put_u32(struct out *o, uint32_t v)
{
	v = htole32(v);
	put_bytes(o, &v, sizeof v);
}

static void put_addr(struct out *o, const struct addr *a)
{
	put_bytes(o, &a->family, 1);
	put_bytes(o, a->b, 16);
}

static void put_key(struct out *o, const struct flowkey *k)
{
	put_addr(o, &k->lo);
	put_addr(o, &k->hi);
	put_u32(o, (uint32_t)k->lo_port << 16 | k->hi_port);
	put_bytes(o, &k->proto, 1);
	put_bytes(o, &k->pad, 1);
}

static void put_names(struct out *o, const struct names *s)
{
	put_u32(o, s->generation);
	put_u64(o, s->lived_s);
	put_u32(o, s->n);
	for (uint32_t i = 0; i < s->n; i++) {
		const struct name_recent *r = &s->recent[(s->at + i) % NAMES_RECENT];
		put_key(o, &r->key);
		put_u64(o, r->init_s);
		put_u32(o, r->count);
	}
}

static void put_frags(struct out *o, const struct frags *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < FRAG_PLACES; i++)
		n += s->v[i].used;
	put_u32(o, n);
	for (uint32_t i = 0; i < FRAG_PLACES; i++) {
		const struct frag *f = &s->v[i];
		if (!f->used)
			continue;
		put_u32(o, i);
		put_addr(o, &f->src);
		put_addr(o, &f->dst);
		put_u32(o, f->id);
		put_bytes(o, &f->proto, 1);
		put_u64(o, f->seen);
		put_key(o, &f->flow);
	}
}

static void put_bundle(struct out *o, const struct bundle *b)
{
	put_u64(o, b->flows);
	put_u64(o, b->packets);
	put_u64(o, b->minute);
	put_u64(o, b->first);
	put_u64(o, b->init_ns);
	put_u64(o, b->last_ns);
	put_u32(o, (uint32_t)b->linktype);
	put_u64(o, b->bytes);
	put_bytes(o, b->p, b->bytes);
}

static void put_flow(struct out *o, const struct agg *a, const struct open_flow *f)
{
	put_key(o, &f->key);
	put_u64(o, f->first);
	put_u64(o, f->init_ns);
	put_u64(o, f->last_ns);
	put_u64(o, f->born);
	put_u64(o, f->seen);
	for (int i = 0; i < 2; i++) {
		put_u64(o, f->payload[i]);
		put_u64(o, f->wire[i]);
		put_u32(o, f->isn[i]);
	}
	put_u32(o, f->suffix);
	put_u32(o, f->linktype);
	put_bytes(o, &f->has_isn, 1);
	put_bytes(o, &f->initiator, 1);
	put_bytes(o, &f->rank, 1);
	put_bytes(o, &f->class, 1);
	put_u32(o, f->packets);
	put_u64(o, f->bytes);
	/* struct stored as it lies in memory, but for the byte order. */
	struct chain_pos pos = chain_begin(&f->chain);
	for (uint32_t i = 0; i < f->packets; i++) {
		struct stored s;
		const uint8_t *from;
		chain_copy(&a->pool, &pos, &s, sizeof s);
		put_u64(o, s.ts_ns);
		put_u32(o, s.caplen);
		put_u32(o, s.len_side);
		for (size_t left = s.caplen; left;) {
			size_t n = chain_read(&a->pool, &pos, left, &from);
			put_bytes(o, from, n);
			left -= n;
		}
	}
}

int checkpoint_save(const struct agg *a, agg_put_fn put, void *arg)
{
	struct out o = {.put = put, .arg = arg};
	/* The lists are only walked. */
	struct open_flows t = a->table;

	put_bytes(&o, magic, sizeof magic);
	put_u32(&o, CHECKPOINT_VERSION);
	put_u64(&o, a->next);
	put_u64(&o, a->next_seal);
	put_u64(&o, a->clock.now);
	put_u64(&o, a->clock.ref_ns);
	put_bytes(&o, a->seed, sizeof a->seed);
	put_names(&o, &a->names);
	put_frags(&o, &a->frags);
	put_bundle(&o, &a->bundle);
	put_u32(&o, t.used);
	for (int c = 0; c < FLOW_CLASSES; c++)
		for (struct open_flow *f = open_flows_oldest(&t, (enum flow_class)c); f;
		     f = open_flows_newer(&t, f))
			put_flow(&o, a, f);
	for (int i = 0; i < AGG_TOTALS; i++)
		put_u64(&o, a->total[i]);
	out_flush(&o);
	put_u32(&o, o.crc);
	out_flush(&o);
	return o.rc;
}

/* Reading: a cursor with a sticky error. */
struct in {
	const uint8_t *p;
	size_t n;
	bool bad;
};

static const uint8_t *get_bytes(struct in *in, size_t n)
{
	if (in->bad || n > in->n) {
		in->bad = true;
		return NULL;
	}
	const uint8_t *p = in->p;
	in->p += n;
	in->n -= n;
	return p;
}

static uint64_t get_u64(struct in *in)
{
	uint64_t v = 0;
	const uint8_t *p = get_bytes(in, sizeof v);
	if (p)
		memcpy(&v, p, sizeof v);
	return le64toh(v);
}

static uint32_t get_u32(struct in *in)
{
	uint32_t v = 0;
	const uint8_t *p = get_bytes(in, sizeof v);
	if (p)
		memcpy(&v, p, sizeof v);
	return le32toh(v);
}

static uint8_t get_u8(struct in *in)
{
	const uint8_t *p = get_bytes(in, 1);
	return p ? *p : 0;
}

static void get_addr(struct in *in, struct addr *a)
{
	a->family = get_u8(in);
	const uint8_t *p = get_bytes(in, 16);
	if (p)
		memcpy(a->b, p, 16);
	if (a->family != 4 && a->family != 6)
		in->bad = true;
}

static void get_key(struct in *in, struct flowkey *k)
{
	*k = (struct flowkey){0};
	get_addr(in, &k->lo);
	get_addr(in, &k->hi);
	uint32_t ports = get_u32(in);
	k->lo_port = (uint16_t)(ports >> 16);
	k->hi_port = (uint16_t)ports;
	k->proto = get_u8(in);
	k->pad = get_u8(in);
}

static void get_names(struct in *in, struct names *s)
{
	s->generation = get_u32(in);
	s->lived_s = get_u64(in);
	uint32_t n = get_u32(in);
	for (uint32_t i = 0; i < n && !in->bad; i++) {
		struct flowkey key;
		get_key(in, &key);
		uint64_t init_s = get_u64(in);
		uint32_t count = get_u32(in);
		if (in->bad || names_recall(s, &key, init_s, count))
			in->bad = true;
	}
}

static void get_frags(struct in *in, struct frags *s)
{
	uint32_t n = get_u32(in);

	for (uint32_t i = 0; i < n && !in->bad; i++) {
		struct frag f = {.used = 1};
		uint32_t place = get_u32(in);
		get_addr(in, &f.src);
		get_addr(in, &f.dst);
		f.id = get_u32(in);
		f.proto = get_u8(in);
		f.seen = get_u64(in);
		get_key(in, &f.flow);
		if (place >= FRAG_PLACES)
			in->bad = true;
		else if (!in->bad)
			s->v[place] = f;
	}
}

static int get_bundle(struct in *in, struct bundle *b)
{
	b->flows = get_u64(in);
	b->packets = get_u64(in);
	b->minute = get_u64(in);
	b->first = get_u64(in);
	b->init_ns = get_u64(in);
	b->last_ns = get_u64(in);
	b->linktype = (int)get_u32(in);
	uint64_t n = get_u64(in);
	const uint8_t *p = get_bytes(in, n);
	if (!p || !n)
		return 0;
	uint8_t *to = bundle_room(b, n);
	if (!to)
		return -ENOMEM;
	memcpy(to, p, n);
	b->bytes = n;
	return 0;
}

/* The packets of a flow: every record is checked against what is left before it is taken. */
static void get_packets(struct in *in, struct agg *a, struct open_flow *f, uint32_t packets,
			uint64_t bytes)
{
	for (uint32_t i = 0; i < packets && !in->bad; i++) {
		struct stored s;
		s.ts_ns = get_u64(in);
		s.caplen = get_u32(in);
		s.len_side = get_u32(in);
		const uint8_t *p = get_bytes(in, s.caplen);
		if (!p || s.caplen > CAPFILE_MAX_PACKET) {
			in->bad = true;
			return;
		}
		chain_write(&a->pool, &f->chain, &s, sizeof s);
		chain_write(&a->pool, &f->chain, p, s.caplen);
		f->bytes += sizeof s + s.caplen;
		f->packets++;
	}
	if (f->bytes != bytes)
		in->bad = true;
}

static int checkpoint_make_room(struct agg *a, uint64_t bytes)
{
	int rc = 0;

	while (!rc &&
	       (a->table.used == a->table.max ||
		(a->table.used && packet_pool_left(&a->pool) < bytes / PACKET_POOL_BLOCK + 1)))
		rc = close_flow(a, open_flows_least(&a->table), END_PRESSURE);
	return rc;
}

static int get_flow(struct in *in, struct agg *a)
{
	struct open_flow was = {0}, *f;

	get_key(in, &was.key);
	was.first = get_u64(in);
	was.init_ns = get_u64(in);
	was.last_ns = get_u64(in);
	was.born = get_u64(in);
	was.seen = get_u64(in);
	for (int i = 0; i < 2; i++) {
		was.payload[i] = get_u64(in);
		was.wire[i] = get_u64(in);
		was.isn[i] = get_u32(in);
	}
	was.suffix = get_u32(in);
	was.linktype = (uint16_t)get_u32(in);
	was.has_isn = get_u8(in);
	was.initiator = get_u8(in);
	was.rank = get_u8(in);
	was.class = get_u8(in);
	uint32_t packets = get_u32(in);
	uint64_t bytes = get_u64(in);
	if (in->bad || was.initiator > 1 || was.class >= FLOW_CLASSES || !packets ||
	    bytes > in->n || bytes / sizeof(struct stored) < packets ||
	    was.wire[0] + was.wire[1] != packets || open_flows_find(&a->table, &was.key)) {
		in->bad = true;
		return 0;
	}
	int rc = checkpoint_make_room(a, bytes);
	if (rc)
		return rc;
	/* One flow alone that is larger than all memory now allowed: it cannot be kept. */
	if (packet_pool_left(&a->pool) < bytes / PACKET_POOL_BLOCK + 1) {
		in->bad = true;
		return 0;
	}
	f = open_flows_add(&a->table, &was.key, (enum flow_class)was.class);
	was.older = f->older;
	was.newer = f->newer;
	was.chain = f->chain;
	*f = was;
	get_packets(in, a, f, packets, bytes);
	a->counts.open += f->packets;
	a->counts.restored += f->packets;
	return 0;
}

static int checkpoint_check(const uint8_t *p, size_t n, struct in *in)
{
	uint32_t crc;

	if (n < sizeof magic + 8 || memcmp(p, magic, sizeof magic) != 0)
		return -EBADMSG;
	memcpy(&crc, p + n - 4, 4);
	*in = (struct in){p + sizeof magic, n - sizeof magic - 4, false};
	if (get_u32(in) != CHECKPOINT_VERSION)
		return -EPROTONOSUPPORT;
	return crc32_z(0, p, n - 4) == le32toh(crc) ? 0 : -EBADMSG;
}

int checkpoint_verify(const uint8_t *p, size_t n, uint64_t *next, uint64_t *next_seal)
{
	struct in in;

	int rc = checkpoint_check(p, n, &in);
	if (rc)
		return rc;
	*next = get_u64(&in);
	*next_seal = get_u64(&in);
	return in.bad ? -EBADMSG : 0;
}

int checkpoint_load(struct agg *a, const struct agg_limits *limits, agg_seal_fn seal, void *arg,
		    const uint8_t *p, size_t n)
{
	uint8_t seed[16] = {0};
	struct in in;

	int rc = checkpoint_check(p, n, &in);
	if (rc)
		return rc;
	uint64_t next = get_u64(&in), next_seal = get_u64(&in);
	struct flow_clock clock = {.now = get_u64(&in)};
	clock.ref_ns = get_u64(&in);
	const uint8_t *s = get_bytes(&in, sizeof seed);
	if (s)
		memcpy(seed, s, sizeof seed);
	rc = agg_init(a, limits, seed, seal, arg);
	if (rc)
		return rc;
	a->next = next;
	a->next_seal = next_seal;
	a->clock = clock;
	get_names(&in, &a->names);
	get_frags(&in, &a->frags);
	rc = get_bundle(&in, &a->bundle);
	a->counts.restored = a->counts.bundled = a->bundle.packets;
	uint32_t flows = get_u32(&in);
	for (uint32_t i = 0; i < flows && !in.bad && !rc; i++)
		rc = get_flow(&in, a);
	/* A checkpoint of the first version had no totals. */
	for (int i = 0; i < AGG_TOTALS && in.n && !in.bad && !rc; i++)
		a->total[i] = get_u64(&in);
	if (!rc && (in.bad || in.n))
		rc = -EBADMSG;
	if (rc)
		agg_fini(a);
	return rc;
}

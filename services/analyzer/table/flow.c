#include "table/flow.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "reassembly/block_pool.h"

struct flow *flow_new(const struct flowkey *key, uint64_t no, const struct pkt *p, int dir)
{
	struct flow *f = block_take(sizeof *f);

	if (!f)
		return NULL;
	memset(f, 0, sizeof *f);
	f->key = *key;
	f->first_no = no;
	f->first_ns = f->last_ns = p->ts_ns;
	f->first_wraps = f->last_wraps = p->ts_wraps;
	f->first_dir = (int8_t)dir;
	f->syn_dir = f->synack_dir = f->own_dir = -1;
	f->has_ports = p->stop == PKT_L4;
	return f;
}

static void free_buf(struct buf *b)
{
	buf_fini(b);
	free(b);
}

void flow_free(struct flow **f)
{
	if (!*f)
		return;
	for (int i = 0; i < 2; i++) {
		struct flow_dir *d = &(*f)->dir[i];
		if (d->stream) {
			stream_fini(d->stream);
			if (d->stream != &(*f)->own)
				free(d->stream);
		}
		if (d->rst)
			free_buf(d->rst);
		if (d->doubted)
			free_buf(d->doubted);
	}
	free((*f)->tunnel);
	block_give(*f, sizeof **f);
	*f = NULL;
}

size_t flow_memory(const struct flow *f)
{
	size_t n = sizeof *f + (f->tunnel ? sizeof *f->tunnel : 0);

	for (int i = 0; i < 2; i++) {
		if (f->dir[i].stream)
			n += stream_memory(f->dir[i].stream) +
			     (f->dir[i].stream == &f->own ? 0 : sizeof(struct stream));
		if (f->dir[i].rst)
			n += sizeof(struct buf) + f->dir[i].rst->cap;
		if (f->dir[i].doubted)
			n += sizeof(struct buf) + f->dir[i].doubted->cap;
	}
	return n;
}

int flow_initiator(const struct flow *f)
{
	if (f->syn_dir >= 0)
		return f->syn_dir;
	if (f->synack_dir >= 0)
		return !f->synack_dir;
	return f->first_dir;
}

bool flow_splits(const struct flow *f, const struct pkt *p, int dir)
{
	const struct flow_dir *me = &f->dir[dir];

	if (p->proto != IPPROTO_TCP || p->stop != PKT_L4 ||
	    (p->flags & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_SYN)
		return false;
	if (me->has_isn)
		return f->over || me->isn != p->seq;
	if (f->closed)
		return true;
	if (me->stream && me->stream->has_origin)
		return !stream_accepts_syn(me->stream, p->seq);
	/* It came late, behind packets without data that follow it closely. */
	return me->seen && me->seq_first - p->seq > (uint32_t)STREAM_ORIGIN;
}

static struct stream *need_stream(struct flow *f, int dir)
{
	struct flow_dir *d = &f->dir[dir];

	if (!d->stream) {
		if (f->own_dir < 0) {
			f->own_dir = (int8_t)dir;
			d->stream = &f->own;
		} else {
			d->stream = calloc(1, sizeof *d->stream);
		}
		if (d->stream && d->has_isn)
			stream_syn(d->stream, d->isn);
		d->starved = d->starved || !d->stream;
	}
	return d->stream;
}

static struct buf *need_buf(struct buf **b, size_t limit)
{
	if (!*b) {
		*b = malloc(sizeof **b);
		if (*b)
			buf_init(*b, limit);
	}
	return *b;
}

static void keep_rst(struct flow_dir *d, const struct pkt *p)
{
	if (!need_buf(&d->rst, FLOW_MAX_RST))
		return;
	size_t left = FLOW_MAX_RST - d->rst->n;
	buf_add(d->rst, p->payload, p->payload_len < left ? p->payload_len : left);
}

struct doubted {
	uint32_t seq, len;
};

/* believe: the doubted segments that the peer acknowledged, or all of them, enter the stream. */
static void believe(struct flow *f, const struct stream_limits *l, int dir, bool all)
{
	struct flow_dir *me = &f->dir[dir];
	const struct flow_dir *peer = &f->dir[!dir];
	struct buf *b = me->doubted;
	size_t kept = 0;
	struct doubted s;

	if (!need_stream(f, dir))
		return;
	for (size_t at = 0; at < b->n; at += sizeof s + s.len) {
		memcpy(&s, b->p + at, sizeof s);
		if (all || (peer->has_acked && (int32_t)(peer->acked - (s.seq + s.len)) >= 0)) {
			uint64_t before = me->stream->next;
			stream_segment(me->stream, l, peer->window, s.seq, b->p + at + sizeof s,
				       s.len, false);
			f->bad_checksums--;
			/* Bytes that only this copy has, and the receiver has them too. */
			if (me->stream->next > before)
				me->unsound = true;
		} else {
			memmove(b->p + kept, b->p + at, sizeof s + s.len);
			kept += sizeof s + s.len;
		}
	}
	b->n = kept;
}

/* doubt: a TCP segment whose checksum is wrong. */
static void doubt(struct flow *f, const struct stream_limits *l, const struct pkt *p, int dir)
{
	struct flow_dir *me = &f->dir[dir];
	struct doubted s = {.seq = p->seq, .len = p->payload_len};

	f->bad_checksums++;
	if (!p->payload_len || p->flags & (TCP_SYN | TCP_RST) ||
	    (f->syn_dir >= 0 && f->syn_dir != dir))
		return;
	if (!need_buf(&me->doubted, FLOW_MAX_DOUBTED) ||
	    FLOW_MAX_DOUBTED - me->doubted->n < sizeof s + s.len)
		return;
	buf_add(me->doubted, &s, sizeof s);
	buf_add(me->doubted, p->payload, s.len);
	believe(f, l, dir, false);
}

void flow_settle(struct flow *f, const struct stream_limits *l, int dir)
{
	struct flow_dir *me = &f->dir[dir];
	const struct stream *s = me->stream;

	if (me->doubted && me->doubted->n &&
	    (me->unsound || !s || !s->has_origin || (s->high == STREAM_ORIGIN && !s->low)))
		believe(f, l, dir, true);
	s = me->stream;
	if (me->rst && (!s || !s->has_origin || (s->high == STREAM_ORIGIN && !s->low)) &&
	    need_stream(f, dir))
		stream_append(me->stream, l, me->rst->p, me->rst->n);
}

/* has_used: whether the direction has begun with this ISN, as far as they are kept. */
static bool has_used(const struct flow_dir *d, uint32_t isn)
{
	for (int i = 0; i < d->isns_more && i < FLOW_MAX_ISNS - 1; i++)
		if (d->isn_more[i] == isn)
			return true;
	return d->has_isn && d->isn == isn;
}

/* remember_isn: in place of the oldest one, when all places are taken. */
static void remember_isn(struct flow_dir *d, uint32_t isn)
{
	const uint8_t places = FLOW_MAX_ISNS - 1;

	d->isn_more[d->isns_more % places] = isn;
	if (++d->isns_more == 2 * places)
		d->isns_more = places;
}

static void syn(struct flow *f, const struct pkt *p, int dir)
{
	struct flow_dir *me = &f->dir[dir];
	struct tcp_opts o;

	if (!(p->flags & TCP_ACK)) {
		if (f->syn_dir < 0) {
			f->syn_dir = (int8_t)dir;
			who_syn_read(p, &f->syn);
		}
	} else if (f->synack_dir < 0) {
		f->synack_dir = (int8_t)dir;
	}
	tcp_opts_read(p->opt, p->opt_len, &o);
	if (o.has_wscale) {
		me->has_wscale = true;
		me->wscale = o.wscale < 14 ? o.wscale : 14; /* RFC 7323 2.3 */
	}
	me->isn_last = p->seq;
	if (me->has_isn && p->flags & TCP_ACK && !has_used(me, p->seq))
		remember_isn(me, p->seq);
	if (!me->has_isn) {
		me->has_isn = true;
		me->isn = p->seq;
		if (me->stream)
			stream_syn(me->stream, p->seq);
	}
}

/* acknowledges: whether ack is something that the peer has sent. */
static bool acknowledges(const struct flow_dir *peer, uint32_t ack)
{
	uint32_t from = peer->has_isn ? peer->isn_last : peer->seq_first;
	uint32_t n = ack - from;
	return peer->seen && n && n <= peer->seq_end - from;
}

/* note_ack: what an acknowledgment of me tells about me. A range of numbers can be guessed, the
 * more so when two SYNs made the peer answer under two ISNs; one ISN cannot. Where the peer's SYN
 * is in another file there is only the range. */
static void note_ack(struct flow_dir *me, const struct flow_dir *peer, uint32_t ack)
{
	if (!me->acked_peer && acknowledges(peer, ack))
		me->acked_peer = true;
	if (!me->proved)
		me->proved = peer->has_isn ? has_used(peer, ack - 1) : me->acked_peer;
}

static void tcp(struct flow *f, const struct stream_limits *l, const struct pkt *p, int dir)
{
	struct flow_dir *me = &f->dir[dir], *peer = &f->dir[!dir];
	uint32_t seq = p->seq;

	if (!me->seen) {
		me->seq_first = seq;
		me->seq_end = seq;
	}
	me->seen = true;
	if (p->flags & (TCP_RST | TCP_FIN)) {
		f->closed = true;
		if (f->dir[0].acked_peer && f->dir[1].acked_peer)
			f->over = true;
	}
	if (p->flags & TCP_RST) {
		if (p->payload_len)
			keep_rst(me, p);
		/* One that answers our SYN+ACK out of the blue carries no ACK: it proves nothing.
		 */
		if (p->flags & TCP_ACK)
			note_ack(me, peer, p->ack);
		return;
	}
	if (p->flags & TCP_SYN) {
		syn(f, p, dir);
		seq++;
	}
	uint32_t end = seq + p->payload_wire + (p->flags & TCP_FIN ? 1 : 0);
	if ((int32_t)(end - me->seq_end) > 0)
		me->seq_end = end;
	if (p->flags & TCP_ACK) {
		if (!me->has_acked || (int32_t)(p->ack - me->acked) > 0)
			me->acked = p->ack;
		me->has_acked = true;
		if (peer->stream)
			stream_ack(peer->stream, l, p->ack);
		if (peer->doubted && peer->doubted->n)
			believe(f, l, !dir, false);
		note_ack(me, peer, p->ack);
		uint32_t win = p->win;
		if (!(p->flags & TCP_SYN) && me->has_wscale && peer->has_wscale)
			win <<= me->wscale;
		if (win > me->window)
			me->window = win;
	}
	/* Once a SYN has settled who the initiator is, the other side's bytes are nobody's payload.
	 */
	if (f->syn_dir >= 0 && f->syn_dir != dir)
		return;
	if (p->payload_len && need_stream(f, dir) &&
	    !stream_keep_alive(me->stream, seq, p->payload, p->payload_len))
		stream_segment(me->stream, l, peer->window, seq, p->payload, p->payload_len, false);
	if (p->payload_len < p->payload_wire)
		f->snapped = true;
	if (p->flags & TCP_FIN && (me->stream || me->has_isn) && need_stream(f, dir))
		stream_segment(me->stream, l, peer->window, seq + p->payload_wire, NULL, 0, true);
}

/* other: a datagram of another protocol: payloads in order of arrival. */
static void other(struct flow *f, const struct stream_limits *l, const struct pkt *p, int dir)
{
	struct flow_dir *me = &f->dir[dir];
	const uint8_t *data = p->payload;
	uint32_t n = p->payload_len, wire = p->payload_wire;

	if (dir != f->first_dir)
		return;
	if (p->stop == PKT_IP) { /* no transport header that we know: all of it */
		n = p->caplen - p->l4_off < p->l4_len ? p->caplen - p->l4_off : p->l4_len;
		wire = p->l4_len;
		data = p->frame + p->l4_off;
	}
	if (n < wire)
		f->snapped = true;
	if (!me->seen)
		f->datagram = n;
	me->seen = true;
	if (n && need_stream(f, dir))
		stream_append(me->stream, l, data, n);
}

bool flow_believes(const struct flow *f, int dir, enum cksum_state cksum)
{
	return cksum != CKSUM_BAD || !f->dir[dir].sums || f->dir[dir].unsound;
}

static bool later(uint32_t a_wraps, uint64_t a_ns, uint32_t b_wraps, uint64_t b_ns)
{
	return a_wraps != b_wraps ? a_wraps > b_wraps : a_ns > b_ns;
}

void flow_add(struct flow *f, const struct stream_limits *l, const struct pkt *p, int dir,
	      enum cksum_state cksum)
{
	f->packets++;
	f->bytes += p->ip_len;
	if (later(p->ts_wraps, p->ts_ns, f->last_wraps, f->last_ns)) {
		f->last_ns = p->ts_ns;
		f->last_wraps = p->ts_wraps;
	} else if (later(f->first_wraps, f->first_ns, p->ts_wraps, p->ts_ns)) {
		f->first_ns = p->ts_ns;
		f->first_wraps = p->ts_wraps;
	}
	if (p->proto == IPPROTO_TCP && p->stop == PKT_L4) {
		if (cksum == CKSUM_OK)
			f->dir[dir].sums = true;
		if (flow_believes(f, dir, cksum))
			tcp(f, l, p, dir);
		else
			doubt(f, l, p, dir);
	} else {
		other(f, l, p, dir);
	}
}

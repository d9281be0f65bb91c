#include "pkt/tcp_receiver.h"

#include <arpa/inet.h>
#include <string.h>

/* a - b in sequence space. */
static int32_t after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

/* What we offer; scaled, it loses its last bits, so a stream may end that much before its limit. */
static uint32_t window(const struct receiver *s)
{
	bool scaled = s->promised & RECEIVER_WSCALE;
	uint64_t left = s->limit_bytes - s->received;
	uint32_t most = scaled ? RECEIVER_WINDOW : RECEIVER_WINDOW_PLAIN;
	uint32_t wnd = left < most ? (uint32_t)left : most;

	return scaled ? wnd >> RECEIVER_WSCALE_SHIFT << RECEIVER_WSCALE_SHIFT : wnd;
}

void receiver_init(struct receiver *s, uint32_t irs, uint32_t isn, uint8_t promised,
		   uint32_t ts_offset, uint64_t limit_bytes)
{
	memset(s, 0, sizeof *s);
	s->irs = irs;
	s->rcv_nxt = irs + 1;
	s->isn = isn;
	s->snd_una = s->snd_nxt = isn + 1;
	s->ts_offset = ts_offset;
	s->promised = promised;
	s->limit_bytes = limit_bytes;
}

bool receiver_takes(const struct receiver *s, const struct pkt *p)
{
	if (p->flags & TCP_RST)
		return p->seq - s->rcv_nxt <= window(s);
	if (p->flags & TCP_SYN || !(p->flags & TCP_ACK))
		return false;
	/* From the first byte after our ISN (a duplicate may be old) to what we sent. */
	return p->ack - (s->isn + 1) <= s->snd_nxt - (s->isn + 1);
}

/* Remembers [from, to), merging what touches; false when it would take one range too many. */
static bool range_add(struct receiver *s, struct receiver_range n)
{
	struct receiver_range kept[RECEIVER_HOLES];
	uint8_t k = 0;

	for (uint8_t i = 0; i < s->ranges; i++) {
		struct receiver_range r = s->range[i];

		if (after(r.from, n.to) > 0 || after(n.from, r.to) > 0) {
			kept[k++] = r;
			continue;
		}
		if (after(n.from, r.from) > 0)
			n.from = r.from;
		if (after(r.to, n.to) > 0)
			n.to = r.to;
	}
	if (k == RECEIVER_HOLES)
		return false;
	/* RFC 2018 section 4: the first block is the one of the segment that made us answer. */
	s->range[0] = n;
	memcpy(&s->range[1], kept, k * sizeof kept[0]);
	s->ranges = (uint8_t)(k + 1);
	return true;
}

/* Moves rcv_nxt over the ranges it has reached. */
static void range_eat(struct receiver *s)
{
	bool again = true;

	while (again) {
		again = false;
		for (uint8_t i = 0; i < s->ranges; i++) {
			struct receiver_range r = s->range[i];

			if (after(r.from, s->rcv_nxt) > 0)
				continue;
			if (after(r.to, s->rcv_nxt) > 0) {
				s->received += r.to - s->rcv_nxt;
				s->rcv_nxt = r.to;
			}
			s->ranges--;
			memmove(&s->range[i], &s->range[i + 1],
				(s->ranges - i) * sizeof s->range[0]);
			again = true;
			break;
		}
	}
}

static void put32(struct receiver_reply *r, uint32_t v)
{
	uint32_t be = htonl(v);

	memcpy(r->opt + r->optlen, &be, 4);
	r->optlen = (uint8_t)(r->optlen + 4);
}

/* again: what came before and came again, named first (RFC 2883 section 4); empty: nothing did. */
static void reply_make(struct receiver *s, uint32_t now_ms, struct receiver_range again,
		       struct receiver_reply *r)
{
	uint32_t wnd = window(s);
	bool repeated = again.from != again.to;

	r->send = true;
	r->seq = s->snd_nxt;
	r->ack = s->rcv_nxt;
	r->win = (uint16_t)(s->promised & RECEIVER_WSCALE ? wnd >> RECEIVER_WSCALE_SHIFT : wnd);
	r->optlen = 0;
	if (s->promised & RECEIVER_TS) {
		put32(r, 0x0101080a);
		put32(r, now_ms + s->ts_offset);
		put32(r, s->ts_recent);
	}
	if (s->promised & RECEIVER_SACK && (s->ranges || repeated)) {
		uint8_t most = (uint8_t)((40 - r->optlen - 4) / 8 - repeated);
		uint8_t n = s->ranges < most ? s->ranges : most;

		put32(r, 0x01010500 | (uint32_t)(2 + 8 * (n + repeated)));
		if (repeated) {
			put32(r, again.from);
			put32(r, again.to);
		}
		for (uint8_t i = 0; i < n; i++) {
			put32(r, s->range[i].from);
			put32(r, s->range[i].to);
		}
	}
}

void receiver_reply_make(struct receiver *s, uint32_t now_ms, struct receiver_reply *r)
{
	reply_make(s, now_ms, (struct receiver_range){0, 0}, r);
}

/* Whether what is not data may be answered now. */
static bool challenge(struct receiver *s, uint32_t now_ms)
{
	if (s->challenged && now_ms - s->challenged_ms < RECEIVER_CHALLENGE_MS)
		return false;
	s->challenged = true;
	s->challenged_ms = now_ms;
	return true;
}

/* The end of what came: where a client that lost something thinks it is. */
static uint32_t furthest(const struct receiver *s)
{
	uint32_t at = s->rcv_nxt;

	for (uint8_t i = 0; i < s->ranges; i++)
		if (after(s->range[i].to, at) > 0)
			at = s->range[i].to;
	return at;
}

/* What of [seq, end) was acknowledged before. */
static struct receiver_range repeated(const struct receiver *s, uint32_t seq, uint32_t end)
{
	struct receiver_range r = {seq, end};

	if (after(s->irs + 1, r.from) > 0)
		r.from = s->irs + 1; /* a keepalive before the first byte */
	if (after(r.to, s->rcv_nxt) > 0)
		r.to = s->rcv_nxt;
	return after(r.to, r.from) > 0 ? r : (struct receiver_range){0, 0};
}

/* Our FIN: with the first reply after the client's FIN or at the limit, and again when the client
 * asks again. */
static void add_fin(struct receiver *s, struct receiver_reply *r)
{
	r->fin = true;
	if (!s->fin_out) {
		s->fin_out = true;
		s->snd_nxt++;
	}
	r->seq = s->snd_nxt - 1;
}

/* Takes the data in [seq, end); returns whether it deserves an answer at once, which all data does.
 */
static void data_in(struct receiver *s, uint32_t seq, uint32_t len, struct receiver_reply *r)
{
	uint32_t end = seq + len, edge = s->rcv_nxt + window(s);

	if (s->fin_in || after(end, s->rcv_nxt) <= 0)
		return; /* nothing new */
	if (after(end, edge) > 0) {
		uint32_t over = (uint32_t)after(end, edge);

		r->untracked_bytes = over < len ? over : len;
		end = edge;
	}
	if (after(seq, s->rcv_nxt) <= 0) {
		if (after(end, s->rcv_nxt) > 0) {
			r->taken = (struct receiver_range){s->rcv_nxt, end};
			s->received += end - s->rcv_nxt;
			s->rcv_nxt = end;
			range_eat(s);
		}
	} else if (after(end, seq) > 0) {
		if (range_add(s, (struct receiver_range){seq, end}))
			r->taken = (struct receiver_range){seq, end};
		else
			r->untracked_bytes += end - seq;
	}
	if (!window(s))
		s->full = true;
}

static void timestamp_in(struct receiver *s, const struct pkt *p)
{
	struct tcp_opts o;

	if (!(s->promised & RECEIVER_TS))
		return;
	tcp_opts_read(p->opt, p->opt_len, &o);
	/* RFC 7323 section 4.3: only from a segment that begins no later than what we last
	 * acknowledged. */
	if (o.has_ts && after(p->seq, s->rcv_nxt) <= 0 && after(o.ts_val, s->ts_recent) >= 0)
		s->ts_recent = o.ts_val;
	else if (o.has_ts && !s->ts_recent)
		s->ts_recent = o.ts_val;
}

/* The client's FIN at `at`, perhaps ahead of a hole. */
static void fin_in(struct receiver *s, uint32_t at)
{
	if (s->fin_in || after(at, s->rcv_nxt) < 0 || after(at, s->rcv_nxt + window(s)) > 0)
		return;
	s->fin_known = true;
	s->fin_at = at;
}

static enum receiver_end rst_in(struct receiver *s, const struct pkt *p, uint32_t now_ms,
				struct receiver_reply *r)
{
	/* Exact, or after all that came (as Linux does, for a client whose data was lost on the
	 * way). */
	if (p->seq == s->rcv_nxt || p->seq == furthest(s))
		return RECEIVER_RST;
	if (challenge(s, now_ms))
		receiver_reply_make(s, now_ms, r);
	return RECEIVER_OPEN;
}

enum receiver_end receiver_segment(struct receiver *s, const struct pkt *p, uint32_t now_ms,
				   struct receiver_reply *r)
{
	uint32_t len = p->payload_wire, end = p->seq + len;
	bool fin = p->flags & TCP_FIN, again = false, answer = false;
	struct receiver_range twice;

	memset(r, 0, sizeof *r);
	if (p->flags & TCP_RST)
		return rst_in(s, p, now_ms, r);

	timestamp_in(s, p);
	if (after(p->ack, s->snd_una) > 0)
		s->snd_una = p->ack;
	twice = repeated(s, p->seq, end);

	if (len) {
		/* At a closed window the client asks with data, too. */
		again = after(end, s->rcv_nxt) <= 0 || (s->full && p->seq == s->rcv_nxt);
		data_in(s, p->seq, len, r);
		answer = true;
	} else if (!fin) {
		/* A keepalive or window probe lies before the window and wants an answer; a plain
		 * acknowledgment does not. */
		again = after(p->seq, s->rcv_nxt) < 0;
		answer = (again || p->seq - s->rcv_nxt > window(s)) && challenge(s, now_ms);
	}
	if (fin) {
		answer = again = true;
		fin_in(s, end);
	}
	if (s->fin_known && !s->fin_in && s->fin_at == s->rcv_nxt) {
		s->fin_in = true;
		s->rcv_nxt++;
		s->ranges = 0; /* what a liar sent beyond its end */
	}
	/* Who closes first waits: after the limit that is us. */
	if (s->fin_in && s->fin_out && s->snd_una == s->snd_nxt && !s->full) {
		if (answer)
			reply_make(s, now_ms, twice, r);
		return RECEIVER_FIN;
	}
	if (!answer)
		return RECEIVER_OPEN;
	reply_make(s, now_ms, twice, r);
	if ((s->fin_in || s->full) && (!s->fin_out || (again && s->snd_una != s->snd_nxt)))
		add_fin(s, r);
	return RECEIVER_OPEN;
}

#include "responder/converse.h"

static void converse_event(struct responder *r, const struct conn *c, uint64_t now_ns,
			   const char *reason)
{
	struct responder_event *e;

	if (r->events == RESPONDER_EVENTS) {
		responder_add(r, RESPONDER_D_EVENTS);
		return;
	}
	e = &r->event[r->events++];
	*e = (struct responder_event){reason != NULL, c->t,          now_ns,
				      c->start_ns,    c->s.received, reason};
}

static void converse_close(struct responder *r, struct conn *c, uint64_t now_ns,
			   enum responder_count why, const char *reason)
{
	responder_add(r, why);
	converse_event(r, c, now_ns, reason);
	conns_remove(&r->conns, c);
}

static void converse_reply(struct responder *r, struct conn *c, const struct receiver_reply *y,
			   uint8_t flags, const uint8_t *data, size_t len, struct send_batch *out)
{
	uint8_t *to = responder_room(r, out);
	struct segment g;

	if (!to)
		return;
	g = (struct segment){.link = &c->link,
			     .src = c->t.dst,
			     .dst = c->t.src,
			     .sport = c->t.dport,
			     .dport = c->t.sport,
			     .seq = y->seq,
			     .ack = y->ack,
			     .flags = (uint8_t)(TCP_ACK | flags),
			     .win = y->win,
			     .ip_id = ++c->ip_id,
			     .flow_label = c->s.ts_offset,
			     .opt = y->opt,
			     .optlen = y->optlen,
			     .data = data,
			     .len = len};
	send_batch_add(out, segment_write(&r->segments, &g, to));
}

static void converse_segment(struct responder *r, uint64_t now_ns, const struct pkt *p,
			     struct conn *c, struct send_batch *out)
{
	struct receiver_reply y;
	uint64_t before = c->s.received;
	enum receiver_end end = receiver_segment(&c->s, p, responder_ms(now_ns), &y);

	responder_add(r, RESPONDER_SEGMENTS);
	r->count[RESPONDER_ACKED_BYTES] += c->s.received - before;
	r->count[RESPONDER_D_TABLE_BYTES] += y.untracked_bytes;
	if (y.send) {
		link_of(&c->link, p);
		converse_reply(r, c, &y, y.fin ? TCP_FIN : 0, NULL, 0, out);
		responder_add(r, RESPONDER_ACKS);
		if (y.fin)
			responder_add(r, RESPONDER_FINS);
	}
	switch (end) {
	case RECEIVER_OPEN:
		conns_touch(&r->conns, c, now_ns);
		/* Silence begins anew with each segment; what ends needs no banner. */
		if (c->waiting) {
			conns_unwait(&r->conns, c);
			if (!c->s.fin_in && !c->s.full)
				conns_wait(&r->conns, c);
		}
		break;
	case RECEIVER_FIN:
		converse_close(r, c, now_ns, RESPONDER_CLOSED_FIN, "fin");
		break;
	case RECEIVER_RST:
		converse_close(r, c, now_ns, RESPONDER_CLOSED_RST, "rst");
		break;
	}
}

void converse_acknowledgment(struct responder *r, uint64_t now_ns, const struct pkt *p,
			     struct send_batch *out)
{
	struct tuple t = tuple_of(p);
	struct conn *c = conns_find(&r->conns, &t), *old;
	struct cookie_word w;

	if (c && receiver_takes(&c->s, p)) {
		converse_segment(r, now_ns, p, c, out);
		return;
	}
	if (!cookie_verify(&r->cookie, &t, p->seq - 1, p->ack, &w)) {
		responder_add(r, RESPONDER_D_UNVERIFIED);
		return;
	}
	reflect_verified(&r->reflect, &p->src, now_ns);
	/* The 4-tuple's next connection, or room made by the longest silent one. */
	old = c ? c : conns_victim(&r->conns, now_ns);
	if (old)
		converse_close(r, old, now_ns, RESPONDER_CLOSED_EVICTED, "evicted");
	if (conns_full(&r->conns)) {
		responder_add(r, RESPONDER_D_TABLE);
		r->count[RESPONDER_D_TABLE_BYTES] += p->payload_wire;
		return;
	}
	c = conns_add(&r->conns, &t, now_ns);
	receiver_init(&c->s, p->seq - 1, w.isn, w.flags, w.extra, r->conf.connection_bytes);
	c->ip_id = (uint16_t)(w.extra >> 16);
	link_of(&c->link, p);
	responder_add(r, RESPONDER_VERIFIED);
	converse_event(r, c, now_ns, NULL);
	if (r->conf.nudge_ns && nudge_find(&r->nudge, p->dport))
		conns_wait(&r->conns, c);
	converse_segment(r, now_ns, p, c, out);
}

void converse_reset(struct responder *r, uint64_t now_ns, const struct pkt *p,
		    struct send_batch *out)
{
	struct tuple t = tuple_of(p);
	struct conn *c = conns_find(&r->conns, &t);

	if (c && receiver_takes(&c->s, p)) {
		converse_segment(r, now_ns, p, c, out);
		return;
	}
	responder_add(r, RESPONDER_RSTS);
	recent_set_add(&r->rst, responder_tuple_hash(r, &t), now_ns, r->conf.rst_ns);
	reflect_rst(&r->reflect, &p->src, now_ns);
}

void converse_expire(struct responder *r, uint64_t now_ns)
{
	struct conn *c;

	while ((c = conns_idle(&r->conns, now_ns))) {
		if (c->s.full)
			converse_close(r, c, now_ns, RESPONDER_CLOSED_LIMIT, "limit");
		else
			converse_close(r, c, now_ns, RESPONDER_CLOSED_IDLE, "idle");
	}
}

bool responder_nudge(struct responder *r, uint64_t now_ns, struct send_batch *out,
		     uint64_t *next_ns)
{
	struct conn *c;

	*next_ns = UINT64_MAX;
	while ((c = conns_waiting(&r->conns))) {
		const struct nudge_row *row = nudge_find(&r->nudge, c->t.dport);
		struct receiver_reply y = {0};

		if (now_ns < c->last_ns + r->conf.nudge_ns) {
			*next_ns = c->last_ns + r->conf.nudge_ns;
			return false;
		}
		if (!send_batch_ready(out))
			return true;
		conns_unwait(&r->conns, c);
		if (!row)
			continue;
		receiver_reply_make(&c->s, responder_ms(now_ns), &y);
		converse_reply(r, c, &y, TCP_PSH, row->banner, row->len, out);
		c->s.snd_nxt += row->len;
		responder_add(r, RESPONDER_NUDGES);
	}
	return false;
}

bool responder_close_all(struct responder *r, uint64_t now_ns)
{
	while (r->conns.oldest != CONN_NONE) {
		struct conn *c = &r->conns.c[r->conns.oldest];

		if (r->events == RESPONDER_EVENTS)
			return true;
		converse_event(r, c, now_ns, "shutdown");
		conns_remove(&r->conns, c);
	}
	return false;
}

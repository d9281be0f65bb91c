#include "responder/respond.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "pkt/cksum.h"
#include "responder/echo.h"

enum { IP_ICMP = 1, IP_TCP = 6, IP_ICMP6 = 58 };

static void subkey(const struct responder_conf *c, const char *purpose, uint8_t *key, size_t n)
{
	crypto_generichash(key, n, (const uint8_t *)purpose, strlen(purpose), c->seed,
			   sizeof(c->seed));
}

int responder_init(struct responder *r, const struct responder_conf *conf, uint64_t now_ns,
		   char *err, size_t errlen)
{
	const struct responder_conf *c = conf;
	uint8_t key[16], seed[COOKIE_SEED];
	int rc;

	memset(r, 0, sizeof(*r));
	r->conf = *conf;
	watch_init(&r->watch);
	snprintf(err, errlen, "out of memory");
	subkey(c, "cookie", seed, sizeof(seed));
	cookie_init(&r->cookie, seed, c->cookie_ns, now_ns);
	rc = segments_init(&r->segments, c->mtu, err, errlen);
	if (rc)
		return rc;
	shed_init(&r->shed, c->shed_rate);
	subkey(c, "limit", key, sizeof(key));
	if (limit_init(&r->limit, c->buckets, c->source, c->prefix, c->total, key) < 0)
		goto nomem;
	subkey(c, "conn", key, sizeof(key));
	if (conns_init(&r->conns, c->connections, c->idle_ns, c->evict_ns, key) < 0)
		goto nomem;
	subkey(c, "rst", r->rst_key, sizeof(r->rst_key));
	if (recent_set_init(&r->rst, c->rst_tuples) < 0)
		goto nomem;
	subkey(c, "reflect", key, sizeof(key));
	if (reflect_init(&r->reflect, &c->reflect, c->suspects, c->verified, key) < 0)
		goto nomem;
	subkey(c, "neigh", key, sizeof(key));
	if (neigh_init(&r->neigh, c->neighbours, c->mac, key) < 0)
		goto nomem;
	return 0;
nomem:
	responder_fini(r);
	return -ENOMEM;
}

void responder_fini(struct responder *r)
{
	limit_fini(&r->limit);
	conns_fini(&r->conns);
	recent_set_fini(&r->rst);
	reflect_fini(&r->reflect);
	neigh_fini(&r->neigh);
}

static void count(struct responder *r, enum responder_count id)
{
	r->count[id]++;
}

static void event(struct responder *r, const struct conn *c, uint64_t now_ns, const char *reason)
{
	struct responder_event *e;

	if (r->events == RESPONDER_EVENTS) {
		count(r, RESPONDER_D_EVENTS);
		return;
	}
	e = &r->event[r->events++];
	*e = (struct responder_event){reason != NULL, c->t,          now_ns,
				      c->start_ns,    c->s.received, reason};
}

static void close_conn(struct responder *r, struct conn *c, uint64_t now_ns,
		       enum responder_count why, const char *reason)
{
	count(r, why);
	event(r, c, now_ns, reason);
	conns_remove(&r->conns, c);
}

static uint32_t now_ms(uint64_t now_ns)
{
	return (uint32_t)(now_ns / 1000000);
}

static uint64_t tuple_hash(const struct responder *r, const struct tuple *t)
{
	uint8_t in[TUPLE_BYTES_MAX];
	uint64_t h;

	crypto_shorthash((uint8_t *)&h, in, tuple_bytes(t, in), r->rst_key);
	return h;
}

/* Addresses that cannot be the far end of a conversation: an answer to them would be a broadcast or
 * come back to us. */
static bool bogus(const struct responder *r, const struct pkt *p)
{
	const uint8_t *s = p->src.b;
	static const uint8_t zero[15];

	if ((p->mac_dst[0] | p->mac_src[0]) & 1 || addr_eq(&p->src, &p->dst) ||
	    watch_owns(&r->watch, &p->src))
		return true;
	if (p->src.family == 4)
		return s[0] == 0 || s[0] == 127 || s[0] >= 224;
	return s[0] == 0xff || (memcmp(s, zero, 15) == 0 && s[15] <= 1);
}

static bool allowed(struct responder *r, const struct addr *src, struct limit_place at,
		    uint64_t now_ns)
{
	switch (limit_take(&r->limit, at, now_ns)) {
	case LIMIT_SOURCE:
		count(r, RESPONDER_D_SOURCE);
		break;
	case LIMIT_PREFIX:
		count(r, RESPONDER_D_PREFIX);
		break;
	case LIMIT_TOTAL:
		count(r, RESPONDER_D_TOTAL);
		return false;
	case LIMIT_PASS:
		return true;
	}
	shed_refused(&r->shed, src);
	return false;
}

static uint8_t *room(struct responder *r, struct send_batch *out)
{
	uint8_t *to = send_batch_room(out);

	if (!to)
		count(r, RESPONDER_D_BATCH);
	return to;
}

static void syn(struct responder *r, uint64_t now_ns, const struct pkt *p, struct send_batch *out)
{
	struct tuple t = tuple_of(p);
	size_t bare = (p->src.family == 4 ? 20 : 40) + 20;
	enum reflect_verdict v;
	struct limit_place at;
	struct cookie_word w;
	struct tcp_opts o;
	struct link l;
	struct segment g;
	uint8_t set, *to;

	count(r, RESPONDER_SYNS);
	at = limit_find(&r->limit, &p->src);
	if (shed_syn(&r->shed, &p->src))
		r->count[RESPONDER_D_SHED] += SHED_SAMPLE - 1;
	v = reflect_syn(&r->reflect, &p->src, &p->dst, p->dport, now_ns);
	if (v != REFLECT_PASS) {
		count(r, v == REFLECT_SUPPRESS_ALERT ? RESPONDER_D_REFLECTION : RESPONDER_D_VICTIM);
		return;
	}
	if (!recent_set_none(&r->rst, now_ns) &&
	    recent_set_has(&r->rst, tuple_hash(r, &t), now_ns)) {
		count(r, RESPONDER_D_RST_STOP);
		return;
	}
	to = room(r, out);
	if (!to || !allowed(r, &p->src, at, now_ns))
		return;
	tcp_opts_read(p->opt, p->opt_len, &o);
	set = synack_choose(&o, p->ip_len > bare ? p->ip_len - bare : 0);
	w = cookie_make(&r->cookie, &t, p->seq,
			(uint8_t)((set & SYNACK_SACK ? COOKIE_SACK : 0) |
				  (set & SYNACK_TS ? COOKIE_TS : 0) |
				  (set & SYNACK_WSCALE ? COOKIE_WSCALE : 0)));
	link_of(&l, p);
	g = (struct segment){.link = &l,
			     .src = p->dst,
			     .dst = p->src,
			     .sport = p->dport,
			     .dport = p->sport,
			     .seq = w.isn,
			     .ack = p->seq + 1,
			     .flow_label = w.extra,
			     .ts_val = now_ms(now_ns) + w.extra,
			     .ts_ecr = o.ts_val};
	send_batch_add(out, synack_write(&r->segments, &g, set, to));
	count(r, RESPONDER_SYNACKS);
}

static void reply_send(struct responder *r, struct conn *c, const struct receiver_reply *y,
		       uint8_t flags, const uint8_t *data, size_t len, struct send_batch *out)
{
	uint8_t *to = room(r, out);
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

static void segment(struct responder *r, uint64_t now_ns, const struct pkt *p, struct conn *c,
		    struct send_batch *out)
{
	struct receiver_reply y;
	uint64_t before = c->s.received;
	enum receiver_end end = receiver_segment(&c->s, p, now_ms(now_ns), &y);

	count(r, RESPONDER_SEGMENTS);
	r->count[RESPONDER_ACKED_BYTES] += c->s.received - before;
	r->count[RESPONDER_D_TABLE_BYTES] += y.untracked_bytes;
	if (y.send) {
		link_of(&c->link, p);
		reply_send(r, c, &y, y.fin ? TCP_FIN : 0, NULL, 0, out);
		count(r, RESPONDER_ACKS);
		if (y.fin)
			count(r, RESPONDER_FINS);
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
		close_conn(r, c, now_ns, RESPONDER_CLOSED_FIN, "fin");
		break;
	case RECEIVER_RST:
		close_conn(r, c, now_ns, RESPONDER_CLOSED_RST, "rst");
		break;
	}
}

/* A segment that acknowledges something: of a connection we know, or the first of a new one. */
static void acknowledgment(struct responder *r, uint64_t now_ns, const struct pkt *p,
			   struct send_batch *out)
{
	struct tuple t = tuple_of(p);
	struct conn *c = conns_find(&r->conns, &t), *old;
	struct cookie_word w;

	if (c && receiver_takes(&c->s, p)) {
		segment(r, now_ns, p, c, out);
		return;
	}
	if (!cookie_verify(&r->cookie, &t, p->seq - 1, p->ack, &w)) {
		count(r, RESPONDER_D_UNVERIFIED);
		return;
	}
	reflect_verified(&r->reflect, &p->src, now_ns);
	/* The 4-tuple's next connection, or room made by the longest silent one. */
	old = c ? c : conns_victim(&r->conns, now_ns);
	if (old)
		close_conn(r, old, now_ns, RESPONDER_CLOSED_EVICTED, "evicted");
	if (conns_full(&r->conns)) {
		count(r, RESPONDER_D_TABLE);
		r->count[RESPONDER_D_TABLE_BYTES] += p->payload_wire;
		return;
	}
	c = conns_add(&r->conns, &t, now_ns);
	receiver_init(&c->s, p->seq - 1, w.isn, w.flags, w.extra, r->conf.connection_bytes);
	c->ip_id = (uint16_t)(w.extra >> 16);
	link_of(&c->link, p);
	count(r, RESPONDER_VERIFIED);
	event(r, c, now_ns, NULL);
	if (r->conf.nudge_ns && nudge_find(&r->nudge, p->dport))
		conns_wait(&r->conns, c);
	segment(r, now_ns, p, c, out);
}

static void reset(struct responder *r, uint64_t now_ns, const struct pkt *p, struct send_batch *out)
{
	struct tuple t = tuple_of(p);
	struct conn *c = conns_find(&r->conns, &t);

	if (c && receiver_takes(&c->s, p)) {
		segment(r, now_ns, p, c, out);
		return;
	}
	count(r, RESPONDER_RSTS);
	recent_set_add(&r->rst, tuple_hash(r, &t), now_ns, r->conf.rst_ns);
	reflect_rst(&r->reflect, &p->src, now_ns);
}

static bool ip_header_good(const struct pkt *p)
{
	return p->src.family != 4 ||
	       cksum_fold(cksum_add(0, p->frame + p->ip_off, p->ip_hdr_len)) == 0;
}

static void tcp(struct responder *r, uint64_t now_ns, const struct pkt *p, struct send_batch *out)
{
	enum cksum_state sum;

	if (!watch_port(&r->watch, &p->dst, p->dport)) {
		count(r, RESPONDER_D_UNWATCHED);
		return;
	}
	if (bogus(r, p)) {
		count(r, RESPONDER_D_BOGUS);
		return;
	}
	sum = p->truncated ? CKSUM_UNKNOWN : pkt_cksum(p);
	if (sum == CKSUM_UNKNOWN) {
		count(r, RESPONDER_D_CUT);
		return;
	}
	if (sum == CKSUM_BAD || !ip_header_good(p)) {
		count(r, RESPONDER_D_CHECKSUM);
		return;
	}
	switch (p->flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) {
	case TCP_SYN:
		syn(r, now_ns, p, out);
		break;
	case TCP_ACK:
	case TCP_ACK | TCP_FIN:
		acknowledgment(r, now_ns, p, out);
		break;
	case TCP_RST:
	case TCP_RST | TCP_ACK:
		reset(r, now_ns, p, out);
		break;
	default:
		count(r, RESPONDER_D_FLAGS);
	}
}

/* Counts what became of a neighbour question and sends what was written for it: an answer or a
 * probe. */
static void neigh_done(struct responder *r, enum neigh_verdict v, enum responder_count answered,
		       size_t len, struct send_batch *out)
{
	switch (v) {
	case NEIGH_ANSWERED:
		count(r, answered);
		break;
	case NEIGH_PROBED:
		count(r, RESPONDER_NEIGH_PROBES);
		break;
	case NEIGH_HELD:
		count(r, RESPONDER_D_NEIGH_HELD);
		break;
	case NEIGH_IGNORED:
		break;
	}
	if (len)
		send_batch_add(out, len);
}

static void icmp(struct responder *r, uint64_t now_ns, const struct pkt *p, struct send_batch *out)
{
	uint8_t *to;
	size_t len;

	if (p->proto == IP_ICMP6 && (p->sport == 135 || p->sport == 136)) {
		if (!r->conf.arp || !(to = room(r, out)))
			return;
		enum neigh_verdict v = neigh_icmp6(&r->neigh, &r->watch, p, now_ns, to, &len);
		neigh_done(r, v, RESPONDER_NDP_ADVERTS, len, out);
		return;
	}
	/* The host's own kernel answers for its own addresses. */
	if (!r->conf.icmp_echo || !echo_is(p) || !watch_addr(&r->watch, &p->dst) ||
	    watch_owns(&r->watch, &p->dst) || bogus(r, p) || !ip_header_good(p))
		return;
	if (reflect_syn(&r->reflect, &p->src, &p->dst, 0, now_ns) != REFLECT_PASS) {
		count(r, RESPONDER_D_REFLECTION);
		return;
	}
	to = room(r, out);
	if (!to || !allowed(r, &p->src, limit_find(&r->limit, &p->src), now_ns))
		return;
	send_batch_add(out, echo_write(p, to));
	count(r, RESPONDER_ECHO_REPLIES);
}

static void arp(struct responder *r, uint64_t now_ns, const struct pkt *p, struct send_batch *out)
{
	uint8_t *to;
	size_t len;

	if (!r->conf.arp || !(to = room(r, out)))
		return;
	enum neigh_verdict v = neigh_arp(&r->neigh, &r->watch, p, now_ns, to, &len);
	neigh_done(r, v, RESPONDER_ARP_REPLIES, len, out);
}

void responder_expect(const struct responder *r, const struct pkt *p)
{
	if (p->stop != PKT_L4 || p->proto != IP_TCP || (p->flags & (TCP_SYN | TCP_ACK)) != TCP_SYN)
		return;
	limit_find(&r->limit, &p->src);
	reflect_expect(&r->reflect, &p->src);
}

void responder_frame(struct responder *r, uint64_t now_ns, const struct pkt *p,
		     struct send_batch *out)
{
	count(r, RESPONDER_FRAMES);
	if (!p->mac_src || !p->mac_dst)
		return;
	switch (p->stop) {
	case PKT_L4:
		if (p->proto == IP_TCP)
			tcp(r, now_ns, p, out);
		else if (p->proto == IP_ICMP || p->proto == IP_ICMP6)
			icmp(r, now_ns, p, out);
		break;
	case PKT_FRAGMENT:
	case PKT_IP:
		if (p->proto == IP_TCP && watch_addr(&r->watch, &p->dst))
			count(r, RESPONDER_D_CUT);
		break;
	case PKT_ARP:
		arp(r, now_ns, p, out);
		break;
	default:
		break;
	}
}

void responder_tick(struct responder *r, uint64_t now_ns)
{
	struct conn *c;

	cookie_tick(&r->cookie, now_ns);
	reflect_tick(&r->reflect, now_ns);
	if (shed_tick(&r->shed, now_ns))
		r->shed_changed = true;
	while ((c = conns_idle(&r->conns, now_ns))) {
		if (c->s.full)
			close_conn(r, c, now_ns, RESPONDER_CLOSED_LIMIT, "limit");
		else
			close_conn(r, c, now_ns, RESPONDER_CLOSED_IDLE, "idle");
	}
	r->count[RESPONDER_REFLECTION_ALERTS] = r->reflect.alerts;
	r->count[RESPONDER_VICTIMS] = r->reflect.victims;
	r->count[RESPONDER_G_ATTACKS] = r->reflect.active;
	r->count[RESPONDER_G_CONNS] = r->conns.used;
	r->count[RESPONDER_G_SHED] = r->shed.active;
	r->count[RESPONDER_G_BUCKETS_EVICTED] = r->limit.evicted;
	r->count[RESPONDER_G_SUSPECTS_EVICTED] = r->reflect.evicted;
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
		receiver_reply_make(&c->s, now_ms(now_ns), &y);
		reply_send(r, c, &y, TCP_PSH, row->banner, row->len, out);
		c->s.snd_nxt += row->len;
		count(r, RESPONDER_NUDGES);
	}
	return false;
}

bool responder_close_all(struct responder *r, uint64_t now_ns)
{
	while (r->conns.oldest != CONN_NONE) {
		struct conn *c = &r->conns.c[r->conns.oldest];

		if (r->events == RESPONDER_EVENTS)
			return true;
		event(r, c, now_ns, "shutdown");
		conns_remove(&r->conns, c);
	}
	return false;
}

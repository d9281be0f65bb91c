#include "responder/respond.h"

#include <errno.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "pkt/cksum.h"
#include "responder/converse.h"
#include "responder/echo.h"

static void respond_subkey(const struct responder_conf *c, const char *purpose, uint8_t *key,
			   size_t n)
{
	crypto_generichash(key, n, (const uint8_t *)purpose, strlen(purpose), c->seed,
			   sizeof c->seed);
}

int responder_init(struct responder *r, const struct responder_conf *conf, uint64_t now_ns,
		   char *err, size_t errlen)
{
	const struct responder_conf *c = conf;
	uint8_t key[16], seed[COOKIE_SEED];
	int rc;

	memset(r, 0, sizeof *r);
	r->conf = *conf;
	watch_init(&r->watch);
	snprintf(err, errlen, "out of memory");
	respond_subkey(c, "cookie", seed, sizeof seed);
	cookie_init(&r->cookie, seed, c->cookie_ns, now_ns);
	rc = segments_init(&r->segments, c->mtu, err, errlen);
	if (rc)
		return rc;
	shed_init(&r->shed, c->shed_rate);
	respond_subkey(c, "limit", key, sizeof key);
	if (limit_init(&r->limit, c->buckets, c->source, c->prefix, c->total, key) < 0)
		goto nomem;
	respond_subkey(c, "conn", key, sizeof key);
	if (conns_init(&r->conns, c->connections, c->idle_ns, c->evict_ns, key) < 0)
		goto nomem;
	respond_subkey(c, "rst", r->rst_key, sizeof r->rst_key);
	if (recent_set_init(&r->rst, c->rst_tuples) < 0)
		goto nomem;
	respond_subkey(c, "reflect", key, sizeof key);
	if (reflect_init(&r->reflect, &c->reflect, c->suspects, c->verified, key) < 0)
		goto nomem;
	respond_subkey(c, "neigh", key, sizeof key);
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

/* Addresses that cannot be the far end of a conversation: an answer to them would be a broadcast or
 * come back to us. */
static bool respond_bogus(const struct responder *r, const struct pkt *p)
{
	const uint8_t *s = p->src.b;
	static const uint8_t zero[15];

	if ((p->mac_dst[0] | p->mac_src[0]) & 1 || addr_eq(&p->src, &p->dst) ||
	    watch_owns(&r->watch, &p->src) || watch_edge(&r->watch, &p->src))
		return true;
	if (p->src.family == 4)
		return s[0] == 0 || s[0] == 127 || s[0] >= 224;
	return s[0] == 0xff || (memcmp(s, zero, 15) == 0 && s[15] <= 1);
}

static bool respond_allowed(struct responder *r, const struct addr *src, struct limit_place at,
			    uint64_t now_ns)
{
	switch (limit_take(&r->limit, at, now_ns)) {
	case LIMIT_SOURCE:
		responder_add(r, RESPONDER_D_SOURCE);
		break;
	case LIMIT_PREFIX:
		responder_add(r, RESPONDER_D_PREFIX);
		break;
	case LIMIT_TOTAL:
		responder_add(r, RESPONDER_D_TOTAL);
		return false;
	case LIMIT_PASS:
		return true;
	}
	shed_refused(&r->shed, src);
	return false;
}

static void respond_syn(struct responder *r, uint64_t now_ns, const struct pkt *p,
			struct send_batch *out)
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

	responder_add(r, RESPONDER_SYNS);
	at = limit_find(&r->limit, &p->src);
	if (shed_syn(&r->shed, &p->src))
		r->count[RESPONDER_D_SHED] += SHED_SAMPLE - 1;
	v = reflect_syn(&r->reflect, &p->src, &p->dst, p->dport, now_ns);
	if (v != REFLECT_PASS) {
		responder_add(r, v == REFLECT_SUPPRESS_ALERT ? RESPONDER_D_REFLECTION
							     : RESPONDER_D_VICTIM);
		return;
	}
	if (!recent_set_none(&r->rst, now_ns) &&
	    recent_set_has(&r->rst, responder_tuple_hash(r, &t), now_ns)) {
		responder_add(r, RESPONDER_D_RST_STOP);
		return;
	}
	to = responder_room(r, out);
	if (!to || !respond_allowed(r, &p->src, at, now_ns))
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
			     .ts_val = responder_ms(now_ns) + w.extra,
			     .ts_ecr = o.ts_val};
	send_batch_add(out, synack_write(&r->segments, &g, set, to));
	responder_add(r, RESPONDER_SYNACKS);
}

static bool ip_header_good(const struct pkt *p)
{
	return p->src.family != 4 ||
	       cksum_fold(cksum_add(0, p->frame + p->ip_off, p->ip_hdr_len)) == 0;
}

static void respond_tcp(struct responder *r, uint64_t now_ns, const struct pkt *p,
			struct send_batch *out)
{
	enum cksum_state sum;

	if (!watch_port(&r->watch, &p->dst, p->dport)) {
		responder_add(r, RESPONDER_D_UNWATCHED);
		return;
	}
	if (respond_bogus(r, p)) {
		responder_add(r, RESPONDER_D_BOGUS);
		return;
	}
	sum = p->truncated ? CKSUM_UNKNOWN : pkt_cksum(p);
	if (sum == CKSUM_UNKNOWN) {
		responder_add(r, RESPONDER_D_CUT);
		return;
	}
	if (sum == CKSUM_BAD || !ip_header_good(p)) {
		responder_add(r, RESPONDER_D_CHECKSUM);
		return;
	}
	switch (p->flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) {
	case TCP_SYN:
		respond_syn(r, now_ns, p, out);
		break;
	case TCP_ACK:
	case TCP_ACK | TCP_FIN:
		converse_acknowledgment(r, now_ns, p, out);
		break;
	case TCP_RST:
	case TCP_RST | TCP_ACK:
		converse_reset(r, now_ns, p, out);
		break;
	default:
		responder_add(r, RESPONDER_D_FLAGS);
	}
}

/* Counts what became of a neighbour question and sends what was written for it: an answer or a
 * probe. */
static void respond_neigh_done(struct responder *r, enum neigh_verdict v,
			       enum responder_count answered, size_t len, struct send_batch *out)
{
	switch (v) {
	case NEIGH_ANSWERED:
		responder_add(r, answered);
		break;
	case NEIGH_PROBED:
		responder_add(r, RESPONDER_NEIGH_PROBES);
		break;
	case NEIGH_HELD:
		responder_add(r, RESPONDER_D_NEIGH_HELD);
		break;
	case NEIGH_IGNORED:
		break;
	}
	if (len)
		send_batch_add(out, len);
}

static void respond_icmp(struct responder *r, uint64_t now_ns, const struct pkt *p,
			 struct send_batch *out)
{
	uint8_t *to;
	size_t len;

	if (p->proto == IPPROTO_ICMPV6 && (p->sport == 135 || p->sport == 136)) {
		if (!r->conf.arp || !(to = responder_room(r, out)))
			return;
		enum neigh_verdict v = neigh_icmp6(&r->neigh, &r->watch, p, now_ns, to, &len);
		respond_neigh_done(r, v, RESPONDER_NDP_ADVERTS, len, out);
		return;
	}
	/* The host's own kernel answers for its own addresses. */
	if (!r->conf.icmp_echo || !echo_is(p) || !watch_addr(&r->watch, &p->dst) ||
	    watch_owns(&r->watch, &p->dst) || respond_bogus(r, p) || !ip_header_good(p))
		return;
	if (reflect_syn(&r->reflect, &p->src, &p->dst, 0, now_ns) != REFLECT_PASS) {
		responder_add(r, RESPONDER_D_REFLECTION);
		return;
	}
	to = responder_room(r, out);
	if (!to || !respond_allowed(r, &p->src, limit_find(&r->limit, &p->src), now_ns))
		return;
	send_batch_add(out, echo_write(p, to));
	responder_add(r, RESPONDER_ECHO_REPLIES);
}

static void respond_arp(struct responder *r, uint64_t now_ns, const struct pkt *p,
			struct send_batch *out)
{
	uint8_t *to;
	size_t len;

	if (!r->conf.arp || !(to = responder_room(r, out)))
		return;
	enum neigh_verdict v = neigh_arp(&r->neigh, &r->watch, p, now_ns, to, &len);
	respond_neigh_done(r, v, RESPONDER_ARP_REPLIES, len, out);
}

void responder_expect(const struct responder *r, const struct pkt *p)
{
	if (p->stop != PKT_L4 || p->proto != IPPROTO_TCP ||
	    (p->flags & (TCP_SYN | TCP_ACK)) != TCP_SYN)
		return;
	limit_find(&r->limit, &p->src);
	reflect_expect(&r->reflect, &p->src);
}

void responder_frame(struct responder *r, uint64_t now_ns, const struct pkt *p,
		     struct send_batch *out)
{
	responder_add(r, RESPONDER_FRAMES);
	if (!p->mac_src || !p->mac_dst)
		return;
	switch (p->stop) {
	case PKT_L4:
		if (p->proto == IPPROTO_TCP)
			respond_tcp(r, now_ns, p, out);
		else if (p->proto == IPPROTO_ICMP || p->proto == IPPROTO_ICMPV6)
			respond_icmp(r, now_ns, p, out);
		break;
	case PKT_FRAGMENT:
	case PKT_IP:
		if (p->proto == IPPROTO_TCP && watch_addr(&r->watch, &p->dst))
			responder_add(r, RESPONDER_D_CUT);
		break;
	case PKT_ARP:
		respond_arp(r, now_ns, p, out);
		break;
	default:
		break;
	}
}

void responder_tick(struct responder *r, uint64_t now_ns)
{
	cookie_tick(&r->cookie, now_ns);
	reflect_tick(&r->reflect, now_ns);
	if (shed_tick(&r->shed, now_ns))
		r->shed_changed = true;
	converse_expire(r, now_ns);
	r->count[RESPONDER_REFLECTION_ALERTS] = r->reflect.alerts;
	r->count[RESPONDER_VICTIMS] = r->reflect.victims;
	r->count[RESPONDER_G_ATTACKS] = r->reflect.active;
	r->count[RESPONDER_G_CONNS] = r->conns.used;
	r->count[RESPONDER_G_SHED] = r->shed.active;
	r->count[RESPONDER_G_BUCKETS_EVICTED] = r->limit.evicted;
	r->count[RESPONDER_G_SUSPECTS_EVICTED] = r->reflect.evicted;
}

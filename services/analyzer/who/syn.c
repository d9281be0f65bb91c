#include "who/syn.h"

#include <string.h>

enum { OPT_EOL, OPT_NOP, OPT_MSS, OPT_WS, OPT_SACKOK, OPT_SACK, OPT_TS = 8, OPT_TFO = 34 };

void who_syn_read(const struct pkt *p, struct who_syn *out)
{
	*out = (struct who_syn){
		.dst = p->dst,
		.sport = p->sport,
		.dport = p->dport,
		.ttl = p->ttl,
		.flags = p->flags,
		.df = p->df,
		.payload = p->payload_wire > 0,
		.flow_label = p->flow_label != 0,
		.ect = (p->tos & 3) != 0,
		.ip_id = p->ip_id,
		.seq = p->seq,
		.ack = p->ack,
		.win = p->win,
		.urg = p->urg,
		.opt_len = p->opt_len,
	};
	tcp_opts_read(p->opt, p->opt_len, &out->opts);
	for (size_t i = 0; i < p->opt_len;) {
		uint8_t kind = p->opt[i];
		if (kind == OPT_EOL) {
			out->opt_tail = (uint8_t)(p->opt_len - i - 1);
			for (size_t k = i + 1; k < p->opt_len; k++)
				out->opt_tail_nonzero |= p->opt[k] != 0;
			break;
		}
		if (kind == OPT_NOP) {
			i++;
			continue;
		}
		if (i + 1 >= p->opt_len || p->opt[i + 1] < 2)
			break;
		i += p->opt[i + 1];
	}
}

/* Text that is cut off rather than written past its end. */
struct out {
	char *p;
	size_t n, max;
};

static void put(struct out *o, const char *s)
{
	while (*s && o->n + 1 < o->max)
		o->p[o->n++] = *s++;
	o->p[o->n] = 0;
}

static void put_number(struct out *o, unsigned v)
{
	char text[16], *p = text + sizeof text - 1;

	*p = 0;
	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	put(o, p);
}

static void put_option(struct out *o, const struct who_syn *s, uint8_t kind)
{
	switch (kind) {
	case OPT_EOL:
		put(o, "eol");
		if (s->opt_tail) {
			put(o, "+");
			put_number(o, s->opt_tail);
		}
		break;
	case OPT_NOP:
		put(o, "nop");
		break;
	case OPT_MSS:
		put(o, "mss");
		break;
	case OPT_WS:
		put(o, "ws");
		break;
	case OPT_SACKOK:
		put(o, "sok");
		break;
	case OPT_SACK:
		put(o, "sack");
		break;
	case OPT_TS:
		put(o, "ts");
		break;
	case OPT_TFO:
		put(o, "tfo");
		break;
	default:
		put(o, "?");
		put_number(o, kind);
	}
}

size_t who_syn_text(const struct who_syn *s, char out[WHO_SYN_MAX])
{
	struct out o = {.p = out, .max = WHO_SYN_MAX};
	const struct tcp_opts *t = &s->opts;
	bool v4 = s->dst.family == 4;

	put(&o, v4 ? "4:" : "6:");
	put_number(&o, s->ttl);
	put(&o, ":");
	put_number(&o, s->win);
	put(&o, ":");
	if (t->has_mss)
		put_number(&o, t->mss);
	else
		put(&o, "*");
	put(&o, ":");
	if (t->has_wscale)
		put_number(&o, t->wscale);
	else
		put(&o, "*");
	put(&o, ":");
	for (size_t i = 0; i < t->nkinds; i++) {
		if (i)
			put(&o, ",");
		put_option(&o, s, t->kinds[i]);
	}
	put(&o, ":");

	const struct {
		bool on;
		const char *name;
	} quirks[] = {
		{v4 && s->df, "df"},
		{v4 && s->df && s->ip_id != 0, "id+"},
		{v4 && !s->df && s->ip_id == 0, "id-"},
		{s->ect || (s->flags & (TCP_ECE | TCP_CWR)), "ecn"},
		{s->flow_label, "flow"},
		{s->seq == 0, "seq-"},
		{s->ack != 0 && !(s->flags & TCP_ACK), "ack+"},
		{s->urg != 0 && !(s->flags & TCP_URG), "uptr"},
		{s->flags & TCP_URG, "urg"},
		{s->flags & TCP_PSH, "push"},
		{s->flags & TCP_FIN, "fin"},
		{t->has_ts && t->ts_val == 0, "ts1-"},
		{t->has_ts && t->ts_ecr != 0, "ts2+"},
		{s->opt_tail_nonzero, "opt+"},
		{t->has_wscale && t->wscale > 14, "exws"},
		{s->payload, "data"},
		{t->broken, "bad"},
	};
	bool first = true;
	for (size_t i = 0; i < sizeof quirks / sizeof *quirks; i++) {
		if (!quirks[i].on)
			continue;
		if (!first)
			put(&o, ",");
		put(&o, quirks[i].name);
		first = false;
	}
	return o.n;
}

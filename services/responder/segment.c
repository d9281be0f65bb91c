#include "responder/segment.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnet.h>
#include <stdio.h>
#include <string.h>

#include "pkt/cksum.h"
#include "pkt/tcp_receiver.h"

/* Offsets in the IPv4, IPv6 and TCP headers. */
enum { AT4_LEN = 2, AT4_ID = 4, AT4_SUM = 10, AT4_SRC = 12, AT6_LEN = 4, AT6_SRC = 8 };
enum { AT_SEQ = 4, AT_OFF = 12, AT_WIN = 14, AT_SUM = 16, TCP_HEADER = 20 };

/* 64240 and 64800 are what Linux offers at an MSS of 1460 and 1440: 44 or 45 whole segments below
 * 64 KiB. */
static uint16_t segment_initial_window(uint16_t mss)
{
	return (uint16_t)(65535 / mss * mss);
}

static uint8_t segment_option_bytes(uint8_t set, uint16_t mss, uint8_t out[40], uint8_t *ts_off)
{
	uint8_t n = 0;

	memset(out, 0, 40);
	*ts_off = 0;
	if (set & SYNACK_MSS) {
		out[n++] = 2;
		out[n++] = 4;
		out[n++] = (uint8_t)(mss >> 8);
		out[n++] = (uint8_t)mss;
	}
	if (set & (SYNACK_SACK | SYNACK_TS)) {
		if (set & SYNACK_SACK && set & SYNACK_TS) {
			out[n++] = 4;
			out[n++] = 2;
		} else {
			out[n++] = 1;
			out[n++] = 1;
		}
		if (set & SYNACK_TS) {
			out[n++] = 8;
			out[n++] = 10;
			*ts_off = n;
			n = (uint8_t)(n + 8);
		} else {
			out[n++] = 4;
			out[n++] = 2;
		}
	}
	if (set & SYNACK_WSCALE) {
		out[n++] = 1;
		out[n++] = 3;
		out[n++] = 3;
		out[n++] = RECEIVER_WSCALE_SHIFT;
	}
	return n;
}

static uint16_t segment_load16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, 2);
	return v;
}

static int segment_header_build(libnet_t *l, bool v6, uint8_t set, uint16_t mtu,
				struct segment_header *h)
{
	struct libnet_in6_addr any = {0};
	uint16_t ip_len = v6 ? 40 : 20, mss = (uint16_t)(mtu - ip_len - TCP_HEADER);
	uint8_t opt[40], *bytes = NULL;
	uint8_t optlen = segment_option_bytes(set, mss, opt, &h->ts_off);
	uint16_t tcp_len = (uint16_t)(TCP_HEADER + optlen);
	uint32_t n = 0;
	libnet_ptag_t tag;

	libnet_clear_packet(l);
	if (optlen && libnet_build_tcp_options(opt, optlen, l, 0) < 0)
		return -EINVAL;
	if (libnet_build_tcp(0, 0, 0, 0, TH_SYN | TH_ACK, segment_initial_window(mss), 0, 0,
			     tcp_len, NULL, 0, l, 0) < 0)
		return -EINVAL;
	if (v6)
		tag = libnet_build_ipv6(0, 0, tcp_len, IPPROTO_TCP, 64, any, any, NULL, 0, l, 0);
	else
		tag = libnet_build_ipv4((uint16_t)(ip_len + tcp_len), 0, 0, IP_DF, 64, IPPROTO_TCP,
					0, 0, 0, NULL, 0, l, 0);
	if (tag < 0 || libnet_pblock_coalesce(l, &bytes, &n) < 0)
		return -EINVAL;
	if (n == (uint32_t)ip_len + tcp_len) {
		memcpy(h->bytes, bytes, n);
		h->len = (uint8_t)n;
		h->ip_len = (uint8_t)ip_len;
		if (h->ts_off)
			h->ts_off = (uint8_t)(h->ts_off + ip_len + TCP_HEADER);
		h->ip_base = v6 ? 0 : (uint16_t)~segment_load16(h->bytes + AT4_SUM);
		h->tcp_base = (uint16_t)~segment_load16(h->bytes + ip_len + AT_SUM);
	}
	libnet_adv_free_packet(l, bytes);
	return h->len ? 0 : -EINVAL;
}

int segments_init(struct segments *s, uint16_t mtu, char *err, size_t errlen)
{
	char why[LIBNET_ERRBUF_SIZE] = "";
	libnet_t *l = libnet_init(LIBNET_NONE, NULL, why);
	int rc = 0;

	memset(s, 0, sizeof *s);
	if (!l) {
		snprintf(err, errlen, "libnet: %s", why);
		return -EINVAL;
	}
	for (int v6 = 0; v6 < 2 && !rc; v6++)
		for (uint8_t set = 0; set < SYNACK_SETS && !rc; set++)
			rc = segment_header_build(l, v6, set, mtu, &s->h[v6][set]);
	if (rc)
		snprintf(err, errlen, "libnet: %s", libnet_geterror(l));
	libnet_destroy(l);
	return rc;
}

void link_of(struct link *l, const struct pkt *p)
{
	memcpy(l->dst, p->mac_src, 6);
	memcpy(l->src, p->mac_dst, 6);
	l->tags = p->tags;
	memcpy(l->tag, p->tag, sizeof l->tag);
}

size_t link_write(const struct link *l, uint16_t ethertype, uint8_t *out)
{
	size_t n = 12;
	uint16_t type = htons(ethertype);

	memcpy(out, l->dst, 6);
	memcpy(out + 6, l->src, 6);
	for (uint8_t i = 0; i < l->tags; i++, n += 4) {
		uint32_t tag = htonl(l->tag[i]);

		memcpy(out + n, &tag, 4);
	}
	memcpy(out + n, &type, 2);
	return n + 2;
}

uint8_t synack_choose(const struct tcp_opts *o, size_t room)
{
	uint8_t set = 0;

	/* An MSS option needs no offer from the other side (RFC 9293 3.7.1); all others do. */
	if (room >= 4) {
		set |= SYNACK_MSS;
		room -= 4;
	}
	if (o->sack_ok && room >= 4) {
		set |= SYNACK_SACK;
		room -= 4;
	}
	if (o->has_wscale && room >= 4) {
		set |= SYNACK_WSCALE;
		room -= 4;
	}
	/* 12 bytes; 8 more where SACK's padding is there already. */
	if (o->has_ts && room >= (set & SYNACK_SACK ? 8U : 12U))
		set |= SYNACK_TS;
	return set;
}

/* Link and IP header, ports, sequence numbers; returns the running TCP sum. tcp_len is what the IP
 * header is to announce. */
static uint64_t segment_common_write(const struct segment_header *h, const struct segment *g,
				     size_t tcp_len, uint8_t *ip)
{
	uint8_t *tcp = ip + h->ip_len;
	uint16_t sport = htons(g->sport), dport = htons(g->dport);
	uint32_t seq = htonl(g->seq), ack = htonl(g->ack);
	uint64_t sum = h->tcp_base;

	memcpy(ip, h->bytes, h->len);
	if (g->src.family == 4) {
		uint16_t id = htons(g->ip_id), len = htons((uint16_t)(h->ip_len + tcp_len));
		uint64_t ip_sum = h->ip_base + (uint16_t)~segment_load16(ip + AT4_LEN) + len + id;
		uint16_t fold;

		memcpy(ip + AT4_LEN, &len, 2);
		memcpy(ip + AT4_ID, &id, 2);
		memcpy(ip + AT4_SRC, g->src.b, 4);
		memcpy(ip + AT4_SRC + 4, g->dst.b, 4);
		fold = cksum_fold(cksum_add(ip_sum, ip + AT4_SRC, 8));
		memcpy(ip + AT4_SUM, &fold, 2);
		sum = cksum_add(sum, ip + AT4_SRC, 8);
	} else {
		uint32_t word = htonl(UINT32_C(6) << 28 | (g->flow_label & 0xfffff));
		uint16_t len = htons((uint16_t)tcp_len);

		memcpy(ip, &word, 4);
		memcpy(ip + AT6_LEN, &len, 2);
		memcpy(ip + AT6_SRC, g->src.b, 16);
		memcpy(ip + AT6_SRC + 16, g->dst.b, 16);
		sum = cksum_add(sum, ip + AT6_SRC, 32);
	}
	memcpy(tcp, &sport, 2);
	memcpy(tcp + 2, &dport, 2);
	memcpy(tcp + AT_SEQ, &seq, 4);
	memcpy(tcp + AT_SEQ + 4, &ack, 4);
	return cksum_add(sum, tcp, 12);
}

static const struct segment_header *segment_header_of(const struct segments *s,
						      const struct segment *g, uint8_t set)
{
	return &s->h[g->src.family == 6][set];
}

static uint16_t segment_ethertype(const struct segment *g)
{
	return g->src.family == 4 ? 0x0800 : 0x86dd;
}

size_t synack_write(const struct segments *s, const struct segment *g, uint8_t options,
		    uint8_t *out)
{
	const struct segment_header *h = segment_header_of(s, g, options);
	size_t l2 = link_write(g->link, segment_ethertype(g), out);
	uint8_t *ip = out + l2;
	uint64_t sum = segment_common_write(h, g, (size_t)h->len - h->ip_len, ip);
	uint16_t fold;

	if (h->ts_off) {
		uint32_t ts[2] = {htonl(g->ts_val), htonl(g->ts_ecr)};

		memcpy(ip + h->ts_off, ts, 8);
		sum = cksum_add(sum, ts, 8);
	}
	fold = cksum_fold(sum);
	memcpy(ip + h->ip_len + AT_SUM, &fold, 2);
	return l2 + h->len;
}

size_t segment_write(const struct segments *s, const struct segment *g, uint8_t *out)
{
	const struct segment_header *h = segment_header_of(s, g, 0);
	size_t l2 = link_write(g->link, segment_ethertype(g), out);
	uint8_t *ip = out + l2, *tcp = ip + h->ip_len;
	size_t tcp_len = TCP_HEADER + g->optlen + g->len;
	uint64_t sum = segment_common_write(h, g, tcp_len, ip);
	uint16_t fold, win = htons(g->win);
	uint16_t off = htons((uint16_t)((TCP_HEADER + g->optlen) / 4 << 12 | g->flags));

	/* Out with the template's words, in with ours; the pseudo header's length changes as well.
	 */
	sum += (uint16_t)~segment_load16(tcp + AT_OFF) + (uint64_t)off;
	sum += (uint16_t)~segment_load16(tcp + AT_WIN) + (uint64_t)win;
	sum += htons((uint16_t)(g->optlen + g->len));
	memcpy(tcp + AT_OFF, &off, 2);
	memcpy(tcp + AT_WIN, &win, 2);
	if (g->optlen)
		memcpy(tcp + TCP_HEADER, g->opt, g->optlen);
	if (g->len)
		memcpy(tcp + TCP_HEADER + g->optlen, g->data, g->len);
	sum = cksum_add(sum, tcp + TCP_HEADER, g->optlen + g->len);
	fold = cksum_fold(sum);
	memcpy(tcp + AT_SUM, &fold, 2);
	return l2 + h->ip_len + tcp_len;
}

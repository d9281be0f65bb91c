#include "frames.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

#include "pkt/cksum.h"

const uint8_t mac_peer[6] = {2, 0, 0, 0, 0, 1}, mac_sensor[6] = {2, 0, 0, 0, 0, 2};
const uint8_t opt_linux[20] = {2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 7, 0, 0, 0, 0, 1, 3, 3, 10};

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)(v >> 16));
	put16(p + 2, (uint16_t)v);
}

static void store(uint8_t *p, uint16_t sum)
{
	memcpy(p, &sum, 2);
}

struct addr ip(const char *text)
{
	struct addr a;
	int rc = addr_parse(text, &a);

	assert(rc == 0);
	(void)rc;
	return a;
}

static size_t ip_write(const struct shape *s, uint8_t proto, uint8_t ttl, size_t payload,
		       uint8_t *out)
{
	size_t at = 12, ext = s->src.family == 6 ? (size_t)s->ext * 8 : 0;
	uint8_t *h;

	memcpy(out, mac_sensor, 6);
	memcpy(out + 6, mac_peer, 6);
	for (uint8_t i = 0; i < s->tags; i++, at += 4)
		put32(out + at, s->tag[i]);
	put16(out + at, s->src.family == 4 ? 0x0800 : 0x86dd);
	h = out + at + 2;
	if (s->src.family == 4) {
		memset(h, 0, 20);
		h[0] = 0x45;
		put16(h + 2, (uint16_t)(20 + payload));
		put16(h + 6, 0x4000);
		h[8] = ttl;
		h[9] = proto;
		memcpy(h + 12, s->src.b, 4);
		memcpy(h + 16, s->dst.b, 4);
		store(h + 10, cksum_fold(cksum_add(0, h, 20)));
		return at + 2 + 20;
	}
	memset(h, 0, 40 + ext);
	h[0] = 0x60;
	put16(h + 4, (uint16_t)(ext + payload));
	h[6] = ext ? 60 : proto;
	h[7] = ttl;
	memcpy(h + 8, s->src.b, 16);
	memcpy(h + 24, s->dst.b, 16);
	for (uint8_t i = 0; i < s->ext; i++) {
		uint8_t *e = h + 40 + 8 * i;

		e[0] = i + 1 == s->ext ? proto : 60;
		e[2] = 1; /* PadN of 4 */
		e[3] = 4;
	}
	return at + 2 + 40 + ext;
}

size_t frame_tcp(const struct shape *s, uint8_t *out)
{
	size_t n = 20 + s->optlen + s->len, at = ip_write(s, 6, 57, n, out);
	uint8_t *t = out + at;

	assert(at + n <= FRAME_MAX);
	put16(t, s->sport);
	put16(t + 2, s->dport);
	put32(t + 4, s->seq);
	put32(t + 8, s->ack);
	t[12] = (uint8_t)((20 + s->optlen) / 4 << 4);
	t[13] = s->flags;
	put16(t + 14, 64240);
	memset(t + 16, 0, 4);
	if (s->optlen)
		memcpy(t + 20, s->opt, s->optlen);
	if (s->len)
		memcpy(t + 20 + s->optlen, s->data, s->len);
	store(t + 16, cksum_fold(cksum_add(cksum_pseudo(&s->src, &s->dst, 6, (uint32_t)n), t, n)));
	return at + n;
}

size_t frame_ip(const struct shape *s, uint8_t proto, uint8_t ttl, const uint8_t *msg, size_t len,
		size_t sum_at, uint8_t *out)
{
	size_t at = ip_write(s, proto, ttl, len, out);
	uint64_t sum = proto == 1 ? 0 : cksum_pseudo(&s->src, &s->dst, proto, (uint32_t)len);

	memcpy(out + at, msg, len);
	memset(out + at + sum_at, 0, 2);
	store(out + at + sum_at, cksum_fold(cksum_add(sum, out + at, len)));
	return at + len;
}

struct pkt frame_pkt(const uint8_t *frame, size_t len)
{
	struct pkt p;

	pkt_decode(1, frame, (uint32_t)len, (uint32_t)len, &p);
	p.ts_ns = 0;
	return p;
}

void frame_fix(uint8_t *frame, size_t len)
{
	struct pkt p = frame_pkt(frame, len);
	uint8_t *h = frame + p.ip_off, *t = frame + p.l4_off;

	if (p.stop != PKT_L4 || p.proto != 6 || p.truncated)
		return;
	if (p.src.family == 4) {
		memset(h + 10, 0, 2);
		store(h + 10, cksum_fold(cksum_add(0, h, p.ip_hdr_len)));
	}
	memset(t + 16, 0, 2);
	store(t + 16,
	      cksum_fold(cksum_add(cksum_pseudo(&p.src, &p.dst, 6, p.l4_len), t, p.l4_len)));
}

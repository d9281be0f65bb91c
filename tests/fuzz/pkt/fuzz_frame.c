/* Any frame of any link type decodes to a packet that lies inside it, and so does what travels in
 * it. The first two bytes choose the link type, the third how much of the frame was cut off. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pkt/flowkey.h"
#include "pkt/pkt.h"

static void must(bool good)
{
	if (!good)
		abort();
}

static void inside(const struct pkt *p, const uint8_t *from, const uint8_t *end)
{
	const uint8_t *frame = p->frame;

	must(frame >= from && frame + p->caplen <= end);
	if (p->stop == PKT_L4 || p->stop == PKT_IP || p->stop == PKT_FRAGMENT) {
		must(p->src.family == 4 || p->src.family == 6);
		must(p->src.family == p->dst.family);
		must(p->ip_off + p->ip_hdr_len <= p->caplen);
		must(p->l4_off <= p->caplen);
		must(p->l4_len <= p->ip_len);
	}
	if (p->stop == PKT_L4) {
		must(p->payload >= frame && p->payload + p->payload_len <= frame + p->caplen);
		must(p->payload_len <= p->payload_wire);
		if (p->proto == 6) {
			struct tcp_opts o;
			must(p->opt + p->opt_len <= frame + p->caplen);
			tcp_opts_read(p->opt, p->opt_len, &o);
			must(o.nkinds <= sizeof o.kinds);
		}
		(void)pkt_cksum(p);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const int links[] = {0, 1, 9, 12, 50, 51, 101, 104, 108, 109, 113, 166, 228, 276};
	struct pkt p = {0}, inner;

	if (n < 3)
		return 0;
	int link = data[0] % 16 < 14 ? links[data[0] % 16] : data[1];
	uint8_t *frame = malloc(n - 3 ? n - 3 : 1); /* so that the sanitizer sees its exact end */
	memcpy(frame, data + 3, n - 3);
	uint32_t caplen = (uint32_t)(n - 3);
	const uint8_t *end = frame + caplen;
	pkt_decode(link, frame, caplen, caplen + data[2], &p);
	for (int depth = 0; depth < 8; depth++) {
		inside(&p, frame, end);
		if (p.stop == PKT_L4 || p.stop == PKT_IP || p.stop == PKT_FRAGMENT) {
			struct flowkey key;
			bool forward;
			char id[32];
			flowkey_of(&p, &key, &forward);
			community_id(&p, 0, id);
			must(strlen(id) == 30);
		}
		if (pkt_inner(&p, &inner) == PKT_TUNNEL_NONE)
			break;
		must(inner.frame > p.frame);
		p = inner;
	}
	free(frame);
	return 0;
}

#include "responder/echo.h"

#include <arpa/inet.h>
#include <string.h>

#include "pkt/cksum.h"
#include "responder/segment.h"
#include "responder/send_batch.h"

enum { ICMP_HEADER = 8 };

bool echo_is(const struct pkt *p)
{
	bool v4 = p->src.family == 4;
	enum cksum_state sum;

	if (p->stop != PKT_L4 || p->proto != (v4 ? 1 : 58) || p->truncated || !p->mac_src ||
	    p->l4_len < ICMP_HEADER || p->sport != (v4 ? 8 : 128) || p->dport != 0 ||
	    p->l4_len > SEND_BATCH_FRAME_MAX - (14 + 4 * PKT_MAX_TAGS) - 40)
		return false;
	sum = pkt_cksum(p);
	return sum == CKSUM_OK || sum == CKSUM_PARTIAL;
}

size_t echo_write(const struct pkt *p, uint8_t *out)
{
	bool v4 = p->src.family == 4;
	size_t ip_len = v4 ? 20 : 40, l2;
	uint8_t *ip, *icmp;
	struct link l;
	uint16_t len, sum;

	link_of(&l, p);
	l2 = link_write(&l, v4 ? 0x0800 : 0x86dd, out);
	ip = out + l2;
	icmp = ip + ip_len;
	memset(ip, 0, ip_len);
	memcpy(icmp, p->frame + p->l4_off, p->l4_len);
	icmp[0] = v4 ? 0 : 129;
	memset(icmp + 2, 0, 2);
	if (v4) {
		ip[0] = 0x45;
		len = htons((uint16_t)(ip_len + p->l4_len));
		memcpy(ip + 2, &len, 2);
		ip[8] = 64;
		ip[9] = 1;
		memcpy(ip + 12, p->dst.b, 4);
		memcpy(ip + 16, p->src.b, 4);
		sum = cksum_fold(cksum_add(0, ip, ip_len));
		memcpy(ip + 10, &sum, 2);
		sum = cksum_fold(cksum_add(0, icmp, p->l4_len));
	} else {
		ip[0] = 0x60;
		len = htons((uint16_t)p->l4_len);
		memcpy(ip + 4, &len, 2);
		ip[6] = 58;
		ip[7] = 64;
		memcpy(ip + 8, p->dst.b, 16);
		memcpy(ip + 24, p->src.b, 16);
		sum = cksum_fold(
			cksum_add(cksum_pseudo(&p->dst, &p->src, 58, p->l4_len), icmp, p->l4_len));
	}
	memcpy(icmp + 2, &sum, 2);
	return l2 + ip_len + p->l4_len;
}

/*
 * Which of several processes that read the same file a packet falls to.
 */
#include <netinet/in.h>

#include "flow_table_own.h"
#include "pkt/be.h"
#include "reassembly/keyed_hash.h"

/* Of at most 16 bytes of address each. */
static uint32_t shard_of(const uint8_t *src, const uint8_t *dst, size_t n, uint32_t shards)
{
	/* Every process must come to the same answer, whichever way the packet goes: a fixed key.
	 * Balance is all that is at stake. */
	static const uint8_t fixed[16] = "lurker-analyzer";

	return (uint32_t)(((keyed_hash(src, n, fixed) + keyed_hash(dst, n, fixed)) >> 32) % shards);
}

static size_t addr_len(const struct pkt *p)
{
	return p->src.family == 4 ? 4 : 16;
}

bool flow_table_owns(const struct flow_table *t, const struct pkt *p)
{
	bool ip = p->stop == PKT_L4 || p->stop == PKT_IP || p->stop == PKT_FRAGMENT;

	return t->o.shards <= 1 ||
	       (ip ? shard_of(p->src.b, p->dst.b, addr_len(p), t->o.shards) : 0) == t->o.shard;
}

bool flow_table_foreign(const struct flow_table *t, const uint8_t *frame, uint32_t caplen)
{
	enum { ETHER = 14, IP4 = 20, IP6 = 40, TCP = 20 };
	const uint8_t *ip = frame + ETHER, *tcp, *addrs;
	uint32_t tcp_len;
	size_t n;

	if (t->o.shards <= 1 || caplen < ETHER + IP4 + TCP)
		return false;
	if (be16(frame + 12) == 0x0800 && ip[0] == 0x45 && ip[9] == IPPROTO_TCP &&
	    !(be16(ip + 6) & 0x3fff) && be16(ip + 2) >= IP4) {
		tcp = ip + IP4;
		tcp_len = be16(ip + 2) - IP4;
		addrs = ip + 12;
		n = 4;
	} else if (be16(frame + 12) == 0x86dd && caplen >= ETHER + IP6 + TCP && ip[0] >> 4 == 6 &&
		   ip[6] == IPPROTO_TCP) {
		tcp = ip + IP6;
		tcp_len = be16(ip + 4);
		addrs = ip + 8;
		n = 16;
	} else {
		return false;
	}
	uint32_t hdr = (tcp[12] >> 4) * 4u;
	return hdr >= TCP && hdr <= tcp_len &&
	       shard_of(addrs, addrs + n, n, t->o.shards) != t->o.shard;
}

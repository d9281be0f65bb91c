/*
 * rdp: the X.224 connection request (MS-RDPBCGR 2.2.1.1) and, without cookie and negotiation, what
 * tells it from other users of TPKT (RFC 1006).
 */
#include "app/recognisers.h"

#include <string.h>

static const struct {
	uint32_t bit;
	const char *name;
} protocols[] = {{1, "tls"}, {2, "credssp"}, {4, "rdstls"}, {8, "credssp_ex"}, {16, "rdsaad"}};

bool app_rdp(const struct app_in *in, struct msg_arena *a, struct msg_analysis *rec)
{
	struct cur c = cur_of(in->init);

	if (cur_u16(&c) != 0x0300) /* TPKT version 3 */
		return false;
	size_t len = cur_u16(&c);
	uint8_t li = cur_u8(&c), type = cur_u8(&c);
	uint16_t dst = cur_u16(&c);
	cur_skip(&c, 2); /* source reference */
	uint8_t class = cur_u8(&c);
	if (c.bad || type != 0xe0 || dst != 0 || class != 0 || len < 11 || (size_t)li + 5 != len)
		return false;
	struct cur user = cur_of(text_upto(cur_rest(&c), len - 11));
	struct bytes cookie = {NULL, 0}, line;
	struct strs list = strs_in(a, 8);
	bool nego = false;

	if (cur_peek(&user, 0) == 'C') {
		bool whole;
		if (!text_line(&user, &line, &whole) || !text_starts(line, "Cookie: "))
			return false;
		cookie = text_from(line, 8);
		if (text_starts(cookie, "mstshash="))
			cookie = text_from(cookie, 9);
		else if (text_starts(cookie, "msts=")) /* a load balancer's */
			cookie = text_from(cookie, 5);
	}
	if (cur_left(&user) >= 8 && cur_peek(&user, 0) == 1 && cur_peek(&user, 2) == 8 &&
	    cur_peek(&user, 3) == 0) {
		cur_skip(&user, 4);
		uint32_t bits = cur_u32le(&user);
		nego = true;
		if (bits == 0)
			strs_add(&list, bytes_str("rdp"));
		for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++)
			if (bits & protocols[i].bit)
				strs_add(&list, bytes_str(protocols[i].name));
	} else if (cur_left(&user) > 0) {
		return false; /* ISO transport parameters: S7 and others */
	}
	if (!cookie.p && !nego && in->dst_port == 102)
		return false;
	struct msg_rdp *r = app_part(a, rdp);
	if (r)
		*r = (struct msg_rdp){.cookie = cookie, .protocols = strs_done(&list)};
	rec->rdp = r;
	return true;
}

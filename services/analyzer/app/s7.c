/*
 * s7: ISO transport over TCP (RFC 1006, RFC 905) as Siemens controllers speak it.
 */
#include "app/recognisers.h"

static struct bytes hex(struct msg_arena *a, struct bytes b)
{
	return b.n == 2 ? arena_printf(a, "%02x%02x", b.p[0], b.p[1]) : (struct bytes){NULL, 0};
}

/* Connection request parameters: code, length, value. False when they do not fit. */
static bool connect_params(struct cur *c, struct msg_arena *a, struct msg_s7 *s)
{
	bool tsap = false;
	while (cur_left(c)) {
		uint8_t code = cur_u8(c);
		struct bytes v = cur_take(c, cur_u8(c));
		if (c->bad || !(code == 0xc0 || code == 0xc1 || code == 0xc2))
			return false;
		if (code == 0xc1)
			s->src_tsap = hex(a, v);
		else if (code == 0xc2)
			s->dst_tsap = hex(a, v);
		tsap |= code != 0xc0;
	}
	return tsap;
}

bool app_s7(const struct app_in *in, struct msg_arena *a, struct msg_analysis *rec)
{
	struct cur c = cur_of(in->init);

	if (cur_u16(&c) != 0x0300) /* TPKT version 3 */
		return false;
	size_t len = cur_u16(&c);
	uint8_t li = cur_u8(&c), type = cur_u8(&c);
	if (c.bad || len < 7 || len > 8192)
		return false;
	struct msg_s7 *s = app_part(a, s7);
	if (!s)
		return false;
	if (type == 0xe0) {
		cur_skip(&c, 5); /* references, class */
		if (c.bad || (size_t)li + 5 != len || len < 11)
			return false;
		struct cur params = cur_sub(&c, len - 11);
		if (params.bad || !connect_params(&params, a, s))
			return false;
		s->kind = bytes_str("connect");
	} else if (type == 0xf0 && li == 2) {
		cur_skip(&c, 1);
		if (cur_u8(&c) != 0x32) /* S7's protocol number */
			return false;
		uint8_t rosctr = cur_u8(&c);
		if (!(rosctr >= 1 && rosctr <= 3) && rosctr != 7)
			return false;
		cur_skip(&c, 8 + (rosctr == 2 || rosctr == 3 ? 2 : 0));
		s->kind = bytes_str("data");
		s->function = cur_u8(&c);
		if (c.bad)
			return false;
	} else {
		return false;
	}
	rec->s7 = s;
	return true;
}

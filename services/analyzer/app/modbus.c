/*
 * modbus: Modbus/TCP requests (Modbus Application Protocol 1.1b3, Messaging on TCP/IP 1.0b).
 */
#include "app/recognisers.h"

/* Bytes after the function code: exactly, or at least when negative; 0: no such function. */
static int shape(uint8_t function)
{
	switch (function) {
	case 1:
	case 2:
	case 3:
	case 4:
	case 5:
	case 6:
	case 8:
		return 4;
	case 7:
	case 11:
	case 12:
	case 17:
		return -1; /* nothing, or a sender's padding */
	case 15:
	case 16:
	case 20:
	case 21:
	case 23:
		return -5;
	case 22:
		return 6;
	case 24:
		return 2;
	case 43:
	case 90:
		return -2;
	default:
		return 0;
	}
}

bool app_modbus(const struct app_in *in, struct msg_arena *a, struct msg_analysis *rec)
{
	struct cur c = cur_of(in->init);

	cur_skip(&c, 2); /* transaction */
	uint16_t protocol = cur_u16(&c), len = cur_u16(&c);
	if (c.bad || protocol != 0 || len < 2 || len > 254)
		return false;
	struct cur adu = cur_sub(&c, len);
	uint8_t unit = cur_u8(&adu), function = cur_u8(&adu);
	if (adu.bad)
		return false;
	int left = (int)cur_left(&adu), want = shape(function);
	if (want == 0 || (want > 0 && left != want) || (want < -1 && left < -want))
		return false;
	/* The whole payload is such messages, so that six zero bytes in something else are not
	 * enough. */
	if (cur_left(&c) && (cur_left(&c) < 8 || cur_peek(&c, 2) != 0 || cur_peek(&c, 3) != 0 ||
			     cur_peek(&c, 4) != 0))
		return false;
	if (want == -1 && in->dst_port != 502)
		return false;
	struct msg_modbus *m = app_part(a, modbus);
	if (!m)
		return true;
	m->unit = unit;
	m->function = function;
	if ((function >= 1 && function <= 6) || function == 15 || function == 16) {
		m->address = cur_u16(&adu);
		m->quantity = cur_u16(&adu);
	}
	rec->modbus = m;
	return true;
}

/*
 * ntp: NTP (RFC 5905), its control messages (RFC 9327) and ntpd's private ones, which amplify.
 */
#include "app/recognisers.h"

enum { CLIENT = 3, CONTROL = 6, PRIVATE = 7 };

static bool zero(struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		if (b.p[i])
			return false;
	return true;
}

bool app_ntp(const struct app_in *in, struct msg_arena *a, struct msg_analysis *rec)
{
	struct cur c = cur_of(in->init);
	uint8_t first = cur_u8(&c), second = cur_u8(&c);
	unsigned version = first >> 3 & 7, mode = first & 7;
	bool port = in->dst_port == 123 || in->src_port == 123;
	uint64_t request = 0;
	size_t n = in->init.n;

	if (version < 1 || version > 4 || mode == 0)
		return false;
	if (mode == PRIVATE) { /* response bit clear, implementation ntpd's, a request code */
		uint8_t implementation = cur_u8(&c);
		request = cur_u8(&c);
		if (c.bad || n < 8 || first & 0x80 ||
		    (!port && (implementation != 3 || request != 42)))
			return false;
	} else if (mode == CONTROL) {
		request = second & 0x1f;
		if (n < 12 || request == 0 || request > 12 ||
		    (!port && !zero(text_upto(text_from(in->init, 4), 8))))
			return false;
	} else {
		if (n < 48 || (n > 48 && n != 68 && n != 72 && !port) || second > 16)
			return false;
		if (!port && (mode != CLIENT || !zero(text_upto(text_from(in->init, 4), 12))))
			return false;
	}
	struct msg_ntp *part = app_part(a, ntp);
	if (part)
		*part = (struct msg_ntp){.version = version, .mode = mode, .request = request};
	rec->ntp = part;
	return true;
}

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

/* Modes 1 to 5: the header, then nothing, a MAC, or extension fields (RFC 7822). Delay and
 * dispersion to the root are less than 256 s. */
static bool time_packet(const struct app_in *in, unsigned mode, bool port)
{
	const uint8_t *p = in->init.p;
	size_t n = in->init.n;

	if (n < 48 || p[1] > 16 || p[4] != 0 || p[8] != 0)
		return false;
	if (n > 72 && (n % 4 || (size_t)(p[50] << 8 | p[51]) > n - 48))
		return false;
	if (n <= 72 && n != 48 && n != 52 && n != 68 && n != 72)
		return false;
	return port || (mode == CLIENT && zero(text_upto(text_from(in->init, 12),
							 28))); /* a client knows no times yet */
}

/* A request of ntpdc (ntp_request.h): no response, no error, one of its implementations. */
static bool private_packet(const uint8_t *p, size_t n, bool port)
{
	if (n < 8 || p[0] & 0x80 || p[1] & 0x7f || p[4] & 0xf0)
		return false;
	return (p[2] == 3 && p[3] == 42) ||
	       (port && (p[2] == 0 || p[2] == 2 || p[2] == 3) && p[3] <= 45);
}

/* A request of ntpq (RFC 9327): an operation code, and data of the length it says. */
static bool control_packet(const struct app_in *in, bool port)
{
	const uint8_t *p = in->init.p;
	size_t n = in->init.n, count;

	if (n < 12 || p[1] == 0 || p[1] > 12 ||
	    (!port && !zero(text_upto(text_from(in->init, 4), 8))))
		return false;
	count = (size_t)(p[10] << 8 | p[11]);
	return count <= n - 12 && n - 12 - count <= 27; /* padding and a MAC */
}

bool app_ntp(const struct app_in *in, struct msg_arena *a, struct msg_analysis *rec)
{
	const uint8_t *p = in->init.p;
	unsigned version = p[0] >> 3 & 7, mode = p[0] & 7;
	bool port = in->dst_port == 123 || in->src_port == 123, ok;

	if (version < 1 || version > 4 || mode == 0)
		return false;
	if (mode == PRIVATE)
		ok = private_packet(p, in->init.n, port);
	else if (mode == CONTROL)
		ok = control_packet(in, port);
	else
		ok = time_packet(in, mode, port);
	if (!ok)
		return false;
	struct msg_ntp *part = app_part(a, ntp);
	if (part)
		*part = (struct msg_ntp){
			.version = version,
			.mode = mode,
			.request = mode == PRIVATE   ? p[3]
				   : mode == CONTROL ? p[1]
						     : 0,
		};
	rec->ntp = part;
	return true;
}

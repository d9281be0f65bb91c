/*
 * magic: protocols that are told by constant bytes alone; only their names are recorded.
 */
#include "app/ber.h"
#include "app/recognisers.h"

#include <string.h>

#define ON_TCP 1
#define ON_UDP 2

static const struct {
	const char *name;
	uint8_t on, at, n; /* transports; offset and length of the bytes */
	const char *bytes;
} rows[] = {
	{"vnc", ON_TCP, 0, 8, "RFB 003."},
	{"bittorrent", ON_TCP, 0, 20,
	 "\x13"
	 "BitTorrent protocol"},
	{"java-rmi", ON_TCP, 0, 6, "JRMI\0\x02"},
	{"java-rmi", ON_TCP, 0, 6, "JRMI\0\x01"},
	{"java-serial", ON_TCP, 0, 4, "\xac\xed\0\x05"},
	{"weblogic-t3", ON_TCP, 0, 3, "t3 "},
	{"weblogic-t3", ON_TCP, 0, 4, "t3s "},
	{"rsync", ON_TCP, 0, 9, "@RSYNCD: "},
	{"giop", ON_TCP, 0, 5, "GIOP\x01"},
	{"xmpp", ON_TCP, 0, 14, "<stream:stream"},
	{"ipmi", ON_UDP, 0, 4, "\x06\0\xff\x07"},
	{"ipmi", ON_UDP, 0, 4, "\x06\0\xff\x06"},
	{"sunrpc", ON_TCP, 8, 8, "\0\0\0\0\0\0\0\x02"},
	{"sunrpc", ON_UDP, 4, 8, "\0\0\0\0\0\0\0\x02"},
	{"stun", ON_UDP, 4, 4, "\x21\x12\xa4\x42"},
	{"x11", ON_TCP, 0, 6, "l\0\x0b\0\0\0"},
	{"x11", ON_TCP, 0, 6, "B\0\0\x0b\0\0"},
	{"dnp3", ON_TCP, 0, 2, "\x05\x64"},
	{"amqp", ON_TCP, 0, 5, "AMQP\0"},
	{"pptp", ON_TCP, 4, 4, "\x1a\x2b\x3c\x4d"},
	{"enip", ON_TCP, 0, 8, "\x65\0\x04\0\0\0\0\0"},
	{"dhcp", ON_UDP, 236, 4, "\x63\x82\x53\x63"},
	{"isakmp", ON_UDP, 16, 4, "\x01\x10\x02\0"},
	{"isakmp", ON_UDP, 16, 4, "\x21\x20\x22\x08"},
	{"ajp", ON_TCP, 0, 2, "\x12\x34"},
};

/* Two bytes alone are too little: the length behind them must fit, and what kind of message it
 * is. */
static bool length_fits(const char *name, struct bytes b)
{
	struct cur c = cur_of(text_from(b, 2));

	if (text_is(bytes_str(name),
		    "dnp3")) { /* IEEE 1815: length, control with DIR and PRM set */
		size_t len = cur_u8(&c);
		uint8_t control = cur_u8(&c);
		if (c.bad || len < 5 || (control & 0xc0) != 0xc0)
			return false;
		size_t frame = 3 + len +
			       2 * (1 + (len - 5 + 15) /
						16); /* a CRC behind the header and each 16 bytes */
		return b.n == frame ||
		       (b.n > frame + 1 && b.p[frame] == 5 && b.p[frame + 1] == 0x64);
	}
	size_t len = cur_u16(&c); /* AJP 1.3 */
	uint8_t type = cur_u8(&c);
	return !c.bad && len + 4 <= b.n && (type == 2 || type == 7 || type == 8 || type == 10);
}

static bool begins(struct bytes b, const char *const *words)
{
	for (; *words; words++)
		if (text_starts(b, *words))
			return true;
	return false;
}

/* The other half of a conversation whose beginning is not in the capture: an HTTP response, or TLS
 * records to the end of what is there, the first one whole. */
static const char *answers(struct bytes b)
{
	struct cur c = cur_of(b);
	size_t digits;

	if (text_starts(b, "HTTP/1.") && b.n >= 12 && is_digit(b.p[7]) && b.p[8] == ' ') {
		(void)text_number(text_upto(text_from(b, 9), 4), &digits);
		return digits == 3 ? "http" : NULL;
	}
	for (size_t records = 0;; records++) {
		if (cur_left(&c) == 0)
			return records ? "tls" : NULL;
		uint8_t type = cur_u8(&c);
		uint16_t version = cur_u16(&c), len = cur_u16(&c);
		if (c.bad) /* a header that was cut off */
			return records && type >= 20 && type <= 23 ? "tls" : NULL;
		if (type < 20 || type > 23 || version < 0x300 || version > 0x303 || len == 0 ||
		    len > 16384 + 2048)
			return NULL;
		if (len > cur_left(&c))
			return records ? "tls" : NULL;
		cur_skip(&c, len);
	}
}

/* Frames that say their own length. */
static const char *tcp_framed(struct bytes b)
{
	struct cur c = cur_of(b);
	const uint8_t *p = b.p;

	if (b.n >= 16 && p[0] == 5 && p[1] == 0 && (p[2] == 11 || p[2] == 0) && p[4] == 0x10 &&
	    p[5] == 0 && p[6] == 0 && p[7] == 0 && (size_t)(p[9] << 8 | p[8]) <= b.n &&
	    (p[9] | p[8])) /* bind or request (C706, chapter 12) */
		return "dcerpc";
	if (b.n >= 26 && (size_t)cur_u16(&c) <= b.n && p[2] == 0 && p[3] == 0 && p[4] == 1 &&
	    p[5] == 0 && p[8] == 1)
		return "oracle-tns"; /* connect, version 1.x (300 to 319) */
	return NULL;
}

/* Kerberos (RFC 4120 5.4.1): [APPLICATION 10 or 12], SEQUENCE, [1] INTEGER 5; over TCP behind four
 * bytes of length. */
static bool kerberos(struct bytes b, bool on_tcp)
{
	struct cur c = cur_of(b), body;
	bool cut;

	if (on_tcp && cur_u32(&c) != b.n - 4)
		return false;
	int tag = ber_next(&c, &body, &cut);
	if ((tag != 0x6a && tag != 0x6c) || ber_next(&body, &c, &cut) != 0x30)
		return false;
	return ber_next(&c, &body, &cut) == 0xa1 && ber_uint(&body, 2) == 5;
}

/* RADIUS (RFC 2865 3): a request's code, the length of the datagram, attributes that fill it. */
static bool radius(struct bytes b)
{
	struct cur c = cur_of(b);
	uint8_t code = cur_u8(&c);
	cur_skip(&c, 1);
	if ((code != 1 && code != 4 && code != 12) || cur_u16(&c) != b.n || b.n < 26)
		return false;
	cur_skip(&c, 16);
	while (cur_left(&c)) {
		uint8_t type = cur_u8(&c), len = cur_u8(&c);
		if (type == 0 || len < 2)
			return false;
		cur_skip(&c, len - 2u);
		if (c.bad)
			return false;
	}
	return true;
}

static const char *by_shape(const struct app_in *in)
{
	static const char *const four_letters[] = {"stat", "ruok", "envi", "srvr",
						   "mntr", "conf", NULL};
	static const char *const irc[] = {"NICK ", "CAP LS", "CAP REQ ", NULL};
	struct bytes b = in->init;
	struct cur c = cur_of(b);

	if (b.p[0] == 0x6a || b.p[0] == 0x6c || b.p[0] == 0)
		if (kerberos(b, in->proto == APP_TCP))
			return "kerberos";
	if (in->proto == APP_TCP) {
		if (text_among(text_trim(b), four_letters, false) && b.n <= 6)
			return "zookeeper";
		struct cur lines = c;
		struct bytes line;
		bool whole;
		if (begins(b, irc) && text_line(&lines, &line, &whole) && whole &&
		    text_printable(line))
			return "irc";
		const char *name = answers(b);
		if (!name)
			name = tcp_framed(b);
		if (name)
			return name;
		/* MongoDB: length, request, response 0 or -1, opcode OP_QUERY or OP_MSG */
		uint32_t len = cur_u32le(&c);
		cur_skip(&c, 4);
		uint32_t answer = cur_u32le(&c), op = cur_u32le(&c);
		if (!c.bad && (answer == 0 || answer == UINT32_MAX) && (op == 2004 || op == 2013) &&
		    len >= 26 && len <= 48u << 20)
			return "mongodb";
		return NULL;
	}
	/* QUIC's long header with version 1 or 2 (RFC 9000 14.1: at least 1200 bytes) */
	uint8_t first = cur_u8(&c);
	uint32_t version = cur_u32(&c);
	if ((first & 0xc0) == 0xc0 && b.n >= 1200 &&
	    (version == 1 || version == 0x6b3343cf || version >> 8 == 0xff0000))
		return "quic";
	if (radius(b))
		return "radius";
	/* BACnet/IP (ASHRAE 135, annex J): a unicast or broadcast of the datagram's length */
	if (b.n >= 6 && b.p[0] == 0x81 && (b.p[1] == 10 || b.p[1] == 11) &&
	    (size_t)(b.p[2] << 8 | b.p[3]) == b.n && b.p[4] == 1)
		return "bacnet";
	/* TFTP (RFC 1350): opcode, file name, NUL, mode, NUL */
	if (b.n > 8 && b.p[0] == 0 && (b.p[1] == 1 || b.p[1] == 2) && b.p[b.n - 1] == 0) {
		struct bytes name = text_from(b, 2);
		const uint8_t *nul = memchr(name.p, 0, name.n);
		size_t at = (size_t)(nul - name.p);
		struct bytes mode = text_from(name, at + 1);
		if (at > 0 && text_printable(text_upto(name, at)) &&
		    (text_starts_nocase(mode, "octet") || text_starts_nocase(mode, "netascii")))
			return "tftp";
	}
	return NULL;
}

bool app_magic(const struct app_in *in, struct msg_arena *a, struct msg_analysis *rec)
{
	uint8_t on = in->proto == APP_TCP ? ON_TCP : ON_UDP;

	(void)a;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (!(rows[i].on & on) || in->init.n < (size_t)rows[i].at + rows[i].n ||
		    memcmp(in->init.p + rows[i].at, rows[i].bytes, rows[i].n) != 0)
			continue;
		if (rows[i].n == 2 && !length_fits(rows[i].name, in->init))
			continue;
		rec->app = bytes_str(rows[i].name);
		return true;
	}
	const char *name = by_shape(in);
	if (!name)
		return false;
	rec->app = bytes_str(name);
	return true;
}

/*
 * magic: protocols that are told by constant bytes alone; only their names are recorded.
 */
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
	{"ajp", ON_TCP, 0, 2, "\x12\x34"},
};

static bool begins(struct bytes b, const char *const *words)
{
	for (; *words; words++)
		if (text_starts(b, *words))
			return true;
	return false;
}

static const char *by_shape(const struct app_in *in)
{
	static const char *const four_letters[] = {"stat", "ruok", "envi", "srvr",
						   "mntr", "conf", NULL};
	static const char *const irc[] = {"NICK ", "CAP LS", "CAP REQ ", NULL};
	struct bytes b = in->init;
	struct cur c = cur_of(b);

	if (in->proto == APP_TCP) {
		if (text_among(text_trim(b), four_letters, false) && b.n <= 6)
			return "zookeeper";
		struct cur lines = c;
		struct bytes line;
		bool whole;
		if (begins(b, irc) && text_line(&lines, &line, &whole) && whole &&
		    text_printable(line))
			return "irc";
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
		/* AJP's two bytes alone are too little: its length must fit, and the request's
		 * type. */
		if (text_is(bytes_str(rows[i].name), "ajp")) {
			struct cur c = cur_of(text_from(in->init, 2));
			size_t len = cur_u16(&c);
			uint8_t type = cur_u8(&c);
			if (c.bad || len + 4 > in->init.n ||
			    !(type == 2 || type == 7 || type == 8 || type == 10))
				continue;
		}
		rec->app = bytes_str(rows[i].name);
		return true;
	}
	const char *name = by_shape(in);
	if (!name)
		return false;
	rec->app = bytes_str(name);
	return true;
}

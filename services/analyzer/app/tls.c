/*
 * tls: the ClientHello of TLS (RFC 8446, RFC 5246), DTLS (RFC 9147, RFC 6347) and SSL 2.
 */
#include "app/ja4.h"
#include "app/recognisers.h"

#include <string.h>

enum { RECORD_HANDSHAKE = 22, HANDSHAKE_CLIENT_HELLO = 1 };
enum { EXT_SNI = 0, EXT_SIGALGS = 13, EXT_ALPN = 16, EXT_VERSIONS = 43 };

/* Longest ClientHello that is put together from several records. */
#define MAX_HELLO (16u << 10)

struct hello {
	struct ja4_hello j;
	uint16_t ciphers[JA4_MAX_LIST], extensions[JA4_MAX_LIST], sigalgs[JA4_MAX_LIST],
		versions[64];
	struct bytes sni;
	struct strs alpn;
};

/* The arrays stay as they are: only what was read is used. */
static void hello_init(struct hello *h, char transport, struct msg_arena *a)
{
	h->j = (struct ja4_hello){.transport = transport};
	h->sni = (struct bytes){NULL, 0};
	h->alpn = strs_in(a, APP_MAX_LINES);
}

static struct bytes version_name(struct msg_arena *a, uint16_t v)
{
	switch (v) {
	case 0x0002:
		return bytes_str("ssl2");
	case 0x0300:
		return bytes_str("ssl3");
	case 0x0301:
		return bytes_str("tls1.0");
	case 0x0302:
		return bytes_str("tls1.1");
	case 0x0303:
		return bytes_str("tls1.2");
	case 0x0304:
		return bytes_str("tls1.3");
	case 0xfeff:
		return bytes_str("dtls1.0");
	case 0xfefd:
		return bytes_str("dtls1.2");
	case 0xfefc:
		return bytes_str("dtls1.3");
	default:
		return arena_printf(a, "0x%04x", v);
	}
}

/* Reads 16-bit values to the end of c. More than max are counted (and then spoil the fingerprint).
 */
static size_t read_list(struct cur *c, uint16_t *v, size_t max)
{
	size_t n = 0;
	for (; cur_left(c) >= 2; n++) {
		uint16_t x = cur_u16(c);
		if (n < max)
			v[n] = x;
	}
	return n;
}

static void read_sni(struct hello *h, struct cur c)
{
	struct cur list = cur_sub(&c, cur_u16(&c));
	uint8_t type = cur_u8(&list);
	struct bytes name = cur_take(&list, cur_u16(&list));
	if (type == 0 && name.n)
		h->sni = name;
}

static void read_alpn(struct hello *h, struct cur c)
{
	struct cur list = cur_sub(&c, cur_u16(&c));
	bool first = h->alpn.total == 0;
	while (cur_left(&list)) {
		struct bytes name = cur_take(&list, cur_u8(&list));
		if (!name.p)
			break;
		if (first)
			h->j.alpn = name;
		first = false;
		strs_add(&h->alpn, name);
	}
}

static void read_extension(struct hello *h, uint16_t type, struct cur c)
{
	if (type == EXT_SNI) {
		read_sni(h, c);
	} else if (type == EXT_ALPN) {
		read_alpn(h, c);
	} else if (type == EXT_SIGALGS && !h->j.nsigalgs) {
		struct cur list = cur_sub(&c, cur_u16(&c));
		h->j.nsigalgs = read_list(&list, h->sigalgs, JA4_MAX_LIST);
	} else if (type == EXT_VERSIONS && !h->j.has_versions) {
		struct cur list = cur_sub(&c, cur_u8(&c));
		size_t n = read_list(&list, h->versions, 64);
		h->j.has_versions = true;
		h->j.nversions = n < 64 ? n : 64;
	}
}

/* The body of a ClientHello. 1 when all of it was there, 0 when it was cut off behind the version,
 * -1 when it is none. */
static int read_hello(struct cur *c, bool dtls, struct hello *h)
{
	h->j.legacy_version = cur_u16(c);
	if (c->bad || h->j.legacy_version >> 8 != (dtls ? 0xfe : 3))
		return -1;
	cur_skip(c, 32);
	uint8_t session = cur_u8(c);
	if (session > 32)
		return -1;
	cur_skip(c, session);
	if (dtls)
		cur_skip(c, cur_u8(c)); /* cookie */
	size_t len = cur_u16(c);
	if (len % 2)
		return -1;
	struct cur ciphers = cur_sub(c, len);
	h->j.nciphers = read_list(&ciphers, h->ciphers, JA4_MAX_LIST);
	cur_skip(c, cur_u8(c)); /* compression methods */
	if (c->bad)
		return 0;
	if (cur_left(c) == 0)
		return 1; /* before RFC 3546 there were no extensions */
	size_t want = cur_u16(c);
	bool cut = c->bad || want > cur_left(c);
	struct cur all = cur_sub(c, cut ? cur_left(c) : want);
	while (cur_left(&all)) {
		uint16_t type = cur_u16(&all);
		struct cur body = cur_sub(&all, cur_u16(&all));
		if (all.bad)
			return 0;
		if (h->j.nextensions < JA4_MAX_LIST)
			h->extensions[h->j.nextensions] = type;
		h->j.nextensions++;
		read_extension(h, type, body);
	}
	return cut ? 0 : 1;
}

static void fill(struct hello *h, bool whole, struct msg_arena *a, struct msg_analysis *rec)
{
	struct u64s ciphers = u64s_in(a, APP_MAX_LIST), extensions = u64s_in(a, APP_MAX_LIST);
	struct msg_tls *t = app_part(a, tls);
	char text[JA4_TEXT];

	if (!t)
		return;
	h->j.ciphers = h->ciphers;
	h->j.extensions = h->extensions;
	h->j.sigalgs = h->sigalgs;
	h->j.versions = h->versions;
	for (size_t i = 0; i < h->j.nciphers && i < APP_MAX_LIST; i++)
		u64s_add(&ciphers, h->ciphers[i]);
	for (size_t i = 0; i < h->j.nextensions && i < APP_MAX_LIST; i++)
		u64s_add(&extensions, h->extensions[i]);
	*t = (struct msg_tls){
		.version = version_name(a, ja4_version(&h->j)),
		.sni = h->sni,
		.alpn = strs_done(&h->alpn),
		.ciphers = u64s_done(&ciphers),
		.extensions = u64s_done(&extensions),
	};
	if (whole && ja4_text(&h->j, text))
		t->ja4 = arena_copy(a, bytes_str(text));
	rec->tls = t;
}

/* SSL 2's own hello, which old clients used to offer SSL 3 and TLS 1.0 too (RFC 5246 E.2). */
static bool ssl2(struct bytes in, struct msg_arena *a, struct msg_analysis *rec)
{
	struct cur c = cur_of(in);
	uint16_t len = cur_u16(&c) & 0x7fff;
	uint8_t type = cur_u8(&c);
	uint16_t version = cur_u16(&c), specs = cur_u16(&c), session = cur_u16(&c),
		 challenge = cur_u16(&c);

	if (c.bad || type != HANDSHAKE_CLIENT_HELLO ||
	    !(version == 2 || (version >= 0x300 && version <= 0x303)))
		return false;
	if (specs == 0 || specs % 3 || !(session == 0 || session == 16) || challenge < 16 ||
	    challenge > 32 || len != 9 + specs + session + challenge)
		return false;
	struct msg_tls *t = app_part(a, tls);
	struct u64s ciphers = u64s_in(a, APP_MAX_LIST);
	if (!t)
		return true;
	for (unsigned i = 0; i < specs / 3u && i < APP_MAX_LIST && cur_left(&c) >= 3; i++)
		u64s_add(&ciphers, cur_u24(&c));
	*t = (struct msg_tls){.version = version_name(a, version), .ciphers = u64s_done(&ciphers)};
	rec->tls = t;
	return true;
}

bool app_tls(const struct app_in *in, struct msg_arena *a, struct msg_analysis *rec)
{
	struct cur c = cur_of(in->init);

	if (cur_peek(&c, 0) & 0x80)
		return ssl2(in->init, a, rec);
	if (cur_peek(&c, 0) != RECORD_HANDSHAKE || cur_peek(&c, 1) != 3 || cur_peek(&c, 2) > 4 ||
	    cur_peek(&c, 5) != HANDSHAKE_CLIENT_HELLO || cur_peek(&c, 6) != 0)
		return false;
	size_t record = (size_t)cur_peek(&c, 3) << 8 | (size_t)cur_peek(&c, 4);
	size_t need = 4 + ((size_t)cur_peek(&c, 7) << 8 | (size_t)cur_peek(&c, 8));
	if (in->init.n < 11 || record < 4 || record > MAX_HELLO + 2048)
		return false;

	struct bytes message;
	cur_skip(&c, 5);
	if (need <= record || need > MAX_HELLO) {
		message = cur_take(&c, need < cur_left(&c) ? need : cur_left(&c));
	} else { /* spread over several records */
		uint8_t *p = arena_take(a, need);
		size_t n = 0;
		if (!p)
			return false;
		for (;;) {
			size_t part = record < need - n ? record : need - n;
			struct bytes b = cur_take(&c, part < cur_left(&c) ? part : cur_left(&c));
			if (b.n)
				memcpy(p + n, b.p, b.n);
			n += b.n;
			if (n == need || cur_left(&c) < 5 || cur_peek(&c, 0) != RECORD_HANDSHAKE)
				break;
			cur_skip(&c, 3);
			record = cur_u16(&c);
			if (record == 0)
				break;
		}
		message = (struct bytes){p, n};
	}
	bool all = message.n == need;
	struct cur body = cur_of(text_from(message, 4));
	struct hello h;
	hello_init(&h, 't', a);
	int got = read_hello(&body, false, &h);
	if (got < 0)
		return false;
	fill(&h, all && got == 1, a, rec);
	return true;
}

bool app_dtls(const struct app_in *in, struct msg_arena *a, struct msg_analysis *rec)
{
	struct cur c = cur_of(in->init);

	uint32_t start = cur_u24(&c); /* handshake, of version 0xfeff or 0xfefd */
	if ((start | 2) != (RECORD_HANDSHAKE << 16 | 0xfeff))
		return false;
	if (cur_u16(&c) != 0) /* epoch: nothing is encrypted yet */
		return false;
	cur_skip(&c, 6);
	size_t record = cur_u16(&c);
	uint8_t type = cur_u8(&c);
	size_t len = cur_u24(&c);
	cur_skip(&c, 2);
	size_t offset = cur_u24(&c), part = cur_u24(&c);
	if (c.bad || type != HANDSHAKE_CLIENT_HELLO || offset != 0 || part > len ||
	    part + 12 > record)
		return false;
	struct cur body = cur_of(text_upto(cur_rest(&c), part));
	size_t had = body.n;
	struct hello h;
	hello_init(&h, 'd', a);
	int got = read_hello(&body, true, &h);
	if (got < 0)
		return false;
	fill(&h, got == 1 && had == len, a, rec);
	return true;
}

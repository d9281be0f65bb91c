/*
 * tds: Microsoft SQL Server's pre-login, login and batch packets (MS-TDS 2.2.6).
 */
#include "app/recognisers.h"

enum { BATCH = 1, LOGIN7 = 16, PRELOGIN = 18, HEADER = 8 };

/* UCS-2 text as the bytes that are ASCII in it; others become '?'. With hidden set, undoes the
 * obfuscation of a password (MS-TDS 2.2.6.4). */
static struct bytes ucs2(struct msg_arena *a, struct bytes packet, size_t at, size_t chars,
			 bool hidden)
{
	const struct bytes none = {NULL, 0};
	if (chars == 0 || chars > 128 || at > packet.n || chars * 2 > packet.n - at)
		return none;
	uint8_t *p = arena_take(a, chars);
	if (!p)
		return none;
	for (size_t i = 0; i < chars; i++) {
		uint8_t lo = packet.p[at + 2 * i], hi = packet.p[at + 2 * i + 1];
		if (hidden) {
			lo ^= 0xa5;
			hi ^= 0xa5;
			lo = (uint8_t)(lo << 4 | lo >> 4);
			hi = (uint8_t)(hi << 4 | hi >> 4);
		}
		p[i] = hi == 0 && lo < 0x80 ? lo : '?';
	}
	return (struct bytes){p, chars};
}

static bool prelogin(struct bytes body, struct msg_arena *a, struct msg_tds *t)
{
	struct cur c = cur_of(body);
	bool version = false;

	for (int i = 0; i < 32; i++) {
		uint8_t token = cur_u8(&c);
		if (token == 0xff)
			return version && !c.bad;
		size_t at = cur_u16(&c), len = cur_u16(&c);
		if (c.bad || token > 7 || at > body.n || len > body.n - at)
			return false;
		if (token == 0 && len >= 6) {
			const uint8_t *v = body.p + at;
			t->client_version =
				arena_printf(a, "%u.%u.%u", v[0], v[1], (unsigned)v[2] << 8 | v[3]);
			version = true;
		}
	}
	return false;
}

static bool login7(struct bytes body, struct msg_arena *a, struct msg_analysis *rec,
		   struct msg_tds *t)
{
	struct cur c = cur_of(body);
	size_t len = cur_u32le(&c), at[9], chars[9];
	uint32_t version = cur_u32le(&c);

	cur_skip(&c, 28);
	/* host, user, password, program, server, extension, interface, language, database */
	for (int i = 0; i < 9; i++) {
		at[i] = cur_u16le(&c);
		chars[i] = cur_u16le(&c);
	}
	if (c.bad || len < 86 || len > body.n || version >> 24 < 0x70 || version >> 24 > 0x74)
		return false;
	t->host = ucs2(a, body, at[0], chars[0], false);
	t->program = ucs2(a, body, at[3], chars[3], false);
	t->database = ucs2(a, body, at[8], chars[8], false);
	app_login(a, rec, ucs2(a, body, at[1], chars[1], false),
		  ucs2(a, body, at[2], chars[2], true), "plain");
	return true;
}

bool app_tds(const struct app_in *in, struct msg_arena *a, struct msg_analysis *rec)
{
	struct cur c = cur_of(in->init);
	uint8_t type = cur_u8(&c), status = cur_u8(&c);
	size_t len = cur_u16(&c);

	if (type != PRELOGIN && type != LOGIN7 && type != BATCH)
		return false;
	cur_skip(&c, 3); /* SPID, packet number */
	if (cur_u8(&c) != 0 || c.bad || status > 1 || len <= HEADER || len - HEADER > cur_left(&c))
		return false;
	struct bytes body = cur_take(&c, len - HEADER);
	struct msg_tds *t = app_part(a, tds);
	if (!t)
		return false;
	if (type == PRELOGIN && prelogin(body, a, t)) {
		t->kind = bytes_str("prelogin");
		if (cur_peek(&c, 0) == LOGIN7 && cur_left(&c) > HEADER) {
			cur_skip(&c, HEADER);
			(void)login7(cur_rest(&c), a, rec, t);
		}
	} else if (type == LOGIN7 && login7(body, a, rec, t)) {
		t->kind = bytes_str("login7");
	} else if (type == BATCH && in->dst_port == 1433) {
		t->kind = bytes_str("batch");
	} else {
		return false;
	}
	rec->tds = t;
	return true;
}

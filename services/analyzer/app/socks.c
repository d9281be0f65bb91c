/*
 * socks: SOCKS 4 and 4a requests, SOCKS 5 greetings, logins and requests (RFC 1928, RFC 1929).
 *
 * A greeting is two or three bytes of little structure, so it must be all there is, or what follows
 * must fit.
 */
#include "app/recognisers.h"

#include <string.h>

static const char *command_name(uint8_t command)
{
	switch (command) {
	case 1:
		return "connect";
	case 2:
		return "bind";
	case 3:
		return "udp";
	case 0xf0:
		return "resolve"; /* Tor */
	default:
		return NULL;
	}
}

static struct bytes v4_text(struct msg_arena *a, struct bytes b)
{
	return b.p ? arena_printf(a, "%u.%u.%u.%u", b.p[0], b.p[1], b.p[2], b.p[3]) : b;
}

/* A text ended by NUL, printable. */
static bool asciz(struct cur *c, struct bytes *out)
{
	const uint8_t *from = c->p + c->at;
	const uint8_t *nul = cur_left(c) ? memchr(from, 0, cur_left(c)) : NULL;
	if (!nul)
		return false;
	*out = cur_take(c, (size_t)(nul - from));
	cur_skip(c, 1);
	return out->n <= 255 && text_printable(*out);
}

static bool socks4(struct cur *c, struct msg_arena *a, struct msg_socks *s)
{
	uint8_t command = cur_u8(c);
	s->port = cur_u16(c);
	struct bytes ip = cur_take(c, 4);
	if (c->bad || command < 1 || command > 2 || s->port == 0 || !asciz(c, &s->user))
		return false;
	s->version = bytes_str("4");
	s->command = bytes_str(command_name(command));
	if (ip.p[0] == 0 && ip.p[1] == 0 && ip.p[2] == 0 && ip.p[3] != 0) {
		s->version = bytes_str("4a");
		return asciz(c, &s->host) && s->host.n > 0;
	}
	s->host = v4_text(a, ip);
	/* Clients wait for the answer, so the request is alone, or what it carries begins like a
	 * protocol. */
	return cur_left(c) == 0 || cur_left(c) > 8;
}

static struct bytes v6_text(struct msg_arena *a, struct cur c)
{
	unsigned g[8];
	for (int i = 0; i < 8; i++)
		g[i] = cur_u16(&c);
	return arena_printf(a, "%x:%x:%x:%x:%x:%x:%x:%x", g[0], g[1], g[2], g[3], g[4], g[5], g[6],
			    g[7]);
}

static bool request5(struct cur *c, struct msg_arena *a, struct msg_socks *s)
{
	if (cur_u8(c) != 5)
		return false;
	const char *command = command_name(cur_u8(c));
	uint8_t zero = cur_u8(c), type = cur_u8(c);
	if (!command || zero != 0)
		return false;
	if (type == 1)
		s->host = v4_text(a, cur_take(c, 4));
	else if (type == 3)
		s->host = cur_take(c, cur_u8(c));
	else if (type == 4)
		s->host = v6_text(a, cur_sub(c, 16));
	else
		return false;
	s->port = cur_u16(c);
	s->command = bytes_str(command);
	return !c->bad;
}

static bool socks5(struct cur *c, struct msg_arena *a, struct msg_analysis *rec,
		   struct msg_socks *s)
{
	struct u64s methods = u64s_in(a, 16);
	struct bytes list = cur_take(c, cur_u8(c));
	if (c->bad || list.n == 0 || list.n > 10)
		return false;
	for (size_t i = 0; i < list.n; i++) {
		if (list.p[i] > 9 && list.p[i] != 0x80 && list.p[i] != 0x86)
			return false;
		if (i && memchr(list.p, list.p[i], i))
			return false;
		u64s_add(&methods, list.p[i]);
	}
	s->version = bytes_str("5");
	s->methods = u64s_done(&methods);
	if (cur_left(c) == 0)
		return true;
	if (cur_peek(c, 0) == 1) {
		cur_skip(c, 1);
		struct bytes user = cur_take(c, cur_u8(c)), password = cur_take(c, cur_u8(c));
		if (c->bad || user.n == 0)
			return false;
		app_login(a, rec, user, password, "plain");
		if (cur_left(c) == 0)
			return true;
	}
	return request5(c, a, s);
}

bool app_socks(const struct app_in *in, struct msg_arena *a, struct msg_analysis *rec)
{
	struct cur c = cur_of(in->init);
	uint8_t version = cur_u8(&c);

	if (version != 4 && version != 5)
		return false;
	struct msg_socks *s = app_part(a, socks);
	if (!s || !(version == 4 ? socks4(&c, a, s) : socks5(&c, a, rec, s)))
		return false;
	/* What is carried fills its own part of the record, and must be something: four bytes that
	 * fit are too few. */
	struct app_in inner = *in;
	inner.init = cur_rest(&c);
	if (inner.init.n && !app_tls(&inner, a, rec) && !app_http(&inner, a, rec) &&
	    !app_ssh(&inner, a, rec) && version == 4)
		return false;
	rec->socks = s;
	return true;
}

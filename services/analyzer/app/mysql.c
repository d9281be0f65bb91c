/*
 * mysql: the client's answer to the server's greeting (MySQL internals manual,
 * Protocol::HandshakeResponse41).
 */
#include "app/recognisers.h"

#include <string.h>

enum {
	CONNECT_WITH_DB = 0x8,
	PROTOCOL_41 = 0x200,
	USE_SSL = 0x800,
	SECURE_CONNECTION = 0x8000,
	PLUGIN_AUTH = 0x80000,
};

static bool asciz(struct cur *c, struct bytes *out)
{
	const uint8_t *nul = cur_left(c) ? memchr(c->p + c->at, 0, cur_left(c)) : NULL;
	if (!nul)
		return false;
	*out = cur_take(c, (size_t)(nul - (c->p + c->at)));
	cur_skip(c, 1);
	return text_printable(*out);
}

bool app_mysql(const struct app_in *in, struct msg_arena *a, struct msg_analysis *rec)
{
	struct cur c = cur_of(in->init);
	size_t len = (size_t)cur_le(&c, 3);
	uint8_t seq = cur_u8(&c);

	if (seq != 1 || len < 32 || len > 4096)
		return false;
	struct cur p = cur_sub(&c, len);
	uint32_t caps = cur_u32le(&p);
	cur_skip(&p, 5); /* largest packet, character set */
	struct bytes filler = cur_take(&p, 23), user, database = {NULL, 0}, plugin = {NULL, 0};
	if (p.bad || !(caps & PROTOCOL_41))
		return false;
	for (size_t i = 0; i < 19; i++) /* MariaDB uses the last four */
		if (filler.p[i] != 0)
			return false;
	struct msg_mysql *m = app_part(a, mysql);
	if (!m)
		return false;
	if (cur_left(&p) == 0) {
		if (!(caps & USE_SSL))
			return false;
		m->tls = true;
	} else {
		if (!asciz(&p, &user))
			return false;
		if (caps & SECURE_CONNECTION)
			cur_skip(&p, cur_u8(&p)); /* scrambled password */
		else if (!asciz(&p, &plugin))
			return false;
		if (caps & CONNECT_WITH_DB)
			(void)asciz(&p, &database);
		plugin = (struct bytes){NULL, 0};
		if (caps & PLUGIN_AUTH)
			(void)asciz(&p, &plugin);
		m->database = database;
		m->plugin = plugin;
		app_login(a, rec, user, (struct bytes){NULL, 0}, "challenge");
	}
	rec->mysql = m;
	return true;
}

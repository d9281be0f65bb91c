/*
 * postgres: PostgreSQL's start-up packets (PostgreSQL 15 manual, 55.7).
 */
#include "app/recognisers.h"

#include <string.h>

enum { PROTOCOL_3 = 3 << 16, CANCEL = 80877102, SSL = 80877103, GSS = 80877104 };

static bool asciz(struct cur *c, struct bytes *out)
{
	const uint8_t *nul = cur_left(c) ? memchr(c->p + c->at, 0, cur_left(c)) : NULL;
	if (!nul)
		return false;
	*out = cur_take(c, (size_t)(nul - (c->p + c->at)));
	cur_skip(c, 1);
	return true;
}

static bool startup(struct cur *c, struct cur *after, struct msg_arena *a, struct msg_analysis *rec,
		    struct msg_postgres *p)
{
	struct bytes key, value, user = {NULL, 0}, password = {NULL, 0};

	while (cur_left(c) > 1) {
		if (!asciz(c, &key) || !asciz(c, &value) || !text_printable(key))
			return false;
		if (text_is(key, "user"))
			user = value;
		else if (text_is(key, "database"))
			p->database = value;
		else if (text_is(key, "application_name"))
			p->program = value;
	}
	if (!user.p)
		return false;
	if (cur_u8(after) == 'p') { /* PasswordMessage */
		struct cur m = cur_sub(after, cur_u32(after) - 4);
		if (asciz(&m, &password) && !text_starts(password, "md5"))
			app_login(a, rec, user, password, "plain");
	}
	app_login(a, rec, user, (struct bytes){NULL, 0}, password.p ? "md5" : "startup");
	return true;
}

bool app_postgres(const struct app_in *in, struct msg_arena *a, struct msg_analysis *rec)
{
	struct cur c = cur_of(in->init);
	uint32_t len = cur_u32(&c), code = cur_u32(&c);
	const char *kind = NULL;

	if (c.bad || len < 8 || len > 10000)
		return false;
	struct msg_postgres *p = app_part(a, postgres);
	if (!p)
		return false;
	if (code == SSL && len == 8) {
		kind = "ssl";
	} else if (code == GSS && len == 8) {
		kind = "gss";
	} else if (code == CANCEL && len == 16) {
		kind = "cancel";
	} else if (code >> 16 == PROTOCOL_3 >> 16 && (code & 0xffff) <= 2) {
		struct cur body = cur_sub(&c, len - 8);
		if (!body.bad && startup(&body, &c, a, rec, p))
			kind = "startup";
	}
	if (!kind)
		return false;
	p->kind = bytes_str(kind);
	rec->postgres = p;
	return true;
}

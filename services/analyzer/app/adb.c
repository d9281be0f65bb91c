/*
 * adb: Android Debug Bridge messages: six little-endian words, of which the last is the complement
 * of the first (AOSP, packages/modules/adb/protocol.txt).
 */
#include "app/recognisers.h"

#include <string.h>

static const char *const names[] = {"CNXN", "OPEN", "OKAY", "CLSE", "WRTE",
				    "AUTH", "SYNC", "STLS", NULL};

static struct bytes until_nul(struct bytes b)
{
	const uint8_t *nul = b.n ? memchr(b.p, 0, b.n) : NULL;
	return nul ? text_upto(b, (size_t)(nul - b.p)) : b;
}

/* One message; the data may be cut off. */
static bool message(struct cur *c, struct msg_adb *m, struct strs *commands, struct strs *services)
{
	struct cur word = *c;
	uint32_t command = cur_u32le(&word);
	struct bytes id = cur_take(c, 4);
	uint32_t arg0 = cur_u32le(c), arg1 = cur_u32le(c), len = cur_u32le(c);
	cur_skip(c, 4); /* checksum of the data */
	if (c->bad || cur_u32le(c) != (command ^ 0xffffffffu) || c->bad ||
	    !text_among(id, names, false))
		return false;
	struct bytes data = cur_take(c, len < cur_left(c) ? len : cur_left(c));
	strs_add(commands, id);
	if (text_is(id, "CNXN") && !m->banner.p) {
		m->version = arg0;
		m->max_data = arg1;
		m->banner = until_nul(data);
	} else if (text_is(id, "OPEN")) {
		strs_add(services, text_upto(until_nul(data), APP_MAX_LINE));
	}
	return true;
}

bool app_adb(const struct app_in *in, struct msg_arena *a, struct msg_analysis *rec)
{
	struct cur c = cur_of(in->init);
	struct strs commands = strs_in(a, APP_MAX_LINES), services = strs_in(a, APP_MAX_LINES);
	struct msg_adb *m;

	if (!text_among(text_upto(in->init, 4), names, false))
		return false;
	m = app_part(a, adb);
	if (!m || !message(&c, m, &commands, &services))
		return false;
	while (cur_left(&c) && message(&c, m, &commands, &services))
		;
	m->commands = strs_done(&commands);
	m->services = strs_done(&services);
	rec->adb = m;
	return true;
}

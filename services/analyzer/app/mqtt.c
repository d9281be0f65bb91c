/*
 * mqtt: CONNECT (MQTT 3.1, 3.1.1, 5.0, section 3.1) and the topics of what comes after it.
 */
#include "app/recognisers.h"

enum { CONNECT = 0x10, PUBLISH = 0x30, SUBSCRIBE = 0x82 };

/* A variable byte integer (MQTT 5.0, 1.5.5). */
static uint32_t varint(struct cur *c)
{
	uint32_t v = 0;
	for (unsigned shift = 0; shift <= 21; shift += 7) {
		uint8_t b = cur_u8(c);
		v |= (uint32_t)(b & 0x7f) << shift;
		if (!(b & 0x80))
			return v;
	}
	c->bad = true;
	return 0;
}

static struct bytes text(struct cur *c)
{
	return cur_take(c, cur_u16(c));
}

static void topics(struct cur *c, bool v5, struct strs *out)
{
	while (cur_left(c)) {
		uint8_t type = cur_u8(c);
		struct cur packet = cur_sub(c, varint(c));
		if (packet.bad)
			return;
		if ((type & 0xf0) == PUBLISH) {
			strs_add(out, text(&packet));
		} else if (type == SUBSCRIBE) {
			cur_skip(&packet, 2);
			if (v5)
				cur_skip(&packet, varint(&packet));
			while (cur_left(&packet)) {
				struct bytes topic = text(&packet);
				cur_skip(&packet, 1);
				if (topic.p)
					strs_add(out, topic);
			}
		}
	}
}

bool app_mqtt(const struct app_in *in, struct msg_arena *a, struct msg_analysis *rec)
{
	struct cur c = cur_of(in->init);

	if (cur_u8(&c) != CONNECT)
		return false;
	size_t len = varint(&c);
	bool cut = len > cur_left(&c);
	struct cur p = cur_sub(&c, cut ? cur_left(&c) : len);
	struct bytes protocol = text(&p);
	uint8_t level = cur_u8(&p), flags = cur_u8(&p);
	bool v31 = text_is(protocol, "MQIsdp") && level == 3;
	if (p.bad || !(v31 || (text_is(protocol, "MQTT") && (level == 4 || level == 5))))
		return false;
	struct msg_mqtt *m = app_part(a, mqtt);
	struct strs list = strs_in(a, APP_MAX_LINES);
	if (!m)
		return true;
	m->version = bytes_str(level == 3 ? "3.1" : level == 4 ? "3.1.1" : "5");
	m->keep_alive_s = cur_u16(&p);
	if (level == 5)
		cur_skip(&p, varint(&p));
	m->client_id = text(&p);
	if (flags & 0x04) {
		if (level == 5)
			cur_skip(&p, varint(&p));
		m->will_topic = text(&p);
		(void)text(&p);
	}
	struct bytes user = {NULL, 0}, password = {NULL, 0};
	if (flags & 0x80)
		user = text(&p);
	if (flags & 0x40)
		password = text(&p);
	app_login(a, rec, user, password, "plain");
	if (!cut)
		topics(&c, level == 5, &list);
	m->topics = strs_done(&list);
	rec->mqtt = m;
	return true;
}

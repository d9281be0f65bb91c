#include "responder/publish.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "proto/codec.h"

static void publish_reply(struct svc *s, struct responder *r, const struct responder_event *e,
			  uint64_t offset_ns)
{
	char src[ADDR_TEXT_MAX], dst[ADDR_TEXT_MAX];
	struct msg_reply m = {
		.event = bytes_str(e->closed ? "closed" : "verified"),
		.ts_ns = e->at_ns + offset_ns,
		.src_addr = bytes_of(src, addr_text(&e->t.src, src)),
		.src_port = e->t.sport,
		.dst_addr = bytes_of(dst, addr_text(&e->t.dst, dst)),
		.dst_port = e->t.dport,
		.acked_bytes = e->acked_bytes,
		.reason = bytes_str(e->reason),
		.start_ns = e->closed ? e->start_ns + offset_ns : 0,
	};
	struct buf body;

	buf_init(&body, 4096);
	if (msg_encode(&msg_reply_schema, &m, &body) == 0 &&
	    bus_publish(s->bus, "reply", buf_bytes(&body)) == 0)
		r->count[RESPONDER_REPLY_EVENTS]++;
	buf_fini(&body);
}

static void publish_alert(struct svc *s, const struct reflect_event *e, uint64_t offset_ns)
{
	char addr[ADDR_TEXT_MAX], prefix[ADDR_TEXT_MAX + 4], text[256];
	uint64_t port[REFLECT_PORTS];
	bool host = e->prefix.bits == (e->prefix.addr.family == 4 ? 32 : 128);
	struct msg_alert m = {
		.kind = bytes_str("reflection"),
		.severity = bytes_str(e->begin ? "warning" : "info"),
		.state = bytes_str(e->begin ? "begin" : "end"),
		.ts_ns = clock_real_ns(),
		.from_ns = e->first_ns + offset_ns,
		.to_ns = e->last_ns + offset_ns,
		.ports = {port, e->ports},
		.rate = e->rate,
		.count = e->count,
	};

	addr_text(&e->prefix.addr, addr);
	if (host)
		snprintf(prefix, sizeof prefix, "%s", addr);
	else
		snprintf(prefix, sizeof prefix, "%s/%u", addr, e->prefix.bits);
	m.prefix = bytes_str(prefix);
	for (uint8_t i = 0; i < e->ports; i++)
		port[i] = e->port[i];
	snprintf(
		text, sizeof text,
		e->begin
			? "somebody spoofs %s to make this sensor answer to it; it gets no answers "
			  "meanwhile"
			: "the spoofing of %s has ended",
		prefix);
	m.message = bytes_str(text);
	svc_alert(s, &m);
}

void publish_all(struct svc *s, struct responder *r, uint64_t offset_ns, uint64_t *budget)
{
	struct reflect_event e;

	for (uint32_t i = 0; i < r->events; i++) {
		if (!*budget) {
			r->count[RESPONDER_D_EVENTS]++;
			continue;
		}
		--*budget;
		publish_reply(s, r, &r->event[i], offset_ns);
	}
	r->events = 0;
	while (reflect_take(&r->reflect, &e))
		publish_alert(s, &e, offset_ns);
}

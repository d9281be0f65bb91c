#include "logptn/service/announce.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "logptn/service/format_msg.h"
#include "proto/codec.h"

/* Bytes of a message at most. */
#define ANNOUNCE_MAX (1u << 22)

int announce_open(struct announcer *a, const char *dir, int64_t keep_days, struct bus *bus)
{
	int r = records_open(dir, keep_days, 2, &a->out);

	if (r)
		log_error("cannot open records", "path=%s error=\"%s\"", dir, strerror(-r));
	a->bus = bus;
	buf_init(&a->body, ANNOUNCE_MAX);
	buf_init(&a->json, ANNOUNCE_MAX);
	return r;
}

void announce_close(struct announcer *a)
{
	records_close(&a->out);
	buf_fini(&a->body);
	buf_fini(&a->json);
}

static void record_format(struct announcer *a, const struct msg_format *msg)
{
	int r;

	buf_reset(&a->json);
	r = msg_json(&msg_format_schema, msg, &a->json);
	if (!r)
		r = records_append(a->out, clock_real_ns(), buf_bytes(&a->json));
	if (r)
		log_warn("format not recorded", "error=\"%s\"", strerror(-r));
}

void announce_format(void *arg, const struct group *g, const struct formats *f,
		     const struct format *m)
{
	struct announcer *a = arg;
	struct format_msg x;

	format_msg_init(&x, g->name, f, m);
	if (m->fresh || m->nwas)
		record_format(a, &x.msg);
	buf_reset(&a->body);
	if (!msg_encode(&msg_format_schema, &x.msg, &a->body) &&
	    !bus_publish(a->bus, "format", buf_bytes(&a->body)))
		a->published++;
	a->fresh += m->fresh;
	format_msg_fini(&x);
}

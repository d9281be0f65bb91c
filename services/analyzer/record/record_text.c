#include "record/record_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "proto/codec.h"

#define NS_PER_S 1000000000u

const char record_table_head[] =
	"TIME (UTC)               SOURCE                 PORT   DESTINATION     PORT PROTO  APP    "
	"      BYTES  TOOL         READABLE";

/* wide_times: msg_json writes times modulo 2^64 ns; of a broken clock's the rest is put back. They
 * are the record's first two keys. */
static int wide_times(const struct record *r, struct buf *out, size_t from)
{
	__extension__ typedef unsigned __int128 u128;
	const uint64_t ns[2] = {r->m.init_ts, r->m.last_ts};
	const uint32_t wraps[2] = {r->first_wraps, r->last_wraps};
	char text[2][40];
	const char *end = memchr(out->p + from, ',', out->n - from);

	end = end ? memchr(end + 1, ',', out->n - (size_t)((const uint8_t *)end + 1 - out->p))
		  : NULL;
	if (!end)
		return -EINVAL;
	struct buf rest;
	buf_init(&rest, out->limit);
	buf_add(&rest, end, out->n - (size_t)((const uint8_t *)end - out->p));
	for (int i = 0; i < 2; i++) {
		u128 t = (u128)wraps[i] << 64 | ns[i];
		snprintf(text[i], sizeof text[i], "%" PRIu64 ".%09" PRIu64,
			 (uint64_t)(t / NS_PER_S), (uint64_t)(t % NS_PER_S));
	}
	out->n = from;
	buf_addf(out, "{\"init_ts\":%s,\"last_ts\":%s", text[0], text[1]);
	int rc = buf_add(out, rest.p, rest.n);
	buf_fini(&rest);
	return rc;
}

static int json(const struct record *r, bool bare, struct buf *out)
{
	const struct memo_known *k = r->known;
	const struct msg_analysis *m = &r->m;
	struct msg_analysis without;
	size_t from = out->n;

	if (bare && m->tool.n) {
		without = *m;
		without.tool = without.tool_reason = (struct bytes){0};
		m = &without;
	}
	int rc = msg_json_pieces(&msg_analysis_schema, m, k->piece, k->npieces, out);
	if (!rc && (r->first_wraps || r->last_wraps))
		rc = wide_times(r, out, from);
	return rc;
}

/* What a table shows of a payload: its beginning, in one line. */
static void beginning(const struct record *r, struct buf *out)
{
	size_t n = r->m.readable.n < 60 ? r->m.readable.n : 60;

	for (size_t i = 0; i < n; i++) {
		uint8_t c = r->m.readable.p[i];
		buf_addc(out, c >= '\t' && c <= '\r' ? ' ' : (char)c);
	}
}

static void table(const struct record *r, struct buf *out)
{
	const struct msg_analysis *m = &r->m;
	time_t s = (time_t)(m->init_ts / NS_PER_S);
	struct tm tm;
	char when[32] = "";

	if (gmtime_r(&s, &tm))
		strftime(when, sizeof when, "%F %T", &tm);
	buf_addf(out,
		 "%s.%03u  %-22.*s %5" PRIu64 "  %-15.*s %5" PRIu64 " %-6.*s %-10.*s %7" PRIu64
		 "  %-12.*s ",
		 when, (unsigned)(m->init_ts % NS_PER_S / 1000000), (int)m->src_addr.n,
		 (const char *)m->src_addr.p, m->src_port, (int)m->dst_addr.n,
		 (const char *)m->dst_addr.p, m->dst_port, (int)m->proto.n,
		 (const char *)m->proto.p, m->app.p ? (int)m->app.n : 1,
		 m->app.p ? (const char *)m->app.p : "-", m->payload_len,
		 m->tool.p ? (int)m->tool.n : 1, m->tool.p ? (const char *)m->tool.p : "-");
	beginning(r, out);
}

int record_text(enum record_format format, const struct record *r, bool bare, struct buf *out)
{
	struct buf own;
	int rc = 0;

	switch (format) {
	case RECORD_JSON:
		return json(r, bare, out);
	case RECORD_TABLE:
		table(r, out);
		break;
	case RECORD_ECS:
		buf_init(&own, out->limit);
		rc = json(r, bare, &own);
		if (!rc)
			rc = buf_addc(&own, 0);
		if (!rc)
			rc = ecs_record((const char *)own.p, out);
		buf_fini(&own);
		break;
	}
	return rc ? rc : out->failed ? -ENOMEM : 0;
}

int record_text_history(enum record_format format, const struct history_out *h, bool bare,
			struct buf *out)
{
	bool tool = bare && h->tool.name;

	if (format == RECORD_TABLE || (!h->first_seen && !h->two_phase && !tool))
		return 0;
	/* Reopen the object; of an ECS document the one inside it. All strings are ours: nothing to
	 * escape. */
	out->n -= format == RECORD_ECS ? 2 : 1;
	if (out->p[out->n - 1] != '{')
		buf_addc(out, ',');
	if (tool)
		buf_addf(out, "\"tool\":\"%s\",\"tool_reason\":\"%s\",", h->tool.name,
			 h->tool.reason);
	if (h->two_phase)
		buf_adds(out, "\"two_phase\":true,");
	if (h->first_seen)
		buf_adds(out, "\"first_seen\":true,");
	out->n--; /* the last comma */
	buf_adds(out, format == RECORD_ECS ? "}}" : "}");
	return out->failed ? -ENOMEM : 0;
}

#include "record_filter.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "day_files.h"
#include "json_line.h"
#include "time_arg.h"

static int parse_port(const char *text, uint16_t *lo, uint16_t *hi)
{
	char *end;
	unsigned long a = strtoul(text, &end, 10), b = a;
	if (end == text)
		return -EINVAL;
	if (*end == '-') {
		const char *from = end + 1;
		b = strtoul(from, &end, 10);
		if (end == from)
			return -EINVAL;
	}
	if (*end || a > 65535 || b > 65535 || a > b)
		return -EINVAL;
	*lo = (uint16_t)a;
	*hi = (uint16_t)b;
	return 0;
}

int record_filter_init(struct record_filter *m, const struct record_filter_text *t, uint64_t now_ns,
		       char *err, size_t errlen)
{
	static const char *const times =
		"expected today, yesterday, a span such as 2h or 7d, or a date such as "
		"2026-11-21T08:30 or 2026-11-21T08:30+01:00 (UTC without an offset)";
	*m = (struct record_filter){.until_ns = UINT64_MAX,
				    .verified = t->verified,
				    .is_new = t->is_new,
				    .proto = t->proto,
				    .text = t->text,
				    .has_address = t->address != NULL,
				    .has_source = t->source != NULL,
				    .has_port = t->port != NULL};
	const char *bad = NULL, *value = NULL, *want = times;
	if (t->since && time_arg_parse(t->since, now_ns, &m->since_ns) != 0)
		bad = "--since", value = t->since;
	else if (t->until && time_arg_parse(t->until, now_ns, &m->until_ns) != 0)
		bad = "--until", value = t->until;
	else if (t->address && net_parse(t->address, &m->address) != 0)
		bad = "--address", value = t->address, want = "expected an address or a network";
	else if (t->source && net_parse(t->source, &m->source) != 0)
		bad = "--source", value = t->source, want = "expected an address or a network";
	else if (t->port && parse_port(t->port, &m->port_lo, &m->port_hi) != 0)
		bad = "--port", value = t->port, want = "expected a port or a range such as 1-1023";
	else if (m->since_ns >= m->until_ns)
		bad = "--until", value = t->until, want = "expected a time after that of --since";
	if (!bad)
		return 0;
	snprintf(err, errlen, "%s: \"%.60s\" is not valid: %s", bad, value, want);
	return -EINVAL;
}

bool record_filter_day(const struct record_filter *m, uint32_t day)
{
	/* No upper bound: a flow may be recorded days after it began. */
	int64_t end = day_files_end(day);
	return end > 0 && (uint64_t)end * 1000000000u > m->since_ns;
}

static const char *text_of(struct json_object *o, const char *name)
{
	const char *text = json_line_text(o, name);
	return text ? text : "";
}

static bool flag_of(struct json_object *o, const char *name)
{
	struct json_object *v;
	return json_object_object_get_ex(o, name, &v) && json_object_get_boolean(v);
}

static bool in_net(const struct net *n, struct json_object *o, const char *name)
{
	struct addr a;
	return addr_parse(text_of(o, name), &a) == 0 && net_contains(n, &a);
}

static bool wanted(const struct record_filter *m, struct json_object *o)
{
	struct json_object *v;
	if (!json_object_object_get_ex(o, "init_ts", &v))
		return false;
	/* Microseconds are all that a double of this size holds. */
	uint64_t init_ns = (uint64_t)(json_object_get_double(v) * 1e6) * 1000;
	if (init_ns < m->since_ns || init_ns >= m->until_ns)
		return false;
	if (m->has_port) {
		int64_t port = json_object_object_get_ex(o, "dst_port", &v)
				       ? json_object_get_int64(v)
				       : -1;
		if (port < m->port_lo || port > m->port_hi)
			return false;
	}
	if (m->proto && strcasecmp(text_of(o, "proto"), m->proto) != 0 &&
	    strcasecmp(text_of(o, "app"), m->proto) != 0)
		return false;
	if (m->has_source && !in_net(&m->source, o, "src_addr"))
		return false;
	if (m->has_address && !in_net(&m->address, o, "src_addr") &&
	    !in_net(&m->address, o, "dst_addr"))
		return false;
	if (m->text && !strcasestr(text_of(o, "readable"), m->text))
		return false;
	return (!m->verified || flag_of(o, "verified")) && (!m->is_new || flag_of(o, "first_seen"));
}

int record_filter_line(const struct record_filter *m, struct bytes line, struct json_object **out)
{
	struct json_object *o;
	*out = NULL;
	int rc = json_line_parse(line, &o);
	if (rc)
		return rc;
	if (!wanted(m, o)) {
		json_object_put(o);
		return 0;
	}
	*out = o;
	return 1;
}

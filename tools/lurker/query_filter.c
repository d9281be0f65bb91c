#include "query_filter.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "day_files.h"
#include "json_line.h"
#include "time_arg.h"

static int query_filter_port(const char *text, uint16_t *lo, uint16_t *hi)
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

int query_filter_init(struct query_filter *m, const struct query_filter_args *t, uint64_t now_ns,
		      char *err, size_t errlen)
{
	*m = (struct query_filter){.until_ns = UINT64_MAX,
				   .verified = t->verified,
				   .is_new = t->is_new,
				   .proto = t->proto,
				   .text = t->text,
				   .has_address = t->address != NULL,
				   .has_source = t->source != NULL,
				   .has_port = t->port != NULL};
	int rc = time_arg_option("--since", t->since, now_ns, &m->since_ns, err, errlen);
	if (!rc)
		rc = time_arg_option("--until", t->until, now_ns, &m->until_ns, err, errlen);
	if (rc)
		return rc;
	const char *bad = NULL, *value = NULL, *want = NULL;
	if (t->address && net_parse(t->address, &m->address) != 0)
		bad = "--address", value = t->address, want = "expected an address or a network";
	else if (t->source && net_parse(t->source, &m->source) != 0)
		bad = "--source", value = t->source, want = "expected an address or a network";
	else if (t->port && query_filter_port(t->port, &m->port_lo, &m->port_hi) != 0)
		bad = "--port", value = t->port, want = "expected a port or a range such as 1-1023";
	else if (m->since_ns >= m->until_ns)
		bad = "--until", value = t->until, want = "expected a time after that of --since";
	if (!bad)
		return 0;
	snprintf(err, errlen, "%s: \"%.60s\" is not valid: %s", bad, value, want);
	return -EINVAL;
}

bool query_filter_day(const struct query_filter *m, uint32_t day)
{
	/* There is no upper bound: a flow may be recorded days after it began. */
	int64_t end = day_files_end(day);
	return end > 0 && (uint64_t)end * NS_PER_S > m->since_ns;
}

static const char *query_filter_text_of(struct json_object *o, const char *name)
{
	const char *text = json_line_text(o, name);
	return text ? text : "";
}

static bool query_filter_flag(struct json_object *o, const char *name)
{
	struct json_object *v;
	return json_object_object_get_ex(o, name, &v) && json_object_get_boolean(v);
}

static bool query_filter_in_net(const struct net *n, struct json_object *o, const char *name)
{
	struct addr a;
	return addr_parse(query_filter_text_of(o, name), &a) == 0 && net_contains(n, &a);
}

static bool query_filter_wants(const struct query_filter *m, struct json_object *o)
{
	struct json_object *v;
	if (!json_object_object_get_ex(o, "init_ts", &v))
		return false;
	/* A double of this size is exact to microseconds only. */
	uint64_t init_ns = (uint64_t)(json_object_get_double(v) * 1e6) * NS_PER_US;
	if (init_ns < m->since_ns || init_ns >= m->until_ns)
		return false;
	if (m->has_port) {
		int64_t port = json_object_object_get_ex(o, "dst_port", &v)
				       ? json_object_get_int64(v)
				       : -1;
		if (port < m->port_lo || port > m->port_hi)
			return false;
	}
	if (m->proto && strcasecmp(query_filter_text_of(o, "proto"), m->proto) != 0 &&
	    strcasecmp(query_filter_text_of(o, "app"), m->proto) != 0)
		return false;
	if (m->has_source && !query_filter_in_net(&m->source, o, "src_addr"))
		return false;
	if (m->has_address && !query_filter_in_net(&m->address, o, "src_addr") &&
	    !query_filter_in_net(&m->address, o, "dst_addr"))
		return false;
	if (m->text && !strcasestr(query_filter_text_of(o, "readable"), m->text))
		return false;
	return (!m->verified || query_filter_flag(o, "verified")) &&
	       (!m->is_new || query_filter_flag(o, "first_seen"));
}

int query_filter_line(const struct query_filter *m, struct bytes line, struct json_object **out)
{
	struct json_object *o;
	*out = NULL;
	int rc = json_line_parse(line, &o);
	if (rc)
		return rc;
	if (!query_filter_wants(m, o)) {
		json_object_put(o);
		return 0;
	}
	*out = o;
	return 1;
}

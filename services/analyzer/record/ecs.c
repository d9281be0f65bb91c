/*
 * ecs: the record under the names of the Elastic Common Schema 9 (elastic.co/docs/reference/ecs).
 * What the schema has no name for stays under lurker.
 */
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "record/record_text.h"

#define NS_PER_S 1000000000u

/* Where each key of ours goes; paths are dotted. */
static const struct {
	const char *ours, *ecs;
} names[] = {
	{"src_addr", "source.ip"},
	{"src_port", "source.port"},
	{"dst_addr", "destination.ip"},
	{"dst_port", "destination.port"},
	{"app", "network.protocol"},
	{"community_id", "network.community_id"},
	{"packets", "network.packets"},
	{"bytes", "network.bytes"},
	{"sensor", "observer.name"},
	{"flow_id", "event.id"},
	{"s3path", "event.reference"},
	{"readable", "event.original"},
	{"geo.country", "source.geo.country_iso_code"},
	{"geo.city", "source.geo.city_name"},
	{"geo.latitude", "source.geo.location.lat"},
	{"geo.longitude", "source.geo.location.lon"},
	{"geo.asn", "source.as.number"},
	{"geo.as_org", "source.as.organization.name"},
	{"login.user", "user.name"},
	{"http.method", "http.request.method"},
	{"http.version", "http.version"},
	{"http.body_len", "http.request.body.bytes"},
	{"http.target", "url.original"},
	{"http.user_agent", "user_agent.original"},
	{"tls.sni", "tls.client.server_name"},
	{"dns.name", "dns.question.name"},
	{"dns.type", "dns.question.type"},
	{"dns.class", "dns.question.class"},
	{"sip.user_agent", "user_agent.original"},
};

/* Paths have at most this many parts. */
#define MAX_DEPTH 6

static size_t split(const char *path, char part[MAX_DEPTH][32])
{
	size_t n = 0;

	while (n < MAX_DEPTH) {
		size_t len = strcspn(path, ".");
		snprintf(part[n++], 32, "%.*s", (int)len, path);
		if (!path[len])
			break;
		path += len + 1;
	}
	return n;
}

/* put: value (owned) under a dotted path. */
static void put(struct json_object *root, const char *path, struct json_object *value)
{
	char part[MAX_DEPTH][32];
	size_t n = split(path, part);

	for (size_t i = 0; i + 1 < n; i++) {
		struct json_object *next;
		if (!json_object_object_get_ex(root, part[i], &next)) {
			next = json_object_new_object();
			json_object_object_add(root, part[i], next);
		}
		root = next;
	}
	json_object_object_add(root, part[n - 1], value);
}

/* take: removes the value at a dotted path; NULL if there is none. The caller owns it. */
static struct json_object *take(struct json_object *root, const char *path)
{
	char part[MAX_DEPTH][32];
	size_t n = split(path, part);
	struct json_object *value;

	for (size_t i = 0; i + 1 < n; i++)
		if (!json_object_object_get_ex(root, part[i], &root))
			return NULL;
	if (!json_object_object_get_ex(root, part[n - 1], &value))
		return NULL;
	json_object_get(value);
	json_object_object_del(root, part[n - 1]);
	return value;
}

static struct json_object *text(const char *s)
{
	return json_object_new_string(s);
}

/* when: epoch seconds, as exact decimal text, to ISO 8601 with nanoseconds; *ns for the duration.
 */
static struct json_object *when(struct json_object *epoch, uint64_t *ns)
{
	const char *s = json_object_get_string(epoch);
	char *dot, out[64] = "";
	time_t sec = (time_t)strtoll(s, &dot, 10);
	struct tm tm;
	char frac[10] = "000000000";

	if (*dot == '.')
		for (size_t i = 0; i < 9 && dot[1 + i] >= '0' && dot[1 + i] <= '9'; i++)
			frac[i] = dot[1 + i];
	*ns = (uint64_t)sec * NS_PER_S + strtoull(frac, NULL, 10);
	if (gmtime_r(&sec, &tm)) {
		size_t n = strftime(out, sizeof out, "%FT%T", &tm);
		snprintf(out + n, sizeof out - n, ".%sZ", frac);
	}
	return text(out);
}

/* list: takes both; NULL is left out. */
static struct json_object *list(struct json_object *a, struct json_object *b)
{
	struct json_object *l = json_object_new_array();

	if (a)
		json_object_array_add(l, a);
	if (b)
		json_object_array_add(l, b);
	return l;
}

static void times(struct json_object *from, struct json_object *to)
{
	struct json_object *init = take(from, "init_ts"), *last = take(from, "last_ts");
	uint64_t first_ns = 0, last_ns = 0;

	if (init && last) {
		put(to, "@timestamp", when(init, &first_ns));
		put(to, "event.start", when(init, &first_ns));
		put(to, "event.end", when(last, &last_ns));
		put(to, "event.duration", json_object_new_int64((int64_t)(last_ns - first_ns)));
	}
	json_object_put(init);
	json_object_put(last);
}

/* tls_version: "tls1.3" is protocol tls, version 1.3. */
static void tls_version(struct json_object *from, struct json_object *to)
{
	struct json_object *v = take(from, "tls.version");
	const char *s = v ? json_object_get_string(v) : "";

	if (strncmp(s, "tls", 3) == 0 || strncmp(s, "ssl", 3) == 0) {
		char protocol[4];
		snprintf(protocol, sizeof protocol, "%.3s", s);
		put(to, "tls.version_protocol", text(protocol));
		put(to, "tls.version", text(s + 3));
	} else if (v) {
		put(to, "tls.version", text(s));
	}
	json_object_put(v);
}

/* transport: the protocol by IANA's keyword, and of those that have no ports, what stands there
 * instead. */
static void transport(struct json_object *from, struct json_object *to)
{
	static const struct {
		const char *ours, *iana, *number;
		bool ports;
	} protos[] = {
		{"tcp", "tcp", "6", true},    {"udp", "udp", "17", true},
		{"icmp", "icmp", "1", false}, {"icmp6", "ipv6-icmp", "58", false},
		{"2", "igmp", "2", false},    {"4", "ipv4", "4", false},
		{"41", "ipv6", "41", false},  {"47", "gre", "47", false},
		{"50", "esp", "50", false},   {"51", "ah", "51", false},
		{"132", "sctp", "132", true}, {"136", "udplite", "136", true},
	};
	struct json_object *proto = take(from, "proto");
	bool ports = false;

	if (!proto)
		return;
	const char *name = json_object_get_string(proto), *iana = NULL, *number = name;
	for (size_t i = 0; i < sizeof protos / sizeof protos[0]; i++)
		if (strcmp(name, protos[i].ours) == 0) {
			iana = protos[i].iana;
			number = protos[i].number;
			ports = protos[i].ports;
		}
	if (iana)
		put(to, "network.transport", text(iana));
	put(to, "network.iana_number", text(number));
	if (!ports) {
		struct json_object *type = take(from, "src_port"), *code = take(from, "dst_port");
		if (strncmp(name, "icmp", 4) == 0) {
			put(from, "icmp.type", json_object_get(type));
			put(from, "icmp.code", json_object_get(code));
		}
		json_object_put(type);
		json_object_put(code);
	}
	json_object_put(proto);
}

/* url_host: "name", "name:port", "[address]:port" of a Host field. */
static void url_host(struct json_object *from, struct json_object *to)
{
	struct json_object *host = take(from, "http.host");

	if (!host)
		return;
	const char *s = json_object_get_string(host), *colon = strrchr(s, ':'), *end;
	bool six = *s == '[' && (end = strchr(s, ']')) && (!end[1] || end[1] == ':');
	size_t n = strlen(s), digits = colon ? strspn(colon + 1, "0123456789") : 0;
	if (six)
		n = (size_t)(end + 1 - s);
	else if (colon && strchr(s, ':') == colon && !colon[1 + digits])
		n = (size_t)(colon - s);
	if (s[n] == ':' && digits && digits <= 5 && !colon[1 + digits] && colon == s + n &&
	    atoi(colon + 1) <= 65535)
		put(to, "url.port", json_object_new_int(atoi(colon + 1)));
	put(to, "url.domain", json_object_new_string_len(s, (int)n));
	json_object_put(host);
}

int ecs_record(const char *json, struct buf *out)
{
	struct json_object *from = json_tokener_parse(json), *to = json_object_new_object(), *own;
	int rc = -EINVAL;

	if (!from || !to)
		goto out;
	struct json_object *src = NULL, *dst = NULL, *sum = NULL;
	json_object_object_get_ex(from, "src_addr", &src);
	json_object_object_get_ex(from, "dst_addr", &dst);
	json_object_object_get_ex(from, "payload_sha256", &sum);
	times(from, to);
	put(to, "ecs.version", text("9.0.0"));
	put(to, "event.kind", text("event"));
	put(to, "event.module", text("lurker"));
	put(to, "event.dataset", text("lurker.analysis"));
	put(to, "event.category", list(text("network"), NULL));
	put(to, "event.type", list(text("connection"), NULL));
	put(to, "observer.type", text("sensor"));
	put(to, "observer.product", text("lurker"));
	put(to, "related.ip", list(json_object_get(src), json_object_get(dst)));
	put(to, "related.hash", list(json_object_get(sum), NULL));
	tls_version(from, to);
	transport(from, to);
	url_host(from, to);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct json_object *v = take(from, names[i].ours);
		if (v)
			put(to, names[i].ecs, v);
	}
	own = json_object_new_object();
	json_object_object_add(to, "lurker", own);
	struct json_object_iterator it = json_object_iter_begin(from),
				    end = json_object_iter_end(from);
	for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it)) {
		struct json_object *value = json_object_iter_peek_value(&it);
		if (json_object_is_type(value, json_type_object) &&
		    !json_object_object_length(value))
			continue;
		json_object_object_add(own, json_object_iter_peek_name(&it),
				       json_object_get(value));
	}
	rc = buf_adds(out, json_object_to_json_string_ext(
				   to, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
out:
	json_object_put(from);
	json_object_put(to);
	return rc;
}

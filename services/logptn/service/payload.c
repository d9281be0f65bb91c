#include "logptn/service/payload.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "proto/scan.h"

static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* The first line of base64 text: up to a newline, a NUL behind text, or the end. */
static size_t first_line(const char *b64, size_t n, uint8_t *out)
{
	uint32_t word = 0;
	unsigned have = 0;
	size_t o = 0;

	for (size_t i = 0; i < n && o < PAYLOAD_LINE_MAX; i++) {
		int v = value_of(b64[i]);

		if (v < 0)
			break;
		word = word << 6 | (uint32_t)v;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		out[o] = (uint8_t)(word >> have);
		if (out[o] == '\n')
			break;
		o++;
	}
	while (o && out[o - 1] == '\r')
		o--;
	return o;
}

static void add(struct payload *p, const char *group, size_t group_n, size_t n)
{
	struct payload_line *l = &p->line[p->n];

	if (!n)
		return;
	if (group_n >= sizeof l->group)
		group_n = sizeof l->group - 1;
	memcpy(l->group, group, group_n);
	l->group[group_n] = 0;
	l->p = p->text[p->n];
	l->n = n;
	p->n++;
}

/* user_agent: of the member http, whose text may have escapes. */
static void user_agent(struct payload *out, struct bytes http)
{
	struct json_tokener *tok = json_tokener_new();
	struct json_object *o, *v;

	if (!tok)
		return;
	o = json_tokener_parse_ex(tok, (const char *)http.p, (int)http.n);
	if (json_object_is_type(o, json_type_object) &&
	    json_object_object_get_ex(o, "user_agent", &v) &&
	    json_object_is_type(v, json_type_string)) {
		size_t n = (size_t)json_object_get_string_len(v);

		n = n > PAYLOAD_LINE_MAX ? PAYLOAD_LINE_MAX : n;
		memcpy(out->text[1], json_object_get_string(v), n);
		add(out, "http-user-agent", strlen("http-user-agent"), n);
	}
	json_object_put(o);
	json_tokener_free(tok);
}

/* A number of a record is as long as this at most. */
#define NUMBER_MAX 40

static uint64_t ns_of(struct bytes value)
{
	char text[NUMBER_MAX + 1];
	size_t n = value.n < NUMBER_MAX ? value.n : NUMBER_MAX;

	memcpy(text, value.p, n);
	text[n] = 0;
	double s = strtod(text, NULL);
	return s > 0 && s < 1e10 ? (uint64_t)(s * 1e9) : 0;
}

int payload_parse(struct bytes json, struct payload *out)
{
	struct bytes key, value, app = {0}, payload = {0}, http = {0};
	struct scan s;
	int r;

	memset(out, 0, sizeof *out);
	scan_init(&s, json);
	while ((r = scan_next(&s, &key, &value)) == 1) {
		if (bytes_eq(key, bytes_str("init_ts")))
			out->first_ns = ns_of(value);
		else if (bytes_eq(key, bytes_str("dst_port")))
			out->port = (uint32_t)(scan_u64(value) & 0xffff);
		else if (bytes_eq(key, bytes_str("app")))
			app = scan_string(value);
		else if (bytes_eq(key, bytes_str("payload")))
			payload = scan_string(value);
		else if (bytes_eq(key, bytes_str("http")))
			http = value;
	}
	if (r)
		return r;
	if (!app.n)
		app = bytes_str("unknown");
	add(out, (const char *)app.p, app.n,
	    first_line((const char *)payload.p, payload.n, out->text[0]));
	if (out->n && http.n && http.n <= INT32_MAX)
		user_agent(out, http);
	return 0;
}

#include "logptn/svc/payload.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>

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

static const char *string(struct json_object *o, const char *key, size_t *n)
{
	struct json_object *v;

	*n = 0;
	if (!json_object_object_get_ex(o, key, &v) || !json_object_is_type(v, json_type_string))
		return NULL;
	*n = (size_t)json_object_get_string_len(v);
	return json_object_get_string(v);
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

int payload_parse(struct bytes json, struct payload *out)
{
	struct json_tokener *tok = json_tokener_new();
	struct json_object *o, *v, *http;
	const char *app, *text;
	size_t app_n, n;
	int r = -EBADMSG;

	if (!tok)
		return -ENOMEM;
	memset(out, 0, sizeof *out);
	o = json.n <= INT32_MAX ? json_tokener_parse_ex(tok, (const char *)json.p, (int)json.n)
				: NULL;
	if (!o || !json_object_is_type(o, json_type_object))
		goto out;
	if (json_object_object_get_ex(o, "init_ts", &v)) {
		double s = json_object_get_double(v);

		out->first_ns = s > 0 && s < 1e10 ? (uint64_t)(s * 1e9) : 0;
	}
	if (json_object_object_get_ex(o, "dst_port", &v))
		out->port = (uint32_t)(json_object_get_int64(v) & 0xffff);
	app = string(o, "app", &app_n);
	if (!app_n) {
		app = "unknown";
		app_n = strlen(app);
	}
	text = string(o, "payload", &n);
	if (text)
		add(out, app, app_n, first_line(text, n, out->text[0]));
	if (out->n && json_object_object_get_ex(o, "http", &http) &&
	    json_object_is_type(http, json_type_object)) {
		text = string(http, "user_agent", &n);
		if (n > PAYLOAD_LINE_MAX)
			n = PAYLOAD_LINE_MAX;
		if (text)
			memcpy(out->text[1], text, n);
		add(out, "http-user-agent", strlen("http-user-agent"), n);
	}
	r = 0;
out:
	json_object_put(o);
	json_tokener_free(tok);
	return r;
}

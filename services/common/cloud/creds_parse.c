#include "cloud/creds_parse.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cloud/aws_time.h"
#include "cloud/json_read.h"

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct bytes trim(struct bytes b)
{
	while (b.n && blank((char)b.p[0]))
		b.p++, b.n--;
	while (b.n && blank((char)b.p[b.n - 1]))
		b.n--;
	return b;
}

/* Control characters have no place in any of these, and line ends would end a header. */
static int copy(struct bytes b, char *out, size_t n)
{
	if (b.n >= n)
		return -ENAMETOOLONG;
	for (size_t i = 0; i < b.n; i++)
		if (b.p[i] < ' ')
			return -EINVAL;
	memcpy(out, b.p, b.n);
	out[b.n] = '\0';
	return 0;
}

int creds_ini(struct bytes text, const char *section, const char *key, char *out, size_t n)
{
	bool here = false;
	while (text.n) {
		const uint8_t *end = memchr(text.p, '\n', text.n);
		size_t len = end ? (size_t)(end - text.p) : text.n;
		struct bytes line = trim(bytes_of(text.p, len));
		text.p += len + (end != NULL);
		text.n -= len + (end != NULL);
		if (line.n >= 2 && line.p[0] == '[' && line.p[line.n - 1] == ']') {
			here = bytes_eq(trim(bytes_of(line.p + 1, line.n - 2)), bytes_str(section));
			continue;
		}
		const uint8_t *is = line.n ? memchr(line.p, '=', line.n) : NULL;
		if (!here || !is || line.p[0] == '#' || line.p[0] == ';')
			continue;
		size_t at = (size_t)(is - line.p);
		if (bytes_eq(trim(bytes_of(line.p, at)), bytes_str(key)))
			return copy(trim(bytes_of(is + 1, line.n - at - 1)), out, n);
	}
	return -ENOENT;
}

static bool member(struct json_object *o, const char *key, char *out, size_t n)
{
	struct bytes v = json_bytes(o, key);
	return v.n > 0 && copy(v, out, n) == 0;
}

int creds_json(struct bytes text, struct creds *out)
{
	char when[40];
	struct json_object *o = json_read(text, 8, 1u << 20);
	memset(out, 0, sizeof *out);
	bool good = member(o, "AccessKeyId", out->key_id, sizeof out->key_id) &&
		    member(o, "SecretAccessKey", out->secret, sizeof out->secret) &&
		    member(o, "Token", out->token, sizeof out->token) &&
		    member(o, "Expiration", when, sizeof when) &&
		    aws_time_iso(when, &out->expires_s) == 0;
	json_object_put(o);
	return good ? 0 : -EINVAL;
}

static const uint8_t *find(struct bytes in, const char *what)
{
	return in.n ? memmem(in.p, in.n, what, strlen(what)) : NULL;
}

static int unescape(struct bytes in, char *out, size_t n)
{
	static const struct {
		const char *name;
		char c;
	} entities[] = {
		{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
	size_t w = 0;
	for (size_t i = 0; i < in.n; i++) {
		char c = (char)in.p[i];
		for (size_t k = 0; c == '&' && k < sizeof entities / sizeof *entities; k++) {
			size_t len = strlen(entities[k].name);
			if (len <= in.n - i && memcmp(in.p + i, entities[k].name, len) == 0) {
				c = entities[k].c;
				i += len - 1;
				break;
			}
		}
		if (w + 1 >= n || (uint8_t)c < ' ')
			return -ENAMETOOLONG;
		out[w++] = c;
	}
	out[w] = '\0';
	return 0;
}

int xml_text(struct bytes xml, const char *name, char *out, size_t n)
{
	char tag[72];
	snprintf(tag, sizeof tag, "<%.64s>", name);
	const uint8_t *from = find(xml, tag);
	if (!from)
		return -ENOENT;
	from += strlen(tag);
	struct bytes rest = bytes_of(from, xml.n - (size_t)(from - xml.p));
	snprintf(tag, sizeof tag, "</%.64s>", name);
	const uint8_t *to = find(rest, "<");
	if (!to || strlen(tag) > rest.n - (size_t)(to - from) || memcmp(to, tag, strlen(tag)) != 0)
		return -ENOENT;
	return unescape(bytes_of(from, (size_t)(to - from)), out, n);
}

int creds_sts(struct bytes text, struct creds *out)
{
	char when[40];
	memset(out, 0, sizeof *out);
	bool good = xml_text(text, "AccessKeyId", out->key_id, sizeof out->key_id) == 0 &&
		    xml_text(text, "SecretAccessKey", out->secret, sizeof out->secret) == 0 &&
		    xml_text(text, "SessionToken", out->token, sizeof out->token) == 0 &&
		    xml_text(text, "Expiration", when, sizeof when) == 0 &&
		    aws_time_iso(when, &out->expires_s) == 0 && out->key_id[0] && out->secret[0] &&
		    out->token[0];
	return good ? 0 : -EINVAL;
}

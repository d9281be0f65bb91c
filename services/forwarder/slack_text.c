#include "slack_text.h"

#include <inttypes.h>
#include <string.h>

#include "cloud/json_text.h"

/* A message is cut by Slack at 40,000 characters; ours stay far below. */
#define TEXT_MAX 16384

void slack_text_init(struct slack_text *t)
{
	memset(t, 0, sizeof *t);
	buf_init(&t->text, TEXT_MAX);
}

void slack_text_fini(struct slack_text *t)
{
	buf_fini(&t->text);
}

void slack_text_clear(struct slack_text *t)
{
	buf_reset(&t->text);
	t->n = t->shown = t->nports = 0;
	t->other = 0;
}

static const char *text_of(struct json_object *record, const char *key)
{
	struct json_object *v;
	return json_object_object_get_ex(record, key, &v) &&
			       json_object_is_type(v, json_type_string)
		       ? json_object_get_string(v)
		       : "";
}

static uint64_t number_of(struct json_object *record, const char *key)
{
	struct json_object *v;
	return json_object_object_get_ex(record, key, &v) ? json_object_get_uint64(v) : 0;
}

/* At most max bytes of text that came from outside. Slack's own escapes are &amp; &lt; &gt;. */
static void put(struct buf *out, const char *text, size_t max)
{
	for (size_t i = 0; text[i] && i < max; i++) {
		uint8_t c = (uint8_t)text[i];
		if (c == '&')
			buf_adds(out, "&amp;");
		else if (c == '<')
			buf_adds(out, "&lt;");
		else if (c == '>')
			buf_adds(out, "&gt;");
		else if (c == '`')
			buf_addc(out, '\'');
		else if (c == '\n' || c == '\t' || (c >= ' ' && c < 0x7f))
			buf_addc(out, (char)c);
		else if (c != '\r')
			buf_addc(out, '.');
	}
}

static int show(struct slack_text *t, struct json_object *r)
{
	struct buf *out = &t->text;
	const char *app = text_of(r, "app"), *readable = text_of(r, "readable");
	buf_addf(out, "%s*port %" PRIu64 "* from `", out->n ? "\n" : "", number_of(r, "dst_port"));
	put(out, text_of(r, "src_addr"), 64);
	buf_addc(out, '`');
	if (*app) {
		buf_adds(out, ", ");
		put(out, app, 32);
	}
	buf_addf(out, ", %" PRIu64 " bytes", number_of(r, "payload_len"));
	if (*readable) {
		buf_adds(out, "\n```");
		put(out, readable, SLACK_READABLE);
		buf_adds(out, strlen(readable) > SLACK_READABLE ? "…```" : "```");
	}
	t->shown++;
	return out->rc;
}

static void count(struct slack_text *t, uint64_t port)
{
	size_t i = 0;
	while (i < t->nports && t->ports[i].port != port)
		i++;
	if (i == SLACK_PORTS) {
		t->other++;
		return;
	}
	if (i == t->nports) {
		t->ports[i].port = port;
		t->ports[i].count = 0;
		t->nports++;
	}
	t->ports[i].count++;
}

int slack_text_add(struct slack_text *t, struct json_object *record)
{
	int rc = 0;
	if (t->n < SLACK_SHOWN)
		rc = show(t, record);
	else
		count(t, number_of(record, "dst_port"));
	t->n += !rc;
	return rc;
}

int slack_text_body(const struct slack_text *t, struct buf *out)
{
	struct buf all;
	buf_init(&all, TEXT_MAX + 1024);
	buf_add(&all, t->text.p, t->text.n);
	if (t->n > t->shown) {
		buf_addf(&all, "\nand %zu more: ", t->n - t->shown);
		for (size_t i = 0; i < t->nports; i++)
			buf_addf(&all, "%sport %" PRIu64 " (%" PRIu64 ")", i ? ", " : "",
				 t->ports[i].port, t->ports[i].count);
		if (t->other)
			buf_addf(&all, ", others (%" PRIu64 ")", t->other);
	}
	buf_adds(out, "{\"text\":");
	json_text(out, buf_bytes(&all));
	buf_addc(out, '}');
	int rc = all.rc ? all.rc : out->rc;
	buf_fini(&all);
	return rc;
}

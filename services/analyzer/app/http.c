/*
 * http: HTTP/1 requests (RFC 9112), also 0.9's bare line and request lines that were cut off.
 */
#include "app/recognisers.h"

#include <string.h>

/* Methods that make a request line credible without an HTTP version behind it. */
static const char *const methods[] = {"GET",     "POST",    "HEAD",      "PUT",   "DELETE",
				      "OPTIONS", "CONNECT", "TRACE",     "PATCH", "PROPFIND",
				      "SEARCH",  "DEBUG",   "PROPPATCH", "MKCOL", "COPY",
				      "MOVE",    "LOCK",    "UNLOCK",    "TRACK", NULL};

struct request_line {
	struct bytes method, target, version;
};

static bool is_method(struct bytes m)
{
	if (m.n == 0 || m.n > 24)
		return false;
	for (size_t i = 0; i < m.n; i++)
		if (!is_upper(m.p[i]) && !is_lower(m.p[i]) && m.p[i] != '-' && m.p[i] != '_')
			return false;
	return true;
}

/* Attackers put blanks into targets, so the version is what follows the last " HTTP/". */
static bool request_line(struct bytes line, struct request_line *out)
{
	const uint8_t *blank = line.n ? memchr(line.p, ' ', line.n < 32 ? line.n : 32) : NULL;
	if (!blank)
		return false;
	out->method = text_upto(line, (size_t)(blank - line.p));
	if (!is_method(out->method))
		return false;
	struct bytes rest = text_from(line, out->method.n + 1);

	for (size_t i = rest.n; i-- > 0;) {
		struct bytes tail = text_from(rest, i);
		if (tail.p[0] != ' ' || !text_starts_nocase(tail, " HTTP/"))
			continue;
		out->version = text_trim(text_from(tail, 6));
		out->target = text_trim(text_upto(rest, i));
		if (out->version.n >= 1 && out->version.n <= 8 && is_digit(out->version.p[0]))
			return true;
	}
	out->version = (struct bytes){NULL, 0};
	out->target = text_trim(rest);
	if (!text_among(out->method, methods, false) || memchr(rest.p, 0, rest.n))
		return false;
	return text_starts(out->target, "/") || text_starts(out->target, "http://") ||
	       text_starts(out->target, "https://");
}

/* The end of a chunked body (RFC 9112 7.1), or as far as it makes sense. *first is the data of the
 * first chunk. */
static void skip_chunks(struct cur *c, struct bytes *first)
{
	struct bytes line;

	while (text_line(c, &line, NULL)) {
		size_t size = 0, i = 0;
		for (; i < line.n && i < 8; i++) {
			int d = is_digit(line.p[i])   ? line.p[i] - '0'
				: is_upper(line.p[i]) ? line.p[i] - 'A' + 10
				: is_lower(line.p[i]) ? line.p[i] - 'a' + 10
						      : 99;
			if (d > 15)
				break;
			size = size << 4 | (size_t)d;
		}
		if (i == 0 || size == 0)
			break;
		struct bytes data = cur_take(c, size < cur_left(c) ? size : cur_left(c));
		if (!first->p)
			*first = data;
		if (!text_line(c, &line, NULL) || line.n != 0) /* the line end after the data */
			return;
	}
	while (text_line(c, &line, NULL) && line.n != 0)
		; /* trailers */
}

/* The bytes after one header section that belong to it; *content is what a body parser should read.
 */
static struct bytes body_of(struct cur *c, const struct fields *f, struct bytes *content)
{
	size_t from = c->at, digits;
	struct bytes length = fields_get(f, "Content-Length");
	struct request_line next;
	struct cur ahead = *c;
	struct bytes line;

	*content = (struct bytes){NULL, 0};
	if (text_is_nocase(fields_get(f, "Transfer-Encoding"), "chunked")) {
		skip_chunks(c, content);
	} else if (length.n) {
		uint64_t n = text_number(length, &digits);
		*content = cur_take(c, n < cur_left(c) ? (size_t)n : cur_left(c));
	} else if (!(text_line(&ahead, &line, NULL) && request_line(line, &next))) {
		*content = cur_rest(c); /* no length, and what follows is no request */
	}
	return (struct bytes){c->p + from, c->at - from};
}

static void basic_auth(struct msg_arena *a, struct msg_analysis *rec, const struct fields *f)
{
	struct bytes v = fields_get(f, "Authorization");
	if (!text_starts_nocase(v, "Basic "))
		return;
	struct bytes plain = text_base64(a, text_trim(text_from(v, 6)));
	const uint8_t *colon = plain.n ? memchr(plain.p, ':', plain.n) : NULL;
	if (!colon)
		return;
	size_t at = (size_t)(colon - plain.p);
	app_login(a, rec, text_upto(plain, at), text_from(plain, at + 1), "basic");
}

/* Requests after the first, on a connection kept alive. */
static uint64_t count_more(struct cur *c)
{
	_Alignas(16) uint8_t block[APP_MAX_HEADERS * sizeof(struct msg_header)];
	struct request_line rl;
	struct bytes line, content;
	uint64_t n = 0;

	while (text_line(c, &line, NULL)) {
		struct msg_arena scratch = {block, sizeof block, 0};
		struct fields f;
		if (line.n == 0)
			continue;
		if (!request_line(line, &rl))
			break;
		n++;
		fields_read(c, &scratch, &f);
		body_of(c, &f, &content);
	}
	return n;
}

bool app_http(const struct app_in *in, struct msg_arena *a, struct msg_analysis *rec)
{
	struct cur c = cur_of(in->init);
	struct request_line rl;
	struct bytes line;
	struct fields f;

	for (int i = 0; i < 4 && (cur_peek(&c, 0) == '\r' || cur_peek(&c, 0) == '\n'); i++)
		cur_skip(&c, 1); /* RFC 9112 2.2 */
	if (!is_alnum(cur_peek(&c, 0)) || !text_line(&c, &line, NULL) || !request_line(line, &rl))
		return false;
	struct msg_http *h = app_part(a, http);
	if (!h)
		return true;
	fields_read(&c, a, &f);
	*h = (struct msg_http){
		.method = rl.method,
		.target = rl.target,
		.version = rl.version,
		.host = fields_get(&f, "Host"),
		.user_agent = fields_get(&f, "User-Agent"),
		.headers = {f.v, f.n},
	};
	struct bytes content = {NULL, 0};
	if (f.complete)
		h->body_len = body_of(&c, &f, &content).n;
	uint64_t more = count_more(&c);
	h->requests = more ? 1 + more : 0;
	basic_auth(a, rec, &f);

	struct msg_jsonrpc *rpc = app_part(a, jsonrpc);
	if (rpc && app_jsonrpc_read(content, rpc)) {
		rec->jsonrpc = rpc;
		h->api = bytes_str("jsonrpc");
		h->api_call = rpc->method;
	} else {
		app_api(in, h);
	}
	rec->http = h;
	return true;
}

/*
 * jsonrpc: JSON-RPC 1.0 and 2.0 requests, in an HTTP body or on a bare connection (as mining pools
 * speak it).
 *
 * A scanner for one level of keys, not a JSON parser: it knows strings, nesting and nothing else,
 * and takes a body that was cut off as far as it goes.
 */
#include "app/recognisers.h"

#include <string.h>

#define MAX_REQUESTS 1000

static const struct {
	const char *prefix, *dialect;
} dialects[] = {
	{"eth_", "ethereum"},      {"net_", "ethereum"},       {"web3_", "ethereum"},
	{"personal_", "ethereum"}, {"miner_", "ethereum"},     {"admin_", "ethereum"},
	{"txpool_", "ethereum"},   {"parity_", "ethereum"},    {"debug_", "ethereum"},
	{"erigon_", "ethereum"},   {"mining.", "stratum"},     {"login", "monero"},
	{"get_block_", "monero"},  {"getblock", "bitcoin"},    {"getinfo", "bitcoin"},
	{"getbalance", "bitcoin"}, {"listunspent", "bitcoin"}, {"getnetworkinfo", "bitcoin"},
	{"aria2.", "aria2"},
};

static void skip_space(struct cur *c)
{
	for (int b; (b = cur_peek(c, 0)) == ' ' || b == '\t' || b == '\r' || b == '\n';)
		cur_skip(c, 1);
}

/* The string at the cursor, without its quotes and with its escapes as they are. False: none, or
 * cut off. */
static bool string(struct cur *c, struct bytes *out)
{
	if (cur_peek(c, 0) != '"')
		return false;
	cur_skip(c, 1);
	const uint8_t *from = c->p + c->at;
	for (int b; (b = cur_peek(c, 0)) >= 0; cur_skip(c, 1)) {
		if (b == '"') {
			*out = (struct bytes){from, (size_t)(c->p + c->at - from)};
			cur_skip(c, 1);
			return true;
		}
		if (b < 0x20)
			return false;
		if (b == '\\')
			cur_skip(c, 1);
	}
	return false;
}

/* Skips one value. False when it was cut off or is none. */
static bool skip_value(struct cur *c)
{
	size_t depth = 0;
	struct bytes s;

	for (;;) {
		skip_space(c);
		int b = cur_peek(c, 0);
		if (b < 0)
			return false;
		if (b == '"') {
			if (!string(c, &s))
				return false;
		} else if (b == '{' || b == '[') {
			depth++;
			cur_skip(c, 1);
			continue;
		} else if (b == '}' || b == ']') {
			if (depth == 0)
				return false;
			depth--;
			cur_skip(c, 1);
		} else if (b == ',' || b == ':') {
			if (depth == 0)
				return false;
			cur_skip(c, 1);
			continue;
		} else { /* number, true, false, null */
			size_t n = 0;
			while ((b = cur_peek(c, n)) >= 0 && (is_alnum(b) || strchr("+-.", b)))
				n++;
			if (n == 0)
				return false;
			cur_skip(c, n);
		}
		if (depth == 0)
			return true;
	}
}

struct call {
	struct bytes version, method;
	bool has_id, has_params, result;
};

/* The keys of one object. False when it is no object or breaks the syntax; a cut-off one is true
 * with *cut. */
static bool object(struct cur *c, struct call *out, bool *cut)
{
	*out = (struct call){0};
	*cut = false;
	if (cur_peek(c, 0) != '{')
		return false;
	cur_skip(c, 1);
	for (;;) {
		struct bytes key;
		skip_space(c);
		if (cur_peek(c, 0) == '}') {
			cur_skip(c, 1);
			return true;
		}
		bool ok = string(c, &key);
		skip_space(c);
		if (!ok || cur_peek(c, 0) != ':')
			break;
		cur_skip(c, 1);
		skip_space(c);
		struct cur value = *c;
		if (text_is(key, "params"))
			out->has_params = true;
		if (!skip_value(c))
			break;
		if (text_is(key, "id"))
			out->has_id = true;
		else if (text_is(key, "method") && !string(&value, &out->method))
			return false;
		else if (text_is(key, "jsonrpc"))
			(void)string(&value, &out->version);
		skip_space(c);
		if (cur_peek(c, 0) == ',')
			cur_skip(c, 1);
		else if (cur_peek(c, 0) != '}')
			break;
	}
	*cut = cur_left(c) == 0;
	return *cut;
}

bool app_jsonrpc_read(struct bytes body, struct msg_jsonrpc *out)
{
	struct cur c = cur_of(body);
	uint64_t n = 0;
	bool cut = false;

	while (!cut && n < MAX_REQUESTS) {
		struct call call;
		skip_space(&c);
		if (cur_peek(&c, 0) == '[' || cur_peek(&c, 0) == ',' || cur_peek(&c, 0) == ']') {
			cur_skip(&c, 1);
			continue;
		}
		if (!object(&c, &call, &cut) || call.method.n == 0 ||
		    !(call.version.p || call.has_params || call.has_id))
			break;
		if (n++ == 0)
			*out = (struct msg_jsonrpc){.version = call.version, .method = call.method};
	}
	if (n == 0)
		return false;
	for (size_t i = 0; i < sizeof dialects / sizeof *dialects && !out->dialect.p; i++)
		if (text_starts(out->method, dialects[i].prefix))
			out->dialect = bytes_str(dialects[i].dialect);
	out->requests = n > 1 ? n : 0;
	return true;
}

bool app_jsonrpc(const struct app_in *in, struct msg_arena *a, struct msg_analysis *rec)
{
	struct msg_jsonrpc rpc;
	if (in->init.p[0] != '{' && in->init.p[0] != '[')
		return false;
	if (!app_jsonrpc_read(in->init, &rpc))
		return false;
	struct msg_jsonrpc *part = app_part(a, jsonrpc);
	if (part)
		*part = rpc;
	rec->jsonrpc = part;
	return true;
}

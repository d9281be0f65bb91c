/*
 * redis: commands as RESP arrays or as plain lines (redis.io, "Redis serialization protocol").
 */
#include "app/recognisers.h"

#include <string.h>

#define MAX_ARGS 64 /* of one command that are shown */

/* Plain lines are claimed for commands that no other line protocol has. */
static const char *const own[] = {"config",  "flushall", "flushdb", "slaveof", "replicaof",
				  "keys",    "dbsize",   "bgsave",  "module",  "eval",
				  "monitor", "slowlog",  "hgetall", "lrange",  "command",
				  "debug",   "xadd",     NULL};
static const char *const shared[] = {"ping",   "info",   "set",   "get",  "auth",
				     "quit",   "select", "save",  "echo", "del",
				     "exists", "client", "hello", "scan", NULL};

/* A line "<mark>NUMBER\r\n". */
static bool number_line(struct cur *c, char mark, uint64_t *out)
{
	struct bytes line;
	bool whole;
	size_t digits;

	if (cur_peek(c, 0) != mark || !text_line(c, &line, &whole) || !whole)
		return false;
	*out = text_number(text_from(line, 1), &digits);
	return digits > 0 && digits + 1 == line.n;
}

static struct bytes join(struct msg_arena *a, const struct bytes *v, size_t n)
{
	uint8_t text[APP_MAX_LINE];
	size_t len = 0;

	if (n == 1)
		return text_upto(v[0], APP_MAX_LINE);
	for (size_t i = 0; i < n && len < sizeof text; i++) {
		if (i)
			text[len++] = ' ';
		size_t k = v[i].n < sizeof text - len ? v[i].n : sizeof text - len;
		if (k)
			memcpy(text + len, v[i].p, k);
		len += k;
	}
	return arena_copy(a, bytes_of(text, len));
}

/* One RESP array. False when it is none; one that was cut off is true with *cut, with the arguments
 * it had. */
static bool resp(struct cur *c, struct bytes *args, size_t *nargs, bool *cut)
{
	uint64_t count, len;

	*nargs = 0;
	*cut = false;
	if (!number_line(c, '*', &count))
		return false;
	for (uint64_t i = 0; i < count; i++) {
		if (cur_left(c) == 0) {
			*cut = true;
			break;
		}
		if (!number_line(c, '$', &len))
			return false;
		struct bytes arg = cur_take(c, len < cur_left(c) ? (size_t)len : cur_left(c));
		*cut = arg.n < len || cur_left(c) < 2;
		if (*nargs < MAX_ARGS)
			args[(*nargs)++] = arg;
		if (*cut)
			break;
		cur_skip(c, 2);
	}
	return *nargs > 0;
}

static size_t split(struct bytes line, struct bytes *args)
{
	size_t n = 0;
	while (n < MAX_ARGS) {
		args[n] = text_word(&line);
		if (args[n].n == 0)
			break;
		n++;
	}
	return n;
}

static bool claims_line(const struct app_in *in, struct bytes line, struct bytes *args)
{
	size_t n = text_printable(line) ? split(line, args) : 0;
	if (n == 0)
		return false;
	if (text_among(args[0], own, true))
		return true;
	if (in->dst_port == 6379)
		return text_among(args[0], shared, true);
	return n == 1 && (text_is_nocase(args[0], "ping") || text_is_nocase(args[0], "info"));
}

bool app_redis(const struct app_in *in, struct msg_arena *a, struct msg_analysis *rec)
{
	struct cur c = cur_of(in->init);
	struct bytes args[MAX_ARGS], line;
	struct strs commands = strs_in(a, APP_MAX_LINES);
	bool plain, whole, cut = false;
	size_t n;

	while (cur_peek(&c, 0) == '\r' || cur_peek(&c, 0) == '\n')
		cur_skip(&c, 1);
	plain = cur_peek(&c, 0) != '*';

	if (plain) {
		struct cur first = c;
		if (!text_line(&first, &line, &whole) || !whole || !claims_line(in, line, args))
			return false;
	}
	while (!cut && cur_left(&c)) {
		if (cur_peek(&c, 0) == '*') {
			if (!resp(&c, args, &n, &cut))
				break;
		} else {
			if (!text_line(&c, &line, &whole) || !whole || !text_printable(line))
				break;
			n = split(line, args);
			if (n == 0)
				continue;
		}
		if (text_is_nocase(args[0], "auth") && n == 2)
			app_login(a, rec, (struct bytes){NULL, 0}, args[1], "auth");
		else if (text_is_nocase(args[0], "auth") && n == 3)
			app_login(a, rec, args[1], args[2], "auth");
		strs_add(&commands, commands.n < commands.max ? join(a, args, n) : args[0]);
	}
	if (commands.total == 0)
		return false;
	struct msg_redis *r = app_part(a, redis);
	if (r)
		*r = (struct msg_redis){
			.commands = strs_done(&commands),
			.count = commands.total,
			.plain = plain,
		};
	rec->redis = r;
	return true;
}

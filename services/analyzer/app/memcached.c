/*
 * memcached: text and binary commands, over TCP or behind the eight-byte UDP frame header
 * (memcached, doc/protocol.txt and doc/protocol-binary.txt).
 */
#include "app/recognisers.h"

#include <string.h>

enum { BINARY_REQUEST = 0x80, BINARY_HEADER = 24, UDP_HEADER = 8 };

static const char *const storage[] = {"set", "add", "replace", "append", "prepend", "cas", NULL};
static const char *const keyed[] = {"get",  "gets", "gat",   "gats", "delete",
				    "incr", "decr", "touch", NULL};
static const char *const meta[] = {"mg", "ms", "md", "ma", NULL}; /* short enough to be chance */
static const char *const alone[] = {"stats", "version", "flush_all", "verbosity",
				    "slabs", "lru",     "quit",      NULL};
static const char *const binary_names[] = {
	"get",       "set",     "add",      "replace",   "delete",  "incr",  "decr",   "quit",
	"flush_all", "getq",    "noop",     "version",   "getk",    "getkq", "append", "prepend",
	"stats",     "setq",    "addq",     "replaceq",  "deleteq", "incrq", "decrq",  "quitq",
	"flushq",    "appendq", "prependq", "verbosity", "touch",   "gat",   "gatq",   NULL};

static bool number(struct bytes b)
{
	size_t digits;
	(void)text_number(b, &digits);
	return digits > 0 && digits == b.n;
}

/* One command line; the data block of a storage command is skipped. */
static bool text_command(struct cur *c, bool port, struct bytes *command, struct bytes *key)
{
	struct bytes line;
	bool whole;

	if (!text_line(c, &line, &whole) || !whole || line.n > 2048 || !text_printable(line))
		return false;
	*command = text_word(&line);
	*key = text_word(&line);
	if (text_among(*command, storage, false)) {
		struct bytes flags = text_word(&line), expiry = text_word(&line),
			     length = text_word(&line);
		size_t digits;
		if (key->n == 0 || key->n > 250 || !number(flags) || expiry.n == 0 ||
		    !number(length))
			return false;
		uint64_t n = text_number(length, &digits);
		n = n < UINT64_MAX - 2 ? n + 2 : n;
		cur_skip(c, n < cur_left(c) ? (size_t)n : cur_left(c));
		return true;
	}
	if (text_among(*command, keyed, false) || (port && text_among(*command, meta, false)))
		return key->n > 0 && key->n <= 250 && key->p[0] != '/';
	if (!text_among(*command, alone, false))
		return false;
	/* Common words: by themselves they are claimed only on memcached's port. */
	return port || text_is(*command, "stats") || text_is(*command, "flush_all");
}

static bool binary_command(struct cur *c, struct bytes *command, struct bytes *key)
{
	if (cur_u8(c) != BINARY_REQUEST)
		return false;
	uint8_t opcode = cur_u8(c);
	size_t keys = cur_u16(c), extras = cur_u8(c);
	uint8_t type = cur_u8(c);
	cur_skip(c, 2); /* vbucket */
	uint32_t body = cur_u32(c);
	cur_skip(c, 12); /* opaque, CAS */
	struct cur data = cur_sub(c, body);
	if (data.bad || type != 0 || keys + extras > body ||
	    opcode >= sizeof binary_names / sizeof *binary_names - 1)
		return false;
	cur_skip(&data, extras);
	*command = bytes_str(binary_names[opcode]);
	*key = cur_take(&data, keys);
	return true;
}

bool app_memcached(const struct app_in *in, struct msg_arena *a, struct msg_analysis *rec)
{
	struct cur c = cur_of(in->init);
	struct bytes command, key, more;
	bool port = in->dst_port == 11211;

	if (in->proto == APP_UDP) { /* request, sequence 0, datagrams 1, reserved 0 */
		cur_skip(&c, 2);
		if (cur_be(&c, 6) != 0x10000 || cur_left(&c) == 0)
			return false;
	}
	bool binary = cur_peek(&c, 0) == BINARY_REQUEST;
	if (!binary && !is_lower(cur_peek(&c, 0)))
		return false;
	if (!(binary ? binary_command(&c, &command, &key) : text_command(&c, port, &command, &key)))
		return false;
	struct msg_memcached *m = app_part(a, memcached);
	if (!m)
		return true;
	uint64_t n = 1;
	struct bytes next;
	while (cur_left(&c) &&
	       (binary ? binary_command(&c, &next, &more) : text_command(&c, port, &next, &more)))
		n++;
	*m = (struct msg_memcached){
		.command = command, .key = key, .binary = binary, .count = n > 1 ? n : 0};
	rec->memcached = m;
	return true;
}

#include "reference.h"

#include "proto/codec.h"

static const char head[] =
	"# Messages of the lurker bus\n"
	"\n"
	"Made by `proto_gen` from `proto/messages.def`; do not edit. Filled samples of every "
	"message are in `vectors/`.\n"
	"\n"
	"Every service publishes on a ZeroMQ PUB socket of its own, by default "
	"`ipc:///run/lurker/SERVICE.sock`. Whoever may\n"
	"write to that socket file (owner and group) may subscribe. A `tcp://` endpoint works only "
	"with CURVE keys\n"
	"(`lurker keygen`).\n"
	"\n"
	"A message has three frames:\n"
	"\n"
	"1. the topic, as plain bytes;\n"
	"2. the envelope, a msgpack map ([below](#envelope));\n"
	"3. the body, msgpack, as described here for its topic.\n"
	"\n"
	"A subscriber in Python, with Debian's `python3-zmq` and `python3-msgpack`:\n"
	"\n"
	"```python\n"
	"import msgpack, zmq\n"
	"\n"
	"socket = zmq.Context().socket(zmq.SUB)\n"
	"socket.connect(\"ipc:///run/lurker/analyzer.sock\")\n"
	"socket.subscribe(b\"analysis\")\n"
	"while True:\n"
	"    topic, envelope, body = socket.recv_multipart()\n"
	"    print(msgpack.unpackb(envelope)[\"seq\"], msgpack.unpackb(body))\n"
	"```\n"
	"\n"
	"## Rules\n"
	"\n"
	"- PUB/SUB drops what a slow subscriber does not take. `seq` counts from 0 per producer "
	"and topic within an `epoch`: a\n"
	"  step of more than one is a loss of what lies between, and a new `epoch` is a restart. "
	"What may not be lost is on disk\n"
	"  before it is announced: read `records/TOPIC/YYYY-MM-DD.jsonl` instead, and take "
	"messages as a wake-up.\n"
	"- No topic is a prefix of another, so subscribing to one brings nothing else.\n"
	"- A frame has at most 32 MiB.\n"
	"- Bodies and parts are maps with string keys, except those marked as *rows*: arrays with "
	"their fields in this order.\n"
	"  In JSON, rows are objects too.\n"
	"- A required field (*yes*) is always there. Any other is left out when it is zero, false, "
	"empty or absent.\n"
	"- Ignore keys, and elements at the end of a row, that you do not know: adding optional "
	"fields is a compatible\n"
	"  change. Anything else makes a new topic or raises `v`.\n"
	"- lurker takes integers of any msgpack width, floats of either width, and nil for an "
	"optional field that is absent. It\n"
	"  refuses a message that lacks a required field, has a field of another kind, or has "
	"bytes after its end.\n"
	"- Times are unsigned nanoseconds since 1970 (UTC); only `init_ts` and `last_ts` of the "
	"record are seconds.\n"
	"\n"
	"| kind | msgpack | JSON |\n"
	"|---|---|---|\n"
	"| uint, int | integer, up to 64 bits | number; above 2^53 a reader that keeps numbers as "
	"doubles loses digits |\n"
	"| float | float 64 | number; null if not finite |\n"
	"| bool | bool | true, false |\n"
	"| str | str, valid UTF-8: any other byte was replaced by a dot | string |\n"
	"| bin | bin | string, base64 |\n"
	"| time | float 64, seconds since 1970 | number with nine decimals, exact |\n"
	"| counts | map of str to uint | object |\n";

static const char *const kinds[] = {
	[MSG_U64] = "uint",
	[MSG_I64] = "int",
	[MSG_F64] = "float",
	[MSG_BOOL] = "bool",
	[MSG_STR] = "str",
	[MSG_BIN] = "bin",
	[MSG_TIME] = "time",
	[MSG_STRS] = "list of str",
	[MSG_U64S] = "list of uint",
	[MSG_COUNTS] = "counts",
	[MSG_PART] = "",
	[MSG_PARTS] = "list of ",
};

/* A cell of a table: a bar would end it. */
static void cell(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '|')
			buf_addc(out, '\\');
		buf_addc(out, *text);
	}
}

static void fields(struct buf *out, const struct msg_schema *s)
{
	buf_adds(out, "\n| field | kind | unit | required | meaning |\n|---|---|---|---|---|\n");
	for (size_t i = 0; i < s->nfields; i++) {
		const struct msg_field *f = &s->fields[i];
		buf_addf(out, "| `%s` | %s", f->name, kinds[f->kind]);
		if (f->part)
			buf_addf(out, "[%s](#%s)", f->part->name, f->part->name);
		buf_addf(out, " | %s | %s | ", f->unit, f->required ? "yes" : "");
		cell(out, f->doc);
		buf_adds(out, " |\n");
	}
}

static void message(struct buf *out, const struct msg_schema *s)
{
	buf_addf(out, "\n### %s\n\n", s->name);
	if (s->topic[0])
		buf_addf(out, "Topic `%s`, published by %s.\n", s->topic,
			 bytes_eq(bytes_str(s->producer), bytes_str("any")) ? "every service"
									    : s->producer);
	buf_addf(out, "%s%s\n", s->doc, s->row ? " A row." : "");
	fields(out, s);
}

void reference_write(struct buf *out)
{
	buf_adds(out, head);
	buf_adds(out, "\n## Messages\n");
	for (size_t i = 0; msg_schemas[i]; i++) {
		if (msg_schemas[i]->topic[0])
			message(out, msg_schemas[i]);
	}
	buf_adds(out, "\n## Envelope and parts\n");
	for (size_t i = 0; msg_schemas[i]; i++) {
		if (!msg_schemas[i]->topic[0])
			message(out, msg_schemas[i]);
	}
}

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bus_listener.h"
#include "front.h"
#include "message_table.h"
#include "proto/codec.h"
#include "term.h"

/* Room for the lists of a decoded message; a message that needs more is not shown. */
#define ARENA_BYTES (8u << 20)

struct tail_conf {
	bool table, envelope;
	int64_t count;
};

struct tail {
	struct tail_conf conf;
	struct bus_listener listen;
	uint8_t *arena;
	struct buf line;
	bool many; /* several topics: each line names its own */
	char last_topic[32];
	int columns;
	int64_t shown;
};

#define AT(field) offsetof(struct tail_conf, field)
static const struct opt opts[] = {
	{.name = "table",
	 .flag = 't',
	 .type = OPT_BOOL,
	 .offset = AT(table),
	 .def = "false",
	 .help = "print a table instead of JSON"},
	{.name = "envelope",
	 .type = OPT_BOOL,
	 .offset = AT(envelope),
	 .def = "false",
	 .help = "print JSON with topic, sensor, producer, epoch, seq, ts, and the number of messages missed before"},
	{.name = "count",
	 .flag = 'n',
	 .type = OPT_INT,
	 .offset = AT(count),
	 .def = "0",
	 .min = 0,
	 .max = INT64_MAX,
	 .unit = "messages",
	 .help = "end after this number of messages; 0 never ends"},
	{0},
};
#undef AT

/* Every message type fits; the schema says how much of it is used. */
union any_message {
#define MSG(name, coding, producer, topic, doc) struct msg_##name name;
#define F(kind, name, need, unit, doc)
#define PART(message, name, need, unit, doc)
#define PARTS(message, name, need, unit, doc)
#define END(name)
#include "proto/messages.def"
#undef MSG
#undef F
#undef PART
#undef PARTS
#undef END
};

static void tail_put_envelope(struct tail *t, const struct bus_msg *m)
{
	buf_addf(
		&t->line,
		"{\"topic\":\"%.*s\",\"sensor\":\"%.*s\",\"producer\":\"%.*s\",\"epoch\":%llu,\"seq\":%llu,\"ts\":%llu,\"missed\":%llu,\"body\":",
		(int)m->topic.n, (const char *)m->topic.p, (int)m->sensor.n,
		(const char *)m->sensor.p, (int)m->producer.n, (const char *)m->producer.p,
		(unsigned long long)m->epoch, (unsigned long long)m->seq,
		(unsigned long long)m->ts_ns, (unsigned long long)m->missed);
}

static void tail_show_json(struct tail *t, const struct msg_schema *s, const struct bus_msg *m,
			   const void *decoded)
{
	buf_reset(&t->line);
	if (t->conf.envelope)
		tail_put_envelope(t, m);
	size_t at = t->line.n;
	msg_json(s, decoded, &t->line);
	if (t->conf.envelope)
		buf_addc(&t->line, '}');
	buf_addc(&t->line, '\n');
	if (t->line.failed) {
		log_warn("message too large to show", "topic=%s", s->topic);
		return;
	}
	if (t->many && !t->conf.envelope) {
		/* {"a":… becomes {"topic":"x","a":… */
		printf("{\"topic\":\"%s\"%s", s->topic, t->line.p[at + 1] == '}' ? "" : ",");
		at++;
	} else {
		at = 0;
	}
	fwrite(t->line.p + at, 1, t->line.n - at, stdout);
}

static void tail_on_message(void *arg, const struct bus_msg *m)
{
	struct tail *t = arg;
	if (m->missed)
		log_warn("messages missed", "producer=%.*s topic=%.*s count=%llu",
			 (int)m->producer.n, (const char *)m->producer.p, (int)m->topic.n,
			 (const char *)m->topic.p, (unsigned long long)m->missed);
	const struct msg_schema *s = msg_schema_of(m->topic);
	union any_message decoded;
	struct msg_arena arena = {.p = t->arena, .n = ARENA_BYTES};
	if (!s || msg_decode(s, m->body, &decoded, &arena) != 0) {
		log_warn("message not understood", "topic=%.*s", (int)m->topic.n,
			 (const char *)m->topic.p);
		return;
	}
	if (t->conf.table) {
		if (strcmp(t->last_topic, s->topic) != 0)
			message_table_head(stdout, s->topic);
		snprintf(t->last_topic, sizeof t->last_topic, "%s", s->topic);
		message_table_row(stdout, m, &decoded, t->columns);
	} else {
		tail_show_json(t, s, m, &decoded);
	}
	if (fflush(stdout) != 0) {
		loop_stop(t->listen.loop); /* nobody reads the output any more */
		return;
	}
	if (++t->shown == t->conf.count)
		loop_stop(t->listen.loop);
}

/* Refuses unknown topics: with a typing error, tail would wait for ever. */
static bool tail_knows_topic(const char *topic)
{
	if (msg_schema_of(bytes_str(topic)))
		return true;
	fprintf(stderr, "lurker tail: no topic \"%.40s\"; there are", topic);
	for (const struct msg_schema *const *s = msg_schemas; *s; s++)
		if (*(*s)->topic)
			fprintf(stderr, " %s", (*s)->topic);
	fputc('\n', stderr);
	return false;
}

int front_tail(int argc, char **argv)
{
	static const struct front_usage usage = {
		"tail", "[TOPIC…]",
		"Prints the messages of the bus as they come, one JSON object a line. Without a topic:\n"
		"analysis, the record of each flow.\n\n"
		"Reads: the sockets in the run directory. Needs: permission to open them (group lurker).\n"
		"Prints: JSON lines, or a table with -t; missed messages on standard error."};
	static struct tail t;
	static struct svc_common common;
	struct opt_section own = {"", opts, &t.conf};
	int code = front_options(&usage, own, &common, &argc, argv);
	if (code >= 0)
		return code;
	static const char *const records[] = {"analysis"};
	const char *const *topics = argc > 1 ? (const char *const *)(argv + 1) : records;
	size_t ntopics = argc > 1 ? (size_t)argc - 1 : 1;
	for (size_t i = 0; i < ntopics; i++)
		if (!tail_knows_topic(topics[i]))
			return 2;
	t.many = ntopics > 1;
	t.columns = term_columns();
	t.arena = malloc(ARENA_BYTES);
	buf_init(&t.line, 2 * BUS_MAX_FRAME);
	code = 1;
	if (t.arena &&
	    bus_listener_open(&t.listen, &common, topics, ntopics, tail_on_message, &t) == 0)
		code = loop_run(t.listen.loop) ? 1 : 0;
	bus_listener_close(&t.listen);
	buf_fini(&t.line);
	free(t.arena);
	return code;
}

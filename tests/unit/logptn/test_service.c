#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "logptn/lib/model_state.h"
#include "logptn/service/format_msg.h"
#include "logptn/service/groups.h"
#include "logptn/service/learning.h"
#include "logptn/service/payload.h"
#include "logptn_support.h"

static int parse(const char *json, struct payload *p)
{
	return payload_parse(bytes_of(json, strlen(json)), p);
}

Test(payload, http)
{
	static struct payload p;

	/* GET /a HTTP/1.1\r\nHost: x\r\n */
	cr_assert_eq(
		parse("{\"init_ts\":1700000000.5,\"dst_port\":8080,\"payload\":\"R0VUIC9hIEhUVFAvMS4xDQpIb3N0OiB4DQo=\",\"app\":\"http\",\"http\":{\"method\":\"GET\",\"user_agent\":\"zgrab/0.x\"}}",
		      &p),
		0);
	cr_assert_eq(p.n, 2);
	cr_expect_str_eq(p.line[0].group, "http");
	cr_expect_eq(p.line[0].n, 15);
	cr_expect_arr_eq(p.line[0].p, "GET /a HTTP/1.1", 15);
	cr_expect_str_eq(p.line[1].group, "http-user-agent");
	cr_expect_arr_eq(p.line[1].p, "zgrab/0.x", 9);
	cr_expect_eq(p.port, 8080);
	cr_expect_eq(p.first_ns, 1700000000500000000u);
}

Test(payload, others)
{
	static struct payload p;

	cr_assert_eq(parse("{\"payload\":\"aGVsbG8=\"}", &p), 0);
	cr_assert_eq(p.n, 1);
	cr_expect_str_eq(p.line[0].group, "unknown");
	cr_expect_arr_eq(p.line[0].p, "hello", 5);
	cr_assert_eq(parse("{\"payload\":\"\",\"app\":\"ssh\"}", &p), 0);
	cr_expect_eq(p.n, 0);
	cr_assert_eq(parse("{\"payload\":5,\"app\":[],\"http\":7,\"init_ts\":\"x\"}", &p), 0);
	cr_expect_eq(p.n, 0);
	cr_assert_eq(
		parse("{\"app\":\"a-protocol-with-a-name-of-more-than-32-bytes\",\"payload\":\"AAEC\"}",
		      &p),
		0);
	cr_expect_eq(strlen(p.line[0].group), PAYLOAD_GROUP_MAX - 1);
	cr_expect_neq(parse("[]", &p), 0);
	cr_expect_neq(parse("{\"payload\":", &p), 0);
	cr_expect_neq(parse("", &p), 0);
}

Test(payload, a_long_line_is_cut)
{
	static struct payload p;
	static char json[20000] = "{\"payload\":\"";

	for (size_t i = 12; i < 12 + 8000; i++)
		json[i] = 'Q';
	strcpy(json + 8012, "\"}");
	cr_assert_eq(parse(json, &p), 0);
	cr_expect_eq(p.line[0].n, PAYLOAD_LINE_MAX);
}

static void add(struct groups *g, const char *group, uint32_t port, const char *line)
{
	uint8_t copy[256] = {0};

	memcpy(copy, line, strlen(line));
	cr_assert_eq(groups_add(g, group, 1000, port, copy, strlen(line)), 0);
}

struct told {
	char text[2000];
};

static void note(void *arg, const struct group *g, const struct formats *f, const struct format *m)
{
	struct told *t = arg;
	uint64_t ports = 0;

	for (uint32_t i = 0; i < m->nskel; i++)
		ports += f->skels->v[m->skel[i]].tags ? f->skels->v[m->skel[i]].tags->n : 0;
	sprintf(t->text + strlen(t->text), "%s:%s:%lu:%s:%u:%lu\n", g->name, m->template, m->lines,
		m->fresh ? "new" : "known", m->nwas, ports);
}

Test(groups, tell)
{
	static struct groups g, h;
	struct told t = {""};
	struct buf b;

	add(&g, "http", 80, "GET /a?x=1 HTTP/1.1");
	add(&g, "http", 8080, "GET /b?x=1 HTTP/1.1");
	add(&g, "redis", 6379, "PING");
	cr_assert_eq(groups_tell(&g, false, note, &t), 0);
	cr_expect(strstr(t.text, "http:GET * *:2:new:0:2\n"), "%s", t.text);
	cr_expect(strstr(t.text, "redis:PING:1:new:0:1\n"));
	t.text[0] = 0;
	add(&g, "redis", 6379, "PING");
	cr_assert_eq(groups_tell(&g, false, note, &t), 0);
	cr_expect_str_eq(t.text, ""); /* nothing new */
	cr_assert_eq(groups_tell(&g, true, note, &t), 0);
	cr_expect(strstr(t.text, "redis:PING:2:known:0:1\n"), "%s", t.text);
	g.pos = (struct records_pos){20240102, 77};
	buf_init(&b, MODEL_STATE_MAX);
	cr_assert_eq(groups_save(&g, &b), 0);
	cr_assert_eq(groups_load(&h, buf_bytes(&b)), 0);
	cr_expect_eq(h.pos.day, 20240102);
	cr_expect_eq(h.pos.offset, 77);
	t.text[0] = 0;
	add(&h, "redis", 7, "PING");
	add(&h, "redis", 7, "INFO");
	cr_assert_eq(groups_tell(&h, false, note, &t), 0);
	cr_expect_str_eq(t.text, "redis:INFO:1:new:0:1\n");
	groups_fini(&h);
	for (size_t i = 0; i < b.n; i += 7) {
		b.p[i] ^= 1;
		cr_expect_eq(groups_load(&h, buf_bytes(&b)), -74);
		b.p[i] ^= 1;
		cr_expect_eq(groups_load(&h, bytes_of(b.p, i)), -74);
	}
	buf_fini(&b);
	groups_fini(&g);
}

Test(groups, no_more_than_fit)
{
	static struct groups g;
	char name[16];

	for (unsigned i = 0; i < GROUPS_MAX + 5; i++) {
		sprintf(name, "p%u", i);
		add(&g, name, 1, "x");
	}
	cr_expect_eq(g.n, GROUPS_MAX);
	cr_expect_eq(g.refused, 5);
	groups_fini(&g);
}

/* Lines that have nothing in common do not grow the tables beyond their bounds, and all are
 * counted; what is full can be saved and loaded. */
Test(groups, bounded, .timeout = 200)
{
	static struct groups g, h;
	uint64_t state = 88172645463325252u, lines[2] = {0};
	const unsigned rounds = GROUP_SKELS + 2000, names = 4;
	uint32_t n = 0;
	struct buf b;

	for (unsigned i = 0; i < rounds * names; i++) {
		char name[8], line[64] = "";

		for (unsigned w = 0; w < 6; w++) {
			state ^= state << 13;
			state ^= state >> 7;
			state ^= state << 17;
			for (unsigned k = 0; k < 4; k++)
				line[5 * w + k] = (char)('a' + (state >> (5 * k)) % 26);
			line[5 * w + 4] = w % 2 ? ' ' : ':';
		}
		sprintf(name, "p%u", i % names);
		add(&g, name, 1, line);
	}
	for (unsigned i = 0; i < names; i++) {
		cr_expect_leq(g.v[i].t.n, GROUP_SKELS + SKELS_COARSE(GROUP_SKELS) + 1);
		n += g.v[i].t.n;
		lines[0] += g.v[i].t.lines;
	}
	cr_expect_leq(n, GROUPS_SKELS + SKELS_COARSE(GROUPS_SKELS) + names, "%u", n);
	cr_expect_geq(n, GROUPS_SKELS / 2, "%u", n);
	cr_expect_eq(lines[0], rounds * names);
	buf_init(&b, MODEL_STATE_MAX);
	cr_assert_eq(groups_save(&g, &b), 0);
	cr_assert_eq(groups_load(&h, buf_bytes(&b)), 0);
	for (unsigned i = 0; i < names; i++)
		lines[1] += h.v[i].t.lines;
	cr_expect_eq(lines[1], lines[0]);
	buf_fini(&b);
	groups_fini(&h);
	groups_fini(&g);
}

Test(learning, records_and_lines_are_counted)
{
	static struct learning l;

	learning_record(&l,
			bytes_str("{\"payload\":\"UElORw0K\",\"app\":\"redis\",\"dst_port\":7}"));
	learning_record(&l, bytes_str("torn"));
	learning_lines(&l, bytes_str("one line\nanother\n"), 5);
	learning_gauges(&l);
	cr_expect_eq(l.values[LOGPTN_RECORDS], 2);
	cr_expect_eq(l.values[LOGPTN_BAD], 1);
	cr_expect_eq(l.values[LOGPTN_LINES], 3);
	cr_expect_eq(l.values[LOGPTN_GROUPS], 2);
	cr_expect_eq(l.values[LOGPTN_SKELETONS], 3);
	cr_expect(l.dirty);
	learning_fini(&l);
}

static void examine(void *arg, const struct group *g, const struct formats *f,
		    const struct format *m)
{
	unsigned *calls = arg;
	struct format_msg x;
	uint64_t lines = 0;

	format_msg_init(&x, g->name, f, m);
	cr_expect(bytes_eq(x.msg.app, bytes_str("redis")));
	cr_expect(bytes_eq(x.msg.template, bytes_str("PING")));
	cr_expect_eq(x.msg.count, 22);
	cr_expect(x.msg.new);
	cr_expect_eq(x.msg.examples.n, 1);
	cr_expect(bytes_eq(x.msg.examples.v[0], bytes_str("PING")));
	cr_expect_eq(x.msg.ports.n, FORMAT_MSG_PORTS + 1);
	cr_expect(bytes_eq(x.msg.ports.v[0].name, bytes_str("100")));
	cr_expect(bytes_eq(x.msg.ports.v[FORMAT_MSG_PORTS].name, bytes_str("other")));
	for (size_t i = 0; i < x.msg.ports.n; i++)
		lines += x.msg.ports.v[i].count;
	cr_expect_eq(lines, 22);
	format_msg_fini(&x);
	++*calls;
}

Test(format_msg, ports_beyond_the_limit_are_counted_as_other)
{
	static struct groups g;
	unsigned calls = 0;

	for (uint32_t i = 0; i < 22; i++)
		add(&g, "redis", 100 + i, "PING");
	cr_assert_eq(groups_tell(&g, false, examine, &calls), 0);
	cr_expect_eq(calls, 1);
	groups_fini(&g);
}

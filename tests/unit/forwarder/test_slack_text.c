#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forwarder/slack_text.h"

static struct slack_text t;

static void begin(void)
{
	slack_text_init(&t);
}

static void end(void)
{
	slack_text_fini(&t);
}

TestSuite(slack_text, .init = begin, .fini = end);

static void add(int port, const char *readable, const char *app)
{
	struct json_object *o = json_object_new_object();
	json_object_object_add(o, "dst_port", json_object_new_int(port));
	json_object_object_add(o, "src_addr", json_object_new_string("192.0.2.1"));
	json_object_object_add(o, "payload_len", json_object_new_int((int)strlen(readable)));
	json_object_object_add(o, "readable", json_object_new_string(readable));
	if (app)
		json_object_object_add(o, "app", json_object_new_string(app));
	cr_assert_eq(slack_text_add(&t, o), 0);
	json_object_put(o);
}

/* The message as Slack would get it. */
static const char *message(void)
{
	static char out[20000];
	struct buf b;
	struct json_object *text;
	buf_init(&b, 1 << 18);
	cr_assert_eq(slack_text_body(&t, &b), 0);
	buf_addc(&b, '\0');
	struct json_object *o = json_tokener_parse((const char *)b.p);
	cr_assert(o && json_object_object_get_ex(o, "text", &text));
	snprintf(out, sizeof out, "%s", json_object_get_string(text));
	json_object_put(o);
	buf_fini(&b);
	return out;
}

Test(slack_text, one_record)
{
	add(80, "GET / HTTP/1.1\r\nHost: x\r\n", "http");
	cr_assert_str_eq(message(), "*port 80* from `192.0.2.1`, http, 25 bytes\n"
				    "```GET / HTTP/1.1\nHost: x\n```");
	slack_text_clear(&t);
	add(22, "", NULL);
	cr_assert_str_eq(message(), "*port 22* from `192.0.2.1`, 0 bytes");
}

Test(slack_text, nobody_gets_out_of_the_fence)
{
	add(80, "``` <!channel> & <http://x|y> ```\x01\xc3\xa9", "a`b<c");
	const char *m = message();
	cr_assert(strstr(m, "```''' &lt;!channel&gt; &amp; &lt;http://x|y&gt; '''...```"), "%s", m);
	cr_assert(strstr(m, ", a'b&lt;c,"), "%s", m);
}

Test(slack_text, long_payloads_are_cut)
{
	char *text = calloc(1, 5001);
	memset(text, 'x', 5000);
	add(80, text, NULL);
	const char *m = message();
	cr_assert(strstr(m, "x…```"));
	cr_assert_lt(strlen(m), SLACK_READABLE + 100);
	free(text);
}

Test(slack_text, five_are_shown_and_the_others_counted)
{
	for (int i = 0; i < 5; i++)
		add(80, "x", NULL);
	cr_assert_not(strstr(message(), "more"));
	for (int i = 0; i < 30; i++)
		add(22, "x", NULL);
	for (int i = 0; i < 12; i++)
		add(1000 + i, "x", NULL);
	const char *m = message();
	cr_assert(strstr(m, "\nand 42 more: port 22 (30), port 1000 (1),"), "%s", m);
	cr_assert(strstr(m, "port 1006 (1), others (5)"), "%s", m);
	slack_text_clear(&t);
	add(23, "y", NULL);
	cr_assert_not(strstr(message(), "more"));
}

Test(slack_text, the_worst_message_fits)
{
	char *text = calloc(1, 5001);
	memset(text, '&', 5000);
	for (int i = 0; i < 100; i++)
		add(60000 + i, text, text);
	cr_assert_lt(strlen(message()), 40000);
	free(text);
}

#include <criterion/criterion.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

static char text[8192];
static int out;

static void setup(void)
{
	char path[] = "/tmp/lurker-log-XXXXXX";
	out = mkstemp(path);
	unlink(path);
	unsetenv("JOURNAL_STREAM");
	cr_assert_geq(dup2(out, STDERR_FILENO), 0);
}

static const char *logged(void)
{
	ssize_t n = pread(out, text, sizeof text - 1, 0);
	cr_assert_geq(n, 0);
	text[n] = '\0';
	return text;
}

TestSuite(log, .init = setup);

Test(log, text_line)
{
	log_open("capture", LOG_LEVEL_INFO, 0);
	log_info("journal opened", "path=%s packets=%d", "x", 7);
	cr_assert(strstr(logged(), "info  capture: journal opened path=x packets=7\n"), "%s", text);
}

Test(log, level_is_honoured)
{
	log_open("capture", LOG_LEVEL_WARN, 0);
	log_info("quiet", NULL);
	log_warn("loud", NULL);
	cr_assert_null(strstr(logged(), "quiet"));
	cr_assert(strstr(text, "loud\n"));
}

Test(log, nobody_forges_a_line)
{
	log_open("analyzer", LOG_LEVEL_INFO, 0);
	log_info("seen", "value=\"%s\"", "a\nfake line\x1b[31m");
	cr_assert(strstr(logged(), "value=\"a.fake line.[31m\"\n"), "%s", text);
}

Test(log, json_is_json)
{
	log_open("flowagg", LOG_LEVEL_INFO, 1);
	log_info("sealed \"it\"", "key=%s note=\"two words\" odd=\"%s\"", "pcap/x",
		 "back\\slash \xff tab\t");
	struct json_object *o = json_tokener_parse(logged());
	cr_assert_not_null(o, "%s", text);
	struct json_object *v;
	cr_assert(json_object_object_get_ex(o, "event", &v));
	cr_assert_str_eq(json_object_get_string(v), "sealed \"it\"");
	cr_assert(json_object_object_get_ex(o, "note", &v));
	cr_assert_str_eq(json_object_get_string(v), "two words");
	cr_assert(json_object_object_get_ex(o, "key", &v));
	cr_assert(json_object_object_get_ex(o, "service", &v));
	json_object_put(o);
}

Test(log, repetition_is_held_back_and_counted)
{
	log_open("x", LOG_LEVEL_INFO, 0);
	for (int i = 0; i < 100; i++)
		log_warn("disk full", "n=%d", i);
	cr_assert(strstr(logged(), "n=0\n"));
	cr_assert_null(strstr(text, "n=1\n"));
}

Test(log, long_lines_are_cut)
{
	static char big[6000];
	memset(big, 'a', sizeof big - 1);
	for (int json = 0; json < 2; json++) {
		log_open("x", LOG_LEVEL_INFO, json);
		log_info(json ? "big json" : "big text", "v=%s", big);
	}
	logged();
	cr_assert_lt(strlen(text), 4200);
	cr_assert_eq(text[strlen(text) - 1], '\n');
}

Test(log, journal_priority)
{
	setenv("JOURNAL_STREAM", "1:2", 1);
	log_open("x", LOG_LEVEL_INFO, 0);
	log_error("broken", NULL);
	cr_assert(strncmp(logged(), "<3>", 3) == 0, "%s", text);
}

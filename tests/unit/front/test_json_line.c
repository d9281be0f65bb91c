#include <criterion/criterion.h>
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "json_line.h"

Test(json_line, one_whole_object)
{
	static const char *const bad[] = {"",      "{",    "{\"a\":1", "[1]", "1",
					  "\"a\"", "null", "{}{}",     "x{}"};
	struct json_object *o;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		cr_expect_eq(json_line_parse(bytes_str(bad[i]), &o), -EBADMSG, "%s", bad[i]);
		cr_expect_null(o);
	}
	cr_assert_eq(json_line_parse(bytes_str("{}\n"), &o), 0, "white space may follow");
	json_object_put(o);
}

Test(json_line, fields)
{
	struct json_object *o;
	cr_assert_eq(
		json_line_parse(bytes_str("{\"t\":\"x\",\"n\":18446744073709551615,\"null\":null}"),
				&o),
		0);
	cr_expect_str_eq(json_line_text(o, "t"), "x");
	cr_expect_null(json_line_text(o, "null"));
	cr_expect_null(json_line_text(o, "absent"));
	cr_expect_eq(json_line_u64(o, "n"), UINT64_MAX);
	cr_expect_eq(json_line_u64(o, "absent"), 0);
	json_object_put(o);
}

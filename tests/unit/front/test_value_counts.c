#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "value_counts.h"

static const char record[] = "{\"src_addr\":\"198.51.100.7\",\"http\":{\"user_agent\":\"curl/8\"}}";

Test(value_counts, by_path)
{
	struct value_counts *c;
	char out[1024] = "";
	cr_assert_eq(value_counts_new("http.user_agent", &c), 0);
	struct json_object *o = json_tokener_parse(record), *none = json_tokener_parse("{}");
	for (int i = 0; i < 3; i++)
		cr_assert_eq(value_counts_add(c, o), 0);
	cr_assert_eq(value_counts_add(c, none), 0);
	FILE *f = fmemopen(out, sizeof out, "w");
	value_counts_print(c, f, NULL, 10, false);
	fclose(f);
	cr_expect(strstr(out, "         3   75.0%  curl/8\n"), "%s", out);
	cr_expect(strstr(out, "         1   25.0%  -\n"), "%s", out);
	f = fmemopen(out, sizeof out, "w");
	char more[128] = "";
	FILE *notes = fmemopen(more, sizeof more, "w");
	value_counts_print(c, f, notes, 1, true);
	fclose(f);
	fclose(notes);
	cr_expect_str_eq(out, "{\"http.user_agent\":\"curl/8\",\"count\":3}\n");
	cr_expect(strstr(more, "leaves out 1 of 4 records\n"), "%s", more);
	json_object_put(o);
	json_object_put(none);
	value_counts_free(&c);
}

/* counted: what counting a field of one record prints as JSON. */
static void counted(const char *field, const char *text, const char *want)
{
	struct value_counts *c;
	char out[256] = "";
	struct json_object *o = json_tokener_parse(text);
	cr_assert_eq(value_counts_new(field, &c), 0);
	cr_assert_eq(value_counts_add(c, o), 0);
	FILE *f = fmemopen(out, sizeof out, "w");
	value_counts_print(c, f, f, 10, true);
	fclose(f);
	cr_expect_str_eq(out, want, "%s", out);
	json_object_put(o);
	value_counts_free(&c);
}

Test(value_counts, the_type_of_a_value_is_kept)
{
	counted("dst_port", "{\"dst_port\":80}", "{\"dst_port\":80,\"count\":1}\n");
	counted("app", "{\"app\":\"80\"}", "{\"app\":\"80\",\"count\":1}\n");
	counted("app", "{\"app\":null}", "{\"app\":null,\"count\":1}\n");
	counted("app", "{}", "{\"app\":null,\"count\":1}\n");
	counted("verified", "{\"verified\":true}", "{\"verified\":true,\"count\":1}\n");
}

Test(value_counts, fields_are_known)
{
	static const char *const good[] = {"src_addr", "http.user_agent", "http", "geo.country",
					   "gaps"};
	static const char *const bad[] = {"",           "nosuch", "http.nosuch",
					  "src_addr.x", "http.",  "gaps.from"};
	char err[2048];
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		cr_expect(value_counts_field_known(good[i], err, sizeof err), "%s", good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		cr_expect_not(value_counts_field_known(bad[i], err, sizeof err), "%s", bad[i]);
	cr_expect_not(value_counts_field_known("nosuch", err, sizeof err));
	cr_expect(strstr(err, "no field \"nosuch\"; there are init_ts "), "%s", err);
	cr_expect(strstr(err, " s7"), "%s", err);
	cr_expect_not(value_counts_field_known("http.nosuch", err, sizeof err));
	cr_expect(strstr(err, " http.user_agent"), "%s", err);
}

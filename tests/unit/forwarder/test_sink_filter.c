#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "forwarder/sink_filter.h"

TestSuite(filter);

static const char text[] =
	"{\"dst_port\":22,\"payload_len\":0,\"src_addr\":\"192.0.2.1\",\"verified\":true,\"init_ts\":1.5,\"http\":{\"method\":\"POST\",\"body\":{\"n\":7}},\"port_text\":\"22\"}";

static bool match(const char *term)
{
	char copy[200], err[200];
	char *v[1] = {strcpy(copy, term)};
	struct sink_filter f;
	struct json_object *o = json_tokener_parse(text);
	cr_assert_eq(sink_filter_parse(&(struct opt_list){v, 1}, &f, err, sizeof err), 0, "%s: %s",
		     term, err);
	bool m = sink_filter_match(&f, o);
	json_object_put(o);
	return m;
}

Test(filter, terms)
{
	static const char *const yes[] = {"dst_port=22",   "dst_port!=23",     "dst_port<23",
					  "dst_port<=22",  "dst_port>21",      "dst_port>=22",
					  "dst_port=22.0", "payload_len<1",    "init_ts>1",
					  "verified=true", "verified!=false",  "absent!=1",
					  "http.body.n=7", "http.method=POST", "src_addr=192.0.2.1",
					  "port_text=22",  "http.x!=1",        "dst_port!=ssh"};
	static const char *const no[] = {"dst_port=23",     "dst_port!=22",   "dst_port<22",
					 "dst_port<=21",    "dst_port>22",    "dst_port>=23",
					 "payload_len>0",   "verified=false", "absent=1",
					 "absent<1",        "absent>=0",      "http.method=GET",
					 "http.method.x=1", "http=1",         "src_addr!=192.0.2.1",
					 "src_addr>1",      "dst_port=ssh",   "http.body.m=7"};
	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
		cr_assert(match(yes[i]), "%s", yes[i]);
	for (size_t i = 0; i < sizeof no / sizeof *no; i++)
		cr_assert_not(match(no[i]), "%s", no[i]);
}

Test(filter, what_is_no_term)
{
	static const char *const bad[] = {"",     "dst_port", "=22", "dst_port=",    "a<b",
					  "a>=x", "a!b",      "a!",  "payload_len>", "dst_port 22"};
	struct sink_filter f;
	char err[200], copy[300];
	char *v[SINK_FILTER_TERMS + 1];
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		v[0] = strcpy(copy, bad[i]);
		cr_assert_eq(sink_filter_parse(&(struct opt_list){v, 1}, &f, err, sizeof err),
			     -EINVAL, "%s", bad[i]);
		cr_assert(strstr(err, bad[i]));
	}
	memset(copy, 'k', 280);
	strcpy(copy + 70, "=1");
	cr_assert_eq(sink_filter_parse(&(struct opt_list){v, 1}, &f, err, sizeof err), -EINVAL,
		     "long key");
	memset(copy, 'v', 280);
	memcpy(copy, "k=", 2);
	copy[280] = '\0';
	cr_assert_eq(sink_filter_parse(&(struct opt_list){v, 1}, &f, err, sizeof err), -EINVAL,
		     "long value");
	for (size_t i = 0; i <= SINK_FILTER_TERMS; i++)
		v[i] = strcpy(copy, "a=1");
	cr_assert_eq(sink_filter_parse(&(struct opt_list){v, SINK_FILTER_TERMS + 1}, &f, err,
				       sizeof err),
		     -EINVAL);
	cr_assert_eq(
		sink_filter_parse(&(struct opt_list){v, SINK_FILTER_TERMS}, &f, err, sizeof err),
		0);
}

Test(filter, all_terms_have_to_hold)
{
	char a[] = "dst_port=22", b[] = "payload_len>0";
	char *v[2] = {a, b}, err[100];
	struct sink_filter f;
	struct json_object *o = json_tokener_parse(text);
	cr_assert_eq(sink_filter_parse(&(struct opt_list){v, 2}, &f, err, sizeof err), 0);
	cr_assert_not(sink_filter_match(&f, o));
	cr_assert_eq(sink_filter_parse(&(struct opt_list){v, 0}, &f, err, sizeof err), 0);
	cr_assert(sink_filter_match(&f, o), "no terms: everything");
	json_object_put(o);
}

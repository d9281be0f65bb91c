#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cloud/creds_parse.h"

TestSuite(creds_parse);

static const char ini[] = "# aws_access_key_id = COMMENT\n"
			  "aws_access_key_id = BEFORE\n"
			  "[default]\r\n"
			  "aws_access_key_id=AKID1\r\n"
			  "  aws_secret_access_key =  s3cr=et/+  \n"
			  "; aws_session_token = no\n"
			  "\n"
			  "[ other ]\n"
			  "aws_access_key_id = AKID2\n"
			  "line without a sign\n"
			  "empty =\n"
			  "[last]\n"
			  "region = eu-x-1";

static int get(const char *section, const char *key, char *out, size_t n)
{
	return creds_ini(bytes_str(ini), section, key, out, n);
}

Test(creds_parse, ini)
{
	char v[32];
	cr_assert_eq(get("default", "aws_access_key_id", v, sizeof v), 0);
	cr_assert_str_eq(v, "AKID1");
	cr_assert_eq(get("default", "aws_secret_access_key", v, sizeof v), 0);
	cr_assert_str_eq(v, "s3cr=et/+");
	cr_assert_eq(get("other", "aws_access_key_id", v, sizeof v), 0);
	cr_assert_str_eq(v, "AKID2");
	cr_assert_eq(get("other", "empty", v, sizeof v), 0);
	cr_assert_str_eq(v, "");
	cr_assert_eq(get("last", "region", v, sizeof v), 0);
	cr_assert_str_eq(v, "eu-x-1");
	cr_assert_eq(get("default", "aws_session_token", v, sizeof v), -ENOENT);
	cr_assert_eq(get("other", "aws_secret_access_key", v, sizeof v), -ENOENT);
	cr_assert_eq(get("nobody", "region", v, sizeof v), -ENOENT);
	cr_assert_eq(get("default", "aws_access_key_id", v, 5), -ENAMETOOLONG);
	cr_assert_eq(get("default", "aws_access_key_id", v, 6), 0);
	cr_assert_eq(creds_ini(bytes_of("[a]\nk=x\0y\n", 10), "a", "k", v, sizeof v), -EINVAL);
	cr_assert_eq(creds_ini(bytes_str("[a]\nk=x\ry\n"), "a", "k", v, sizeof v), -EINVAL);
	cr_assert_eq(creds_ini((struct bytes){0}, "a", "k", v, sizeof v), -ENOENT);
}

#define JSON(id, secret, token, when)                                              \
	"{\"Code\":\"Success\",\"AccessKeyId\":" id ",\"SecretAccessKey\":" secret \
	",\"Token\":" token ",\"Expiration\":" when "}"
#define WHEN "\"1994-11-06T08:49:37Z\""

Test(creds_parse, json)
{
	struct creds c;
	cr_assert_eq(creds_json(bytes_str(JSON("\"A\"", "\"S\"", "\"T\"", WHEN)), &c), 0);
	cr_assert_str_eq(c.key_id, "A");
	cr_assert_str_eq(c.secret, "S");
	cr_assert_str_eq(c.token, "T");
	cr_assert_eq(c.expires_s, 784111777);
	static const char *const wrong[] = {
		"",
		"[]",
		"\"A\"",
		"{",
		"{}",
		"<html>",
		JSON("1", "\"S\"", "\"T\"", WHEN),
		JSON("\"\"", "\"S\"", "\"T\"", WHEN),
		JSON("\"A\"", "null", "\"T\"", WHEN),
		JSON("\"A\"", "\"S\"", "\"\"", WHEN),
		JSON("\"A\"", "\"S\"", "\"T\"", "\"tomorrow\""),
		JSON("\"A\"", "\"S\"", "\"T\\r\\nX-Forged: y\"", WHEN),
		JSON("\"A\\n\"", "\"S\"", "\"T\"", WHEN),
		JSON("\"A\"", "\"S\\u0000\"", "\"T\"", WHEN),
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		cr_assert_eq(creds_json(bytes_str(wrong[i]), &c), -EINVAL, "%s", wrong[i]);
}

Test(creds_parse, a_token_that_is_too_long)
{
	static char text[CREDS_TOKEN_MAX + 512], token[CREDS_TOKEN_MAX + 1];
	struct creds c;
	memset(token, 't', CREDS_TOKEN_MAX);
	snprintf(text, sizeof text, JSON("\"A\"", "\"S\"", "\"%s\"", WHEN), token);
	cr_assert_eq(creds_json(bytes_str(text), &c), -EINVAL);
	token[CREDS_TOKEN_MAX - 1] = '\0';
	snprintf(text, sizeof text, JSON("\"A\"", "\"S\"", "\"%s\"", WHEN), token);
	cr_assert_eq(creds_json(bytes_str(text), &c), 0);
}

#define STS(id, secret, token, when)                                                   \
	"<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/\">" \
	"<R><Credentials><AccessKeyId>" id "</AccessKeyId><SecretAccessKey>" secret    \
	"</SecretAccessKey><SessionToken>" token "</SessionToken><Expiration>" when    \
	"</Expiration></Credentials></R></AssumeRoleWithWebIdentityResponse>"

Test(creds_parse, sts)
{
	struct creds c;
	cr_assert_eq(creds_sts(bytes_str(STS("A", "S&amp;/", "T", "1994-11-06T08:49:37Z")), &c), 0);
	cr_assert_str_eq(c.key_id, "A");
	cr_assert_str_eq(c.secret, "S&/");
	cr_assert_str_eq(c.token, "T");
	cr_assert_eq(c.expires_s, 784111777);
	static const char *const wrong[] = {"",
					    "<Error/>",
					    STS("", "S", "T", "1994-11-06T08:49:37Z"),
					    STS("A", "", "T", "1994-11-06T08:49:37Z"),
					    STS("A", "S", "", "1994-11-06T08:49:37Z"),
					    STS("A", "S", "T", "later"),
					    STS("A", "S", "T\r\nX: y", "1994-11-06T08:49:37Z")};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		cr_assert_eq(creds_sts(bytes_str(wrong[i]), &c), -EINVAL, "%s", wrong[i]);
}

static int xml(const char *text, char *out, size_t n)
{
	return xml_text(bytes_str(text), "Code", out, n);
}

Test(creds_parse, xml_elements)
{
	char v[16];
	cr_assert_eq(xml("<E><Code>SlowDown</Code></E>", v, sizeof v), 0);
	cr_assert_str_eq(v, "SlowDown");
	cr_assert_eq(xml("<Code></Code>", v, sizeof v), 0);
	cr_assert_str_eq(v, "");
	cr_assert_eq(xml("<Code>&lt;&gt;&quot;&apos;&amp;&x;</Code>", v, sizeof v), 0);
	cr_assert_str_eq(v, "<>\"'&&x;");
	cr_assert_eq(xml("<Code>0123456789abcde</Code>", v, sizeof v), 0);
	cr_assert_eq(xml("<Code>0123456789abcdef</Code>", v, sizeof v), -ENAMETOOLONG);
	static const char *const none[] = {"",
					   "<Code",
					   "<Code>",
					   "<Code>a",
					   "<Code>a<",
					   "<Code>a</Cod",
					   "<Code>a<b/></Code>",
					   "<code>a</code>",
					   "<Codes>a</Codes>"};
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		cr_assert_eq(xml(none[i], v, sizeof v), -ENOENT, "%s", none[i]);
	cr_assert_eq(xml_text(bytes_of("<Code>a\0b</Code>", 16), "Code", v, sizeof v),
		     -ENAMETOOLONG);
}

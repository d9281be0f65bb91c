#include <criterion/criterion.h>
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#include "cloud/answer.h"

TestSuite(answer);

static struct verdict judge(long status, const char *code, bool temporary)
{
	static char body[256];
	struct verdict v;
	snprintf(body, sizeof body, "<Error><Code>%s</Code><Message>a \"b\"\nc</Message></Error>",
		 code);
	struct http_answer a = {.status = status, .body = bytes_str(code ? body : "")};
	answer_judge(&a, false, temporary, "S3", &v);
	return v;
}

Test(answer, statuses)
{
	static const struct {
		long status;
		const char *code;
		enum answer want;
	} rows[] = {
		{200, "", ANSWER_GOOD},
		{204, "", ANSWER_GOOD},
		{500, "InternalError", ANSWER_RETRY},
		{502, "", ANSWER_RETRY},
		{503, "SlowDown", ANSWER_RETRY},
		{503, "ServiceUnavailable", ANSWER_RETRY},
		{504, "", ANSWER_RETRY},
		{408, "", ANSWER_RETRY},
		{429, "TooManyRequests", ANSWER_RETRY},
		{400, "RequestTimeout", ANSWER_RETRY},
		{400, "Throttling", ANSWER_RETRY},
		{400, "XAmzContentSHA256Mismatch", ANSWER_RETRY},
		{403, "RequestTimeTooSkewed", ANSWER_RETRY},
		{409, "OperationAborted", ANSWER_RETRY},
		{400, "EntityTooLarge", ANSWER_REFUSED},
		{400, "KeyTooLongError", ANSWER_REFUSED},
		{403, "AccessDenied", ANSWER_STUCK},
		{403, "SignatureDoesNotMatch", ANSWER_STUCK},
		{404, "NoSuchBucket", ANSWER_STUCK},
		{400, "InvalidArgument", ANSWER_STUCK},
		{405, "", ANSWER_STUCK},
		{301, "PermanentRedirect", ANSWER_STUCK},
		{307, "TemporaryRedirect", ANSWER_STUCK},
		{199, "", ANSWER_STUCK},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct verdict v = judge(rows[i].status, rows[i].code, true);
		cr_assert_eq(v.result, rows[i].want, "%ld %s", rows[i].status, rows[i].code);
		cr_assert_eq(v.why[0] == '\0', rows[i].want == ANSWER_GOOD);
		cr_assert_not(v.credentials);
		cr_assert_not(strpbrk(v.why, "\"\n"), "%s", v.why);
	}
}

Test(answer, expired_credentials)
{
	struct verdict v = judge(400, "ExpiredToken", true);
	cr_assert(v.result == ANSWER_RETRY && v.credentials);
	v = judge(403, "InvalidAccessKeyId", false);
	cr_assert(v.result == ANSWER_STUCK && v.credentials, "long-term keys need a person");
}

Test(answer, a_corrected_clock_is_worth_a_try)
{
	struct verdict v;
	struct http_answer a = {.status = 403,
				.body = bytes_str("<Code>SignatureDoesNotMatch</Code>")};
	answer_judge(&a, true, false, "SNS", &v);
	cr_assert_eq(v.result, ANSWER_RETRY);
	cr_assert(strstr(v.why, "SNS: status 403 SignatureDoesNotMatch (the clocks differ"), "%s",
		  v.why);
}

Test(answer, says_where_the_bucket_is)
{
	struct verdict v;
	struct http_answer a = {.status = 301, .body = bytes_str("x"), .region = "eu-x-1"};
	answer_judge(&a, false, false, "S3", &v);
	cr_assert(strstr(v.why, "eu-x-1"), "%s", v.why);
}

Test(answer, no_answer)
{
	static const struct {
		int curl;
		enum answer want;
	} rows[] = {
		{CURLE_COULDNT_RESOLVE_HOST, ANSWER_RETRY},
		{CURLE_COULDNT_CONNECT, ANSWER_RETRY},
		{CURLE_OPERATION_TIMEDOUT, ANSWER_RETRY},
		{CURLE_SEND_ERROR, ANSWER_RETRY},
		{CURLE_RECV_ERROR, ANSWER_RETRY},
		{CURLE_GOT_NOTHING, ANSWER_RETRY},
		{CURLE_SSL_CONNECT_ERROR, ANSWER_RETRY},
		{CURLE_PEER_FAILED_VERIFICATION, ANSWER_STUCK},
		{CURLE_SSL_CACERT_BADFILE, ANSWER_STUCK},
		{CURLE_URL_MALFORMAT, ANSWER_STUCK},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct verdict v;
		/* A status may have come before the connection broke. */
		struct http_answer a = {.curl = rows[i].curl, .status = 200, .error = "it\nbroke"};
		answer_judge(&a, false, false, "S3", &v);
		cr_assert_eq(v.result, rows[i].want, "%d", rows[i].curl);
		cr_assert_str_eq(v.why, "S3: it broke");
	}
}

Test(answer, any_bytes_for_a_body)
{
	struct verdict v;
	char body[2000];
	memset(body, '<', sizeof body);
	struct http_answer a = {.status = 404, .body = bytes_of(body, sizeof body)};
	answer_judge(&a, false, false, "S3", &v);
	cr_assert_str_eq(v.why, "S3: status 404");
	memset(body, 'x', sizeof body);
	memcpy(body, "<Code>", 6);
	memcpy(body + 1000, "</Code>", 7);
	answer_judge(&a, false, false, "S3", &v);
	cr_assert_str_eq(v.why, "S3: status 404", "a code that long is none");
}

Test(answer, json_errors)
{
	static const struct {
		const char *body, *code;
		enum answer want;
	} rows[] = {
		{"{\"__type\":\"ThrottlingException\",\"message\":\"m\"}", "ThrottlingException",
		 ANSWER_RETRY},
		{"{\"__type\":\"com.amazonaws.logs#InvalidParameterException\",\"Message\":\"m\"}",
		 "InvalidParameterException", ANSWER_REFUSED},
		{"{\"__type\":\"ResourceNotFoundException\",\"message\":\"m\"}",
		 "ResourceNotFoundException", ANSWER_STUCK},
		{"{\"__type\":7}", "", ANSWER_STUCK},
		{"{", "", ANSWER_STUCK},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct verdict v;
		struct http_answer a = {.status = 400, .body = bytes_str(rows[i].body)};
		answer_judge(&a, false, false, "Logs", &v);
		cr_assert_eq(v.result, rows[i].want, "%s", rows[i].body);
		cr_assert_str_eq(v.code, rows[i].code);
	}
}

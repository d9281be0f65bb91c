#include <criterion/criterion.h>
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#include "cloud/response.h"

TestSuite(answer);

static struct verdict judge(long status, const char *code, bool temporary)
{
	static char body[256];
	struct verdict v;
	snprintf(body, sizeof body, "<Error><Code>%s</Code><Message>a \"b\"\nc</Message></Error>",
		 code);
	struct http_response a = {.status = status, .body = bytes_str(code ? body : "")};
	response_judge(&a, false, temporary, "S3", &v);
	return v;
}

Test(answer, statuses)
{
	static const struct {
		long status;
		const char *code;
		enum outcome want;
	} rows[] = {
		{200, "", OUTCOME_OK},
		{204, "", OUTCOME_OK},
		{500, "InternalError", OUTCOME_RETRY},
		{502, "", OUTCOME_RETRY},
		{503, "SlowDown", OUTCOME_RETRY},
		{503, "ServiceUnavailable", OUTCOME_RETRY},
		{504, "", OUTCOME_RETRY},
		{408, "", OUTCOME_RETRY},
		{429, "TooManyRequests", OUTCOME_RETRY},
		{400, "RequestTimeout", OUTCOME_RETRY},
		{400, "Throttling", OUTCOME_RETRY},
		{400, "XAmzContentSHA256Mismatch", OUTCOME_RETRY},
		{403, "RequestTimeTooSkewed", OUTCOME_RETRY},
		{409, "OperationAborted", OUTCOME_RETRY},
		{400, "EntityTooLarge", OUTCOME_REFUSED},
		{400, "KeyTooLongError", OUTCOME_REFUSED},
		{403, "AccessDenied", OUTCOME_STUCK},
		{403, "SignatureDoesNotMatch", OUTCOME_STUCK},
		{404, "NoSuchBucket", OUTCOME_STUCK},
		{400, "InvalidArgument", OUTCOME_STUCK},
		{405, "", OUTCOME_STUCK},
		{301, "PermanentRedirect", OUTCOME_STUCK},
		{307, "TemporaryRedirect", OUTCOME_STUCK},
		{199, "", OUTCOME_STUCK},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct verdict v = judge(rows[i].status, rows[i].code, true);
		cr_assert_eq(v.result, rows[i].want, "%ld %s", rows[i].status, rows[i].code);
		cr_assert_eq(v.why[0] == '\0', rows[i].want == OUTCOME_OK);
		cr_assert_not(v.credentials);
		cr_assert_not(strpbrk(v.why, "\"\n"), "%s", v.why);
	}
}

Test(answer, expired_credentials)
{
	struct verdict v = judge(400, "ExpiredToken", true);
	cr_assert(v.result == OUTCOME_RETRY && v.credentials);
	v = judge(403, "InvalidAccessKeyId", false);
	cr_assert(v.result == OUTCOME_STUCK && v.credentials, "long-term keys need a person");
}

Test(answer, a_corrected_clock_is_worth_a_try)
{
	struct verdict v;
	struct http_response a = {.status = 403,
				  .body = bytes_str("<Code>SignatureDoesNotMatch</Code>")};
	response_judge(&a, true, false, "SNS", &v);
	cr_assert_eq(v.result, OUTCOME_RETRY);
	cr_assert(strstr(v.why, "SNS: status 403 SignatureDoesNotMatch (the clocks differ"), "%s",
		  v.why);
}

Test(answer, says_where_the_bucket_is)
{
	struct verdict v;
	struct http_response a = {.status = 301, .body = bytes_str("x"), .region = "eu-x-1"};
	response_judge(&a, false, false, "S3", &v);
	cr_assert(strstr(v.why, "eu-x-1"), "%s", v.why);
}

Test(answer, no_answer)
{
	static const struct {
		int curl;
		enum outcome want;
	} rows[] = {
		{CURLE_COULDNT_RESOLVE_HOST, OUTCOME_RETRY},
		{CURLE_COULDNT_CONNECT, OUTCOME_RETRY},
		{CURLE_OPERATION_TIMEDOUT, OUTCOME_RETRY},
		{CURLE_SEND_ERROR, OUTCOME_RETRY},
		{CURLE_RECV_ERROR, OUTCOME_RETRY},
		{CURLE_GOT_NOTHING, OUTCOME_RETRY},
		{CURLE_SSL_CONNECT_ERROR, OUTCOME_RETRY},
		{CURLE_PEER_FAILED_VERIFICATION, OUTCOME_STUCK},
		{CURLE_SSL_CACERT_BADFILE, OUTCOME_STUCK},
		{CURLE_URL_MALFORMAT, OUTCOME_STUCK},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct verdict v;
		/* A status may have come before the connection broke. */
		struct http_response a = {
			.curl = rows[i].curl, .status = 200, .error = "it\nbroke"};
		response_judge(&a, false, false, "S3", &v);
		cr_assert_eq(v.result, rows[i].want, "%d", rows[i].curl);
		cr_assert_str_eq(v.why, "S3: it broke");
	}
}

Test(answer, any_bytes_for_a_body)
{
	struct verdict v;
	char body[2000];
	memset(body, '<', sizeof body);
	struct http_response a = {.status = 404, .body = bytes_of(body, sizeof body)};
	response_judge(&a, false, false, "S3", &v);
	cr_assert_str_eq(v.why, "S3: status 404");
	memset(body, 'x', sizeof body);
	memcpy(body, "<Code>", 6);
	memcpy(body + 1000, "</Code>", 7);
	response_judge(&a, false, false, "S3", &v);
	cr_assert_str_eq(v.why, "S3: status 404", "a code that long is none");
}

Test(answer, json_errors)
{
	static const struct {
		const char *body, *code;
		enum outcome want;
	} rows[] = {
		{"{\"__type\":\"ThrottlingException\",\"message\":\"m\"}", "ThrottlingException",
		 OUTCOME_RETRY},
		{"{\"__type\":\"com.amazonaws.logs#InvalidParameterException\",\"Message\":\"m\"}",
		 "InvalidParameterException", OUTCOME_REFUSED},
		{"{\"__type\":\"ResourceNotFoundException\",\"message\":\"m\"}",
		 "ResourceNotFoundException", OUTCOME_STUCK},
		{"{\"__type\":7}", "", OUTCOME_STUCK},
		{"{", "", OUTCOME_STUCK},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct verdict v;
		struct http_response a = {.status = 400, .body = bytes_str(rows[i].body)};
		response_judge(&a, false, false, "Logs", &v);
		cr_assert_eq(v.result, rows[i].want, "%s", rows[i].body);
		cr_assert_str_eq(v.code, rows[i].code);
	}
}

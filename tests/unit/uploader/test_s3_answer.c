#include <criterion/criterion.h>
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#include "uploader/s3_answer.h"

TestSuite(s3_answer);

static struct s3_verdict judge(long status, const char *code, bool temporary)
{
	static char body[256];
	struct s3_verdict v;
	snprintf(body, sizeof body, "<Error><Code>%s</Code><Message>a \"b\"\nc</Message></Error>",
		 code);
	struct http_answer a = {.status = status, .body = bytes_str(code ? body : "")};
	s3_judge(&a, false, temporary, "S3", &v);
	return v;
}

Test(s3_answer, statuses)
{
	static const struct {
		long status;
		const char *code;
		enum store_result want;
	} rows[] = {
		{200, "", STORE_DONE},
		{204, "", STORE_DONE},
		{500, "InternalError", STORE_RETRY},
		{502, "", STORE_RETRY},
		{503, "SlowDown", STORE_RETRY},
		{503, "ServiceUnavailable", STORE_RETRY},
		{504, "", STORE_RETRY},
		{408, "", STORE_RETRY},
		{429, "TooManyRequests", STORE_RETRY},
		{400, "RequestTimeout", STORE_RETRY},
		{400, "Throttling", STORE_RETRY},
		{400, "XAmzContentSHA256Mismatch", STORE_RETRY},
		{403, "RequestTimeTooSkewed", STORE_RETRY},
		{409, "OperationAborted", STORE_RETRY},
		{400, "EntityTooLarge", STORE_REFUSED},
		{400, "KeyTooLongError", STORE_REFUSED},
		{403, "AccessDenied", STORE_STUCK},
		{403, "SignatureDoesNotMatch", STORE_STUCK},
		{404, "NoSuchBucket", STORE_STUCK},
		{400, "InvalidArgument", STORE_STUCK},
		{405, "", STORE_STUCK},
		{301, "PermanentRedirect", STORE_STUCK},
		{307, "TemporaryRedirect", STORE_STUCK},
		{199, "", STORE_STUCK},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct s3_verdict v = judge(rows[i].status, rows[i].code, true);
		cr_assert_eq(v.result, rows[i].want, "%ld %s", rows[i].status, rows[i].code);
		cr_assert_eq(v.why[0] == '\0', rows[i].want == STORE_DONE);
		cr_assert_not(v.credentials);
		cr_assert_not(strpbrk(v.why, "\"\n"), "%s", v.why);
	}
}

Test(s3_answer, expired_credentials)
{
	struct s3_verdict v = judge(400, "ExpiredToken", true);
	cr_assert(v.result == STORE_RETRY && v.credentials);
	v = judge(403, "InvalidAccessKeyId", false);
	cr_assert(v.result == STORE_STUCK && v.credentials, "long-term keys need a person");
}

Test(s3_answer, a_corrected_clock_is_worth_a_try)
{
	struct s3_verdict v;
	struct http_answer a = {.status = 403,
				.body = bytes_str("<Code>SignatureDoesNotMatch</Code>")};
	s3_judge(&a, true, false, "SNS", &v);
	cr_assert_eq(v.result, STORE_RETRY);
	cr_assert(strstr(v.why, "SNS: status 403 SignatureDoesNotMatch (the clocks differ"), "%s",
		  v.why);
}

Test(s3_answer, says_where_the_bucket_is)
{
	struct s3_verdict v;
	struct http_answer a = {.status = 301, .body = bytes_str("x"), .region = "eu-x-1"};
	s3_judge(&a, false, false, "S3", &v);
	cr_assert(strstr(v.why, "eu-x-1"), "%s", v.why);
}

Test(s3_answer, no_answer)
{
	static const struct {
		int curl;
		enum store_result want;
	} rows[] = {
		{CURLE_COULDNT_RESOLVE_HOST, STORE_RETRY},
		{CURLE_COULDNT_CONNECT, STORE_RETRY},
		{CURLE_OPERATION_TIMEDOUT, STORE_RETRY},
		{CURLE_SEND_ERROR, STORE_RETRY},
		{CURLE_RECV_ERROR, STORE_RETRY},
		{CURLE_GOT_NOTHING, STORE_RETRY},
		{CURLE_SSL_CONNECT_ERROR, STORE_RETRY},
		{CURLE_PEER_FAILED_VERIFICATION, STORE_STUCK},
		{CURLE_SSL_CACERT_BADFILE, STORE_STUCK},
		{CURLE_URL_MALFORMAT, STORE_STUCK},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct s3_verdict v;
		/* A status may have come before the connection broke. */
		struct http_answer a = {.curl = rows[i].curl, .status = 200, .error = "it\nbroke"};
		s3_judge(&a, false, false, "S3", &v);
		cr_assert_eq(v.result, rows[i].want, "%d", rows[i].curl);
		cr_assert_str_eq(v.why, "S3: it broke");
	}
}

Test(s3_answer, any_bytes_for_a_body)
{
	struct s3_verdict v;
	char body[2000];
	memset(body, '<', sizeof body);
	struct http_answer a = {.status = 404, .body = bytes_of(body, sizeof body)};
	s3_judge(&a, false, false, "S3", &v);
	cr_assert_str_eq(v.why, "S3: status 404");
	memset(body, 'x', sizeof body);
	memcpy(body, "<Code>", 6);
	memcpy(body + 1000, "</Code>", 7);
	s3_judge(&a, false, false, "S3", &v);
	cr_assert_str_eq(v.why, "S3: status 404", "a code that long is none");
}

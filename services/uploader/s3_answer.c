#include "s3_answer.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#include "cloud/creds_parse.h"

/* Error codes that do not mean what their status says, and those that need no person. */
static const struct code {
	const char *name;
	enum store_result result;
	bool credentials;
} codes[] = {
	/* This object only. */
	{"EntityTooLarge", STORE_REFUSED, false},
	{"KeyTooLongError", STORE_REFUSED, false},
	/* Something on the way, or the moment. */
	{"RequestTimeout", STORE_RETRY, false},
	{"RequestTimeTooSkewed", STORE_RETRY, false},
	{"SlowDown", STORE_RETRY, false},
	{"Throttling", STORE_RETRY, false},
	{"ThrottlingException", STORE_RETRY, false},
	{"Throttled", STORE_RETRY, false},
	{"TooManyRequestsException", STORE_RETRY, false},
	{"RequestLimitExceeded", STORE_RETRY, false},
	{"BadDigest", STORE_RETRY, false},
	{"XAmzContentSHA256Mismatch", STORE_RETRY, false},
	{"IncompleteBody", STORE_RETRY, false},
	{"OperationAborted", STORE_RETRY, false},
	{"ConditionalRequestConflict", STORE_RETRY, false},
	/* Temporary credentials that have had their time. */
	{"ExpiredToken", STORE_RETRY, true},
	{"ExpiredTokenException", STORE_RETRY, true},
	{"TokenRefreshRequired", STORE_RETRY, true},
	{"InvalidToken", STORE_RETRY, true},
	{"InvalidClientTokenId", STORE_RETRY, true},
	{"InvalidAccessKeyId", STORE_RETRY, true},
};

static bool lasting(int curl)
{
	switch (curl) {
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_URL_MALFORMAT:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_CIPHER:
		return true;
	default:
		return false;
	}
}

/* Printable text on one line, for the log. */
static void clean(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~' || *text == '"')
			*text = ' ';
}

static const struct code *code_of(const char *name)
{
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (strcmp(codes[i].name, name) == 0)
			return &codes[i];
	return NULL;
}

void s3_judge(const struct http_answer *a, bool skewed, bool temporary, const char *what,
	      struct s3_verdict *out)
{
	char code[64] = "", message[160] = "";
	*out = (struct s3_verdict){.result = STORE_DONE};
	if (a->curl) {
		out->result = lasting(a->curl) ? STORE_STUCK : STORE_RETRY;
		snprintf(out->why, sizeof out->why, "%s: %s", what, a->error);
		clean(out->why);
		return;
	}
	if (a->status >= 200 && a->status < 300)
		return;
	if (xml_text(a->body, "Code", code, sizeof code) != 0)
		code[0] = '\0';
	if (xml_text(a->body, "Message", message, sizeof message) != 0)
		message[0] = '\0';
	const struct code *c = code_of(code);
	bool passing = a->status >= 500 || a->status == 408 || a->status == 429 || skewed;
	out->result = c ? c->result : passing ? STORE_RETRY : STORE_STUCK;
	if (c && c->credentials) {
		out->credentials = true;
		/* Long-term keys do not change by asking again. */
		if (!temporary)
			out->result = STORE_STUCK;
	}
	if (a->status >= 300 && a->status < 400)
		snprintf(out->why, sizeof out->why,
			 "%s: status %ld: the bucket is elsewhere%s%s (uploader.s3_region)", what,
			 a->status, a->region[0] ? ", in " : "", a->region);
	else
		snprintf(out->why, sizeof out->why, "%s: status %ld%s%s%s%s%s", what, a->status,
			 code[0] ? " " : "", code, message[0] ? ": " : "", message,
			 skewed ? " (the clocks differ; corrected)" : "");
	clean(out->why);
}

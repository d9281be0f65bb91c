#include "cloud/answer.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#include "cloud/creds_parse.h"
#include "cloud/json_read.h"

/* Error codes that do not mean what their status says, and those that need no person. */
static const struct code {
	const char *name;
	enum answer result;
	bool credentials;
} codes[] = {
	/* This object only. */
	{"EntityTooLarge", ANSWER_REFUSED, false},
	{"KeyTooLongError", ANSWER_REFUSED, false},
	{"InvalidParameterException", ANSWER_REFUSED, false},
	{"SerializationException", ANSWER_REFUSED, false},
	/* Something on the way, or the moment. */
	{"RequestTimeout", ANSWER_RETRY, false},
	{"RequestTimeTooSkewed", ANSWER_RETRY, false},
	{"SlowDown", ANSWER_RETRY, false},
	{"Throttling", ANSWER_RETRY, false},
	{"ThrottlingException", ANSWER_RETRY, false},
	{"Throttled", ANSWER_RETRY, false},
	{"TooManyRequestsException", ANSWER_RETRY, false},
	{"RequestLimitExceeded", ANSWER_RETRY, false},
	{"BadDigest", ANSWER_RETRY, false},
	{"XAmzContentSHA256Mismatch", ANSWER_RETRY, false},
	{"IncompleteBody", ANSWER_RETRY, false},
	{"OperationAbortedException", ANSWER_RETRY, false},
	{"OperationAborted", ANSWER_RETRY, false},
	{"RequestThrottled", ANSWER_RETRY, false},
	{"KmsThrottled", ANSWER_RETRY, false},
	{"OverLimit", ANSWER_RETRY, false},
	{"ConditionalRequestConflict", ANSWER_RETRY, false},
	/* Temporary credentials that have had their time. */
	{"ExpiredToken", ANSWER_RETRY, true},
	{"ExpiredTokenException", ANSWER_RETRY, true},
	{"TokenRefreshRequired", ANSWER_RETRY, true},
	{"UnrecognizedClientException", ANSWER_RETRY, true},
	{"InvalidToken", ANSWER_RETRY, true},
	{"InvalidClientTokenId", ANSWER_RETRY, true},
	{"InvalidAccessKeyId", ANSWER_RETRY, true},
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

static void json_field(struct json_object *o, const char *key, char *out, size_t n)
{
	struct json_object *v = json_get(o, key, json_type_string);
	if (v)
		snprintf(out, n, "%.*s", (int)n - 1, json_object_get_string(v));
}

/* {"__type":"com.amazonaws.logs#ThrottlingException","message":"…"} */
static void read_json(struct bytes body, char *code, size_t ncode, char *message, size_t nmessage)
{
	char type[128] = "";
	struct json_object *o = json_read(body, 8, 1u << 20);
	json_field(o, "__type", type, sizeof type);
	json_field(o, "message", message, nmessage);
	if (!message[0])
		json_field(o, "Message", message, nmessage);
	const char *name = strrchr(type, '#');
	snprintf(code, ncode, "%.*s", (int)ncode - 1, name ? name + 1 : type);
	json_object_put(o);
}

static void read_xml(struct bytes body, char *code, size_t ncode, char *message, size_t nmessage)
{
	if (xml_text(body, "Code", code, ncode) != 0)
		code[0] = '\0';
	if (xml_text(body, "Message", message, nmessage) != 0)
		message[0] = '\0';
}

void answer_judge(const struct http_answer *a, bool skewed, bool temporary, const char *what,
		  struct verdict *out)
{
	char message[160] = "";
	*out = (struct verdict){.result = ANSWER_GOOD};
	if (a->curl) {
		out->result = lasting(a->curl) ? ANSWER_STUCK : ANSWER_RETRY;
		snprintf(out->why, sizeof out->why, "%s: %s", what, a->error);
		clean(out->why);
		return;
	}
	if (a->status >= 200 && a->status < 300)
		return;
	if (a->body.n && a->body.p[0] == '{')
		read_json(a->body, out->code, sizeof out->code, message, sizeof message);
	else
		read_xml(a->body, out->code, sizeof out->code, message, sizeof message);
	clean(out->code);
	const char *code = out->code;
	const struct code *c = code_of(code);
	bool passing = a->status >= 500 || a->status == 408 || a->status == 429 || skewed;
	out->result = c ? c->result : passing ? ANSWER_RETRY : ANSWER_STUCK;
	if (c && c->credentials) {
		out->credentials = true;
		/* Long-term keys do not change by asking again. */
		if (!temporary)
			out->result = ANSWER_STUCK;
	}
	if (a->status >= 300 && a->status < 400)
		snprintf(out->why, sizeof out->why,
			 "%s: status %ld: the bucket is elsewhere%s%s (s3_region)", what, a->status,
			 a->region[0] ? ", in " : "", a->region);
	else
		snprintf(out->why, sizeof out->why, "%s: status %ld%s%s%s%s%s", what, a->status,
			 code[0] ? " " : "", code, message[0] ? ": " : "", message,
			 skewed ? " (the clocks differ; corrected)" : "");
	clean(out->why);
}

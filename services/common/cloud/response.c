#include "cloud/response.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cloud/creds_parse.h"
#include "cloud/json_read.h"

/* Error codes that do not mean what their status says, and those that need no person. */
static const struct code {
	const char *name;
	enum outcome result;
	bool credentials;
} codes[] = {
	/* This object only. */
	{"EntityTooLarge", OUTCOME_REFUSED, false},
	{"KeyTooLongError", OUTCOME_REFUSED, false},
	{"InvalidParameterException", OUTCOME_REFUSED, false},
	{"SerializationException", OUTCOME_REFUSED, false},
	/* Something on the way, or the moment. */
	{"RequestTimeout", OUTCOME_RETRY, false},
	{"RequestTimeTooSkewed", OUTCOME_RETRY, false},
	{"SlowDown", OUTCOME_RETRY, false},
	{"Throttling", OUTCOME_RETRY, false},
	{"ThrottlingException", OUTCOME_RETRY, false},
	{"Throttled", OUTCOME_RETRY, false},
	{"TooManyRequestsException", OUTCOME_RETRY, false},
	{"RequestLimitExceeded", OUTCOME_RETRY, false},
	{"BadDigest", OUTCOME_RETRY, false},
	{"XAmzContentSHA256Mismatch", OUTCOME_RETRY, false},
	{"IncompleteBody", OUTCOME_RETRY, false},
	{"OperationAbortedException", OUTCOME_RETRY, false},
	{"OperationAborted", OUTCOME_RETRY, false},
	{"RequestThrottled", OUTCOME_RETRY, false},
	{"KmsThrottled", OUTCOME_RETRY, false},
	{"OverLimit", OUTCOME_RETRY, false},
	{"ConditionalRequestConflict", OUTCOME_RETRY, false},
	/* Temporary credentials that have had their time. */
	{"ExpiredToken", OUTCOME_RETRY, true},
	{"ExpiredTokenException", OUTCOME_RETRY, true},
	{"TokenRefreshRequired", OUTCOME_RETRY, true},
	{"UnrecognizedClientException", OUTCOME_RETRY, true},
	{"InvalidToken", OUTCOME_RETRY, true},
	{"InvalidClientTokenId", OUTCOME_RETRY, true},
	{"InvalidAccessKeyId", OUTCOME_RETRY, true},
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

void response_judge(const struct http_response *a, bool skewed, bool temporary, const char *what,
		    struct verdict *out)
{
	char message[160] = "";
	*out = (struct verdict){.result = OUTCOME_OK};
	if (a->curl) {
		out->result = lasting(a->curl) ? OUTCOME_STUCK : OUTCOME_RETRY;
		snprintf(out->why, sizeof out->why, "%s: %s", what, a->error);
		log_clean(out->why, ' ');
		return;
	}
	if (a->status >= 200 && a->status < 300)
		return;
	if (a->body.n && a->body.p[0] == '{')
		read_json(a->body, out->code, sizeof out->code, message, sizeof message);
	else
		read_xml(a->body, out->code, sizeof out->code, message, sizeof message);
	log_clean(out->code, ' ');
	const char *code = out->code;
	const struct code *c = code_of(code);
	bool passing = a->status >= 500 || a->status == 408 || a->status == 429 || skewed;
	out->result = c ? c->result : passing ? OUTCOME_RETRY : OUTCOME_STUCK;
	if (c && c->credentials) {
		out->credentials = true;
		/* Long-term keys do not change by asking again. */
		if (!temporary)
			out->result = OUTCOME_STUCK;
	}
	if (a->status >= 300 && a->status < 400)
		snprintf(out->why, sizeof out->why,
			 "%s: status %ld: the bucket is elsewhere%s%s (s3_region)", what, a->status,
			 a->region[0] ? ", in " : "", a->region);
	else
		snprintf(out->why, sizeof out->why, "%s: status %ld%s%s%s%s%s", what, a->status,
			 code[0] ? " " : "", code, message[0] ? ": " : "", message,
			 skewed ? " (the clocks differ; corrected)" : "");
	log_clean(out->why, ' ');
}

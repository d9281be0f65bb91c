#include <stdio.h>
#include <string.h>

#include "cloud/json_text.h"
#include "input/lambda_run.h"

#define NEXT_ATTEMPTS 5

void lambda_stop(struct input_lambda *la, int code)
{
	la->code = code;
	loop_stop(la->loop);
}

/* What the API does not take is its trouble: the next invocation comes all the same. */
void lambda_on_told(void *arg, const struct http_response *a)
{
	struct input_lambda *la = arg;

	if (a->curl || a->status / 100 != 2)
		log_warn("answer not taken", "id=%s status=%ld error=\"%s\"", la->id, a->status,
			 a->curl ? a->error : "");
	la->busy = false;
	lambda_next(la);
}

void lambda_tell(struct input_lambda *la, const char *what, http_fn done)
{
	char url[sizeof la->api + sizeof la->id + 64];

	snprintf(url, sizeof url, "%s%s", la->api, what);
	const struct http_request r = {.method = "POST",
				       .url = url,
				       .headers = {"Content-Type: application/json"},
				       .body = buf_bytes(&la->body),
				       .direct = true,
				       .done = done,
				       .arg = la};
	int rc = la->body.rc ? la->body.rc : http_send(la->cloud.http, &r);
	if (rc) {
		log_error("cannot answer", "error=\"%s\"", strerror(-rc));
		lambda_stop(la, 1);
	}
}

void lambda_error_body(struct input_lambda *la, const char *type, const char *message)
{
	buf_reset(&la->body);
	buf_addf(&la->body, "{\"errorType\":\"%s\",\"errorMessage\":", type);
	json_text(&la->body, bytes_str(message));
	buf_adds(&la->body, ",\"stackTrace\":[]}");
}

static void lambda_on_next(void *arg, const struct http_response *a)
{
	struct input_lambda *la = arg;

	if (!a->curl && a->status == 200) {
		la->next_attempts = 0;
		lambda_begin(la, a);
		return;
	}
	log_warn("no invocation", "status=%ld error=\"%s\"", a->status, a->curl ? a->error : "");
	/* A refusal is the runtime's end, says its guide. */
	if (!a->curl || ++la->next_attempts > NEXT_ATTEMPTS)
		lambda_stop(la, 1);
	else
		loop_at(la->loop, clock_mono_ns() + la->next_attempts * (NS_PER_S / 10),
			lambda_next, la);
}

void lambda_next(void *arg)
{
	struct input_lambda *la = arg;
	char url[sizeof la->api + 32];

	snprintf(url, sizeof url, "%sinvocation/next", la->api);
	const struct http_request r = {.method = "GET",
				       .url = url,
				       .patience_s = -1,
				       .direct = true,
				       .done = lambda_on_next,
				       .arg = la};
	int rc = http_send(la->cloud.http, &r);
	if (rc) {
		log_error("cannot ask for an invocation", "error=\"%s\"", strerror(-rc));
		lambda_stop(la, 1);
	}
}

void lambda_on_init_error(void *arg, const struct http_response *a)
{
	(void)arg;
	(void)a;
}

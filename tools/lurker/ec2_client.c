#include "ec2_client.h"

#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "cloud/aws.h"
#include "cloud/http_client.h"
#include "cloud/retry.h"
#include "rt/loop.h"

#define MS         UINT64_C(1000000)
#define TRIES      7
#define FIRST_NS   (500 * MS)
#define LONGEST_NS (10000 * MS)
#define ANSWER_MAX (256u << 10)
#define CREDS_MS   15000
#define CALL_MS    60000
#define IMDS       "http://169.254.169.254"

struct ec2_client {
	struct ec2_conf conf;
	struct loop *loop;
	struct http *http;
	struct creds_chain *creds;
	char region[32], token[512], why[320];
	/* The answer at hand. */
	struct buf body;
	struct http_response answer;
	char error[256];
	bool answered;
};

int ec2_client_new(const struct ec2_conf *conf, struct ec2_client **out)
{
	const struct http_conf hc = {.calls = 2,
				     .ca_file = conf->ca_file,
				     .connect_ms = 10000,
				     .stall_s = 20,
				     .response_max = ANSWER_MAX};
	struct ec2_client *c = calloc(1, sizeof *c);
	if (!c)
		return -ENOMEM;
	c->conf = *conf;
	buf_init(&c->body, ANSWER_MAX + 1);
	sigset_t signals;
	sigprocmask(SIG_BLOCK, NULL, &signals);
	int rc = loop_new(&c->loop);
	/* The loop is never run: what would end it ends the program, at any moment. */
	sigprocmask(SIG_SETMASK, &signals, NULL);
	if (!rc)
		rc = http_new(c->loop, &hc, &c->http);
	if (!rc)
		rc = creds_new(&c->conf.creds, c->http, &c->creds);
	if (rc)
		ec2_client_free(&c);
	*out = c;
	return rc;
}

void ec2_client_free(struct ec2_client **cp)
{
	struct ec2_client *c = *cp;
	if (!c)
		return;
	creds_free(&c->creds);
	http_free(&c->http);
	loop_free(&c->loop);
	buf_fini(&c->body);
	free(c);
	*cp = NULL;
}

static void on_answer(void *arg, const struct http_response *a)
{
	struct ec2_client *c = arg;
	c->answered = true;
	c->answer = *a;
	buf_reset(&c->body);
	if (buf_add(&c->body, a->body.p, a->body.n) != 0 || buf_addc(&c->body, '\0') != 0) {
		c->answer.curl = CURLE_OUT_OF_MEMORY;
		c->body.n = 1;
		c->body.failed = false;
	}
	c->answer.body = bytes_of(c->body.p, c->body.n - 1);
	snprintf(c->error, sizeof c->error, "%s", a->error ? a->error : "no memory");
	c->answer.error = c->error;
}

/* The answer to r is in c afterwards. */
static void ask(struct ec2_client *c, struct http_request *r)
{
	r->done = on_answer;
	r->arg = c;
	c->answered = false;
	c->answer = (struct http_response){.curl = CURLE_OPERATION_TIMEDOUT,
					   .error = "no answer in time"};
	int rc = http_send(c->http, r);
	for (int ms = 0; !rc && !c->answered && ms < CALL_MS; ms += 100)
		http_drain(c->http, 100);
	if (!c->answered)
		http_cancel(c->http, on_answer, c);
	if (rc) {
		snprintf(c->error, sizeof c->error, "%s", strerror(-rc));
		c->answer = (struct http_response){.curl = CURLE_FAILED_INIT, .error = c->error};
	}
}

static const char *given(const char *s)
{
	return s && *s ? s : NULL;
}

static const char *metadata_url(const struct ec2_client *c, const char *path, char out[512])
{
	const char *base = given(c->conf.creds.imds_endpoint);
	if (!base)
		base = given(getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT"));
	snprintf(out, 512, "%s/latest/%s", base ? base : IMDS, path);
	return out;
}

/* The first line of the answer. */
static int line(struct ec2_client *c, char *out, size_t n)
{
	struct bytes b = c->answer.body;
	size_t len = 0;
	while (len < b.n && b.p[len] > ' ' && b.p[len] < 0x7f)
		len++;
	if (len == 0 || len >= n)
		return -EIO;
	memcpy(out, b.p, len);
	out[len] = '\0';
	return 0;
}

static int metadata_failed(struct ec2_client *c, const char **why)
{
	if (c->answer.curl)
		snprintf(c->why, sizeof c->why, "no instance metadata: %s", c->error);
	else
		snprintf(c->why, sizeof c->why, "no instance metadata: status %ld",
			 c->answer.status);
	*why = c->why;
	return -EIO;
}

static int metadata_token(struct ec2_client *c)
{
	char url[512];
	struct http_request r = {.method = "PUT",
				 .url = metadata_url(c, "api/token", url),
				 .headers = {"X-aws-ec2-metadata-token-ttl-seconds: 300"},
				 .direct = true};
	if (c->token[0])
		return 0;
	ask(c, &r);
	return aws_good(&c->answer) ? line(c, c->token, sizeof c->token) : -EIO;
}

int ec2_metadata(struct ec2_client *c, const char *path, char *out, size_t n, const char **why)
{
	char url[512], full[300], header[600];
	if (metadata_token(c) != 0)
		return metadata_failed(c, why);
	snprintf(full, sizeof full, "meta-data/%s", path);
	snprintf(header, sizeof header, "X-aws-ec2-metadata-token: %s", c->token);
	struct http_request r = {.method = "GET",
				 .url = metadata_url(c, full, url),
				 .headers = {header},
				 .direct = true};
	ask(c, &r);
	if (!c->answer.curl && c->answer.status == 404)
		return -ENOENT;
	if (!aws_good(&c->answer) || line(c, out, n) != 0)
		return metadata_failed(c, why);
	return 0;
}

/* Given, of the environment, of the instance, of the profile. */
static void find_region(struct ec2_client *c)
{
	const char *why;
	if (c->region[0])
		return;
	if (!given(c->conf.region) && !given(getenv("AWS_REGION")) &&
	    !given(getenv("AWS_DEFAULT_REGION")) &&
	    ec2_metadata(c, "placement/region", c->region, sizeof c->region, &why) == 0)
		return;
	creds_region(c->conf.region, c->conf.creds.profile, c->region);
}

static int wait_creds(struct ec2_client *c, const struct creds **out, struct verdict *v)
{
	const char *why = "";
	int rc = creds_get(c->creds, out, &why);
	for (int ms = 0; rc == -EAGAIN && ms < CREDS_MS; ms += 100) {
		http_drain(c->http, 100);
		rc = creds_get(c->creds, out, &why);
	}
	if (rc)
		snprintf(v->why, sizeof v->why, "no credentials: %s", why);
	return rc;
}

static void pause_ns(uint64_t ns)
{
	struct timespec t = {.tv_sec = (time_t)(ns / (1000 * MS)),
			     .tv_nsec = (long)(ns % (1000 * MS))};
	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &t) == EINTR)
		;
}

/* Without an answer, or with one of somebody in between, nobody knows. */
static bool unknown(const struct http_response *a, const struct verdict *v)
{
	return a->curl || (a->status >= 500 && !v->code[0]) ||
	       strcmp(v->code, "InternalError") == 0 || strcmp(v->code, "InternalFailure") == 0;
}

/* A connection that was never made has sent nothing. */
static bool unsent(const struct http_response *a)
{
	return a->curl == CURLE_COULDNT_RESOLVE_HOST || a->curl == CURLE_COULDNT_CONNECT;
}

enum ec2_result ec2_call(struct ec2_client *c, struct bytes body, bool again, struct bytes *answer,
			 struct verdict *v)
{
	char url[256];
	const struct creds *creds;
	find_region(c);
	if (given(c->conf.endpoint))
		snprintf(url, sizeof url, "%s/", c->conf.endpoint);
	else
		snprintf(url, sizeof url, "https://ec2.%s.amazonaws.com%s/", c->region,
			 strncmp(c->region, "cn-", 3) == 0 ? ".cn" : "");
	for (unsigned tries = 1;; tries++) {
		*v = (struct verdict){.result = OUTCOME_STUCK};
		if (wait_creds(c, &creds, v) != 0)
			return EC2_REFUSED;
		struct http_request r = {
			.method = "POST",
			.url = url,
			.headers = {"Content-Type: application/x-www-form-urlencoded"},
			.body = body,
			.once = !again,
			.creds = creds,
			.service = "ec2",
			.region = c->region,
		};
		ask(c, &r);
		*answer = c->answer.body;
		if (aws_good(&c->answer))
			return EC2_DONE;
		aws_judge(c->creds, &c->answer, "EC2", v);
		bool lost = unknown(&c->answer, v) && !unsent(&c->answer);
		if (v->result != OUTCOME_RETRY)
			return EC2_REFUSED;
		if ((lost && !again) || tries == TRIES)
			return lost ? EC2_UNKNOWN : EC2_REFUSED;
		log_warn("EC2 is asked again", "error=\"%s\"", v->why);
		pause_ns(c->answer.wait_ns
				 ? c->answer.wait_ns
				 : retry_delay_ns(tries, FIRST_NS, LONGEST_NS, retry_random()));
	}
}

#include "ec2_client.h"

#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "cloud/aws.h"
#include "cloud/http_client.h"
#include "cloud/retry.h"
#include "rt/loop.h"

#define ATTEMPTS     7
#define FIRST_NS     (500 * NS_PER_MS)
#define LONGEST_NS   (10 * NS_PER_S)
#define RESPONSE_MAX (256u << 10)
#define CREDS_MS     15000
#define CALL_MS      60000
#define IMDS         "http://169.254.169.254"

struct ec2_client {
	struct ec2_conf conf;
	struct loop *loop;
	struct http *http;
	struct creds_chain *creds;
	char region[32], token[512], why[320];
	/* The current response. */
	struct buf body;
	struct http_response response;
	char error[256];
	bool responded;
};

int ec2_client_new(const struct ec2_conf *conf, struct ec2_client **out)
{
	const struct http_conf hc = {.calls = 2,
				     .ca_file = conf->ca_file,
				     .connect_ms = 10000,
				     .stall_s = 20,
				     .response_max = RESPONSE_MAX};
	struct ec2_client *c = calloc(1, sizeof *c);
	if (!c)
		return -ENOMEM;
	c->conf = *conf;
	buf_init(&c->body, RESPONSE_MAX + 1);
	sigset_t signals;
	sigprocmask(SIG_BLOCK, NULL, &signals);
	int rc = loop_new(&c->loop);
	/* The loop is never run, so the signals that would end it must end the program at once. */
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

static void ec2_on_response(void *arg, const struct http_response *a)
{
	struct ec2_client *c = arg;
	c->responded = true;
	c->response = *a;
	buf_reset(&c->body);
	if (buf_add(&c->body, a->body.p, a->body.n) != 0 || buf_addc(&c->body, '\0') != 0) {
		c->response.curl = CURLE_OUT_OF_MEMORY;
		c->body.n = 1;
		c->body.failed = false;
	}
	c->response.body = bytes_of(c->body.p, c->body.n - 1);
	snprintf(c->error, sizeof c->error, "%s", a->error ? a->error : "no memory");
	c->response.error = c->error;
}

/* Sends r and waits; the response is in c afterwards. */
static void ec2_send(struct ec2_client *c, struct http_request *r)
{
	r->done = ec2_on_response;
	r->arg = c;
	c->responded = false;
	c->response = (struct http_response){.curl = CURLE_OPERATION_TIMEDOUT,
					     .error = "no response in time"};
	int rc = http_send(c->http, r);
	for (int ms = 0; !rc && !c->responded && ms < CALL_MS; ms += 100)
		http_drain(c->http, 100);
	if (!c->responded)
		http_cancel(c->http, ec2_on_response, c);
	if (rc) {
		snprintf(c->error, sizeof c->error, "%s", strerror(-rc));
		c->response = (struct http_response){.curl = CURLE_FAILED_INIT, .error = c->error};
	}
}

static const char *ec2_given(const char *s)
{
	return s && *s ? s : NULL;
}

static const char *ec2_metadata_url(const struct ec2_client *c, const char *path, char out[512])
{
	const char *base = ec2_given(c->conf.creds.imds_endpoint);
	if (!base)
		base = ec2_given(getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT"));
	snprintf(out, 512, "%s/latest/%s", base ? base : IMDS, path);
	return out;
}

/* The first word of the response. */
static int ec2_first_word(struct ec2_client *c, char *out, size_t n)
{
	struct bytes b = c->response.body;
	size_t len = 0;
	while (len < b.n && b.p[len] > ' ' && b.p[len] < 0x7f)
		len++;
	if (len == 0 || len >= n)
		return -EIO;
	memcpy(out, b.p, len);
	out[len] = '\0';
	return 0;
}

static int ec2_metadata_failed(struct ec2_client *c, const char **why)
{
	if (c->response.curl)
		snprintf(c->why, sizeof c->why, "no instance metadata: %s", c->error);
	else
		snprintf(c->why, sizeof c->why, "no instance metadata: status %ld",
			 c->response.status);
	*why = c->why;
	return -EIO;
}

static int ec2_metadata_token(struct ec2_client *c)
{
	char url[512];
	struct http_request r = {.method = "PUT",
				 .url = ec2_metadata_url(c, "api/token", url),
				 .headers = {"X-aws-ec2-metadata-token-ttl-seconds: 300"},
				 .direct = true};
	if (c->token[0])
		return 0;
	ec2_send(c, &r);
	return aws_good(&c->response) ? ec2_first_word(c, c->token, sizeof c->token) : -EIO;
}

int ec2_metadata(struct ec2_client *c, const char *path, char *out, size_t n, const char **why)
{
	char url[512], full[300], header[600];
	if (ec2_metadata_token(c) != 0)
		return ec2_metadata_failed(c, why);
	snprintf(full, sizeof full, "meta-data/%s", path);
	snprintf(header, sizeof header, "X-aws-ec2-metadata-token: %s", c->token);
	struct http_request r = {.method = "GET",
				 .url = ec2_metadata_url(c, full, url),
				 .headers = {header},
				 .direct = true};
	ec2_send(c, &r);
	if (!c->response.curl && c->response.status == 404)
		return -ENOENT;
	if (!aws_good(&c->response) || ec2_first_word(c, out, n) != 0)
		return ec2_metadata_failed(c, why);
	return 0;
}

/* The region of the configuration, the environment, the instance or the profile, in this order. */
static void ec2_find_region(struct ec2_client *c)
{
	const char *why;
	if (c->region[0])
		return;
	if (!ec2_given(c->conf.region) && !ec2_given(getenv("AWS_REGION")) &&
	    !ec2_given(getenv("AWS_DEFAULT_REGION")) &&
	    ec2_metadata(c, "placement/region", c->region, sizeof c->region, &why) == 0)
		return;
	creds_region(c->conf.region, c->conf.creds.profile, c->region);
}

static int ec2_wait_creds(struct ec2_client *c, const struct creds **out, struct verdict *v)
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

static void ec2_pause(uint64_t ns)
{
	struct timespec t = {.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};
	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &t) == EINTR)
		;
}

/* Without a response, or with a gateway's, nobody knows whether it was done. */
static bool ec2_outcome_unknown(const struct http_response *a, const struct verdict *v)
{
	return a->curl || (a->status >= 500 && !v->code[0]) ||
	       strcmp(v->code, "InternalError") == 0 || strcmp(v->code, "InternalFailure") == 0;
}

/* Nothing was sent where no connection was made. */
static bool ec2_unsent(const struct http_response *a)
{
	return a->curl == CURLE_COULDNT_RESOLVE_HOST || a->curl == CURLE_COULDNT_CONNECT;
}

enum ec2_result ec2_call(struct ec2_client *c, struct bytes body, bool again,
			 struct bytes *response, struct verdict *v)
{
	char url[256];
	const struct creds *creds;
	ec2_find_region(c);
	if (ec2_given(c->conf.endpoint))
		snprintf(url, sizeof url, "%s/", c->conf.endpoint);
	else
		snprintf(url, sizeof url, "https://ec2.%s.amazonaws.com%s/", c->region,
			 strncmp(c->region, "cn-", 3) == 0 ? ".cn" : "");
	for (unsigned attempts = 1;; attempts++) {
		*v = (struct verdict){.result = OUTCOME_STUCK};
		if (ec2_wait_creds(c, &creds, v) != 0)
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
		ec2_send(c, &r);
		*response = c->response.body;
		if (aws_good(&c->response))
			return EC2_DONE;
		aws_judge(c->creds, &c->response, "EC2", v);
		bool lost = ec2_outcome_unknown(&c->response, v) && !ec2_unsent(&c->response);
		if (v->result != OUTCOME_RETRY)
			return EC2_REFUSED;
		if ((lost && !again) || attempts == ATTEMPTS)
			return lost ? EC2_UNKNOWN : EC2_REFUSED;
		log_warn("EC2 request is repeated", "error=\"%s\"", v->why);
		ec2_pause(c->response.wait_ns
				  ? c->response.wait_ns
				  : retry_delay_ns(attempts, FIRST_NS, LONGEST_NS, retry_random()));
	}
}

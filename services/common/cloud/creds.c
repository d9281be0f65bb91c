#include "cloud/creds.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cloud/creds_parse.h"
#include "cloud/http_client.h"
#include "cloud/retry.h"
#include "cloud/secret.h"
#include "rt/loop.h"

#define S 1000000000u
/* Fetched anew so long before they expire; not used any more so long before. */
#define RENEW_S 300
#define LAST_S  10
/* Between two rounds through the sources: after credentials were found, and after none were. */
#define ROUND_AGAIN_NS (1u * (uint64_t)S)
#define ROUND_FIRST_NS (5u * (uint64_t)S)
#define ROUND_MAX_NS   (60u * (uint64_t)S)

#define IMDS          "http://169.254.169.254"
#define IMDS_ROLES    "/latest/meta-data/iam/security-credentials/"
#define CONTAINER_URI "http://169.254.170.2"

struct creds_chain {
	struct creds_conf conf;
	struct http *http;
	struct creds now;
	bool have, refused, fetching;
	const char *source, *asked; /* of now; being asked */
	uint64_t next_ns;           /* no round before */
	unsigned failures;
	int rc; /* of the last round that failed */
	char why[256];
	/* The fetch under way. */
	struct buf body;
	char imds_token[512];
	char role[256];
};

int creds_new(const struct creds_conf *conf, struct http *h, struct creds_chain **out)
{
	struct creds_chain *c = calloc(1, sizeof *c);
	if (!c)
		return -ENOMEM;
	c->conf = *conf;
	c->http = h;
	c->source = "none";
	buf_init(&c->body, 1u << 16);
	*out = c;
	return 0;
}

void creds_free(struct creds_chain **cp)
{
	struct creds_chain *c = *cp;
	if (!c)
		return;
	buf_fini(&c->body);
	/* Not left to whoever gets this memory next. */
	explicit_bzero(c, sizeof *c);
	free(c);
	*cp = NULL;
}

const char *creds_source(const struct creds_chain *c)
{
	return c->source;
}

static const char *text_of(const char *s)
{
	return s && *s ? s : NULL;
}

static const char *env(const char *name)
{
	return text_of(getenv(name));
}

static bool put(char *out, size_t n, const char *text)
{
	int m = snprintf(out, n, "%s", text ? text : "");
	return m >= 0 && (size_t)m < n;
}

static void failed(struct creds_chain *c, int rc, const char *what, const char *error)
{
	c->fetching = false;
	c->rc = rc;
	snprintf(c->why, sizeof c->why, "%s: %s", what, error);
	c->failures++;
	c->next_ns = clock_mono_ns() +
		     retry_delay_ns(c->failures, ROUND_FIRST_NS, ROUND_MAX_NS, retry_random());
	log_warn("no credentials", "error=\"%s\"", c->why);
}

static void found(struct creds_chain *c, const struct creds *got, const char *source)
{
	bool news = !c->have || strcmp(c->source, source) != 0 || c->now.expires_s;
	c->now = *got;
	c->have = true;
	c->refused = c->fetching = false;
	c->failures = 0;
	c->source = source;
	c->next_ns = clock_mono_ns() + ROUND_AGAIN_NS;
	if (news)
		log_info("credentials", "source=\"%s\" key_id=%s expires=%llu", source, got->key_id,
			 (unsigned long long)got->expires_s);
}

/* The sources at hand return 1 when they have credentials, 0 when they have none, -errno when they
 * should have. */

static int from_conf(struct creds_chain *c, struct creds *out)
{
	if (!text_of(c->conf.key_id))
		return 0;
	if (!put(out->key_id, sizeof out->key_id, c->conf.key_id) || !text_of(c->conf.secret_file))
		return -EINVAL;
	int rc = secret_line(c->conf.secret_file, out->secret, sizeof out->secret);
	return rc ? rc : 1;
}

static int from_env(struct creds_chain *c, struct creds *out)
{
	const char *id = env("AWS_ACCESS_KEY_ID"), *secret = env("AWS_SECRET_ACCESS_KEY");
	(void)c;
	if (!id || !secret)
		return 0;
	return put(out->key_id, sizeof out->key_id, id) &&
			       put(out->secret, sizeof out->secret, secret) &&
			       put(out->token, sizeof out->token, env("AWS_SESSION_TOKEN"))
		       ? 1
		       : -EINVAL;
}

static const char *profile_of(const char *given)
{
	if (text_of(given))
		return given;
	return env("AWS_PROFILE") ? env("AWS_PROFILE") : "default";
}

/* A file of ~/.aws, unless a variable names another. */
static bool aws_file(const char *variable, const char *name, char out[PATH_MAX])
{
	if (env(variable))
		return put(out, PATH_MAX, env(variable));
	const char *home = env("HOME");
	int n = home ? snprintf(out, PATH_MAX, "%s/.aws/%s", home, name) : -1;
	return n >= 0 && n < PATH_MAX;
}

static int from_file(struct creds_chain *c, struct creds *out)
{
	char path[PATH_MAX];
	const char *profile = profile_of(c->conf.profile);
	bool asked = text_of(c->conf.file) || text_of(c->conf.profile);
	if (text_of(c->conf.file) ? !put(path, sizeof path, c->conf.file)
				  : !aws_file("AWS_SHARED_CREDENTIALS_FILE", "credentials", path))
		return asked ? -ENAMETOOLONG : 0;
	int rc = secret_file(path, &c->body);
	struct bytes text = buf_bytes(&c->body);
	if (!rc)
		rc = creds_ini(text, profile, "aws_access_key_id", out->key_id, sizeof out->key_id);
	if (!rc)
		rc = creds_ini(text, profile, "aws_secret_access_key", out->secret,
			       sizeof out->secret);
	if (!rc) {
		rc = creds_ini(text, profile, "aws_session_token", out->token, sizeof out->token);
		rc = rc == -ENOENT ? 0 : rc;
	}
	/* Nobody asked for this file: a sensor without it is a usual one. */
	if ((rc == -ENOENT || rc == -EACCES || rc == -ENOTDIR) && !asked)
		return 0;
	return rc ? rc : 1;
}

/* The sources of the network. Each response leads to the next request, to found(), or to
 * failed(). */

static void ask(struct creds_chain *c, struct http_request *r, http_fn done)
{
	r->done = done;
	r->arg = c;
	int rc = http_send(c->http, r);
	if (rc)
		failed(c, -EIO, c->asked, strerror(-rc));
}

static bool creds_responded(struct creds_chain *c, const struct http_response *a)
{
	char text[64];
	if (a->curl) {
		/* Nobody at the link-local address: this is no EC2 instance. */
		failed(c, strcmp(c->asked, "IMDSv2") == 0 ? -ENOENT : -EIO, c->asked, a->error);
		return false;
	}
	if (a->status != 200) {
		snprintf(text, sizeof text, "answered with status %ld", a->status);
		failed(c, -EIO, c->asked, text);
		return false;
	}
	return true;
}

static void on_json(void *arg, const struct http_response *a)
{
	struct creds_chain *c = arg;
	struct creds got;
	if (!creds_responded(c, a))
		return;
	if (creds_json(a->body, &got) != 0)
		failed(c, -EIO, c->asked, "the response has no credentials");
	else
		found(c, &got, c->asked);
	explicit_bzero(&got, sizeof got);
}

static void on_sts(void *arg, const struct http_response *a)
{
	struct creds_chain *c = arg;
	struct creds got;
	if (!creds_responded(c, a))
		return;
	if (creds_sts(a->body, &got) != 0)
		failed(c, -EIO, c->asked, "the response has no credentials");
	else
		found(c, &got, c->asked);
	explicit_bzero(&got, sizeof got);
}

static int web_identity(struct creds_chain *c)
{
	const char *file = env("AWS_WEB_IDENTITY_TOKEN_FILE"), *role = env("AWS_ROLE_ARN");
	char token[CREDS_TOKEN_MAX], url[256], region[32];
	if (!file || !role)
		return 0;
	c->asked = "web identity";
	int rc = secret_line(file, token, sizeof token);
	if (rc)
		return rc;
	const char *name = env("AWS_ROLE_SESSION_NAME");
	buf_reset(&c->body);
	buf_adds(&c->body, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=");
	http_escape(&c->body, role, false);
	buf_adds(&c->body, "&RoleSessionName=");
	http_escape(&c->body, name ? name : "lurker", false);
	buf_adds(&c->body, "&WebIdentityToken=");
	rc = http_escape(&c->body, token, false);
	creds_region(c->conf.region, c->conf.profile, region);
	if (text_of(c->conf.sts_endpoint))
		snprintf(url, sizeof url, "%s/", c->conf.sts_endpoint);
	else
		snprintf(url, sizeof url, "https://sts.%s.amazonaws.com/", region);
	struct http_request r = {.method = "POST",
				 .url = url,
				 .body = buf_bytes(&c->body),
				 .headers = {"Content-Type: application/x-www-form-urlencoded"}};
	c->fetching = true;
	if (rc)
		return rc;
	ask(c, &r, on_sts);
	return 1;
}

/* Credentials must not come in the clear but from this host or the link (as the SDKs have it). */
static bool container_url_safe(const char *url)
{
	static const char *const hosts[] = {"127.0.0.1",     "localhost",      "[::1]",
					    "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"};
	if (strncmp(url, "https://", 8) == 0)
		return true;
	if (strncmp(url, "http://", 7) != 0)
		return false;
	for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
		size_t n = strlen(hosts[i]);
		if (strncmp(url + 7, hosts[i], n) == 0 && strchr(":/", url[7 + n]))
			return true;
	}
	return false;
}

static int container(struct creds_chain *c)
{
	char url[1024], line[CREDS_TOKEN_MAX + 32], token[CREDS_TOKEN_MAX] = "";
	const char *relative = env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
		   *full = env("AWS_CONTAINER_CREDENTIALS_FULL_URI");
	if (!relative && !full)
		return 0;
	c->asked = "container endpoint";
	int n = relative ? snprintf(url, sizeof url, CONTAINER_URI "%s", relative)
			 : snprintf(url, sizeof url, "%s", full);
	if (n < 0 || (size_t)n >= sizeof url || !container_url_safe(url))
		return -EINVAL;
	const char *file = env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	int rc = file ? secret_line(file, token, sizeof token) : 0;
	if (!file && !put(token, sizeof token, env("AWS_CONTAINER_AUTHORIZATION_TOKEN")))
		rc = -EINVAL;
	if (rc)
		return rc;
	struct http_request r = {.method = "GET", .url = url, .direct = true};
	if (token[0]) {
		snprintf(line, sizeof line, "Authorization: %s", token);
		r.headers[0] = line;
	}
	c->fetching = true;
	ask(c, &r, on_json);
	return 1;
}

static const char *imds_url(const struct creds_chain *c, const char *path, char out[512])
{
	const char *base = text_of(c->conf.imds_endpoint);
	if (!base)
		base = env("AWS_EC2_METADATA_SERVICE_ENDPOINT");
	snprintf(out, 512, "%s%s", base ? base : IMDS, path);
	return out;
}

static void imds_get(struct creds_chain *c, const char *path, http_fn done)
{
	char url[512], line[600];
	snprintf(line, sizeof line, "X-aws-ec2-metadata-token: %s", c->imds_token);
	struct http_request r = {
		.method = "GET", .url = imds_url(c, path, url), .headers = {line}, .direct = true};
	ask(c, &r, done);
}

/* One word, as IMDS responds with a token or the name of a role. */
static bool word(struct bytes b, char *out, size_t n)
{
	size_t len = 0;
	while (len < b.n && b.p[len] > ' ' && b.p[len] < 0x7f)
		len++;
	if (len == 0 || len >= n)
		return false;
	memcpy(out, b.p, len);
	out[len] = '\0';
	return true;
}

static void on_role(void *arg, const struct http_response *a)
{
	struct creds_chain *c = arg;
	char path[sizeof IMDS_ROLES + sizeof c->role];
	if (!a->curl && a->status == 404) {
		failed(c, -ENOENT, c->asked, "the instance has no role");
		return;
	}
	if (!creds_responded(c, a))
		return;
	if (!word(a->body, c->role, sizeof c->role)) {
		failed(c, -ENOENT, c->asked, "the instance has no role");
		return;
	}
	snprintf(path, sizeof path, IMDS_ROLES "%s", c->role);
	imds_get(c, path, on_json);
}

static void on_imds_token(void *arg, const struct http_response *a)
{
	struct creds_chain *c = arg;
	if (!creds_responded(c, a))
		return;
	if (!word(a->body, c->imds_token, sizeof c->imds_token))
		failed(c, -EIO, c->asked, "the response is not a token");
	else
		imds_get(c, IMDS_ROLES, on_role);
}

static int imds(struct creds_chain *c)
{
	const char *off = env("AWS_EC2_METADATA_DISABLED");
	char url[512];
	if (off && strcasecmp(off, "true") == 0)
		return 0;
	c->asked = "IMDSv2";
	c->fetching = true;
	struct http_request r = {.method = "PUT",
				 .url = imds_url(c, "/latest/api/token", url),
				 .headers = {"X-aws-ec2-metadata-token-ttl-seconds: 21600"},
				 .direct = true};
	ask(c, &r, on_imds_token);
	return 1;
}

/* One round through the sources, in order. */
static void fetch(struct creds_chain *c)
{
	static const struct {
		const char *name;
		int (*get)(struct creds_chain *c, struct creds *out);
	} near[] = {{"configuration", from_conf},
		    {"environment", from_env},
		    {"shared credentials file", from_file}};
	static int (*const far[])(struct creds_chain * c) = {web_identity, container, imds};
	struct creds got;
	for (size_t i = 0; i < sizeof near / sizeof *near; i++) {
		memset(&got, 0, sizeof got);
		int rc = near[i].get(c, &got);
		if (rc > 0)
			found(c, &got, near[i].name);
		else if (rc < 0)
			failed(c, -EIO, near[i].name,
			       rc == -ENOENT ? "there is no such file, profile or key in it"
					     : strerror(-rc));
		explicit_bzero(&got, sizeof got);
		if (rc)
			return;
	}
	for (size_t i = 0; c->http && i < sizeof far / sizeof *far; i++) {
		int rc = far[i](c);
		if (rc < 0)
			failed(c, -EIO, c->asked, strerror(-rc));
		if (rc)
			return;
	}
	failed(c, -ENOENT, "no source has any",
	       "give access_key_id, AWS_ACCESS_KEY_ID, a credentials file, or a role");
}

int creds_get(struct creds_chain *c, const struct creds **out, const char **why)
{
	uint64_t now_s = (uint64_t)time(NULL);
	bool renew =
		!c->have || c->refused || (c->now.expires_s && c->now.expires_s < now_s + RENEW_S);
	if (renew && !c->fetching && clock_mono_ns() >= c->next_ns)
		fetch(c);
	*out = &c->now;
	*why = c->why;
	if (c->have && (!c->now.expires_s || c->now.expires_s > now_s + LAST_S))
		return 0;
	*why = c->fetching ? "credentials are being fetched" : c->why;
	return c->fetching ? -EAGAIN : c->rc;
}

void creds_refused(struct creds_chain *c)
{
	c->refused = true;
}

void creds_region(const char *given, const char *profile, char out[32])
{
	char path[PATH_MAX], section[160];
	struct buf b;
	const char *r = text_of(given);
	if (!r)
		r = env("AWS_REGION");
	if (!r)
		r = env("AWS_DEFAULT_REGION");
	snprintf(out, 32, "%s", r ? r : "us-east-1");
	if (r || !aws_file("AWS_CONFIG_FILE", "config", path))
		return;
	profile = profile_of(profile);
	/* In this file, unlike the other, profiles but the default one are [profile NAME]. */
	snprintf(section, sizeof section, "%s%.120s",
		 strcmp(profile, "default") == 0 ? "" : "profile ", profile);
	buf_init(&b, 1u << 16);
	if (secret_file(path, &b) != 0 || creds_ini(buf_bytes(&b), section, "region", out, 32) != 0)
		snprintf(out, 32, "us-east-1");
	buf_fini(&b);
}

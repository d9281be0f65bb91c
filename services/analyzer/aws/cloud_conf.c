#include "aws/cloud_conf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

#define CONNECT_MS 10000
/* Requests beside: for credentials. */
#define SPARE_CALLS 2

static bool given(const char *text)
{
	return text && *text;
}

int cloud_check(const struct cloud_conf *c, char *why, size_t n)
{
	struct buf base;
	const char *wrong = NULL;

	buf_init(&base, 1024);
	if (s3_base(&base, c->s3_endpoint, "region", "bucket", (enum s3_style)c->s3_style) != 0)
		wrong = "s3_endpoint: a URL such as https://host:port";
	else if (given(c->creds.key_id) != given(c->creds.secret_file))
		wrong = "access_key_id and secret_file go together";
	buf_fini(&base);
	if (wrong)
		snprintf(why, n, "%s", wrong);
	return wrong ? -EINVAL : 0;
}

int cloud_open(struct cloud *c, const struct cloud_conf *conf, struct loop *l, const char *region,
	       size_t calls, size_t response_max, const char *dir)
{
	const struct http_conf hc = {.calls = calls + SPARE_CALLS,
				     .ca_file = conf->ca_file,
				     .connect_ms = CONNECT_MS,
				     .stall_s = conf->stall_s,
				     .response_max = response_max};

	*c = (struct cloud){.creds_conf = conf->creds};
	creds_region(given(conf->s3_region) ? conf->s3_region : region, conf->creds.profile,
		     c->region);
	c->creds_conf.region = c->region;
	int rc = http_new(l, &hc, &c->http);
	if (!rc)
		rc = creds_new(&c->creds_conf, c->http, &c->creds);
	const struct fetch_conf fc = {.http = c->http,
				      .creds = c->creds,
				      .region = c->region,
				      .endpoint = conf->s3_endpoint,
				      .style = (enum s3_style)conf->s3_style,
				      .max_bytes = conf->s3_max_bytes,
				      .dir = dir};
	if (!rc)
		rc = fetch_new(&fc, &c->fetch);
	if (rc) {
		log_error("cannot open", "what=\"HTTP client\" error=\"%s\"", strerror(-rc));
		cloud_close(c);
	}
	return rc;
}

void cloud_close(struct cloud *c)
{
	creds_free(&c->creds);
	http_free(&c->http);
	fetch_free(&c->fetch);
}

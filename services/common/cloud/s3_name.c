#include "cloud/s3_name.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *const s3_styles[] = {"auto", "path", "virtual", NULL};

bool s3_bucket_valid(const char *bucket)
{
	size_t n = strlen(bucket);
	if (n < 3 || n > 63 || bucket[0] == '.' || bucket[0] == '-' || bucket[n - 1] == '.' ||
	    bucket[n - 1] == '-' || strstr(bucket, ".."))
		return false;
	return strspn(bucket, "abcdefghijklmnopqrstuvwxyz0123456789.-") == n;
}

int s3_prefix(struct buf *out, const char *prefix)
{
	size_t n = strlen(prefix), start = 0;
	if (n == 0)
		return 0;
	if (prefix[n - 1] == '/')
		n--;
	for (size_t i = 0; i <= n; i++) {
		if (i < n && (prefix[i] < ' ' || prefix[i] > '~'))
			return -EINVAL;
		if (i < n && prefix[i] != '/')
			continue;
		size_t len = i - start;
		if (len == 0 ||
		    (prefix[start] == '.' && (len == 1 || (len == 2 && prefix[start + 1] == '.'))))
			return -EINVAL;
		start = i + 1;
	}
	buf_add(out, prefix, n);
	return buf_addc(out, '/');
}

/* host, host:port, or [address]:port. */
static bool host_valid(const char *host)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-:[]";
	return *host && strspn(host, plain) == strlen(host);
}

int s3_base(struct buf *out, const char *endpoint, const char *region, const char *bucket,
	    enum s3_style style)
{
	char host[256];
	const char *scheme = "https://";
	bool aws = !endpoint || !*endpoint;
	if (aws) {
		const char *cn = strncmp(region, "cn-", 3) == 0 ? ".cn" : "";
		if (!*region || snprintf(host, sizeof host, "s3.%s.amazonaws.com%s", region, cn) >=
					(int)sizeof host)
			return -EINVAL;
	} else {
		if (strncmp(endpoint, "http://", 7) == 0)
			scheme = "http://";
		else if (strncmp(endpoint, "https://", 8) != 0)
			return -EINVAL;
		endpoint += strlen(scheme);
		size_t n = strlen(endpoint);
		if (n && endpoint[n - 1] == '/')
			n--;
		if (n >= sizeof host)
			return -EINVAL;
		memcpy(host, endpoint, n);
		host[n] = '\0';
	}
	if (!host_valid(host))
		return -EINVAL;
	/* A bucket with a dot is not covered by the endpoint's wildcard certificate. */
	if (style == S3_AUTO)
		style = aws && !strchr(bucket, '.') ? S3_VIRTUAL : S3_PATH;
	if (style == S3_VIRTUAL)
		return buf_addf(out, "%s%s.%s/", scheme, bucket, host);
	return buf_addf(out, "%s%s/%s/", scheme, host, bucket);
}

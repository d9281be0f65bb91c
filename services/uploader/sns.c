#include "sns.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cloud/http_client.h"
#include "cloud/json_text.h"

int sns_event(struct buf *out, const struct sns_object *o)
{
	char when[32] = "";
	time_t t = (time_t)o->stored_s;
	struct tm tm;
	if (gmtime_r(&t, &tm))
		strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S.000Z", &tm);
	buf_adds(
		out,
		"{\"Records\":[{\"eventVersion\":\"2.1\",\"eventSource\":\"aws:s3\",\"awsRegion\":");
	json_text(out, bytes_str(o->region));
	buf_addf(out, ",\"eventTime\":\"%s\",\"eventName\":\"ObjectCreated:Put\"", when);
	buf_adds(
		out,
		",\"s3\":{\"s3SchemaVersion\":\"1.0\",\"configurationId\":\"lurker\",\"bucket\":{\"name\":");
	json_text(out, bytes_str(o->bucket));
	buf_adds(out, ",\"arn\":\"arn:aws:s3:::");
	buf_adds(out, o->bucket);
	/* S3 writes keys as in a URL. */
	buf_adds(out, "\"},\"object\":{\"key\":\"");
	http_escape(out, o->key, true);
	return buf_addf(out, "\",\"size\":%" PRIu64 "}}}]}", o->bytes);
}

int sns_publish(struct buf *out, const char *topic, const struct sns_object *o)
{
	struct buf event;
	buf_init(&event, 1u << 14);
	int rc = sns_event(&event, o);
	if (!rc)
		rc = buf_addc(&event, '\0');
	if (!rc) {
		buf_adds(out, "Action=Publish&Version=2010-03-31&TopicArn=");
		http_escape(out, topic, false);
		buf_adds(out, "&Subject=Amazon%20S3%20Notification&Message=");
		rc = http_escape(out, (const char *)event.p, false);
	}
	buf_fini(&event);
	return rc;
}

int sns_region(const char *topic, char out[32])
{
	/* arn : partition : sns : region : account : name */
	if (strncmp(topic, "arn:", 4) != 0)
		return -EINVAL;
	const char *service = strchr(topic + 4, ':');
	if (!service || strncmp(service, ":sns:", 5) != 0)
		return -EINVAL;
	const char *region = service + 5, *end = strchr(region, ':');
	if (!end || end == region || end - region >= 32 || !strchr(end + 1, ':'))
		return -EINVAL;
	memcpy(out, region, (size_t)(end - region));
	out[end - region] = '\0';
	return strspn(out, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(out) ? 0 : -EINVAL;
}

/*
 * Option values against each other and against the system.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "aws/sqs_text.h"
#include "conf.h"
#include "read/packet_filter.h"
#include "who/geo.h"

int conf_refuse(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("lurker-analyzer: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	return -EINVAL;
}

static int check_cloud(const struct conf *c, bool files)
{
	char why[128] = "", endpoint[256], region[32];

	if (c->sqs && c->lambda)
		snprintf(why, sizeof why, "sqs and lambda are different ways in: give one of them");
	else if (c->sqs && sqs_queue(c->sqs, endpoint, region) != 0)
		snprintf(why, sizeof why,
			 "sqs: the URL of a queue, such as "
			 "https://sqs.eu-central-1.amazonaws.com/123456789012/NAME");
	else if (files)
		snprintf(why, sizeof why, "%s and files are different ways in: give one of them",
			 c->sqs ? "sqs" : "lambda");
	if (!why[0] && cloud_check(&c->cloud, why, sizeof why) == 0)
		return 0;
	log_error("configuration", "error=\"%s\"", why);
	return -EINVAL;
}

/* check_geo: the service starts without a file that cannot be read yet, and takes it later. */
static int check_geo(bool files, const char *flag, const char *path)
{
	int rc = path ? who_geo_check(path) : 0;

	if (rc == -EBADMSG)
		return conf_refuse("%s %s: not a MaxMind DB file", flag, path);
	if (rc && files)
		return conf_refuse("%s %s: %s", flag, path, strerror(-rc));
	if (rc)
		log_warn("a GeoIP file cannot be read, it is taken when it can",
			 "path=\"%s\" error=\"%s\"", path, strerror(-rc));
	return 0;
}

int conf_check(const struct conf *c, bool files)
{
	const struct {
		const char *flag;
		bool given;
	} of_files[] = {{"--diff", c->diff},
			{"--filter", c->filter},
			{"--table", c->table},
			{"--ecs", c->ecs}};
	struct packet_filter *f;
	char err[256];

	if (c->json + c->table + c->ecs > 1 || (c->diff && (c->table || c->ecs)))
		return conf_refuse("choose one of --json, --table, --ecs and --diff");
	if ((c->sqs || c->lambda) && check_cloud(c, files))
		return -EINVAL;
	for (size_t i = 0; i < sizeof of_files / sizeof of_files[0]; i++)
		if (of_files[i].given && !files)
			return conf_refuse(
				"%s needs files: without, this is the service (see --help)",
				of_files[i].flag);
	if (c->diff && strcmp(c->diff, "-") == 0)
		return conf_refuse("--diff -: standard input cannot be read twice, give a file");
	if (c->filter) {
		int rc = packet_filter_new(c->filter, &f, err, sizeof err);
		if (rc)
			return conf_refuse("--filter: %s", *err ? err : strerror(-rc));
		packet_filter_free(&f);
	}
	if (check_geo(files, "--geo-place", c->geo_place) ||
	    check_geo(files, "--geo-asn", c->geo_asn))
		return -EINVAL;
	return 0;
}

/*
 * lurker-analyzer: capture files in, records out.
 */
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "aws/sqs_text.h"
#include "conf.h"
#include "files/job.h"
#include "files/record_diff.h"
#include "input/input_lambda.h"
#include "read/packet_filter.h"
#include "work/serve.h"

#define HUGE_PAGE (2u << 20)
/* What is not of the flows: tables, the memo, lines. */
#define HEAP_EXTRA (64u << 20)
#define HEAP_MOST  (512u << 20)
#define HEAP_PAD   (4u << 20)  /* by which it grows after that */
#define HEAP_MMAP  (32u << 20) /* the most that glibc takes for M_MMAP_THRESHOLD */

static int check_cloud(const struct svc *s)
{
	char why[128] = "", endpoint[256], region[32];

	if (settings.sqs && settings.lambda)
		snprintf(why, sizeof why, "sqs and lambda are different ways in: give one of them");
	else if (settings.sqs && sqs_queue(settings.sqs, endpoint, region) != 0)
		snprintf(why, sizeof why,
			 "sqs: the URL of a queue, such as "
			 "https://sqs.eu-central-1.amazonaws.com/123456789012/NAME");
	else if (s->argc)
		snprintf(why, sizeof why, "%s and files are different ways in: give one of them",
			 settings.sqs ? "sqs" : "lambda");
	if (!why[0] && cloud_check(&settings.cloud, why, sizeof why) == 0)
		return 0;
	log_error("configuration", "error=\"%s\"", why);
	return -EINVAL;
}

/* refuse: an option that is wrong, or has no meaning here. */
__attribute__((format(printf, 1, 2))) static int refuse(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("lurker-analyzer: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	return -EINVAL;
}

/* check_geo: a service takes a file that is not there yet when it appears. */
static int check_geo(const struct svc *s, const char *flag, const char *path)
{
	int rc = path ? who_geo_check(path) : 0;

	if (rc == -EBADMSG)
		return refuse("%s %s: not a MaxMind DB file", flag, path);
	if (rc && s->argc)
		return refuse("%s %s: %s", flag, path, strerror(-rc));
	if (rc)
		log_warn("a GeoIP file cannot be read, it is taken when it can",
			 "path=\"%s\" error=\"%s\"", path, strerror(-rc));
	return 0;
}

static int check(struct svc *s)
{
	const struct {
		const char *flag;
		bool given;
	} of_files[] = {{"--diff", settings.diff},
			{"--filter", settings.filter},
			{"--table", settings.table},
			{"--ecs", settings.ecs}};
	struct packet_filter *f;
	char err[256];

	if (settings.json + settings.table + settings.ecs > 1 ||
	    (settings.diff && (settings.table || settings.ecs)))
		return refuse("choose one of --json, --table, --ecs and --diff");
	if ((settings.sqs || settings.lambda) && check_cloud(s))
		return -EINVAL;
	for (size_t i = 0; i < sizeof of_files / sizeof of_files[0]; i++)
		if (of_files[i].given && !s->argc)
			return refuse("%s needs files: without, this is the service (see --help)",
				      of_files[i].flag);
	if (settings.diff && strcmp(settings.diff, "-") == 0)
		return refuse("--diff -: standard input cannot be read twice, give a file");
	if (settings.filter) {
		int rc = packet_filter_new(settings.filter, &f, err, sizeof err);
		if (rc)
			return refuse("--filter: %s", *err ? err : strerror(-rc));
		packet_filter_free(&f);
	}
	if (check_geo(s, "--geo-place", settings.geo_place) ||
	    check_geo(s, "--geo-asn", settings.geo_asn))
		return -EINVAL;
	return 0;
}

/* grow_heap: one process that works through files takes its memory in large pieces, from a heap of
 * huge pages: with ordinary ones the page faults are a tenth of its time. Only what is written to
 * costs memory. A hint: nothing depends on it. */
static void grow_heap(size_t flows)
{
	size_t n = flows < HEAP_MOST - HEAP_EXTRA ? flows + HEAP_EXTRA : HEAP_MOST;

	mallopt(M_MMAP_THRESHOLD, HEAP_MMAP);
	mallopt(M_TRIM_THRESHOLD, INT_MAX);
	mallopt(M_TOP_PAD, (int)n);
	uint8_t *first = malloc(HEAP_MMAP / 2);
	uint8_t *end = sbrk(0);
	mallopt(M_TOP_PAD, HEAP_PAD);
	/* The heap lies elsewhere under a sanitizer, or where its place was taken. */
	if (first && end > first && (size_t)(end - first) >= n) {
		uint8_t *from = first + (HUGE_PAGE - (uintptr_t)first % HUGE_PAGE);
		madvise(from, (size_t)(end - from) & ~(size_t)(HUGE_PAGE - 1), MADV_HUGEPAGE);
	}
	free(first);
}

/* settle_heap: the service works on small flows and, now and then, on a large one, whose memory
 * goes back to the system. Left alone, glibc takes ever larger pieces from the heap, where they
 * stay. */
static void settle_heap(void)
{
	mallopt(M_MMAP_THRESHOLD, 1 << 20);
	mallopt(M_TRIM_THRESHOLD, 2 << 20);
}

/* files: the job of the command line. */
static int files(struct svc *s, int argc, char **argv)
{
	struct job_options o = {
		.pool = {.sensor = s->common.sensor,
			 .destination = settings.destination,
			 .format = settings.table ? RECORD_TABLE
				   : settings.ecs ? RECORD_ECS
						  : RECORD_JSON},
		.jobs = (unsigned)settings.jobs,
		.max_classes = (size_t)settings.classes,
		.max_sources = (size_t)settings.sources,
		.progress = settings.progress && isatty(STDERR_FILENO),
	};
	uint64_t line = 0;
	char err[256];
	int rc = 0;

	o.pool.input = settings_input(o.jobs);
	grow_heap(o.pool.input.flows.memory);
	if (settings.filter)
		rc = packet_filter_new(settings.filter, &o.pool.input.filter, err, sizeof err);
	if (!rc && settings.diff) {
		rc = record_diff_new(settings.diff, &o.diff, &line);
		if (rc) {
			if (rc == -EBADMSG)
				refuse("--diff %s: line %llu is not a record", settings.diff,
				       (unsigned long long)line);
			else
				refuse("--diff %s: %s", settings.diff, strerror(-rc));
			packet_filter_free(&o.pool.input.filter);
			return 2;
		}
	}
	if (!rc && (settings.geo_place || settings.geo_asn))
		rc = who_geo_new(settings.geo_place, settings.geo_asn, &o.pool.geo);
	if (!rc)
		rc = job_run(&o, argv, (size_t)argc, stdout);
	if (rc < 0)
		log_error("stopped", "error=\"%s\"", strerror(-rc));
	if (!rc && o.diff)
		rc = record_diff_found(o.diff) ? 1 : 0;
	who_geo_free(&o.pool.geo);
	record_diff_free(&o.diff);
	packet_filter_free(&o.pool.input.filter);
	return rc ? 1 : 0;
}

/* Flows that memory does not hold are paged out. */
static const char *const calls[] = {"flock", "pwrite64", NULL};
static const char *const sqs_calls[] = {"pwrite64", HTTP_CALLS, NULL};

static struct svc_desc desc;

static int job(struct svc *s, int argc, char **argv)
{
	desc.calls = settings.sqs ? sqs_calls : calls;
	if (settings.lambda)
		return input_lambda_run(s);
	if (argc)
		return files(s, argc, argv);
	settle_heap();
	return SVC_SERVE;
}

static struct svc_desc desc = {
	.name = "analyzer",
	.operands = "[FILE|DIR|-]...",
	.details =
		"With files (pcap or pcapng, also gzip), directories or - for standard input:\n"
		"prints one record a flow on standard output, in order of time within each file.\n"
		"A file that is broken is reported on standard error with the offset; what was\n"
		"readable is kept, and the exit code is 1. So it is for packets that were not\n"
		"looked at: of unknown link types or undescribed interfaces, beyond max_flows, in\n"
		"too many tunnels. Packets that are broken are reported only. With --diff the\n"
		"exit code is 1 when there are differences.\n"
		"\n"
		"Without, the service:\n"
		"Reads    its queue STATE_DIR/spool/queue/analyzer, oldest first, woken by the\n"
		"         topic `flow` and by looking every few seconds.\n"
		"Writes   each record to STATE_DIR/records/analysis, publishes `analysis`, and\n"
		"         then removes the entry. Files that are no captures go to\n"
		"         STATE_DIR/spool/bad/analyzer.\n"
		"\n"
		"With --sqs URL, one of any number of workers of a queue of S3 events:\n"
		"Reads    the objects that its messages name, instead of the queue on this host;\n"
		"         credentials need sqs:ReceiveMessage, DeleteMessage and\n"
		"         ChangeMessageVisibility, s3:GetObject, and s3:ListBucket to tell a\n"
		"         missing object from a forbidden one.\n"
		"Writes   as above, and deletes a message when its records are on disk. What "
		"cannot\n"
		"         be done (no event, no such object, no capture) is left to the queue's\n"
		"         dead-letter queue.\n"
		"\n"
		"With --lambda, inside a Lambda function: reads the objects that its events name,\n"
		"writes records as JSON lines on standard output or to a group of CloudWatch "
		"Logs,\n"
		"and nothing to disk but /tmp.\n"
		"\n"
		"Needs    no privilege.\n"
		"Prints   log lines on standard error, nothing else.",
	.opts = settings_opts,
	.conf = &settings,
	.endpoint = &settings.endpoint,
	.metrics = serve_metrics,
	.values = serve_values,
	.check = check,
	.job = job,
	.start = serve_start,
	.tick = serve_tick,
	.drain = serve_drain,
};

int main(int argc, char **argv)
{
	desc.nmetrics = serve_nmetrics;
	return svc_main(&desc, argc, argv);
}

/*
 * lurker-analyzer: capture files in, records out.
 */
#include "command.h"
#include "conf.h"
#include "input/input_lambda.h"
#include "rt/svc.h"
#include "work/heap.h"
#include "work/serve.h"

static const struct metric metrics[] = {
#define COUNT(id, name, kind, unit, help) {#name, METRIC_##kind, unit, help},
#include "analyzer/counts.def"
#undef COUNT
};

static struct conf conf;
static struct serve serve = {.conf = &conf};
static struct svc_desc desc;

static int analyzer_check(struct svc *s)
{
	return conf_check(&conf, s->argc > 0);
}

/* Flows that memory does not hold are paged out. */
static const char *const queue_calls[] = {"flock", "pwrite64", NULL};
static const char *const sqs_calls[] = {"pwrite64", HTTP_CALLS, NULL};

static int analyzer_job(struct svc *s, int argc, char **argv)
{
	if (conf.lambda)
		return input_lambda_run(s, &conf);
	if (argc)
		return command_run(&conf, s->common.sensor, argv, (size_t)argc);
	serve.input = conf.sqs ? &input_sqs : &input_queue;
	desc.calls = conf.sqs ? sqs_calls : queue_calls;
	heap_settle();
	return SVC_SERVE;
}

static int analyzer_start(struct svc *s)
{
	return serve_start(s->state, s);
}

static void analyzer_tick(struct svc *s)
{
	serve_tick(s->state);
}

static void analyzer_drain(struct svc *s)
{
	serve_drain(s->state);
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
	.opts = conf_opts,
	.conf = &conf,
	.state = &serve,
	.endpoint = &conf.endpoint,
	.metrics = metrics,
	.nmetrics = sizeof metrics / sizeof *metrics,
	.values = serve.count,
	.check = analyzer_check,
	.job = analyzer_job,
	.start = analyzer_start,
	.tick = analyzer_tick,
	.drain = analyzer_drain,
};

int main(int argc, char **argv)
{
	return svc_main(&desc, argc, argv);
}

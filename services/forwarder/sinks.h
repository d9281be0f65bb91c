/*
 * sinks: the table of destinations. Another one is a file with its sink_class, a row here, its
 * options in conf.h and conf.c, of which NAME_filter is one.
 */
#ifndef FORWARDER_SINKS_H
#define FORWARDER_SINKS_H

#include "sink.h"

#define SINKS(X) X(cloudwatch) X(webhook) X(slack) X(kafka)

/* CloudWatch Logs: one event a record, its time that of the flow's first packet in whole seconds.
 * Group and stream are made when missing. */
extern const struct sink_class sink_cloudwatch;
/* Any HTTP server: records as NDJSON in a POST; 2xx takes them, 400, 413 and 422 mean smaller
 * batches. */
extern const struct sink_class sink_webhook;
/* Slack's incoming webhooks (and what imitates them): one message in slack_every_s, with the first
 * few records since the last one in full and the number and ports of the others. */
extern const struct sink_class sink_slack;
/* A Kafka topic: one message a record, its key the source address, its time that of the flow's
 * first packet. */
extern const struct sink_class sink_kafka;

/* System calls of librdkafka beyond those of HTTP, for svc_desc.calls. */
#define KAFKA_CALLS "pipe2"

#endif

/*
 * conf: the options of lurker-analyzer, and what they mean for reading files.
 */
#ifndef ANALYZER_CONF_H
#define ANALYZER_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/cloud_conf.h"
#include "read/capture_reader.h"
#include "rt/svc.h"

struct conf {
	const char *endpoint;
	/* Reading. */
	int64_t idle_timeout_s;
	uint64_t stream_bytes, out_of_order_bytes, memory, record_bytes;
	int64_t max_flows;
	const char *page_dir;
	/* Records. */
	const char *destination;
	int64_t classes, sources;
	const char *geo_place, *geo_asn;
	int64_t keep_days, plain_days;
	/* Files from the command line. */
	bool json, table, ecs, progress;
	int64_t jobs;
	const char *filter, *diff;
	/* The cloud. */
	const char *sqs;
	int64_t sqs_messages, sqs_visibility_s, sqs_remember, retry_max_s;
	bool lambda;
	const char *log_group, *log_stream, *log_endpoint;
	struct cloud_conf cloud;
};

extern const struct opt conf_opts[];

/* conf_reader: how capture files are read; shares is the number of processes that share the
 * memory. */
struct capture_reader_options conf_reader(const struct conf *c, unsigned shares);

/* conf_check: whether the options go together and what they name can be used. files: there are
 * operands. 0 or -EINVAL, said on standard error. */
int conf_check(const struct conf *c, bool files);
/* conf_refuse: says on standard error what is wrong. -EINVAL. */
__attribute__((format(printf, 1, 2))) int conf_refuse(const char *format, ...);

#endif

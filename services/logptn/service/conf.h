/*
 * conf: the options of lurker-logptn.
 */
#ifndef LOGPTN_SERVICE_CONF_H
#define LOGPTN_SERVICE_CONF_H

#include <stdint.h>

#include "rt/opt.h"

enum logptn_topic { LOGPTN_TOPIC_ANALYSIS, LOGPTN_TOPIC_LOG };

struct logptn_conf {
	int topic; /* enum logptn_topic */
	struct opt_list from;
	int64_t update_interval_s, save_interval_s, keep_days;
	const char *endpoint;
};

/* Rows over a struct logptn_conf, up to one without a name. */
extern const struct opt logptn_opts[];

/* For --help: what the service reads, writes, needs and prints. */
extern const char logptn_details[];

/* conf_check: the options against each other. 0, or -EINVAL after logging why. */
int conf_check(const struct logptn_conf *c);

#endif

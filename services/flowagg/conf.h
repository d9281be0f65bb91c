/*
 * conf: the options of flowagg and what follows from them.
 */
#ifndef FLOWAGG_CONF_H
#define FLOWAGG_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "flowagg/agg.h"
#include "rt/opt.h"
#include "storage/home.h"

struct conf {
	const char *endpoint;
	int64_t idle_timeout_s, max_age_s, max_flows, checkpoint_s, spool_max_files;
	uint64_t max_flow_bytes, max_bytes, bundle_bytes, checkpoint_bytes, spool_max_bytes;
	int bundle, directions;
	struct opt_list consumers, home_networks;
};

extern const struct opt conf_opts[];

/* conf_check: checks the options against each other. 0, or -EINVAL after logging why. */
int conf_check(const struct conf *c);
/* conf_home: adds home_networks to *home. 0, or -EINVAL after logging why. */
int conf_home(const struct conf *c, struct home *home);
/* conf_limits: the limits of agg; borrows home. */
struct agg_limits conf_limits(const struct conf *c, const struct home *home);
/* conf_feeds: whether consumer is among the configured consumers. */
bool conf_feeds(const struct conf *c, const char *consumer);

#endif

#include "flowagg/conf.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "rt/svc.h"
#include "storage/spool.h"

#define CONSUMERS_MAX     7
#define CONSUMER_NAME_MAX 32

static const char *const bundle_choices[] = {"empty", "none", "all", NULL};
static const char *const directions_choices[] = {"both", "in", NULL};

#define O(field) offsetof(struct conf, field)
const struct opt conf_opts[] = {
	SVC_OPT_ENDPOINT(struct conf),
	{"idle_timeout_s", 0, OPT_INT, O(idle_timeout_s), "60", 1, 86400, "s",
	 "silence after which a flow ends", NULL},
	{"max_age_s", 0, OPT_INT, O(max_age_s), "3600", 1, 604800, "s",
	 "age at which a flow that is still active is cut", NULL},
	{"max_flow_bytes", 0, OPT_SIZE, O(max_flow_bytes), "32MiB", 2 << 20, INT64_C(1) << 32,
	 "bytes", "size at which a flow is cut", NULL},
	{"max_flows", 0, OPT_INT, O(max_flows), "131072", 16, 16777216, "flows",
	 "open flows at a time; beyond this, flows without initiator payload end first, the "
	 "longest unseen before others",
	 NULL},
	{"max_bytes", 0, OPT_SIZE, O(max_bytes), "64MiB", 4 << 20, INT64_C(1) << 38, "bytes",
	 "packets in memory; beyond this, flows without initiator payload end first, the longest "
	 "unseen before others",
	 NULL},
	{"bundle", 0, OPT_ENUM, O(bundle), "empty", 0, 0, NULL,
	 "which flows share one file a minute: empty (flows whose initiator sent no payload), "
	 "none, or all",
	 bundle_choices},
	{"bundle_bytes", 0, OPT_SIZE, O(bundle_bytes), "4MiB", 1 << 16, INT64_C(1) << 30, "bytes",
	 "size at which a bundle ends; a larger flow gets a file of its own", NULL},
	{"directions", 0, OPT_ENUM, O(directions), "both", 0, 0, NULL,
	 "packets kept in a file: from both ends, or from the initiator only", directions_choices},
	{"consumers", 0, OPT_LIST, O(consumers), "uploader,analyzer", 0, 0, NULL,
	 "queues that get each file", NULL},
	{"home_networks", 0, OPT_LIST, O(home_networks), NULL, 0, 0, NULL,
	 "networks of the sensor: a flow that one of these begins with another network is the "
	 "host's own and is not kept; by default the networks that capture reports",
	 NULL},
	{"spool_max_bytes", 0, OPT_SIZE, O(spool_max_bytes), "8GiB", 1 << 20, INT64_C(1) << 46,
	 "bytes",
	 "size of all queues together; beyond this, the oldest bundles are evicted, and when no "
	 "bundle is left the new file is rejected",
	 NULL},
	{"spool_max_files", 0, OPT_INT, O(spool_max_files), "1000000", 16, INT64_C(1) << 40,
	 "files",
	 "files in all queues together; beyond this, the oldest bundles are evicted, and when no "
	 "bundle is left the new file is rejected",
	 NULL},
	{"checkpoint_s", 0, OPT_INT, O(checkpoint_s), "30", 1, 86400, "s",
	 "interval at which open flows are saved, if new packets have come", NULL},
	{"checkpoint_bytes", 0, OPT_SIZE, O(checkpoint_bytes), "256MiB", 1 << 16, INT64_C(1) << 42,
	 "bytes",
	 "journal bytes after which open flows are saved before checkpoint_s is over; a quarter "
	 "of capture's journal_total is right",
	 NULL},
	{0},
};
#undef O

int conf_check(const struct conf *c)
{
	if (c->max_flow_bytes > c->max_bytes / 2) {
		log_error("option", "error=\"max_bytes must be at least twice max_flow_bytes\"");
		return -EINVAL;
	}
	if (c->consumers.n > CONSUMERS_MAX) {
		log_error("option consumers", "error=\"at most %d\"", CONSUMERS_MAX);
		return -EINVAL;
	}
	for (size_t i = 0; i < c->consumers.n; i++) {
		const char *name = c->consumers.v[i];
		if (!object_key_valid(name) || strchr(name, '/') ||
		    strlen(name) > CONSUMER_NAME_MAX) {
			log_error("option consumers", "error=\"%s is not a valid queue name\"",
				  name);
			return -EINVAL;
		}
	}
	return 0;
}

int conf_home(const struct conf *c, struct home *home)
{
	for (size_t i = 0; i < c->home_networks.n; i++)
		if (home_add(home, c->home_networks.v[i])) {
			log_error("option home_networks",
				  "error=\"%s is not a network, or there are more than %d\"",
				  c->home_networks.v[i], HOME_MAX);
			return -EINVAL;
		}
	return 0;
}

struct agg_limits conf_limits(const struct conf *c, const struct home *home)
{
	return (struct agg_limits){
		.idle_ns = (uint64_t)c->idle_timeout_s * NS_PER_S,
		.max_age_ns = (uint64_t)c->max_age_s * NS_PER_S,
		.max_flow_bytes = c->max_flow_bytes,
		.max_bytes = c->max_bytes,
		.bundle_bytes = c->bundle_bytes,
		.max_flows = (uint32_t)c->max_flows,
		.bundling = (enum agg_bundling)c->bundle,
		.initiator_only = c->directions == 1,
		.home = home,
	};
}

bool conf_feeds(const struct conf *c, const char *consumer)
{
	for (size_t i = 0; i < c->consumers.n; i++)
		if (strcmp(c->consumers.v[i], consumer) == 0)
			return true;
	return false;
}

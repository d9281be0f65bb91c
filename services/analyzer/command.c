#include "command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "files/job.h"
#include "files/record_diff.h"
#include "read/packet_filter.h"
#include "work/heap.h"

int command_run(const struct conf *c, const char *sensor, char *const *operands, size_t n)
{
	struct job_options o = {
		.pool = {.sensor = sensor,
			 .destination = c->destination,
			 .format = c->table ? RECORD_TABLE
				   : c->ecs ? RECORD_ECS
					    : RECORD_JSON},
		.jobs = (unsigned)c->jobs,
		.max_classes = (size_t)c->classes,
		.max_sources = (size_t)c->sources,
		.progress = c->progress && isatty(STDERR_FILENO),
	};
	uint64_t line = 0;
	char err[256];
	int rc = 0;

	o.pool.input = conf_reader(c, o.jobs);
	heap_grow(o.pool.input.flows.memory);
	if (c->filter)
		rc = packet_filter_new(c->filter, &o.pool.input.filter, err, sizeof err);
	if (!rc && c->diff) {
		rc = record_diff_new(c->diff, &o.diff, &line);
		if (rc) {
			if (rc == -EBADMSG)
				conf_refuse("--diff %s: line %llu is not a record", c->diff,
					    (unsigned long long)line);
			else
				conf_refuse("--diff %s: %s", c->diff, strerror(-rc));
			packet_filter_free(&o.pool.input.filter);
			return 2;
		}
	}
	if (!rc && (c->geo_place || c->geo_asn))
		rc = who_geo_new(c->geo_place, c->geo_asn, &o.pool.geo);
	if (!rc)
		rc = job_run(&o, operands, n, stdout);
	if (rc < 0)
		log_error("stopped", "error=\"%s\"", strerror(-rc));
	if (!rc && o.diff)
		rc = record_diff_found(o.diff) ? 1 : 0;
	who_geo_free(&o.pool.geo);
	record_diff_free(&o.diff);
	packet_filter_free(&o.pool.input.filter);
	return rc ? 1 : 0;
}

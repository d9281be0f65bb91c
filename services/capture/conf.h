/*
 * conf: the options of capture and what follows from them.
 */
#ifndef CAPTURE_CONF_H
#define CAPTURE_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/scope.h"
#include "rt/opt.h"

struct conf {
	const char *endpoint, *interface, *filter, *file;
	int64_t snaplen, timeout_ms, pace, end_gap_s;
	uint64_t ring, journal_segment, journal_total;
	bool promiscuous, journal_sync;
	struct opt_list networks, exclude_ports, host_ports;
};

extern const struct opt conf_opts[];

/* conf_check: checks the options against each other. 0, or -EINVAL after logging why. */
int conf_check(const struct conf *c);
/* conf_scope: what is captured on an interface with these addresses; borrows c and addresses. */
struct scope conf_scope(const struct conf *c, const struct opt_list *addresses);

#endif

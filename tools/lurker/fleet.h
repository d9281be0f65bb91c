/*
 * fleet: the services that `lurker up` runs: which ones, when each is started again, and when all
 * end. Processes stay outside: events and a clock go in, decisions come out.
 *
 * A service that ends is started again after a pause, which doubles from FLEET_PAUSE_MIN_NS to
 * FLEET_PAUSE_MAX_NS and begins anew once the service has run for FLEET_STEADY_NS. A service that
 * refuses its configuration (exit code 2) ends them all: another start would say the same.
 */
#ifndef LURKER_FLEET_H
#define LURKER_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "rt/opt.h"
#include "services/services.h"

#define FLEET_PAUSE_MIN_NS   (100 * NS_PER_MS)
#define FLEET_PAUSE_MAX_NS   (3 * NS_PER_S) /* with its start, a service is back within 5 s */
#define FLEET_STEADY_NS      (30 * NS_PER_S)
#define FLEET_DRAIN_LIMIT_NS (15 * NS_PER_S) /* then what still runs is killed */

struct fleet_member {
	const struct service_row *row;
	bool running;
	uint64_t started_ns, again_ns; /* CLOCK_MONOTONIC; not started before again_ns */
	uint64_t pause_ns;             /* before the next start; 0: it has not ended yet */
	uint64_t restarts;
};

struct fleet {
	struct fleet_member member[NSERVICES]; /* in the order of starts: readers first */
	size_t n;
	bool draining;
	uint64_t drain_began_ns;
	int exit_code;
};

/* How a process ended: of a signal, or with an exit code. */
struct fleet_end {
	bool by_signal;
	int number;
};

enum fleet_next { FLEET_RESTART, FLEET_REFUSED, FLEET_DRAINED };

/* fleet_wants: whether a sensor with this list of services (up.services; empty: not given) runs
 * row. */
bool fleet_wants(const struct opt_list *asked, const struct service_row *row);

/* fleet_choose: fills f with the services that asked names, or, if it names none, with those of a
 * default sensor that are installed. installed: 0, or -errno. 0; -EINVAL or -ENOENT, *culprit is
 * then the service that does not exist, or is not installed though it is asked for. */
int fleet_choose(struct fleet *f, const struct opt_list *asked, int (*installed)(const char *name),
		 const char **culprit);

/* fleet_due: whether m has to be started now. */
bool fleet_due(const struct fleet *f, const struct fleet_member *m, uint64_t now_ns);
void fleet_started(struct fleet_member *m, uint64_t now_ns);
/* fleet_not_started: the start failed; the next one is due after the longest pause. */
void fleet_not_started(struct fleet_member *m, uint64_t now_ns);

/* fleet_ended: the process of m ended. Sets when m is due again, or, for FLEET_REFUSED, the exit
 * code; the caller then drains. */
enum fleet_next fleet_ended(struct fleet *f, struct fleet_member *m, struct fleet_end end,
			    uint64_t now_ns);

/* fleet_drain: from now on nothing is started. false when that was so already. */
bool fleet_drain(struct fleet *f, uint64_t now_ns);
bool fleet_running(const struct fleet *f);
bool fleet_overdue(const struct fleet *f, uint64_t now_ns); /* the drain takes too long */

#endif

/*
 * conf: the options of the responder and what follows from them.
 */
#ifndef RESPONDER_CONF_H
#define RESPONDER_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "responder/interface.h"
#include "responder/respond.h"
#include "rt/opt.h"

struct conf {
	const char *endpoint;
	const char *interface;
	struct opt_list networks, exclude_ports, host_ports, nudge_banners;
	bool arp, kernel_drop, icmp_echo, nudge;
	uint64_t ring_bytes, connection_bytes;
	int64_t source_rate, source_burst, prefix_rate, prefix_burst, total_rate, shed_rate;
	int64_t buckets, connections, connection_idle_s, connection_evict_s, cookie_s;
	int64_t rst_tuples, rst_s, neighbours;
	int64_t reflect_packets, reflect_min_s, reflect_per_min, reflect_ports, reflect_repeats,
		reflect_quiet_s;
	int64_t victim_rsts, victim_silence_s, suspects, verified, verified_s;
	int64_t nudge_ms, replies_per_s;
};

extern const struct opt conf_opts[];

/* conf_watch: networks, ports and the host's own addresses. 0, or -errno with what is wrong in err.
 */
int conf_watch(const struct conf *c, struct watch *w, char *err, size_t errlen);
/* conf_nudge: the banners, when nudging is on. 0 or -errno with what is wrong in err. */
int conf_nudge(const struct conf *c, struct nudge *n, char *err, size_t errlen);
/* conf_core: the core's settings; seed is left to the caller. */
void conf_core(const struct conf *c, const struct interface_link *link, struct responder_conf *out);

#endif

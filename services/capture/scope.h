/*
 * scope: which traffic is the host's own and is not captured.
 *
 * The kernel filter leaves out ports that stay with the host (the operator's sshd), but only as
 * ports of the host's own addresses. A visitor that sends *from* port 22 is captured like any
 * other.
 */
#ifndef CAPTURE_SCOPE_H
#define CAPTURE_SCOPE_H

#include "proto/buf.h"
#include "rt/opt.h"

struct scope {
	const char *filter;               /* the operator's filter, or NULL */
	const struct opt_list *networks;  /* of the sensor */
	const struct opt_list *exclude;   /* TCP ports or ranges, on networks and addresses */
	const struct opt_list *addresses; /* of the interface */
	const struct opt_list *host; /* TCP ports or ranges, on addresses only; "none" empties it */
};

/* scope_check: 0, or -EINVAL with the reason in err. */
int scope_check(const struct scope *s, char *err, size_t errlen);
/* scope_filter: appends the filter as pcap-filter(7) text, NUL-terminated. An empty text captures
 * everything. 0 or -ENOMEM. */
int scope_filter(const struct scope *s, struct buf *out);

#endif

/*
 * scope: what of the wire is the host's own business and not captured.
 *
 * Ports that stay with the host (the operator's sshd) are left out in the kernel filter, and only
 * where they are the host's: as the port of one of its addresses. A visitor who sends *from* port
 * 22 is captured like any other.
 */
#ifndef CAPTURE_SCOPE_H
#define CAPTURE_SCOPE_H

#include "proto/buf.h"
#include "rt/opt.h"

struct scope {
	const char *filter;               /* the operator's own, or NULL */
	const struct opt_list *networks;  /* of the sensor */
	const struct opt_list *exclude;   /* TCP ports or ranges, on networks and addresses */
	const struct opt_list *addresses; /* of the interface */
	const struct opt_list *host; /* TCP ports or ranges, on addresses only; "none" empties it */
};

/* scope_check: 0, or -EINVAL with what is wrong in err. */
int scope_check(const struct scope *s, char *err, size_t errlen);
/* scope_filter: appends the filter, in the language of pcap-filter(7), NUL-terminated; empty for
 * everything. 0 or -ENOMEM. */
int scope_filter(const struct scope *s, struct buf *out);

#endif

/*
 * host: notices that what the responder was started for is not there any more, or is different.
 *
 * The interface may go down and come up again, which needs nothing but patience. When it was made
 * anew, or the host's addresses in the watched networks changed, or it became a router
 * (containers), the packet sockets, the kernel's rules and the operator's way in no longer fit; all
 * need privilege, so the way out is to end and be started again.
 */
#ifndef RESPONDER_HOST_H
#define RESPONDER_HOST_H

#include "responder/conf.h"
#include "responder/interface.h"
#include "responder/watch.h"

enum host_state { HOST_SAME, HOST_DOWN, HOST_CHANGED };

/* host_look: c, link, w and kernel_forwards() are what the responder runs with. HOST_DOWN: the
 * interface is down, or gone, or has no address left to watch. */
enum host_state host_look(const struct conf *c, const struct interface_link *link,
			  const struct watch *w, bool forwards);

#endif

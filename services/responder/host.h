/*
 * host: notices that the host is no longer as it was when the responder started.
 *
 * When the interface only goes down, the responder waits for it. When the interface was recreated,
 * the host's addresses in the watched networks changed, or the host became a router (containers),
 * the packet sockets, the kernel's rules and the operator's access no longer fit. Changing them
 * needs privilege, so the responder exits and is started again.
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

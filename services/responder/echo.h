/*
 * echo: the reply to an ICMP or ICMPv6 echo request, as long as the request and no longer.
 */
#ifndef RESPONDER_ECHO_H
#define RESPONDER_ECHO_H

#include <stddef.h>
#include <stdint.h>

#include "pkt/pkt.h"

/* echo_is: whether p is a whole echo request with a good checksum that fits a frame of ours. */
bool echo_is(const struct pkt *p);
/* echo_write: the reply to a request for which echo_is(); returns the frame's length. */
size_t echo_write(const struct pkt *p, uint8_t *out);

#endif

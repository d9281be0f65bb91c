/*
 * ifaddr: the addresses of this host.
 */
#ifndef RT_IFADDR_H
#define RT_IFADDR_H

#include "rt/opt.h"

/* ifaddr_list: adds the IPv4 and IPv6 addresses of an interface as text (without scope), or of all
 * interfaces but loopback for NULL. 0 or -errno. opt_list_free frees the list. */
int ifaddr_list(const char *interface, struct opt_list *out);

#endif

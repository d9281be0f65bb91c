/*
 * route: the interface that the default route goes through.
 */
#ifndef RT_ROUTE_H
#define RT_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

/* Room for an interface name with its NUL (IFNAMSIZ). */
#define ROUTE_NAME 16

/* route_default: the interface of the IPv4 default route, else of the IPv6 one. 0 or -ENODEV. */
int route_default(char out[ROUTE_NAME]);
/* The same for the text of /proc/self/net/route and ipv6_route (where a unit sees processes only,
 * there is no /proc/net). */
int route_find4(const char *text, char out[ROUTE_NAME]);
int route_find6(const char *text, char out[ROUTE_NAME]);

#endif

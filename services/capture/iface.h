/*
 * iface: what the kernel says about a network interface, by /sys and /proc.
 */
#ifndef CAPTURE_IFACE_H
#define CAPTURE_IFACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for an interface name with its NUL (IFNAMSIZ). */
#define IFACE_NAME 16

/* iface_counters: packets received and sent; both 0 when unknown. */
void iface_counters(const char *name, uint64_t *rx, uint64_t *tx);

/* iface_up: whether it exists and is administratively up. *index is its number, 0 when it does not
 * exist. */
bool iface_up(const char *name, int *index);

/* iface_default: the interface of the IPv4 default route, else of the IPv6 one. 0 or -ENODEV.
 * iface_route4/6 do it for the text of /proc/net/route and /proc/net/ipv6_route. */
int iface_default(char out[IFACE_NAME]);
int iface_route4(const char *text, char out[IFACE_NAME]);
int iface_route6(const char *text, char out[IFACE_NAME]);

#endif

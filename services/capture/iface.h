/*
 * iface: what the kernel says about a network interface.
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

/* iface_up: whether the interface exists and is administratively up. *index is its number, or 0
 * when it does not exist. */
bool iface_up(const char *name, int *index);

#endif

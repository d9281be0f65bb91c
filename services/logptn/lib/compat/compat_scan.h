/*
 * compat_scan: the nine expressions of the original's --enable-regex, by hand: each takes the
 * leftmost match.
 */
#ifndef LOGPTN_LIB_COMPAT_COMPAT_SCAN_H
#define LOGPTN_LIB_COMPAT_COMPAT_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COMPAT_SCANS 9

/* compat_scan: the first match of expression `which` in s[from..n): its start and end. */
bool compat_scan(unsigned which, const uint8_t *s, size_t from, size_t n, size_t *start,
		 size_t *end);

#endif

/*
 * value_scan: hand-written scanners for values with an inner structure, over the shape of a line
 * (shape.h).
 *
 * Each returns the length of the value that starts at s[0], or 0. Nothing is looked at beyond n.
 * The caller has made sure that s[0] does not continue a word.
 */
#ifndef LOGPTN_LIB_LINE_VALUE_SCAN_H
#define LOGPTN_LIB_LINE_VALUE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

size_t value_scan_month(const uint8_t *s,
			size_t n); /* Mon, Jan 2 2006 15:04:05, with or without weekday and year */
size_t value_scan_date(const uint8_t *s,
		       size_t n); /* 2006-01-02, 02/01/2006, with or without a time and a zone */
size_t value_scan_time(const uint8_t *s, size_t n); /* 15:04, 15:04:05, 15:04:05.678 */
size_t value_scan_ip(const uint8_t *s,
		     size_t n); /* 10.0.0.1, 10.0.0.1:80, /10.0.0.1:80, 10.0.0.0/8 */
size_t value_scan_colons(const uint8_t *s, size_t n); /* IPv6 and MAC addresses */
size_t value_scan_url(const uint8_t *s, size_t n);
size_t value_scan_path(const uint8_t *s,
		       size_t n); /* /a/b, C:\a\b, a/b/c, com.a/b; a query may follow */
size_t value_scan_email(const uint8_t *s, size_t n);

#endif

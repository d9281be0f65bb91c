/*
 * utf8: which bytes are well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing
 * above U+10FFFF).
 */
#ifndef PROTO_UTF8_H
#define PROTO_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* utf8_len: length (1..4) of the well-formed character at p, of which n > 0 bytes are at hand; 0 if
 * there is none. */
size_t utf8_len(const uint8_t *p, size_t n);
/* utf8_decode: the length of the well-formed character at p[0..n), its code point in *cp; 0 if
 * there is none, then *cp stays. */
size_t utf8_decode(const uint8_t *p, size_t n, uint32_t *cp);
/* utf8_good: how many of the n bytes, from the first on, are well-formed. */
size_t utf8_good(const uint8_t *p, size_t n);
/* utf8_dot: replaces every byte that belongs to no well-formed character by '.'; the length stays.
 */
void utf8_dot(uint8_t *p, size_t n);

/* utf8_misleads: whether a character changes how the text around it looks, or cannot be seen: C0
 * and C1 controls, DEL, line and paragraph separators, bidirectional controls, zero-width
 * characters, and tag characters (Unicode TR36 and TR9; CVE-2021-42574). Whoever shows
 * text that an attacker chose escapes it. */
bool utf8_misleads(uint32_t cp);

#endif

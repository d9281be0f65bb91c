/*
 * text: slices of ASCII text: lines, words, numbers, and header fields in the manner of RFC 5322
 * and 9112.
 */
#ifndef APP_TEXT_H
#define APP_TEXT_H

#include <string.h>

#include "app/cur.h"
#include "app/list.h"

static inline bool is_upper(int c)
{
	return c >= 'A' && c <= 'Z';
}
static inline bool is_lower(int c)
{
	return c >= 'a' && c <= 'z';
}
static inline bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}
static inline bool is_alnum(int c)
{
	return is_upper(c) || is_lower(c) || is_digit(c);
}

/* text_is: equal to the C string; text_is_nocase and text_starts_nocase without regard to ASCII
 * case. */
static inline bool text_is(struct bytes b, const char *s)
{
	size_t n = strlen(s); /* in line, so that a literal's length is a constant */
	return b.n == n && (n == 0 || memcmp(b.p, s, n) == 0);
}
static inline bool text_starts(struct bytes b, const char *s)
{
	size_t n = strlen(s);
	return b.n >= n && n > 0 && memcmp(b.p, s, n) == 0;
}
bool text_is_nocase(struct bytes b, const char *s);
bool text_starts_nocase(struct bytes b, const char *s);
/* text_find: offset of the C string in b, or b.n. */
size_t text_find(struct bytes b, const char *s);
/* text_among: whether b is one of a NULL-terminated list (with nocase: without regard to case). */
bool text_among(struct bytes b, const char *const *list, bool nocase);
/* text_trim: without blanks, tabs, CR and LF at both ends. */
struct bytes text_trim(struct bytes b);
/* text_from: without its first n bytes; text_upto: the first n bytes; both clamp. */
struct bytes text_from(struct bytes b, size_t n);
struct bytes text_upto(struct bytes b, size_t n);
/* text_printable: nothing but printable ASCII, tabs, and bytes above 127. */
bool text_printable(struct bytes b);
/* text_number: the decimal number that b begins with, clamped to UINT64_MAX; -1 in *digits_out when
 * none. */
uint64_t text_number(struct bytes b, size_t *digits_out);
/* text_line: the next line without its LF or CR LF; at the end, what is left. *whole (may be NULL)
 * says whether it was ended. False when nothing is left. */
bool text_line(struct cur *c, struct bytes *line, bool *whole);
/* text_word: cuts the next run of non-blanks off *b; empty at the end. */
struct bytes text_word(struct bytes *b);

/* Base64 (RFC 4648, standard or URL alphabet, padding optional) into the arena; absent when b is
 * none. */
struct bytes text_base64(struct msg_arena *a, struct bytes b);

/* Header fields up to and including the empty line. */
struct fields {
	struct msg_header *v; /* the first n (bounded) */
	size_t n;
	bool complete; /* the empty line was seen */
};
void fields_read(struct cur *c, struct msg_arena *a, struct fields *out);
/* fields_get: the first field of that name, without regard to case; absent if none. */
struct bytes fields_get(const struct fields *f, const char *name);

#endif

/*
 * app_test: one payload through the table, and expectations about the record.
 */
#ifndef APP_TEST_H
#define APP_TEST_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"

/* What the last see…() found; valid until the next one. */
extern struct msg_analysis rec;

/* see: n bytes to a port over TCP (udp: UDP). Memory is exactly as long as the payload, so that a
 * sanitizer sees any step beyond it. */
void see_bytes(uint8_t proto, uint16_t port, const void *p, size_t n);
void see_full(const struct app_in *in);
/* unhex: the bytes of "0a 0b…", blanks ignored; *n says how many. */
const uint8_t *unhex(const char *hex, size_t *n);

#define tcp(port, text)    see_bytes(APP_TCP, port, text, sizeof(text) - 1)
#define udp(port, text)    see_bytes(APP_UDP, port, text, sizeof(text) - 1)
#define tcp_hex(port, hex) see_hex(APP_TCP, port, hex)
#define udp_hex(port, hex) see_hex(APP_UDP, port, hex)
static inline void see_hex(uint8_t proto, uint16_t port, const char *hex)
{
	size_t n;
	const uint8_t *p = unhex(hex, &n);
	see_bytes(proto, port, p, n);
}

#define is(b, s)                                                                                \
	cr_expect(bytes_eq((b), bytes_str(s)), "%s: \"%.*s\", expected \"%s\"", #b, (int)(b).n, \
		  (b).p ? (const char *)(b).p : "", (s))
#define is_absent(b) \
	cr_expect((b).n == 0, "%s: \"%.*s\", expected nothing", #b, (int)(b).n, (const char *)(b).p)
#define is_app(s) is(rec.app, s)
/* Every prefix of a payload is looked at too: whatever it is taken for, nothing is read beyond
 * it. */
void see_prefixes(uint8_t proto, uint16_t port, const void *p, size_t n);

#endif

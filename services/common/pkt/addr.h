/*
 * addr: an IPv4 or IPv6 address and its text forms.
 *
 * Addresses are kept in network byte order, as on the wire; nothing here resolves names.
 */
#ifndef PKT_ADDR_H
#define PKT_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Large enough for any address as text, with its NUL. */
#define ADDR_TEXT_MAX 46

/* family is 4 or 6 (0: none). IPv4 uses b[0..3]; the other bytes are zero, so memcmp compares. */
struct addr {
	uint8_t family;
	uint8_t b[16];
};

/* addr_v4/addr_v6: an address from 4 or 16 bytes in network order. */
struct addr addr_v4(const uint8_t *b);
struct addr addr_v6(const uint8_t *b);
/* addr_parse: 0, or -EINVAL when text is not an address. */
int addr_parse(const char *text, struct addr *out);
/* addr_text: writes the canonical text (RFC 5952) with NUL to out and returns its length. */
size_t addr_text(const struct addr *a, char out[ADDR_TEXT_MAX]);
/* addr_cmp: <0, 0, >0; IPv4 sorts before IPv6. */
int addr_cmp(const struct addr *a, const struct addr *b);
static inline bool addr_eq(const struct addr *a, const struct addr *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

/* A CIDR network; bits beyond the prefix are zero. */
struct net {
	struct addr addr;
	uint8_t bits;
};

/* net_parse: "192.0.2.0/24", "2001:db8::/64" or a bare address. 0, or -EINVAL (also for host bits
 * beyond the prefix, so that a typing error does not silently watch another network). */
int net_parse(const char *text, struct net *out);
bool net_contains(const struct net *n, const struct addr *a);
/* net_of: the network of a with the given prefix length. */
struct net net_of(const struct addr *a, uint8_t bits);

#endif

/*
 * frames: Ethernet frames for tests, with right checksums unless asked otherwise.
 */
#ifndef TEST_RESPONDER_FRAMES_H
#define TEST_RESPONDER_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include "pkt/pkt.h"

#define FRAME_MAX 4096

struct shape {
	struct addr src, dst;
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint8_t flags;
	const uint8_t *opt;
	size_t optlen;
	const uint8_t *data;
	size_t len;
	uint32_t tag[PKT_MAX_TAGS];
	uint8_t tags;
	uint8_t ext; /* IPv6: so many destination-options headers of 8 bytes */
};

/* frame_tcp: writes the frame and returns its length. */
size_t frame_tcp(const struct shape *s, uint8_t *out);
/* frame_ip: the same headers around an ICMP, ICMPv6 or UDP message, whose checksum is filled in at
 * sum_at. */
size_t frame_ip(const struct shape *s, uint8_t proto, uint8_t ttl, const uint8_t *msg, size_t len,
		size_t sum_at, uint8_t *out);
/* frame_fix: makes the checksums of a (changed) TCP frame right again, if it still is one. */
void frame_fix(uint8_t *frame, size_t len);
/* frame_pkt: decodes as the service does. */
struct pkt frame_pkt(const uint8_t *frame, size_t len);

struct addr ip(const char *text);

extern const uint8_t mac_peer[6], mac_sensor[6];
/* MSS 1460, SACK permitted, timestamps, window scale: what Linux sends; 20 bytes. */
extern const uint8_t opt_linux[20];

#endif

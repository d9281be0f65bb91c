/*
 * app: what a flow speaks, told from the bytes its initiator sent, on any port.
 *
 * One table (app.c) of recognisers, one small file each. A recogniser looks at bytes chosen by an
 * attacker: it claims them only when their structure fits, so that random bytes stay unknown; ports
 * break ties only where a protocol has no structure of its own. Everything here is pure: bytes in,
 * values out.
 */
#ifndef APP_APP_H
#define APP_APP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/codec.h"
#include "proto/msg.h"

/* Memory that one record's parts and lists take at most: give app_recognise an arena of this size.
 * With a smaller one lists get shorter and parts may be missing; nothing else happens. */
#define APP_ARENA_BYTES (64u << 10)

/* Bounds of one record. */
#define APP_MAX_HEADERS 128 /* header fields listed */
#define APP_MAX_LIST    256 /* ciphers, extensions, dialects, … listed */
#define APP_MAX_LINES   64  /* commands or lines listed */
#define APP_MAX_LINE    512 /* bytes of one of them */

enum { APP_TCP = 6, APP_UDP = 17 };

/* The ports that break ties. Every other one is the same to all recognisers: app_recognise shows
 * them 0. */
/* clang-format off */
#define APP_PORTS \
	X(21) X(23) X(25) X(102) X(110) X(123) X(137) X(443) X(502) X(587) X(995) X(1433) X(2323) \
	X(2375) X(2376) X(4243) X(6379) X(6443) X(8443) X(10250) X(10255) X(11211)
/* clang-format on */

/* app_port: what a recogniser sees of a port. */
uint16_t app_port(uint16_t port);

struct app_in {
	uint8_t proto;               /* IP protocol */
	uint16_t src_port, dst_port; /* initiator's, responder's */
	struct bytes init; /* the initiator's payload; UDP: its datagrams one after another */
	size_t datagram;   /* UDP: bytes of the first datagram in init; 0: init is one datagram */
	struct bytes resp; /* the responder's payload, absent if unknown; only breaks ties */
};

/* app_recognise: sets rec->app and the parts of rec that belong to it, or rec->first_bytes when
 * nothing fits and there is a payload; other fields stay. What it sets borrows from in->init and
 * from the arena (arena->p aligned as by malloc; memory is taken from arena->used on). */
void app_recognise(const struct app_in *in, struct msg_arena *arena, struct msg_analysis *rec);

#endif

/*
 * object_key: the name of a capture file, the same in the queues, in the archive and in S3.
 *
 *   pcap/YYYY/MM/DD/HH/<init_ts>_<src>_<dst>_<sport>_<dport>[_<proto>][_<n>].pcap           a flow
 *   pcap/YYYY/MM/DD/HH/<init_ts>_<src>_<dst>_0_0[_<proto>]_frag_<first>.pcap            fragments
 *   pcap/YYYY/MM/DD/HH/bundle_<minute>_<first>.pcap            flows without initiator payload
 *
 * The folders are the UTC hour of the first packet, so sorting by name is sorting by hour. init_ts
 * is in seconds since the epoch. IPv6 addresses have `-` for `:`. TCP has no <proto>; ICMP has its
 * type and code for ports. <n>, from 2 on, tells flows apart that would have the same name. <first>
 * is the journal's number of the file's first packet.
 */
#ifndef STORAGE_OBJECT_KEY_H
#define STORAGE_OBJECT_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "pkt/addr.h"

/* Room for a key with its NUL. */
#define OBJECT_KEY_MAX 200

enum object_key_kind { OBJECT_KEY_FLOW, OBJECT_KEY_BUNDLE };

struct object_key {
	enum object_key_kind kind;
	uint64_t
		/* of the first packet; in a bundle's parsed key the beginning of the minute */
		init_s;
	uint64_t
		first; /* number of the first packet, of a bundle or fragments; 0 for other flows */
	/* Of flows and fragments: */
	char src[ADDR_TEXT_MAX], dst[ADDR_TEXT_MAX];
	uint16_t sport, dport;
	char proto[8];   /* "tcp", "udp", "icmp", "icmp6", or the protocol's number */
	uint32_t suffix; /* 1: none */
};

void object_key_format(const struct object_key *k, char out[OBJECT_KEY_MAX]);

/* object_key_parse: 0, or -EINVAL for text that object_key_format does not write. The folders of a
 * flow are not looked at and may be missing: its name says all. One name has two readings: a number
 * after two zero ports is taken for the protocol, not for the suffix of a TCP flow. */
int object_key_parse(const char *text, struct object_key *out);

/* object_key_is_bundle: whether the last component of the key is a bundle's. */
bool object_key_is_bundle(const char *key);

/* object_key_valid: relative, no empty component, none that begins with a dot, printable ASCII
 * without spaces, shorter than OBJECT_KEY_MAX. What passes cannot lead out of a folder. Keys also
 * come from the bus and from S3; this says nothing about their form otherwise. */
bool object_key_valid(const char *key);

/* object_key_in: the key in a path or URL of an archive: from the last pcap/YYYY/MM/DD/HH/ on. NULL
 * if there is none. */
const char *object_key_in(const char *path);

#endif

/*
 * name: object keys (storage/object_key.h), none of which is used twice.
 *
 * A tuple has one open flow at a time. A name can therefore repeat only when a flow ends in the
 * second in which it began, and the tuple's next flow begins in that second too. Such flows are
 * remembered for the few seconds in which this can happen; a later flow gets _2, _3 and so on. When
 * time is set back, seconds occur again: all flows that begin in such seconds count from 1000 x
 * generation, where the generation is the number of times that this happened.
 */
#ifndef FLOWAGG_NAME_H
#define FLOWAGG_NAME_H

#include <stddef.h>
#include <stdint.h>

#include "flowagg/open_flow.h"
#include "storage/object_key.h"

/* Flows remembered at a time; one more begins a new generation. */
#define NAMES_RECENT         4096u
#define NAMES_PER_GENERATION 1000u

struct name_recent {
	struct flowkey key;
	uint64_t init_s;
	uint32_t count;
	uint32_t next; /* in its hash chain */
};

struct names {
	uint32_t generation;
	uint64_t lived_s;           /* the generation applies to seconds up to this one */
	struct name_recent *recent; /* a ring, oldest first: at, n */
	uint32_t *heads;            /* hash chains over it */
	uint32_t at, n;
	uint8_t seed[16];
};

/* names_init: 0 or -ENOMEM. */
int names_init(struct names *s, const uint8_t seed[16]);
void names_fini(struct names *s);
/* names_recall: appends an entry, such as a checkpoint's, to the ring. 0, or -ENOSPC when it is
 * full. */
int names_recall(struct names *s, const struct flowkey *key, uint64_t init_s, uint32_t count);
/* names_set_back: time was set back from ref_ns. */
void names_set_back(struct names *s, uint64_t ref_ns);
/* names_suffix: the suffix of a new flow; 1 means none. */
uint32_t names_suffix(struct names *s, const struct flowkey *key, uint64_t init_ns);
/* names_ended: remembers a flow that ended under its name; ref_ns is the time now. */
void names_ended(struct names *s, const struct open_flow *f, uint64_t ref_ns);

/* name_proto: "tcp", "udp", "icmp", "icmp6" or the number. */
void name_proto(uint8_t proto, char out[8]);
/* name_ends: the flow's endpoints, addresses as text, in the initiator's direction. */
struct name_ends {
	char src[ADDR_TEXT_MAX], dst[ADDR_TEXT_MAX];
	uint16_t sport, dport;
};
void name_ends(const struct open_flow *f, struct name_ends *out);
void name_flow(const struct open_flow *f, char out[OBJECT_KEY_MAX]);
void name_bundle(uint64_t init_ns, uint64_t first, char out[OBJECT_KEY_MAX]);

#endif

/*
 * packet_index: the packets of a flow as places in their file, one after the other, for all flows
 * of the file.
 *
 * A flow whose packets can be read again needs no more than this until its record is due.
 */
#ifndef ANALYZER_PACKET_INDEX_H
#define ANALYZER_PACKET_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct packet_index;

/* Of one flow: ids, counted from 1. */
struct packet_index_ends {
	uint32_t first, last;
};

/* packet_index_new: for bytes of memory, which is taken as it fills. 0 or -errno. */
int packet_index_new(size_t bytes, struct packet_index **out);
void packet_index_free(struct packet_index **t);
/* packet_index_clear: forgets all trails. */
void packet_index_clear(struct packet_index *t);

/* packet_index_begin: a trail whose first entry is value. packet_index_add: appends one. False:
 * there is no room for it (left), or the value is beyond 2^40. */
bool packet_index_begin(struct packet_index *t, uint64_t value, struct packet_index_ends *out);
bool packet_index_add(struct packet_index *t, struct packet_index_ends *ends, uint64_t value);

/* packet_index_at: the value of an entry, and the id of the next one (0: none). */
uint64_t packet_index_at(const struct packet_index *t, uint32_t id, uint32_t *next);
/* packet_index_drop: no entry before this one is needed any more. */
void packet_index_drop(struct packet_index *t, uint32_t id);
void packet_index_prefetch(const struct packet_index *t, uint32_t id);

#endif

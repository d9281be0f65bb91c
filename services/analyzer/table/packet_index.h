/*
 * packet_index: for each flow of a file, the places of its packets in the file, in order.
 *
 * A flow whose packets can be read again needs nothing else until its record is due.
 */
#ifndef ANALYZER_PACKET_INDEX_H
#define ANALYZER_PACKET_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct packet_index;

/* The first and the last entry of one flow: ids, counted from 1. */
struct packet_index_ends {
	uint32_t first, last;
};

/* packet_index_new: room for this many bytes of entries. Memory is taken as it fills. 0 or
 * -errno. */
int packet_index_new(size_t bytes, struct packet_index **out);
void packet_index_free(struct packet_index **t);
/* packet_index_clear: removes the entries of all flows. */
void packet_index_clear(struct packet_index *t);

/* packet_index_begin: begins a flow, with value as its first entry. packet_index_add: appends an
 * entry. False if there is no room, or if the value is 2^40 or larger. */
bool packet_index_begin(struct packet_index *t, uint64_t value, struct packet_index_ends *out);
bool packet_index_add(struct packet_index *t, struct packet_index_ends *ends, uint64_t value);

/* packet_index_at: returns the value of an entry; *next is the id of the flow's next one, 0 if
 * there is none. */
uint64_t packet_index_at(const struct packet_index *t, uint32_t id, uint32_t *next);
/* packet_index_drop: gives back the memory of the entries before this one. packet_index_prefetch:
 * loads an entry into the cache. */
void packet_index_drop(struct packet_index *t, uint32_t id);
void packet_index_prefetch(const struct packet_index *t, uint32_t id);

#endif

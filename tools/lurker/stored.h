/*
 * stored: packets counted in the files of a state directory: archive, queues, records.
 *
 * Each packet counts once: a file that is in the archive and still in the queue counts in the archive,
 * and a flow whose record was written twice (a kill between the record and the end of its queue entry)
 * counts with one of them. A file that was taken out of a queue counts as that, whatever its consumer had
 * done with it before it was killed.
 */
#ifndef LURKER_STORED_H
#define LURKER_STORED_H

#include <stdbool.h>
#include <stdint.h>

struct stored {
	bool has_objects;   /* the archive is a directory here */
	uint64_t delivered; /* flowagg's count, filled in by the caller */
	uint64_t objects, uploader_queue, uploader_bad, uploader_evicted;
	uint64_t records, analyzer_queue, analyzer_bad, analyzer_evicted;
	uint64_t files;        /* in the archive */
	uint64_t lines, again; /* records; of them, those of a flow that has one already */
	uint64_t broken;       /* files that are no whole capture file */
};

/* stored_read: objects_dir NULL: STATE_DIR/objects. 0 or -errno. Reads every file. */
int stored_read(const char *state_dir, const char *objects_dir, struct stored *out);

/* stored_value: one of the counts by its name, from delivered to analyzer_evicted; 0 for another. */
uint64_t stored_value(const struct stored *s, const char *name);

#endif

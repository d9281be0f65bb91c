/*
 * class_seen: which payload classes this sensor has seen before, across restarts.
 *
 * The table is bounded and evicts the least recently seen class; an evicted class would count as
 * new again, so evictions are counted. The table is saved as one file with version and checksum,
 * replaced atomically. A damaged or unknown file is renamed, not trusted.
 */
#ifndef CLASS_SEEN_H
#define CLASS_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "class/class.h"

#define CLASS_SEEN_ID 16 /* bytes of a class without its version */

struct class_seen;

struct class_seen_stats {
	uint64_t classes; /* in the table */
	uint64_t evicted;
};

/* class_seen_new: an empty table for at most max classes (rounded up to a power of two and at least
 * 8; 24 bytes each). 0 or -ENOMEM. */
int class_seen_new(size_t max, struct class_seen **out);
void class_seen_free(struct class_seen **s);

/* class_seen_note: notes a class; true if it was not in the table (first_seen). Never true for the
 * empty class and for classes of another CLASS_VERSION. */
bool class_seen_note(struct class_seen *s, const char *class_text, uint64_t ts_ns);
/* class_seen_id: the bytes of a class; false if it is not a class of this version.
 * class_seen_note_id: as class_seen_note. */
bool class_seen_id(const char *class_text, uint8_t id[CLASS_SEEN_ID]);
bool class_seen_note_id(struct class_seen *s, const uint8_t id[CLASS_SEEN_ID], uint64_t ts_ns);
void class_seen_stats(const struct class_seen *s, struct class_seen_stats *out);
/* class_seen_dirty: whether class_seen_note has changed the table since the last class_seen_save or
 * class_seen_load. */
bool class_seen_dirty(const struct class_seen *s);

/* class_seen_load: fills an empty table from path. 0 (also when there is no file); -EBADMSG when
 * the file is damaged or of another version: it was renamed to path.bad and the table is empty;
 * another -errno. With more classes than fit, the most recently seen ones are kept. */
int class_seen_load(struct class_seen *s, const char *path);
/* class_seen_save: writes path.new, flushes, renames, flushes the directory. 0 or -errno; path is
 * then as it was. */
int class_seen_save(struct class_seen *s, const char *path);

#endif

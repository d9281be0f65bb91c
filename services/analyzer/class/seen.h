/*
 * seen: which payload classes this sensor has seen before, across restarts.
 *
 * A bounded table, least recently seen out first (an evicted class would count as new again:
 * counted). Saved as one file, versioned and checksummed, replaced atomically. A damaged or foreign
 * file is put aside, not trusted.
 */
#ifndef CLASS_SEEN_H
#define CLASS_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "class/class.h"

#define SEEN_ID 16 /* bytes of a class without its version */

struct seen;

struct seen_stats {
	uint64_t classes; /* in the table */
	uint64_t evicted;
};

/* seen_new: an empty table for at most max classes (rounded up to a power of two and at least 8; 24
 * bytes each). 0 or -ENOMEM. */
int seen_new(size_t max, struct seen **out);
void seen_free(struct seen **s);

/* seen_note: true when the class was not in the table: first_seen. Classes of another CLASS_VERSION
 * and the empty class are never first. */
bool seen_note(struct seen *s, const char *class_text, uint64_t ts_ns);
/* seen_id: the bytes of a class; false when it is none of this version. seen_note_id: as
 * seen_note. */
bool seen_id(const char *class_text, uint8_t id[SEEN_ID]);
bool seen_note_id(struct seen *s, const uint8_t id[SEEN_ID], uint64_t ts_ns);
void seen_stats(const struct seen *s, struct seen_stats *out);
/* seen_dirty: whether seen_note has changed the table since the last seen_save or seen_load. */
bool seen_dirty(const struct seen *s);

/* seen_load: fills an empty table from path. 0 (also when there is no file); -EBADMSG when the file
 * is damaged or of another version: it was renamed to path.bad and the table is empty; another
 * -errno. With more classes than fit, the most recently seen ones are kept. */
int seen_load(struct seen *s, const char *path);
/* seen_save: writes path.tmp, flushes, renames, flushes the directory. 0 or -errno; path is then as
 * it was. */
int seen_save(struct seen *s, const char *path);

#endif

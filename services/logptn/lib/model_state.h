/*
 * model_state: a table of skeletons as bytes, to go on with later or elsewhere.
 *
 *   "LOGPTN" 0 version   8 bytes
 *   length of the body   8 bytes, little-endian, like all numbers
 *   body                 counts, then each skeleton: text, counts, times, format id, slots, samples
 *   SHA-256              of all before it
 *
 * Loading trusts nothing: every length is checked against the bytes at hand and the limits of
 * skel.h before memory is taken, and a table is changed only by a state that is good to the end.
 */
#ifndef LOGPTN_LIB_MODEL_STATE_H
#define LOGPTN_LIB_MODEL_STATE_H

#include "logptn/lib/skel/skel.h"
#include "proto/buf.h"

#define MODEL_STATE_VERSION 1
/* More is refused: no table within its limits comes near. */
#define MODEL_STATE_MAX ((size_t)1 << 30)

/* model_state_save: appends the state to out. 0 or -ENOMEM. */
int model_state_save(const struct skels *t, struct buf *out);

/* model_state_load: adds the state to t. 0; -EBADMSG (not a state, damaged, or beyond the limits);
 * -EPROTONOSUPPORT (another version); -ENOMEM. On an error t is as it was. */
int model_state_load(struct skels *t, struct bytes in);

/* model_state_load_file: no file is an empty state. Complains to stderr. 0 or -errno. */
int model_state_load_file(struct skels *t, const char *path);
/* model_state_save_file: writes beside the file and renames: a crash leaves the old or the new
 * state. 0 or -errno. */
int model_state_save_file(const struct skels *t, const char *path);

/* model_state_write: the bytes to the file, all or nothing: beside it first, flushed, renamed.
 * model_state_read: the file's bytes; none for no file. 0 or -errno, silently. */
int model_state_write(const char *path, struct bytes b);
int model_state_read(const char *path, struct buf *out);

#endif

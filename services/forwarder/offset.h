/*
 * offset: how far into the records a destination is, kept in a small file.
 */
#ifndef FORWARDER_OFFSET_H
#define FORWARDER_OFFSET_H

#include "storage/records.h"

/* offset_load: 0; -ENOENT: no offset was saved yet; -EINVAL: the file is damaged; -errno. */
int offset_load(const char *path, struct records_pos *out);
/* offset_save: replaces the file; on disk after it (temporary name, flush, rename, folder). 0 or
 * -errno. */
int offset_save(const char *path, struct records_pos pos);

#endif

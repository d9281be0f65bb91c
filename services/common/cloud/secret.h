/*
 * secret: a password or token that is kept in a file.
 */
#ifndef CLOUD_SECRET_H
#define CLOUD_SECRET_H

#include "proto/buf.h"

/* secret_file: replaces out with the whole file. 0; -errno, also that of out when the file is
 * beyond its limit. */
int secret_file(const char *path, struct buf *out);
/* secret_line: a file's first line, up to its first blank or control character. 0; -EINVAL: it is
 * empty or does not fit; -errno. */
int secret_line(const char *path, char *out, size_t n);

#endif

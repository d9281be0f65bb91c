/*
 * reference: messages.md from the tables.
 */
#ifndef PROTO_GEN_REFERENCE_H
#define PROTO_GEN_REFERENCE_H

#include "proto/buf.h"

void reference_write(struct buf *out);

#endif

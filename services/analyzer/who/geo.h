/*
 * geo: country, place and network of an address, from MaxMind DB files that the operator supplies.
 */
#ifndef WHO_GEO_H
#define WHO_GEO_H

#include <stdbool.h>
#include <stdint.h>

#include "pkt/addr.h"
#include "proto/msg.h"

struct who_geo;

/* who_geo_new: up to two files, a City or Country one and an ASN one; either may be NULL or missing
 * for now (it is taken when it appears). 0, -ENOMEM, or -EBADMSG when a file is there and is no
 * MaxMind DB (out is then NULL). */
int who_geo_new(const char *place_path, const char *asn_path, struct who_geo **out);
void who_geo_free(struct who_geo **g);

/* who_geo_check: whether a file can be taken: 0, -EBADMSG when it is no MaxMind DB, or -errno. */
int who_geo_check(const char *path);

/* who_geo_refresh: opens a file that appeared or was replaced (rename a new one over it; writing
 * into a mapped file is not safe). Call it now and then. 1 when something was (re)opened, 0 when
 * not, -EBADMSG when a new file is no MaxMind DB (*bad is its path): the old one stays in use.
 * Slices of earlier look-ups end here when it returns 1. */
int who_geo_refresh(struct who_geo *g, const char **bad);

/* who_geo_look: true with *out filled when a file knows the address. Strings borrow from the files.
 */
bool who_geo_look(struct who_geo *g, const struct addr *a, struct msg_geo *out);

#endif

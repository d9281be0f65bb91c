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

/* who_geo_new: opens up to two files, a City or Country database and an ASN database. Either may be
 * NULL, or missing until it appears. 0, -ENOMEM, or -EBADMSG if a file exists and is not a MaxMind
 * DB (*out is then NULL). */
int who_geo_new(const char *place_path, const char *asn_path, struct who_geo **out);
void who_geo_free(struct who_geo **g);

/* who_geo_check: whether a file is usable: 0, -EBADMSG if it is not a MaxMind DB, or -errno. */
int who_geo_check(const char *path);

/* who_geo_refresh: opens a file that appeared or was replaced. (To replace one, rename the new file
 * over it; writing into a mapped file is not safe.) Called from time to time. 1 if a file was
 * opened: strings of earlier look-ups are then invalid; 0 if not; -EBADMSG if a new file is not a
 * MaxMind DB (*bad is its path): the old one stays in use. */
int who_geo_refresh(struct who_geo *g, const char **bad);

/* who_geo_look: fills *out and returns true if a file has the address. Strings borrow from the
 * files. */
bool who_geo_look(struct who_geo *g, const struct addr *a, struct msg_geo *out);

#endif

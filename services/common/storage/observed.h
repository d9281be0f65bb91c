/*
 * observed: the public addresses at which the addresses of this host were seen, and since when.
 *
 *   STATE_DIR/observed      lines "TS_NS PRIVATE PUBLIC", one for each change, in order of time
 *
 * A host behind a translated address (an Elastic IP) sees only its private one; `lurker
 * rotate-address` writes down the public one, and the records of flows carry it.
 * Bounded: the last OBSERVED_MAX changes.
 */
#ifndef STORAGE_OBSERVED_H
#define STORAGE_OBSERVED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define OBSERVED_MAX  1024
#define OBSERVED_ADDR 46 /* INET6_ADDRSTRLEN */

struct observed_change {
	uint64_t since_ns;
	char private_addr[OBSERVED_ADDR], public_addr[OBSERVED_ADDR];
};

/* The history as read; zero it before its first use. */
struct observed {
	struct observed_change *v; /* oldest first */
	size_t n;
	struct {
		dev_t dev;
		ino_t ino;
		off_t size;
		int64_t mtime_ns;
	} seen;
};

/* observed_load: reads the history if the file has changed. 0, also when there is no file; -errno:
 * what was read before is kept. Malformed lines are skipped. */
int observed_load(struct observed *o, const char *state_dir);
void observed_fini(struct observed *o);

/* observed_at: the change that was in force for private_addr at ts_ns; NULL: nothing is known about
 * that time. */
const struct observed_change *observed_at(const struct observed *o, const char *private_addr,
					  uint64_t ts_ns);

/* A pair "PRIVATE=PUBLIC", as it goes with an object. */
#define OBSERVED_PAIR (2 * OBSERVED_ADDR)

/* observed_of_key: the pair for the flows of a capture file, from the time and the responder in its
 * key (object_key.h). A bundle has many responders: for it, the host's latest private address
 * counts. False: no pair is known, or the address changed within the second of the flow or the
 * minute of the bundle, when either address may be wrong. */
bool observed_of_key(const struct observed *o, const char *key, char pair[OBSERVED_PAIR]);

/* observed_pair: the public address that a pair, which may come from outside, gives for a private
 * one. False: it gives none. */
bool observed_pair(const char *pair, const char *private_addr, char public_addr[OBSERVED_ADDR]);

/* observed_note: adds a change, unless it is the one in force; *news says which. The file is
 * replaced in one step. 0 or -errno. */
int observed_note(const char *state_dir, const struct observed_change *c, bool *news);

#endif

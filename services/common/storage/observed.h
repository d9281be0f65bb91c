/*
 * observed: under which public address an address of this host was seen, and since when.
 *
 *   STATE_DIR/observed      lines "TS_NS PRIVATE PUBLIC", one for each change, in order of time
 *
 * A host behind a translated address (an Elastic IP) sees only its private one; `lurker
 * rotate-address` writes down what stands before it, and records of flows are told apart by it.
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

/* observed_load: reads the history when it is new. 0, also when there is none; -errno keeps what
 * was read before. Lines that are not such are skipped. */
int observed_load(struct observed *o, const char *state_dir);
void observed_fini(struct observed *o);

/* observed_at: the change that was in force for private_addr at ts_ns; NULL: nothing is known of
 * that time. */
const struct observed_change *observed_at(const struct observed *o, const char *private_addr,
					  uint64_t ts_ns);

/* A pair "PRIVATE=PUBLIC", as it goes with an object. */
#define OBSERVED_PAIR (2 * OBSERVED_ADDR)

/* observed_of_key: the pair for the flows of a capture file, by the time and the responder that its
 * key says (object_key.h); of a bundle, which has many, the host's last private address. False:
 * none is known, or it changed in that second or minute: then nothing is better than what may be
 * wrong. */
bool observed_of_key(const struct observed *o, const char *key, char pair[OBSERVED_PAIR]);

/* observed_pair: what a pair, which may come from outside, says of an address; false: nothing. */
bool observed_pair(const char *pair, const char *private_addr, char public_addr[OBSERVED_ADDR]);

/* observed_note: adds a change, unless it is the one in force; *news says which. The file is
 * replaced in one step. 0 or -errno. */
int observed_note(const char *state_dir, const struct observed_change *c, bool *news);

#endif

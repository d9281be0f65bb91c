/*
 * capture_state: what capture remembers across restarts and crashes, in one small file that is
 * overwritten each second.
 *
 * After an unclean end, the file says when capture was last alive and what the interface had
 * counted by then. The next run derives the hole from it.
 */
#ifndef CAPTURE_CAPTURE_STATE_H
#define CAPTURE_CAPTURE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct capture_state {
	bool clean;                      /* the last run ended in order */
	uint64_t next;                   /* packet number after the last one written */
	uint64_t alive_ns;               /* last packet or tick */
	uint64_t rx_packets, tx_packets; /* the interface's counters at that time */
	char interface[32];              /* "" when the input is a file */
};

/* On disk: a line of text padded to CAPTURE_STATE_BYTES with spaces, ending in a newline:
 *   lurker-capture 1 <clean> <next> <alive_ns> <rx> <tx> <interface or -> */
#define CAPTURE_STATE_BYTES 256

void capture_state_encode(const struct capture_state *s, char out[CAPTURE_STATE_BYTES]);
/* capture_state_decode: 0, or -EBADMSG. */
int capture_state_decode(const char *text, size_t n, struct capture_state *out);

/* capture_state_open: opens or creates the file and locks it. *s receives the saved state; a new or
 * broken file gives a clean state with next 0, and *broken tells the two apart. 0; -EBUSY while
 * another capture holds the lock; another -errno.
 */
int capture_state_open(const char *path, struct capture_state *s, bool *broken, int *fd);
int capture_state_save(int fd, const struct capture_state *s);

/* A hole: the time during which capture did not run, and what the interface counted meanwhile. */
struct hole {
	uint64_t from_ns, to_ns, rx_packets, tx_packets;
};
/* capture_state_hole: whether `was` comes from an unclean end on an interface; *out is then the
 * hole. now_rx and now_tx are the interface's counters now. The hole's counts are 0 when the
 * interface is another one, and the counters as they are when they restarted in the meantime. */
bool capture_state_hole(const struct capture_state *was, const char *interface, uint64_t now_ns,
			uint64_t now_rx, uint64_t now_tx, struct hole *out);

#endif

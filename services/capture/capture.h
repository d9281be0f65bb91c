/*
 * capture: the service's state: one struct that every callback gets.
 */
#ifndef CAPTURE_CAPTURE_H
#define CAPTURE_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/capture_count.h"
#include "capture/capture_state.h"
#include "capture/conf.h"
#include "capture/feed.h"
#include "capture/flusher.h"
#include "capture/iface.h"
#include "capture/outlet.h"
#include "capture/ring.h"
#include "storage/home.h"

struct svc;

struct capture {
	struct conf conf;
	struct svc *svc;
	char interface[IFACE_NAME];
	struct ring *ring; /* the input is either ring or feed; the other is NULL */
	struct feed *feed;
	bool down; /* the interface is down */
	struct outlet out;
	struct flusher *flusher;
	uint64_t flushed_packets; /* CAPTURE_PACKETS when the flusher last got the journal */
	struct home home;         /* the sensor's networks, for flowagg */
	struct capture_state state;
	int state_fd;
	bool unsaved; /* the state could not be written */
	char journal_dir[4096];
	uint64_t count[CAPTURE_COUNTS];
};

/* capture_begin: opens state and journal, and writes the sensor's networks for flowagg. 0, or
 * -errno after logging why. */
int capture_begin(struct capture *c);
/* capture_end: flushes the journal and releases everything. */
void capture_end(struct capture *c);
/* capture_save_state: saves what the next run has to know. clean: this run ends in order. */
void capture_save_state(struct capture *c, bool clean);
/* capture_fill: updates the gauges for `stat`. */
void capture_fill(struct capture *c);

/* The live input. live_open needs CAP_NET_RAW; live_start reports a hole and registers with the
 * loop. 0, or -errno after logging why. */
int live_open(struct capture *c);
int live_start(struct capture *c);
/* live_read: moves the packets that wait in the ring to the journal and the bus. */
void live_read(struct capture *c);

/* A capture file as the input. 0, or -errno; offline_open logs why. */
int offline_open(struct capture *c);
int offline_start(struct capture *c);

#endif

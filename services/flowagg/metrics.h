/*
 * metrics: what flowagg counts. Two balances hold at any time, to the packet:
 *
 *   packets + packets_restored
 *       = packets_open + packets_bundled + packets_sealed + dropped_other_side + dropped_own
 *         + dropped_arp + dropped_other_l3 + dropped_broken + dropped_unknown_link
 *   packets_sealed
 *       = packets_delivered + packets_again + packets_pending + dropped_spool + dropped_disk
 *
 * What was delivered may leave a queue unread: dropped_evicted. STATE_DIR/flowagg.evicted has what
 * and from which queue, over all runs.
 *
 * The same counted over the life of the state directory, each packet once however often a run was
 * killed:
 *
 *   next_number - 1 = total_before + total_packets + total_ticks + total_gap
 *   total_packets   = packets_open + packets_bundled + total_sealed + total_other_side + total_own
 *                     + total_arp + total_other_l3 + total_broken + total_unknown_link
 *   total_sealed    = total_delivered + packets_pending + total_spool + total_disk
 */
#ifndef FLOWAGG_METRICS_H
#define FLOWAGG_METRICS_H

#include "rt/metric.h"

/* clang-format off */
#define FLOWAGG_METRICS(X) \
	X(packets,              COUNTER, "packets", "taken in") \
	X(ticks,                COUNTER, "ticks",   "taken in") \
	X(packets_bus,          COUNTER, "packets", "of both, that came by the bus") \
	X(packets_journal,      COUNTER, "packets", "of both, that were read from the journal") \
	X(packets_known,        COUNTER, "packets", "that came again by the bus and were passed over") \
	X(packets_restored,     COUNTER, "packets", "in open flows and bundle when the checkpoint was loaded") \
	X(packets_sealed,       COUNTER, "packets", "in files that were closed") \
	X(packets_delivered,    COUNTER, "packets", "in files that are in every queue") \
	X(packets_again,        COUNTER, "packets", "in files that had been delivered before a crash") \
	X(flows,                COUNTER, "flows",   "begun") \
	X(flows_sealed,         COUNTER, "flows",   "that became a file") \
	X(flows_bundled,        COUNTER, "flows",   "that went into a bundle") \
	X(bundles,              COUNTER, "files",   "bundles closed") \
	X(files_delivered,      COUNTER, "files",   "in every queue") \
	X(ended_idle,           COUNTER, "flows",   "ended by silence") \
	X(ended_age,            COUNTER, "flows",   "ended by age") \
	X(ended_size,           COUNTER, "flows",   "ended by size") \
	X(ended_reuse,          COUNTER, "flows",   "ended by a SYN with a new ISN") \
	X(evicted_plain,        COUNTER, "flows",   "without initiator payload ended by pressure") \
	X(evicted_data,         COUNTER, "flows",   "with initiator payload ended by pressure") \
	X(fragments_joined,     COUNTER, "packets", "fragments put to the flow of their first fragment") \
	X(fragments_alone,      COUNTER, "packets", "fragments whose first fragment was not there yet") \
	X(clock_set_back,       COUNTER, "times",   "time stamps went back") \
	X(checkpoints,          COUNTER, "files",   "written") \
	X(checkpoint_errors,    COUNTER, "times",   "a checkpoint could not be written") \
	X(catch_ups,            COUNTER, "times",   "the journal was read because messages were missing") \
	X(dropped_gap,          DROP,    "packets", "numbers that neither bus nor journal had") \
	X(dropped_arp,          DROP,    "packets", "ARP: no flow") \
	X(dropped_other_l3,     DROP,    "packets", "neither IP nor ARP: no flow") \
	X(dropped_broken,       DROP,    "packets", "headers cut off or contradicting themselves before IP ended") \
	X(dropped_unknown_link, DROP,    "packets", "of a link type that cannot be decoded") \
	X(dropped_other_side,   DROP,    "packets", "not the initiator's, with directions: in") \
	X(dropped_own,          DROP,    "packets", "of flows that this host itself began") \
	X(dropped_spool,        DROP,    "packets", "in files turned away because the spool was full of what never goes") \
	X(dropped_spool_files,  DROP,    "files",   "turned away, likewise") \
	X(dropped_evicted,      DROP,    "packets", "in bundles taken out of the queues again, the oldest first, because the spool was full") \
	X(dropped_evicted_files, DROP,   "files",   "bundles taken out of the queues, likewise") \
	X(dropped_disk,         DROP,    "packets", "in files that the disk refuses for good: too large for it") \
	X(dropped_disk_files,   DROP,    "files",   "that the disk refuses for good") \
	X(malformed,            DROP,    "messages", "packet messages that could not be decoded") \
	X(total_before,         COUNTER, "packets", "numbers before the first packet of this state") \
	X(total_packets,        COUNTER, "packets", "taken in, over all runs, each counted once") \
	X(total_ticks,          COUNTER, "ticks",   "taken in, likewise") \
	X(total_gap,            COUNTER, "packets", "numbers that nobody had, likewise") \
	X(total_arp,            COUNTER, "packets", "dropped_arp, likewise") \
	X(total_other_l3,       COUNTER, "packets", "dropped_other_l3, likewise") \
	X(total_broken,         COUNTER, "packets", "dropped_broken, likewise") \
	X(total_unknown_link,   COUNTER, "packets", "dropped_unknown_link, likewise") \
	X(total_other_side,     COUNTER, "packets", "dropped_other_side, likewise") \
	X(total_own,            COUNTER, "packets", "dropped_own, likewise") \
	X(total_sealed,         COUNTER, "packets", "in files that were closed, likewise") \
	X(total_delivered,      COUNTER, "packets", "in files that are in every queue, likewise") \
	X(total_spool,          COUNTER, "packets", "dropped_spool, likewise") \
	X(total_disk,           COUNTER, "packets", "dropped_disk, likewise") \
	X(next_number,          GAUGE,   "packets", "number of the next packet") \
	X(packets_open,         GAUGE,   "packets", "in open flows") \
	X(packets_bundled,      GAUGE,   "packets", "in the bundle") \
	X(packets_pending,      GAUGE,   "packets", "in files that are not in the queues yet") \
	X(flows_open,           GAUGE,   "flows",   "open") \
	X(memory_bytes,         GAUGE,   "bytes",   "of packets in memory") \
	X(spool_bytes,          GAUGE,   "bytes",   "in the queues, at most") \
	X(spool_files,          GAUGE,   "files",   "in the queues, at most") \
	X(for_uploader,         GAUGE,   "bool",    "1 while files are put into the uploader's queue") \
	X(for_analyzer,         GAUGE,   "bool",    "1 while files are put into the analyzer's queue") \
	X(catching_up,          GAUGE,   "bool",    "1 while the journal is read") \
	X(held,                 GAUGE,   "bool",    "1 while the disk refuses files and packets wait in the journal")
/* clang-format on */

enum {
#define X(name, kind, unit, help) M_##name,
	FLOWAGG_METRICS(X)
#undef X
		M_COUNT
};

#endif

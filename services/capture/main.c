/*
 * lurker-capture: every packet of one interface (or of a file) gets a number, goes to the journal,
 * and then to the bus.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "capture/capture_count.h"
#include "capture/capture_state.h"
#include "capture/feed.h"
#include "capture/flusher.h"
#include "capture/iface.h"
#include "capture/outlet.h"
#include "capture/ring.h"
#include "capture/scope.h"
#include "rt/ifaddr.h"
#include "rt/route.h"
#include "rt/svc.h"
#include "storage/home.h"

#define SECOND UINT64_C(1000000000)

/* Packets a turn of the loop, so that the clock is not kept waiting. */
#define TURN 4096

static struct conf {
	const char *endpoint, *interface, *filter, *file;
	int64_t snaplen, timeout_ms, pace, end_gap_s;
	uint64_t ring, journal_segment, journal_total;
	bool promiscuous, journal_sync;
	struct opt_list networks, exclude_ports, host_ports;
} conf;

#define O(field) offsetof(struct conf, field)
static const struct opt opts[] = {
	SVC_OPT_ENDPOINT(struct conf),
	{"interface", 'i', OPT_STR, O(interface), NULL, 0, 0, NULL,
	 "interface to listen on; by default the one of the default route", NULL},
	{"filter", 'f', OPT_STR, O(filter), NULL, 0, 0, NULL,
	 "what the kernel hands over, in the language of pcap-filter(7); everything by default",
	 NULL},
	{"networks", 'n', OPT_LIST, O(networks), NULL, 0, 0, NULL,
	 "watched networks besides the interface's addresses: where exclude_ports holds", NULL},
	{"exclude_ports", 'e', OPT_LIST, O(exclude_ports), NULL, 0, 0, NULL,
	 "TCP port or range that is the host's own on all watched addresses: not captured", NULL},
	{"host_ports", 0, OPT_LIST, O(host_ports), "22", 0, 0, NULL,
	 "TCP port or range that is the host's own on the interface's addresses only: not "
	 "captured; none captures them all",
	 NULL},
	{"file", 'r', OPT_STR, O(file), NULL, 0, 0, NULL,
	 "read this pcap or pcapng file (- is standard input) instead of an interface, and end",
	 NULL},
	{"pace", 0, OPT_INT, O(pace), "0", 0, 1000000, NULL,
	 "of a file: 1 is the speed of its time stamps, n is n times that, 0 as fast as flowagg "
	 "keeps up",
	 NULL},
	{"end_gap_s", 0, OPT_INT, O(end_gap_s), "7200", 0, 1000000, "s",
	 "of a file: after its last packet the clock is moved on by so much, which ends every "
	 "flow; 0 leaves them open",
	 NULL},
	{"promiscuous", 'p', OPT_BOOL, O(promiscuous), "false", 0, 0, NULL,
	 "also take frames that are addressed to other hosts", NULL},
	{"snaplen", 's', OPT_INT, O(snaplen), "262144", 64, 262144, "bytes",
	 "of each packet, so much is kept", NULL},
	{"ring", 0, OPT_SIZE, O(ring), "32MiB", 1 << 20, 1 << 30, "bytes",
	 "ring that kernel and capture share", NULL},
	{"timeout_ms", 0, OPT_INT, O(timeout_ms), "50", 1, 1000, "ms",
	 "packets wait at most so long in the ring for a block to fill", NULL},
	{"journal_segment", 0, OPT_SIZE, O(journal_segment), "32MiB", 1 << 16, 1 << 30, "bytes",
	 "size of a journal segment", NULL},
	{"journal_total", 0, OPT_SIZE, O(journal_total), "1GiB", 1 << 19, INT64_C(1) << 42, "bytes",
	 "all segments together; the oldest is removed", NULL},
	{"journal_sync", 0, OPT_BOOL, O(journal_sync), "true", 0, 0, NULL,
	 "flush the journal to disk once a second, so that power loss costs no more than that",
	 NULL},
	{0},
};
#undef O

static const struct metric metrics[] = {
#define COUNT METRIC_ROW
#include "capture/counts.def"
};
static uint64_t values[CAPTURE_COUNTS];

static struct {
	struct svc *svc;
	char interface[IFACE_NAME];
	struct ring *ring; /* one of the two */
	struct feed *feed;
	struct outlet out;
	struct flusher *flusher;
	uint64_t flushed_packets; /* CAPTURE_PACKETS when the journal was last handed to it */
	struct home home;         /* for flowagg */
	struct capture_state state;
	int state_fd;
	char journal_dir[4096];
	bool down;
	bool unsaved; /* the state could not be written */
} cap = {.state_fd = -1};

static struct scope scope_of(const struct opt_list *addresses)
{
	return (struct scope){conf.filter, &conf.networks, &conf.exclude_ports, addresses,
			      &conf.host_ports};
}

static int check(struct svc *s)
{
	char err[512];
	struct opt_list none = {0};
	struct scope scope = scope_of(&none);

	(void)s;
	if (scope_check(&scope, err, sizeof err)) {
		log_error("option", "error=\"%s\"", err);
		return -EINVAL;
	}
	if (conf.journal_total / 8 < conf.journal_segment) {
		log_error("option",
			  "error=\"journal_total must be at least 8 times journal_segment\"");
		return -EINVAL;
	}
	if (conf.filter && ring_check_filter(conf.filter, (int)conf.snaplen, err, sizeof err)) {
		log_error("option filter", "error=\"%s\"", err);
		return -EINVAL;
	}
	if (conf.interface && strlen(conf.interface) >= IFACE_NAME) {
		log_error("option interface", "error=\"a name has at most %d characters\"",
			  IFACE_NAME - 1);
		return -EINVAL;
	}
	return 0;
}

static int open_file(struct svc *s)
{
	char err[256] = "";

	int rc = svc_path(s, "journal", cap.journal_dir, sizeof cap.journal_dir);
	if (rc)
		return rc;
	struct feed_options o = {conf.file, conf.pace, conf.journal_total, conf.filter,
				 cap.journal_dir};
	rc = feed_open(&o, &cap.feed, err, sizeof err);
	if (rc)
		log_error("capture file", "path=\"%s\" error=\"%s\"", conf.file,
			  err[0] ? err : strerror(-rc));
	return rc;
}

/* The sensor's networks: the interface's addresses and what the operator says. */
static int learn_home(const struct opt_list *addresses)
{
	const struct opt_list *lists[] = {addresses, &conf.networks};

	for (int l = 0; l < 2; l++)
		for (size_t i = 0; i < lists[l]->n; i++) {
			int rc = home_add(&cap.home, lists[l]->v[i]);
			if (rc) {
				log_error("own networks", "network=%s error=\"%s\"", lists[l]->v[i],
					  strerror(-rc));
				return rc;
			}
		}
	return 0;
}

static int open_privileged(struct svc *s)
{
	char err[512] = "";

	if (conf.file)
		return open_file(s);
	int rc = svc_path(s, "journal", cap.journal_dir, sizeof cap.journal_dir);
	if (rc)
		return rc;
	if (conf.interface)
		strcpy(cap.interface, conf.interface);
	else if (route_default(cap.interface)) {
		log_error("no interface",
			  "hint=\"there is no default route: name the interface with -i\"");
		return -ENODEV;
	}
	struct opt_list addresses = {0};
	struct scope scope = scope_of(&addresses);
	struct buf filter;
	buf_init(&filter, 1u << 20);
	rc = ifaddr_list(cap.interface, &addresses);
	if (!rc)
		rc = learn_home(&addresses);
	if (!rc)
		rc = scope_filter(&scope, &filter);
	struct ring_options o = {cap.interface,        (const char *)filter.p, (int)conf.snaplen,
				 (int)conf.timeout_ms, (int)conf.ring,         conf.promiscuous};
	if (!rc)
		rc = ring_open(&o, &cap.ring, err, sizeof err);
	opt_list_free(&addresses);
	buf_fini(&filter);
	if (rc)
		log_error("interface cannot be opened", "interface=%s error=\"%s\"%s",
			  cap.interface, err,
			  rc == -EPERM ? " hint=\"start as root or with CAP_NET_RAW\"" : "");
	return rc;
}

static void on_packet(void *arg, int linktype, uint64_t ts_ns, uint32_t caplen, uint32_t len,
		      const uint8_t *data)
{
	outlet_packet(arg, linktype, ts_ns, caplen, len, data);
}

static void on_ring(void *arg);

/* libpcap does not say when an interface goes down, only (sometimes) when it is gone. */
static void watch_interface(void)
{
	int index;

	if (cap.down) {
		if (ring_resume(cap.ring))
			return;
		log_info("interface is up again", "interface=%s", cap.interface);
		cap.down = false;
		loop_fd(cap.svc->loop, ring_fd(cap.ring), on_ring, NULL);
	} else if (!iface_up(cap.interface, &index) || index != ring_index(cap.ring)) {
		log_warn("interface is down", "interface=%s hint=\"waiting for it\"",
			 cap.interface);
		values[CAPTURE_INTERFACE_DOWN]++;
		cap.down = true;
		loop_forget_fd(cap.svc->loop, ring_fd(cap.ring));
	}
}

static void on_ring(void *arg)
{
	(void)arg;
	for (int left = TURN; left > 0;) {
		int n = ring_read(cap.ring, JOURNAL_BATCH, on_packet, &cap.out);
		/* An error is the interface's: what it is shows within a second. */
		if (n <= 0)
			break;
		left -= n;
	}
	outlet_flush(&cap.out);
}

static void save_state(bool clean)
{
	struct capture_state *st = &cap.state;

	st->clean = clean;
	st->next = journal_next_number(cap.out.journal);
	if (cap.out.alive_ns)
		st->alive_ns = cap.out.alive_ns;
	if (cap.ring) {
		iface_counters(cap.interface, &st->rx_packets, &st->tx_packets);
		strcpy(st->interface, cap.interface);
	} else {
		st->interface[0] = '\0';
	}
	int rc = capture_state_save(cap.state_fd, st);
	if (rc && !cap.unsaved)
		log_error("state cannot be written", "error=\"%s\"", strerror(-rc));
	cap.unsaved = rc != 0;
}

static void on_second(void *arg)
{
	(void)arg;
	watch_interface();
	/* What waits in the ring is older than the tick. */
	if (!cap.down)
		on_ring(NULL);
	outlet_tick(&cap.out, clock_real_ns());
	/* A disk that is still busy with the last second is not given the next one too; and ticks
	 * alone are not worth waking it. */
	if (conf.journal_sync && values[CAPTURE_PACKETS] != cap.flushed_packets &&
	    flusher_idle(cap.flusher)) {
		cap.flushed_packets = values[CAPTURE_PACKETS];
		int rc = journal_sync(cap.out.journal);
		if (!rc)
			rc = flusher_error(cap.flusher);
		if (rc)
			log_error("journal cannot be flushed", "error=\"%s\"", strerror(-rc));
	}
	save_state(false);
}

static void on_feed(void *arg)
{
	(void)arg;
	switch (feed_step(cap.feed, &cap.out, clock_mono_ns())) {
	case FEED_MORE:
		break;
	case FEED_LATER:
		loop_busy(cap.svc->loop, NULL, NULL); /* until on_later */
		break;
	case FEED_BROKEN:
		log_error("capture file is broken", "path=\"%s\" error=\"%s\"", conf.file,
			  feed_error(cap.feed));
		cap.svc->exit_code = 1;
		/* fallthrough */
	case FEED_END:
		if (conf.end_gap_s && feed_last_ns(cap.feed))
			outlet_tick(&cap.out,
				    feed_last_ns(cap.feed) + (uint64_t)conf.end_gap_s * SECOND);
		loop_stop(cap.svc->loop);
		break;
	}
	values[CAPTURE_WAITING] = feed_waiting(cap.feed);
}

static void on_later(void *arg)
{
	(void)arg;
	loop_busy(cap.svc->loop, on_feed, NULL);
}

static void report_hole(struct svc *s)
{
	struct hole hole;
	uint64_t rx, tx, now = clock_real_ns();

	iface_counters(cap.interface, &rx, &tx);
	if (!capture_state_hole(&cap.state, cap.interface, now, rx, tx, &hole))
		return;
	struct msg_alert a = {
		.kind = bytes_str("hole"),
		.severity = bytes_str("warning"),
		.message = bytes_str(
			"Capture ended without notice and is running again; packets of the time "
			"between are missing."),
		.ts_ns = now,
		.from_ns = hole.from_ns,
		.to_ns = hole.to_ns,
		.rx_packets = hole.rx_packets,
		.tx_packets = hole.tx_packets,
	};
	svc_alert(s, &a);
}

static void to_flusher(void *arg, int fd)
{
	(void)arg;
	flusher_take(cap.flusher, fd);
}

static int start(struct svc *s)
{
	struct journal_limits limits = {conf.journal_segment, conf.journal_total, "flowagg"};
	struct journal *journal = NULL;
	char path[4096];
	bool broken;

	cap.svc = s;
	int rc = svc_path(s, "capture.state", path, sizeof path);
	if (!rc)
		rc = capture_state_open(path, &cap.state, &broken, &cap.state_fd);
	if (rc) {
		log_error("state", "path=%s error=\"%s\"", path,
			  rc == -EBUSY ? "another capture is running on it" : strerror(-rc));
		return rc;
	}
	if (broken)
		log_warn("state is broken and begins anew", "path=%s", path);
	rc = svc_path(s, "capture.home", path, sizeof path);
	if (!rc)
		rc = home_save(&cap.home, path);
	if (rc)
		log_error("own networks cannot be written", "path=%s error=\"%s\"", path,
			  strerror(-rc));
	rc = journal_open(cap.journal_dir, limits, cap.state.next, &journal);
	if (rc) {
		log_error("journal", "path=%s error=\"%s\"", cap.journal_dir, strerror(-rc));
		return rc;
	}
	uint64_t damaged = journal_use(journal).set_aside;
	if (damaged)
		log_warn(
			"the journal's newest file is damaged",
			"path=%s bytes=%" PRIu64
			" hint=\"what is behind the damage is kept in a file .bad; its packets are "
			"a gap\"",
			cap.journal_dir, damaged);
	rc = flusher_new(&cap.flusher);
	if (!rc) {
		journal_on_flush(journal, to_flusher, NULL);
		rc = outlet_init(&cap.out, &journal, s->bus, values);
	}
	if (rc) {
		journal_close(&journal);
		return rc;
	}
	uint64_t next = journal_next_number(cap.out.journal);
	values[CAPTURE_FIRST_NUMBER] = next;
	if (cap.feed) {
		log_info("reading", "path=\"%s\" next=%" PRIu64, conf.file, next);
		loop_every(s->loop, SECOND / 100, on_later, NULL);
		loop_busy(s->loop, on_feed, NULL);
		return 0;
	}
	report_hole(s);
	log_info("capturing", "interface=%s next=%" PRIu64, cap.interface, next);
	loop_every(s->loop, SECOND, on_second, NULL);
	cap.state.alive_ns = clock_real_ns();
	save_state(false);
	return loop_fd(s->loop, ring_fd(cap.ring), on_ring, NULL);
}

static void tick(struct svc *s)
{
	(void)s;
	if (!cap.out.journal)
		return; /* the last one, after drain */
	struct journal_use use = journal_use(cap.out.journal);
	values[CAPTURE_JOURNAL_BYTES] = use.bytes;
	values[CAPTURE_JOURNAL_SEGMENTS] = use.segments;
	values[CAPTURE_JOURNAL_REMOVED] = use.removed;
	values[CAPTURE_JOURNAL_REMOVED_UNREAD] = use.removed_unread;
	values[CAPTURE_NEXT_NUMBER] = journal_next_number(cap.out.journal);
	if (cap.ring) {
		struct ring_counts c = ring_counts(cap.ring);
		values[CAPTURE_KERNEL_PACKETS] = c.packets;
		values[CAPTURE_DROPPED_KERNEL] = c.dropped;
		values[CAPTURE_DROPPED_INTERFACE] = c.if_dropped;
		values[CAPTURE_RING_BYTES] = conf.ring;
	}
}

static void drain(struct svc *s)
{
	if (!cap.out.journal)
		return;
	if (cap.ring && !cap.down)
		on_ring(NULL);
	tick(s);
	save_state(true);
	log_info("ended", "packets=%" PRIu64 " next=%" PRIu64 " dropped_kernel=%" PRIu64,
		 values[CAPTURE_PACKETS], values[CAPTURE_NEXT_NUMBER],
		 values[CAPTURE_DROPPED_KERNEL]);
	outlet_fini(&cap.out);
	flusher_free(&cap.flusher);
	ring_close(&cap.ring);
	feed_close(&cap.feed);
	close(cap.state_fd);
}

int main(int argc, char **argv)
{
	static const char *const calls[] = {"flock", "ioctl", "pwrite64", NULL};
	static const struct svc_desc desc = {
		.name = "capture",
		.most_out = 256, /* batches of packets, 100 KB each when they carry data */
		.details =
			"Reads    packets of one interface, both directions, VLAN tags included; "
			"or a capture file\n"
			"         (-r), no faster than flowagg can take it in.\n"
			"Writes   STATE_DIR/journal/NUMBER.pcap: the recent packets, segments that "
			"any tool opens;\n"
			"         STATE_DIR/capture.state; RUN_DIR/capture.sock: topics packet, "
			"stat, alert.\n"
			"Needs    CAP_NET_RAW until the interface is open; nothing for a file.\n"
			"Prints   log lines on standard error, nothing else.",
		.opts = opts,
		.conf = &conf,
		.endpoint = &conf.endpoint,
		.metrics = metrics,
		.nmetrics = CAPTURE_COUNTS,
		.values = values,
		.calls = calls,
		.check = check,
		.open = open_privileged,
		.start = start,
		.tick = tick,
		.drain = drain,
	};
	return svc_main(&desc, argc, argv);
}

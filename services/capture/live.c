#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "capture/capture.h"
#include "rt/ifaddr.h"
#include "rt/route.h"
#include "rt/svc.h"

/* Packets read in one turn of the loop, so that timers are not delayed. */
#define TURN_PACKETS 4096

/* The sensor's networks: the interface's addresses and those that the operator gave. */
static int live_learn_home(struct capture *c, const struct opt_list *addresses)
{
	const struct opt_list *lists[] = {addresses, &c->conf.networks};

	for (int l = 0; l < 2; l++)
		for (size_t i = 0; i < lists[l]->n; i++) {
			int rc = home_add(&c->home, lists[l]->v[i]);
			if (rc) {
				log_error("own networks", "network=%s error=\"%s\"", lists[l]->v[i],
					  strerror(-rc));
				return rc;
			}
		}
	return 0;
}

int live_open(struct capture *c)
{
	const struct conf *conf = &c->conf;
	char err[512] = "";

	if (conf->interface)
		strcpy(c->interface, conf->interface);
	else if (route_default(c->interface)) {
		log_error("no interface",
			  "hint=\"there is no default route: name the interface with -i\"");
		return -ENODEV;
	}
	struct opt_list addresses = {0};
	struct scope scope = conf_scope(conf, &addresses);
	struct buf filter;
	buf_init(&filter, 1u << 20);
	int rc = ifaddr_list(c->interface, &addresses);
	if (!rc)
		rc = live_learn_home(c, &addresses);
	if (!rc)
		rc = scope_filter(&scope, &filter);
	struct ring_options o = {c->interface,          (const char *)filter.p, (int)conf->snaplen,
				 (int)conf->timeout_ms, (int)conf->ring,        conf->promiscuous};
	if (!rc)
		rc = ring_open(&o, &c->ring, err, sizeof err);
	opt_list_free(&addresses);
	buf_fini(&filter);
	if (rc)
		log_error("interface cannot be opened", "interface=%s error=\"%s\"%s", c->interface,
			  err, rc == -EPERM ? " hint=\"start as root or with CAP_NET_RAW\"" : "");
	return rc;
}

static void live_packet(void *arg, int linktype, uint64_t ts_ns, uint32_t caplen, uint32_t len,
			const uint8_t *data)
{
	outlet_packet(arg, linktype, ts_ns, caplen, len, data);
}

void live_read(struct capture *c)
{
	for (int left = TURN_PACKETS; left > 0;) {
		int n = ring_read(c->ring, JOURNAL_BATCH, live_packet, &c->out);
		/* An error comes from the interface; live_watch_interface() finds the cause within
		 * a second. */
		if (n <= 0)
			break;
		left -= n;
	}
	outlet_flush(&c->out);
}

static void live_on_ring(void *arg)
{
	live_read(arg);
}

/* libpcap does not report that an interface went down, only (sometimes) that it is gone. */
static void live_watch_interface(struct capture *c)
{
	int index;

	if (c->down) {
		if (ring_resume(c->ring))
			return;
		log_info("interface is up again", "interface=%s", c->interface);
		c->down = false;
		loop_fd(c->svc->loop, ring_fd(c->ring), live_on_ring, c);
	} else if (!iface_up(c->interface, &index) || index != ring_index(c->ring)) {
		log_warn("interface is down", "interface=%s hint=\"waiting for it\"", c->interface);
		c->count[CAPTURE_INTERFACE_DOWN]++;
		c->down = true;
		loop_forget_fd(c->svc->loop, ring_fd(c->ring));
	}
}

/* No new flush while the disk is still busy with the last one, and none for ticks alone. */
static void live_flush_journal(struct capture *c)
{
	uint64_t packets = c->count[CAPTURE_PACKETS];

	if (!c->conf.journal_sync || packets == c->flushed_packets || !flusher_idle(c->flusher))
		return;
	c->flushed_packets = packets;
	int rc = journal_sync(c->out.journal);
	if (!rc)
		rc = flusher_error(c->flusher);
	if (rc)
		log_error("journal cannot be flushed", "error=\"%s\"", strerror(-rc));
}

static void live_on_second(void *arg)
{
	struct capture *c = arg;

	live_watch_interface(c);
	/* Packets that wait in the ring are older than the tick. */
	if (!c->down)
		live_read(c);
	outlet_tick(&c->out, clock_real_ns());
	live_flush_journal(c);
	capture_save_state(c, false);
}

static void live_report_hole(struct capture *c)
{
	struct hole hole;
	uint64_t rx, tx, now = clock_real_ns();

	iface_counters(c->interface, &rx, &tx);
	if (!capture_state_hole(&c->state, c->interface, now, rx, tx, &hole))
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
	svc_alert(c->svc, &a);
}

int live_start(struct capture *c)
{
	live_report_hole(c);
	log_info("capturing", "interface=%s next=%" PRIu64, c->interface,
		 c->count[CAPTURE_FIRST_NUMBER]);
	loop_every(c->svc->loop, NS_PER_S, live_on_second, c);
	c->state.alive_ns = clock_real_ns();
	capture_save_state(c, false);
	return loop_fd(c->svc->loop, ring_fd(c->ring), live_on_ring, c);
}

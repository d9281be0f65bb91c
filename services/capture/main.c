/*
 * lurker-capture: every packet of one interface (or of a file) gets a number, goes to the journal,
 * and then to the bus.
 */
#include <inttypes.h>

#include "capture/capture.h"
#include "rt/svc.h"

static const struct metric metrics[] = {
#define COUNT METRIC_ROW
#include "capture/counts.def"
};

static int capture_check(struct svc *s)
{
	struct capture *c = s->state;

	return conf_check(&c->conf);
}

static int capture_open(struct svc *s)
{
	struct capture *c = s->state;

	c->svc = s;
	int rc = svc_path(s, "journal", c->journal_dir, sizeof c->journal_dir);
	if (rc)
		return rc;
	return c->conf.file ? offline_open(c) : live_open(c);
}

static int capture_start(struct svc *s)
{
	struct capture *c = s->state;

	int rc = capture_begin(c);
	if (rc)
		return rc;
	return c->feed ? offline_start(c) : live_start(c);
}

static void capture_tick(struct svc *s)
{
	struct capture *c = s->state;

	if (c->out.journal) /* else the last one, after drain */
		capture_fill(c);
}

static void capture_drain(struct svc *s)
{
	struct capture *c = s->state;

	if (!c->out.journal)
		return;
	if (c->ring && !c->down)
		live_read(c);
	capture_fill(c);
	capture_save_state(c, true);
	log_info("ended", "packets=%" PRIu64 " next=%" PRIu64 " dropped_kernel=%" PRIu64,
		 c->count[CAPTURE_PACKETS], c->count[CAPTURE_NEXT_NUMBER],
		 c->count[CAPTURE_DROPPED_KERNEL]);
	capture_end(c);
}

int main(int argc, char **argv)
{
	static const char *const calls[] = {"flock", "ioctl", "pwrite64", NULL};
	static struct capture capture = {.state_fd = -1};
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
		.opts = conf_opts,
		.conf = &capture.conf,
		.state = &capture,
		.endpoint = &capture.conf.endpoint,
		.metrics = metrics,
		.nmetrics = CAPTURE_COUNTS,
		.values = capture.count,
		.calls = calls,
		.check = capture_check,
		.open = capture_open,
		.start = capture_start,
		.tick = capture_tick,
		.drain = capture_drain,
	};
	return svc_main(&desc, argc, argv);
}

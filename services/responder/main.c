/*
 * lurker-responder: answers every SYN to the watched networks, and harms nobody.
 */
#include <errno.h>
#include <linux/filter.h>
#include <pcap/pcap.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "responder/conf.h"
#include "responder/host.h"
#include "responder/interface.h"
#include "responder/kernel.h"
#include "responder/publish.h"
#include "responder/respond.h"
#include "responder/rules.h"
#include "rt/route.h"
#include "rt/svc.h"

#define LINK_ETHERNET 1
#define SECOND        UINT64_C(1000000000)
/* Groups of frames handled before the loop gets a turn for its other descriptors. */
#define TURN_GROUPS   256u
#define FILTER_LIMIT  (1u << 18)
#define NUDGE_TURN_NS UINT64_C(100000000)
/* How often the host is looked at; what changed must be so twice. */
#define HOST_TURN_NS UINT64_C(2000000000)

static struct responder core;
static struct send_batch batch;
static struct interface wire = {.rx = -1, .tx = -1};
static struct interface_link link_of_wire;
static struct watch watch;
static struct nft_ctx *table;
static struct sock_fprog filter; /* what the socket needs; shedding goes in front of it */
static uint64_t offset_ns, budget;
static enum host_state host;
static bool forwards;

static const struct metric metrics[] = {
#define COUNT METRIC_ROW
#include "responder/counts.def"
};

static int check(struct svc *s)
{
	char err[512] = "";
	int rc;
	struct nudge nudge;

	(void)s;
	if (sodium_init() < 0)
		return -EIO;
	char name[ROUTE_NAME];
	if (!conf.interface && route_default(name) == 0)
		conf.interface = strdup(name);
	if (!conf.interface) {
		log_error("no interface",
			  "hint=\"there is no default route: name the interface with -i, or "
			  "responder.interface in the configuration\"");
		return -EINVAL;
	}
	rc = interface_find(conf.interface, &link_of_wire);
	if (rc) {
		log_error("interface", "name=%s error=\"%s\"", conf.interface,
			  rc == -ENODEV         ? "there is no such interface (ip link shows them)"
			  : rc == -EAFNOSUPPORT ? "not an Ethernet-like interface"
						: strerror(-rc));
		return rc;
	}
	rc = conf_watch(&conf, &watch, err, sizeof(err));
	if (!rc)
		rc = conf_nudge(&conf, &nudge, err, sizeof(err));
	if (rc)
		log_error("configuration", "error=\"%s\"", err);
	return rc;
}

static int filter_make(struct sock_fprog *out)
{
	struct bpf_program program;
	struct buf text;
	pcap_t *dead = pcap_open_dead(DLT_EN10MB, 262144);
	int rc = -ENOMEM;

	buf_init(&text, FILTER_LIMIT);
	if (!dead || rules_filter(&watch, conf.arp, conf.icmp_echo, &text) || buf_addc(&text, '\0'))
		goto out;
	if (pcap_compile(dead, &program, (const char *)text.p, 1, PCAP_NETMASK_UNKNOWN) < 0) {
		log_error("kernel filter", "error=\"%s\"", pcap_geterr(dead));
		rc = -EINVAL;
		goto out;
	}
	/* The two libraries' instructions have one layout. */
	if (program.bf_len + SHED_INSNS > BPF_MAXINSNS) {
		log_error("kernel filter", "error=\"too many networks and excluded ports\"");
		pcap_freecode(&program);
		rc = -EINVAL;
		goto out;
	}
	out->len = (unsigned short)program.bf_len;
	out->filter = calloc(program.bf_len, sizeof(*out->filter));
	if (out->filter) {
		memcpy(out->filter, program.bf_insns, program.bf_len * sizeof(*out->filter));
		rc = 0;
	}
	pcap_freecode(&program);
out:
	buf_fini(&text);
	if (dead)
		pcap_close(dead);
	return rc;
}

static int kernel_open(void)
{
	char err[512] = "";
	int rc;

	forwards = kernel_forwards();
	if (!conf.kernel_drop)
		return 0;
	rc = kernel_install(&watch, conf.interface, forwards, &table, err, sizeof(err));
	if (rc)
		log_error(
			"kernel drop", "error=\"%s\" hint=\"%s\"", err,
			rc == -EPERM
				? "start as root or with CAP_NET_ADMIN, or set kernel_drop: false "
				  "(then this host's kernel answers with RSTs on its own addresses)"
			: rc == -EBUSY
				? "another responder runs in this network namespace"
				: "needs Linux 5.12 with nf_tables, or set kernel_drop: false");
	return rc;
}

static int open_all(struct svc *s)
{
	struct responder_conf core_conf;
	char err[512] = "";
	int rc;

	(void)s;
	rc = filter_make(&filter);
	if (rc)
		return rc;
	rc = interface_open(&wire, &link_of_wire, conf.ring_bytes, &filter, conf.arp, err,
			    sizeof(err));
	if (rc) {
		log_error("interface", "name=%s error=\"%s\"%s", conf.interface, err,
			  rc == -EPERM ? " hint=\"start as root or with CAP_NET_RAW\"" : "");
		return rc;
	}
	rc = kernel_open();
	if (rc)
		return rc;
	conf_core(&conf, &link_of_wire, &core_conf);
	randombytes_buf(core_conf.seed, sizeof(core_conf.seed));
	rc = responder_init(&core, &core_conf, clock_mono_ns(), err, sizeof(err));
	if (rc) {
		log_error("start", "error=\"%s\"", err);
		return rc;
	}
	core.watch = watch;
	return conf_nudge(&conf, &core.nudge, err, sizeof(err));
}

static void flush(void)
{
	struct interface_sent sent = {0};

	if (!batch.n)
		return;
	interface_send(&wire, &batch, &sent);
	core.count[RESPONDER_SENT] += sent.frames;
	core.count[RESPONDER_SENT_BYTES] += sent.bytes;
	core.count[RESPONDER_BATCHES] += sent.calls;
	core.count[RESPONDER_D_SEND] += sent.dropped;
}

/* One group of frames: all are decoded before the first is answered, so that their memory is there
 * by then. */
static void answer(const struct interface_frame *frame, uint32_t n, uint64_t now)
{
	static struct pkt p[INTERFACE_GROUP];

	for (uint32_t i = 0; i < n; i++) {
		pkt_decode(LINK_ETHERNET, frame[i].data, frame[i].caplen, frame[i].len, &p[i]);
		p[i].ts_ns = now;
		p[i].summed = frame[i].summed;
		responder_expect(&core, &p[i]);
	}
	for (uint32_t i = 0; i < n; i++) {
		if (!send_batch_ready(&batch))
			flush();
		responder_frame(&core, now, &p[i], &batch);
	}
}

/* What the ring holds, answered; the answers leave together as soon as the ring is empty. */
static void on_frames(void *arg)
{
	struct svc *s = arg;
	struct interface_frame frame[INTERFACE_GROUP];
	uint32_t n, turn;

	for (turn = 0; turn < TURN_GROUPS && interface_take(&wire, frame, &n); turn++) {
		answer(frame, n, clock_mono_ns());
		interface_give(&wire);
	}
	if (!turn)
		interface_error(
			&wire); /* woken for nothing: the interface went down; on_host() says so */
	flush();
	if (core.events || core.reflect.events)
		publish_all(s, &core, offset_ns, &budget);
}

static void filter_shed(void)
{
	struct sock_filter insns[BPF_MAXINSNS];
	struct sock_fprog both = {.filter = insns};
	size_t n = shed_program(&core.shed, insns);
	int rc;

	core.shed_changed = false;
	/* Jumps are relative, so the two programs can stand one behind the other. */
	memcpy(insns + n, filter.filter, filter.len * sizeof(*insns));
	both.len = (unsigned short)(n + filter.len);
	rc = interface_filter(&wire, &both);
	if (rc)
		log_warn("kernel filter", "error=\"%s\"", strerror(-rc));
	else
		log_info("shedding", "prefixes=%u", core.shed.active);
}

static void on_second(void *arg)
{
	struct svc *s = arg;

	offset_ns = clock_real_ns() - clock_mono_ns();
	budget = (uint64_t)conf.replies_per_s;
	core.count[RESPONDER_D_KERNEL] += interface_drops(&wire);
	responder_tick(&core, clock_mono_ns());
	if (core.shed_changed)
		filter_shed();
	publish_all(s, &core, offset_ns, &budget);
}

static void on_host(void *arg)
{
	struct svc *s = arg;
	enum host_state was = host;

	host = host_look(&conf, &link_of_wire, &watch, forwards);
	if (host == HOST_CHANGED && was == HOST_CHANGED) {
		log_warn("ending, to be started anew",
			 "interface=%s reason=\"it was made anew, or this host's watched addresses "
			 "changed\"",
			 conf.interface);
		s->exit_code = 1;
		loop_stop(s->loop);
	} else if (host == HOST_DOWN && was != HOST_DOWN) {
		log_warn("interface is down",
			 "interface=%s hint=\"waiting for it and its addresses\"", conf.interface);
	} else if (host != HOST_DOWN && was == HOST_DOWN) {
		log_info("interface is up again", "interface=%s", conf.interface);
		interface_error(&wire); /* or the next answer would find it */
	}
}

static void on_nudge(void *arg)
{
	uint64_t next;
	bool more;

	(void)arg;
	do {
		more = responder_nudge(&core, clock_mono_ns(), &batch, &next);
		flush();
	} while (more);
}

static int start(struct svc *s)
{
	int rc;

	on_second(s);
	rc = loop_fd(s->loop, wire.rx, on_frames, s);
	if (!rc)
		rc = loop_every(s->loop, SECOND, on_second, s);
	if (!rc)
		rc = loop_every(s->loop, HOST_TURN_NS, on_host, s);
	if (!rc && conf.nudge)
		rc = loop_every(s->loop, NUDGE_TURN_NS, on_nudge, s);
	log_info("answering", "interface=%s networks=%zu first_excluded=%s kernel_drop=%s",
		 conf.interface, watch.nets,
		 conf.exclude_ports.n ? conf.exclude_ports.v[0] : "none", table ? "on" : "off");
	return rc;
}

static void drain(struct svc *s)
{
	bool more;

	budget = UINT64_MAX;
	do {
		more = responder_close_all(&core, clock_mono_ns());
		publish_all(s, &core, offset_ns, &budget);
	} while (more);
	/* The process ends only after the bus has lingered; the host's own TCP need not wait for
	 * that. */
	kernel_remove(&table);
	interface_close(&wire);
}

static const char *const calls[] = {"sendmmsg", NULL};

static const struct svc_desc desc = {
	.name = "responder",
	.details =
		"Reads    frames of one interface, through a filter in the kernel; needs no other "
		"service.\n"
		"Writes   SYN+ACKs, acknowledgments, FINs; on request ARP and neighbour replies, "
		"ICMP echo replies\n"
		"         and banners. Never a RST, never an answer longer than the SYN, never a "
		"retransmission.\n"
		"         The nft table `inet lurker`, which the kernel removes when this process "
		"ends.\n"
		"         Alerts in STATE_DIR/records/alert.\n"
		"Needs    CAP_NET_RAW, and CAP_NET_ADMIN for the nft table; both are given up "
		"after the start.\n"
		"Prints   log lines on standard error; publishes `reply`, `alert` and `stat`.\n"
		"\n"
		"On the host's own addresses port 22 stays with the host unless host_ports\n"
		"says otherwise; connections that the host itself made, and those already\n"
		"open, go on working, as do those of containers behind it. Other services of\n"
		"this host on watched addresses need -e, also those that it forwards.\n"
		"\n"
		"When the interface was made anew, or this host's addresses in the watched\n"
		"networks changed, it ends with 1 to be started anew (lurker up and systemd do).",
	.opts = conf_opts,
	.conf = &conf,
	.endpoint = &conf.endpoint,
	.metrics = metrics,
	.nmetrics = sizeof(metrics) / sizeof(*metrics),
	.values = core.count,
	.calls = calls,
	.check = check,
	.open = open_all,
	.start = start,
	.drain = drain,
};

int main(int argc, char **argv)
{
	struct svc_desc d = desc;
	int rc;

	rc = svc_main(&d, argc, argv);
	kernel_remove(&table);
	interface_close(&wire);
	responder_fini(&core);
	free(filter.filter);
	return rc;
}

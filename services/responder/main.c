/*
 * lurker-responder: answers every SYN to the watched networks, and harms nobody.
 */
#include "responder/shell.h"
#include "rt/svc.h"

static const struct metric metrics[] = {
#define COUNT METRIC_ROW
#include "responder/counts.def"
};

static int responder_check(struct svc *s)
{
	return shell_check(s->state);
}

static int responder_open(struct svc *s)
{
	return shell_open(s->state);
}

static int responder_start(struct svc *s)
{
	struct shell *sh = s->state;
	const struct opt_list *excluded = &sh->conf.exclude_ports;

	sh->svc = s;
	int rc = answer_start(sh);
	log_info("answering", "interface=%s networks=%zu first_excluded=%s kernel_drop=%s",
		 sh->conf.interface, sh->watch.nets, excluded->n ? excluded->v[0] : "none",
		 sh->table ? "on" : "off");
	return rc;
}

static void responder_drain(struct svc *s)
{
	struct shell *sh = s->state;

	answer_end(sh);
	/* The process ends only after the bus has lingered; the host's own TCP need not wait for
	 * that. */
	shell_close(sh);
}

int main(int argc, char **argv)
{
	static const char *const calls[] = {"sendmmsg", NULL};
	static struct shell shell = {.interface = {.rx = -1, .tx = -1}};
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
		.conf = &shell.conf,
		.state = &shell,
		.endpoint = &shell.conf.endpoint,
		.metrics = metrics,
		.nmetrics = RESPONDER_COUNTS,
		.values = shell.core.count,
		.calls = calls,
		.check = responder_check,
		.open = responder_open,
		.start = responder_start,
		.drain = responder_drain,
	};
	int rc = svc_main(&desc, argc, argv);

	shell_close(&shell);
	shell_free(&shell);
	return rc;
}

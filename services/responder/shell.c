#include "responder/shell.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "pkt/capfile.h"
#include "responder/kernel.h"
#include "responder/rules.h"
#include "rt/route.h"

#define FILTER_LIMIT (1u << 18)

int shell_check(struct shell *sh)
{
	char err[512] = "", name[ROUTE_NAME];
	struct nudge nudge;
	int rc;

	if (sodium_init() < 0)
		return -EIO;
	if (!sh->conf.interface && route_default(name) == 0)
		sh->conf.interface = strdup(name);
	if (!sh->conf.interface) {
		log_error("no interface",
			  "hint=\"there is no default route: name the interface with -i, or "
			  "responder.interface in the configuration\"");
		return -EINVAL;
	}
	rc = interface_find(sh->conf.interface, &sh->link);
	if (rc) {
		log_error("interface", "name=%s error=\"%s\"", sh->conf.interface,
			  rc == -ENODEV         ? "there is no such interface (ip link shows them)"
			  : rc == -EAFNOSUPPORT ? "not an Ethernet-like interface"
						: strerror(-rc));
		return rc;
	}
	rc = conf_watch(&sh->conf, &sh->watch, err, sizeof err);
	if (!rc)
		rc = conf_nudge(&sh->conf, &nudge, err, sizeof err);
	if (rc)
		log_error("configuration", "error=\"%s\"", err);
	return rc;
}

static int shell_make_filter(struct shell *sh)
{
	struct bpf_program program;
	struct buf text;
	pcap_t *dead = pcap_open_dead(DLT_EN10MB, CAPFILE_MAX_PACKET);
	struct sock_fprog *out = &sh->filter;
	int rc = -ENOMEM;

	buf_init(&text, FILTER_LIMIT);
	if (!dead || rules_filter(&sh->watch, sh->conf.arp, sh->conf.icmp_echo, &text) ||
	    buf_addc(&text, '\0'))
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
	out->filter = calloc(program.bf_len, sizeof *out->filter);
	if (out->filter) {
		memcpy(out->filter, program.bf_insns, program.bf_len * sizeof *out->filter);
		rc = 0;
	}
	pcap_freecode(&program);
out:
	buf_fini(&text);
	if (dead)
		pcap_close(dead);
	return rc;
}

static int shell_silence_kernel(struct shell *sh)
{
	char err[512] = "";
	int rc;

	sh->forwards = kernel_forwards();
	if (!sh->conf.kernel_drop)
		return 0;
	rc = kernel_install(&sh->watch, sh->conf.interface, sh->forwards, &sh->table, err,
			    sizeof err);
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

int shell_open(struct shell *sh)
{
	struct responder_conf core_conf;
	char err[512] = "";
	int rc;

	rc = shell_make_filter(sh);
	if (rc)
		return rc;
	rc = interface_open(&sh->interface, &sh->link, sh->conf.ring_bytes, &sh->filter,
			    sh->conf.arp, err, sizeof err);
	if (rc) {
		log_error("interface", "name=%s error=\"%s\"%s", sh->conf.interface, err,
			  rc == -EPERM ? " hint=\"start as root or with CAP_NET_RAW\"" : "");
		return rc;
	}
	rc = shell_silence_kernel(sh);
	if (rc)
		return rc;
	conf_core(&sh->conf, &sh->link, &core_conf);
	randombytes_buf(core_conf.seed, sizeof core_conf.seed);
	rc = responder_init(&sh->core, &core_conf, clock_mono_ns(), err, sizeof err);
	if (rc) {
		log_error("start", "error=\"%s\"", err);
		return rc;
	}
	sh->core.watch = sh->watch;
	return conf_nudge(&sh->conf, &sh->core.nudge, err, sizeof err);
}

void shell_shed(struct shell *sh)
{
	struct sock_filter insns[BPF_MAXINSNS];
	struct sock_fprog both = {.filter = insns};
	size_t n = shed_program(&sh->core.shed, insns);
	int rc;

	sh->core.shed_changed = false;
	/* Jumps are relative, so the two programs can stand one behind the other. */
	memcpy(insns + n, sh->filter.filter, sh->filter.len * sizeof *insns);
	both.len = (unsigned short)(n + sh->filter.len);
	rc = interface_filter(&sh->interface, &both);
	if (rc)
		log_warn("kernel filter", "error=\"%s\"", strerror(-rc));
	else
		log_info("shedding", "prefixes=%u", sh->core.shed.active);
}

void shell_close(struct shell *sh)
{
	kernel_remove(&sh->table);
	interface_close(&sh->interface);
}

void shell_free(struct shell *sh)
{
	responder_fini(&sh->core);
	free(sh->filter.filter);
}

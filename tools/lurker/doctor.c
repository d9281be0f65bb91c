/*
 * doctor: each line is ok, or says what to do.
 */
#include <cap-ng.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <nftables/libnftables.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include "bus_listener.h"
#include "fleet.h"
#include "front.h"
#include "rt/sandbox.h"
#include "term.h"

struct doctor_conf {
	const char *interface;
};

struct doctor {
	struct doctor_conf conf;
	struct svc_common common;
	int bad, warned;
	struct opt_list asked;
	bool seen[NSERVICES];
	struct bus_listener listen;
};

#define AT(field) offsetof(struct doctor_conf, field)
static const struct opt opts[] = {
	{.name = "interface",
	 .flag = 'i',
	 .type = OPT_STR,
	 .offset = AT(interface),
	 .help = "interface to check; by default every interface that is up"},
	{0},
};
#undef AT

enum verdict { OK, WARN, BAD };

static void say(struct doctor *d, enum verdict v, const char *what, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void say(struct doctor *d, enum verdict v, const char *what, const char *fmt, ...)
{
	static const char *const words[] = {"ok  ", "warn", "BAD "};
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	printf("%s  %-12s %s\n", words[v], what, text);
	d->bad += v == BAD;
	d->warned += v == WARN;
}

/* A one-line file below /sys or /proc; false when it is not there. */
static bool read_line(const char *path, char *out, size_t n)
{
	FILE *f = fopen(path, "re");
	if (!f)
		return false;
	bool ok = fgets(out, (int)n, f) != NULL;
	fclose(f);
	out[ok ? strcspn(out, "\n") : 0] = '\0';
	return ok;
}

static void check_one_device(struct doctor *d, const char *name)
{
	char path[PATH_MAX], state[64], address[64] = "";
	snprintf(path, sizeof path, "/sys/class/net/%s/operstate", name);
	if (!read_line(path, state, sizeof state)) {
		say(d, BAD, "device", "%s does not exist: see `ip link`", name);
		return;
	}
	snprintf(path, sizeof path, "/sys/class/net/%s/address", name);
	read_line(path, address, sizeof address);
	if (strcmp(state, "down") == 0)
		say(d, BAD, "device", "%s is down: ip link set %s up", name, name);
	else
		say(d, OK, "device", "%s is %s, address %s", name, state, address);
}

static void check_device(struct doctor *d)
{
	if (d->conf.interface) {
		check_one_device(d, d->conf.interface);
		return;
	}
	DIR *dir = opendir("/sys/class/net");
	struct dirent *e;
	int n = 0;
	while (dir && (e = readdir(dir)) != NULL && n < 64) {
		if (e->d_name[0] == '.' || strcmp(e->d_name, "lo") == 0)
			continue;
		char path[PATH_MAX], state[64] = "";
		snprintf(path, sizeof path, "/sys/class/net/%s/operstate", e->d_name);
		read_line(path, state, sizeof state);
		if (strcmp(state, "down") != 0) {
			check_one_device(d, e->d_name);
			n++;
		}
	}
	if (dir)
		closedir(dir);
	if (!n)
		say(d, BAD, "device", "no interface is up: see `ip link`");
}

static void check_privileges(struct doctor *d)
{
	capng_get_caps_process();
	bool raw = capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_RAW);
	bool admin = capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN);
	if (raw && admin)
		say(d, OK, "privileges", "CAP_NET_RAW and CAP_NET_ADMIN are here");
	else
		say(d, BAD, "privileges",
		    "%s%s%s missing: run as root, or grant them to the service (capture needs "
		    "NET_RAW, responder both)",
		    raw ? "" : "CAP_NET_RAW", raw || admin ? "" : " and ",
		    admin ? "" : "CAP_NET_ADMIN");
	char err[256] = "";
	uid_t uid;
	gid_t gid;
	if (sandbox_account(d->common.user, &uid, &gid, err, sizeof err) != 0)
		say(d, BAD, "account", "%s", err);
	else
		say(d, OK, "account", "services run as uid %u", (unsigned)uid);
}

/* The responder's table is there exactly while it answers. */
static void check_kernel_drop(struct doctor *d)
{
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!nft) {
		say(d, WARN, "kernel drop", "libnftables cannot be used");
		return;
	}
	nft_ctx_buffer_output(nft);
	nft_ctx_buffer_error(nft);
	if (nft_run_cmd_from_buffer(nft, "list tables") != 0)
		say(d, WARN, "kernel drop", "cannot be read: run as root");
	else if (strstr(nft_ctx_get_output_buffer(nft), " lurker"))
		say(d, OK, "kernel drop", "table inet lurker is there: the kernel stays silent");
	else
		say(d, WARN, "kernel drop",
		    "table inet lurker is not there: the responder is not running here, or runs "
		    "with kernel_drop off");
	nft_ctx_free(nft);
}

static void check_dir(struct doctor *d, const char *what, const char *path)
{
	struct stat st;
	uid_t uid;
	gid_t gid;
	char err[256] = "";
	if (stat(path, &st) != 0) {
		if (errno == ENOENT)
			say(d, WARN, what, "%s does not exist yet; it is made at the first start",
			    path);
		else
			say(d, BAD, what, "%s: %s", path, strerror(errno));
		return;
	}
	if (sandbox_account(d->common.user, &uid, &gid, err, sizeof err) == 0 && st.st_uid != uid)
		say(d, BAD, what, "%s belongs to uid %u, the services are uid %u: chown -R %u %s",
		    path, (unsigned)st.st_uid, (unsigned)uid, (unsigned)uid, path);
	else
		say(d, OK, what, "%s", path);
}

static void check_dirs(struct doctor *d)
{
	check_dir(d, "state", d->common.state_dir);
	check_dir(d, "sockets", d->common.run_dir);
	static const char *const parts[] = {"journal", "spool", "records", "objects"};
	struct stat top, st;
	if (stat(d->common.state_dir, &top) != 0)
		return;
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		char path[PATH_MAX];
		snprintf(path, sizeof path, "%s/%s", d->common.state_dir, parts[i]);
		if (stat(path, &st) == 0 && st.st_dev != top.st_dev &&
		    strcmp(parts[i], "objects") != 0)
			say(d, BAD, "filesystem",
			    "%s is on another filesystem than %s: links need one", path,
			    d->common.state_dir);
	}
}

static void check_disk(struct doctor *d)
{
	struct statvfs v;
	if (statvfs(d->common.state_dir, &v) != 0)
		return;
	char space[16], inodes[16];
	uint64_t free_bytes = (uint64_t)v.f_bavail * v.f_frsize;
	term_bytes(space, free_bytes);
	term_quantity(inodes, v.f_favail);
	/* Journal and spool have limits of their own; below this they could not reach them. */
	bool low = free_bytes < (4ull << 30) || (v.f_files && v.f_favail < 100000);
	say(d, low ? WARN : OK, "disk", "%s and %s inodes free in %s%s", space, inodes,
	    d->common.state_dir,
	    low ? ": lower journal.max_bytes and the spool limits, or make room" : "");
}

static void check_clock(struct doctor *d)
{
	struct timex t = {0};
	int state = adjtimex(&t);
	if (state < 0)
		say(d, WARN, "clock", "cannot be asked: %s", strerror(errno));
	else if (state == TIME_ERROR || (t.status & STA_UNSYNC))
		say(d, WARN, "clock",
		    "is not synchronised: run chrony or systemd-timesyncd, records carry its time");
	else
		say(d, OK, "clock", "is synchronised, error at most %ld ms", t.maxerror / 1000);
}

static void on_stat(void *arg, const struct bus_msg *m)
{
	struct doctor *d = arg;
	for (size_t i = 0; i < NSERVICES; i++)
		if (bytes_eq(m->producer, bytes_str(service_rows[i].name)))
			d->seen[i] = true;
}

static void on_time(void *arg)
{
	struct doctor *d = arg;
	loop_stop(d->listen.loop);
}

static void check_services(struct doctor *d)
{
	static const char *const topics[] = {"stat"};
	if (access(d->common.run_dir, X_OK) != 0) {
		say(d, WARN, "services", "%s: %s", d->common.run_dir, strerror(errno));
		return;
	}
	if (bus_listener_open(&d->listen, &d->common, topics, 1, on_stat, d) == 0 &&
	    loop_every(d->listen.loop, 2 * NS_PER_S, on_time, d) == 0)
		loop_run(d->listen.loop);
	bus_listener_close(&d->listen);
	for (const struct service_row *r = service_rows; r->name; r++) {
		if (d->seen[r - service_rows])
			say(d, OK, "service", "%s publishes", r->name);
		else if (fleet_wants(&d->asked, r) && front_installed(r->name) == 0)
			say(d, WARN, "service",
			    "%s is silent: lurker up, or systemctl status lurker-%s", r->name,
			    r->name);
	}
}

int front_doctor(int argc, char **argv)
{
	static const struct front_usage usage = {
		"doctor", "",
		"Checks what a sensor needs: device, privileges, account, kernel drop, directories,\n"
		"disk, clock, services. Each line is ok, or says what to do.\n\n"
		"Reads: /sys, the nft tables, the sockets in the run directory. Changes nothing.\n"
		"Needs: root, to see everything. Exit code: 0 nothing is BAD, 1 something is."};
	static struct doctor d;
	struct opt_section own = {"", opts, &d.conf};
	front_asked(argc, argv, &d.asked);
	int code = front_options(&usage, own, &d.common, &argc, argv);
	if (code >= 0)
		return code;
	check_device(&d);
	check_privileges(&d);
	check_kernel_drop(&d);
	check_dirs(&d);
	check_disk(&d);
	check_clock(&d);
	check_services(&d);
	opt_list_free(&d.asked);
	printf("\n%d bad, %d to look at\n", d.bad, d.warned);
	return d.bad ? 1 : 0;
}

#include "rt/svc.h"
#include "base/clock.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "rt/notify.h"
#include "rt/sandbox.h"
#include "rt/svc_man.h"
#include "rt/svc_stat.h"
#include "services/services.h"
#include "storage/counters_file.h"

#define PATIENT_NICE 10

static void print_help(const struct svc_desc *d, const struct opt_section *sections, FILE *out)
{
	char upper[32];
	snprintf(upper, sizeof upper, "%s", d->name);
	for (char *p = upper; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	fprintf(out, "lurker-%s: %s\n\nUsage: lurker-%s [options]%s%s\n\n%s\n\nOptions:\n", d->name,
		service_row(d->name)->summary, d->name, d->operands ? " " : "",
		d->operands ? d->operands : "", d->details);
	opt_help(&sections[1], 1, out);
	fputs("\nCommon options:\n", out);
	opt_help(&sections[0], 1, out);
	fprintf(out,
		"      --check                   check the configuration and end\n"
		"      --print-config            print the values in force as YAML and end\n"
		"      --help-metrics            list the counters and gauges and end\n"
		"  -h, --help                    this text\n"
		"      --version                 version\n\n"
		"Each option is also a key of the configuration file, with underscores: in its "
		"section\n"
		"`%s:`, common ones at the top level; and a variable: LURKER_%s_KEY, common ones\n"
		"LURKER_KEY. Flags win over variables, variables over the file.\n\n"
		"Exit codes: 0 done, 1 failure, 2 usage or configuration.\n",
		d->name, upper);
}

static void print_rows(const struct metric *m, size_t n)
{
	static const char *const kinds[] = {"counter", "gauge", "drop"};
	for (size_t i = 0; i < n; i++)
		printf("%-28s %-8s %-10s %s\n", m[i].name, kinds[m[i].kind], m[i].unit, m[i].help);
}

/* Four columns, the first three without spaces: `lurker metrics` reads them. */
static void print_metrics(const struct svc_desc *d)
{
	print_rows(d->metrics, d->nmetrics);
	print_rows(svc_bus_metrics, SVC_BUS_METRICS);
}

/* The flags that end the program at once, taken out before the table's own. */
struct actions {
	bool help, version, check, print_config, help_metrics, man;
};

static struct actions svc_take_actions(int *argc, char **argv)
{
	struct actions a = {0};
	int n = 1;
	bool flags = true;
	for (int i = 1; i < *argc; i++) {
		const char *arg = argv[i];
		bool *hit = NULL;
		if (strcmp(arg, "--") == 0)
			flags = false;
		if (!flags)
			hit = NULL;
		else if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0)
			hit = &a.help;
		else if (strcmp(arg, "--version") == 0)
			hit = &a.version;
		else if (strcmp(arg, "--check") == 0)
			hit = &a.check;
		else if (strcmp(arg, "--print-config") == 0)
			hit = &a.print_config;
		else if (strcmp(arg, "--help-metrics") == 0)
			hit = &a.help_metrics;
		else if (strcmp(arg, "--man") == 0)
			hit = &a.man;
		if (hit)
			*hit = true;
		else
			argv[n++] = argv[i];
	}
	argv[n] = NULL;
	*argc = n;
	return a;
}

int svc_path(const struct svc *s, const char *relative, char *out, size_t n)
{
	int len = snprintf(out, n, "%s/%s", s->common.state_dir, relative);
	return len < 0 || (size_t)len >= n ? -ENAMETOOLONG : 0;
}

/* Makes a directory and its parents; the last one is the service account's. */
static int svc_make_dir(const char *path, uid_t uid, gid_t gid)
{
	int rc = fs_make_parents(AT_FDCWD, path, 0755, FS_NONE);
	if (rc)
		return rc;
	if (mkdir(path, 0750) != 0)
		return errno == EEXIST ? 0 : -errno;
	return geteuid() == 0 && chown(path, uid, gid) != 0 ? -errno : 0;
}

int svc_make_dirs(const struct svc_common *c)
{
	char err[256] = "";
	uid_t uid;
	gid_t gid;
	int rc = sandbox_account(c->user, &uid, &gid, err, sizeof err);
	if (rc) {
		log_error("account", "error=\"%s\"", err);
		return rc;
	}
	const char *dirs[] = {c->state_dir, c->run_dir};
	for (size_t i = 0; i < 2; i++) {
		rc = svc_make_dir(dirs[i], uid, gid);
		if (rc) {
			log_error("directory cannot be made",
				  "path=%s error=\"%s\" hint=\"make it for the service account, or "
				  "choose another with --state-dir and --run-dir\"",
				  dirs[i], strerror(-rc));
			return rc;
		}
	}
	return 0;
}

int svc_subscribe(struct svc *s, const char *producer, const char *topic, bus_fn fn, void *arg)
{
	size_t n = strlen(producer);
	for (size_t i = 0; i < s->common.producers.n; i++) {
		const char *row = s->common.producers.v[i];
		if (strncmp(row, producer, n) == 0 && row[n] == '=')
			return bus_subscribe(s->bus, row + n + 1, topic, fn, arg);
	}
	return bus_subscribe(s->bus, producer, topic, fn, arg);
}

static void on_stat(void *arg)
{
	struct svc *s = arg;
	if (s->desc->tick)
		s->desc->tick(s);
	svc_stat(s, false);
}

static void on_watchdog(void *arg)
{
	(void)arg;
	notify("WATCHDOG=1");
}

static int watch_loop(struct svc *s)
{
	uint64_t period_ns = notify_watchdog_ns();
	return period_ns ? loop_every(s->loop, period_ns, on_watchdog, NULL) : 0;
}

static int give_up_privilege(const struct svc *s)
{
	char err[256] = "";
	int rc = sandbox_drop(s->common.user, err, sizeof err);
	if (!rc && s->common.sandbox)
		rc = sandbox_seccomp(s->desc->calls, err, sizeof err);
	if (rc)
		log_error("sandbox", "error=\"%s\"", *err ? err : strerror(-rc));
	return rc;
}

static int open_bus(struct svc *s)
{
	const char *endpoint = s->desc->endpoint ? *s->desc->endpoint : NULL;
	struct bus_options o = {
		.sensor = s->common.sensor,
		.producer = s->desc->name,
		.run_dir = s->common.run_dir,
		.endpoint = endpoint && *endpoint ? endpoint : NULL,
		.curve_secret = s->common.curve_secret,
		.curve_server = s->common.curve_server,
		.curve_clients = s->common.curve_clients,
		.hwm = s->common.hwm,
		.hwm_in = s->desc->most_in,
	};
	char err[512] = "";
	if (s->desc->most_out && s->desc->most_out < o.hwm)
		o.hwm = s->desc->most_out;
	int rc = bus_new(&o, s->loop, &s->bus, err, sizeof err);
	if (rc)
		log_error("bus", "error=\"%s\"", *err ? err : strerror(-rc));
	return rc;
}

/* The pipe that `lurker up` holds the other end of has been closed. */
static void on_parent_gone(void *arg)
{
	struct svc *s = arg;
	log_info("supervisor is gone, draining", NULL);
	loop_stop(s->loop);
}

static int watch_parent(struct svc *s)
{
	const char *text = getenv("LURKER_PARENT_FD");
	if (!text)
		return 0;
	int fd = atoi(text);
	unsetenv("LURKER_PARENT_FD");
	if (fd <= STDERR_FILENO || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
		return 0; /* left over from somebody else's environment */
	return loop_fd(s->loop, fd, on_parent_gone, s);
}

static int open_account(struct svc *s)
{
	int rc = counters_file_open(s->common.state_dir, s->desc->name, &s->counters_file);
	if (rc)
		log_error("state", "path=%s/stat/%s error=\"%s\"", s->common.state_dir,
			  s->desc->name, strerror(-rc));
	return rc;
}

static int new_loop(struct svc *s)
{
	int rc = loop_new(&s->loop);
	if (rc)
		log_error("loop", "error=\"%s\"", strerror(-rc));
	return rc;
}

/* A busy service on the responder's core costs answers. If the system does not allow it, that is no
 * reason to exit: units and containers set weights as well. */
static void step_back(void)
{
	if (getpriority(PRIO_PROCESS, 0) < PATIENT_NICE)
		setpriority(PRIO_PROCESS, 0, PATIENT_NICE);
}

static int svc_serve(struct svc *s)
{
	const struct svc_desc *d = s->desc;
	umask(0027);
	if (service_patient(s->row))
		step_back();
	notify_open();
	int rc = svc_make_dirs(&s->common);
	if (!rc)
		rc = new_loop(s);
	if (!rc && d->open)
		rc = d->open(s);
	if (!rc)
		rc = give_up_privilege(s);
	if (!rc)
		rc = open_bus(s);
	if (!rc)
		rc = watch_parent(s);
	if (!rc)
		rc = watch_loop(s);
	if (!rc)
		rc = open_account(s);
	if (!rc && d->start)
		rc = d->start(s);
	if (!rc)
		rc = loop_every(s->loop, (uint64_t)s->common.stat_interval_s * NS_PER_S, on_stat,
				s);
	if (!rc) {
		log_info("started", "version=%s pid=%d sensor=%s", LURKER_VERSION, (int)getpid(),
			 s->common.sensor);
		on_stat(s);
		notify("READY=1");
		rc = loop_run(s->loop);
		notify("STOPPING=1");
		if (d->drain)
			d->drain(s);
		if (d->tick)
			d->tick(s);
		svc_stat(s, true);
		log_info("stopped", NULL);
	}
	counters_file_close(&s->counters_file);
	bus_free(&s->bus, 500);
	loop_free(&s->loop);
	return rc ? 1 : s->exit_code;
}

int svc_main(const struct svc_desc *d, int argc, char **argv)
{
	struct svc s = {.desc = d, .row = service_row(d->name), .state = d->state};
	assert(s.row); /* services.def lacks it */
	const struct opt_section sections[] = {
		svc_common_section(&s.common),
		{.name = d->name, .opts = d->opts, .values = d->conf},
	};
	struct actions act = svc_take_actions(&argc, argv);
	if (act.help) {
		print_help(d, sections, stdout);
		return 0;
	}
	if (act.man) {
		svc_man(d, sections, stdout);
		return 0;
	}
	if (act.version) {
		printf("lurker-%s %s\n", d->name, LURKER_VERSION);
		return 0;
	}
	if (act.help_metrics) {
		print_metrics(d);
		return 0;
	}
	char err[1024] = "";
	int code = 2;
	int rc = svc_load(sections, 2, &argc, argv, err, sizeof err);
	if (rc) {
		/* Unlike with a wrong configuration, another start may succeed. */
		code = rc == -ENOMEM ? 1 : 2;
		fprintf(stderr, "lurker-%s: %s\n", d->name, err);
		goto out;
	}
	if (argc > 1 && !d->operands) {
		fprintf(stderr, "lurker-%s: unexpected operand %.80s (see --help)\n", d->name,
			argv[1]);
		goto out;
	}
	log_open(d->name, (enum log_level)s.common.log_level, s.common.log_format);
	s.argc = argc - 1;
	s.argv = argv + 1;
	if (act.print_config) {
		opt_print(sections, 2, stdout);
		code = 0;
		goto out;
	}
	if (d->check && d->check(&s) != 0)
		goto out;
	code = 0;
	if (act.check)
		printf("lurker-%s: configuration ok\n", d->name);
	else if (!d->job || (code = d->job(&s, s.argc, s.argv)) == SVC_SERVE)
		code = svc_serve(&s);
out:
	opt_fini(sections, 2);
	return code;
}

#include "rt/svc.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/codec.h"
#include "rt/records.h"
#include "rt/sandbox.h"

#define DEFAULT_CONFIG "/etc/lurker/lurker.yml"

const char *const svc_sections[] = {"capture",  "responder", "flowagg", "uploader",
				    "analyzer", "logptn",    "up",      NULL};

static const char *const levels[] = {"error", "warn", "info", "debug", NULL};
static const char *const formats[] = {"text", "json", NULL};

#define AT(field) offsetof(struct svc_common, field)
static const struct opt common_opts[] = {
	{.name = "config",
	 .flag = 'c',
	 .type = OPT_STR,
	 .offset = AT(config),
	 .help = "configuration file; " DEFAULT_CONFIG " is read when it exists"},
	{.name = "sensor",
	 .type = OPT_STR,
	 .offset = AT(sensor),
	 .help = "name of this sensor in every message and record; by default the host name"},
	{.name = "state_dir",
	 .type = OPT_STR,
	 .offset = AT(state_dir),
	 .def = "/var/lib/lurker",
	 .help = "journal, spool, records and state: one filesystem"},
	{.name = "run_dir",
	 .type = OPT_STR,
	 .offset = AT(run_dir),
	 .def = "/run/lurker",
	 .help = "sockets of the bus"},
	{.name = "user",
	 .type = OPT_STR,
	 .offset = AT(user),
	 .def = "lurker",
	 .help = "account to become when started as root; empty stays root without capabilities"},
	{.name = "log_level",
	 .type = OPT_ENUM,
	 .offset = AT(log_level),
	 .def = "info",
	 .choices = levels,
	 .help = "least important log line that is written"},
	{.name = "log_format",
	 .type = OPT_ENUM,
	 .offset = AT(log_format),
	 .def = "text",
	 .choices = formats,
	 .help = "log lines for people or for collectors"},
	{.name = "sandbox",
	 .type = OPT_BOOL,
	 .offset = AT(sandbox),
	 .def = "true",
	 .help = "allow only the system calls that are needed (seccomp); off only for debugging"},
	{.name = "stat_interval_s",
	 .type = OPT_INT,
	 .offset = AT(stat_interval_s),
	 .def = "1",
	 .min = 1,
	 .max = 3600,
	 .unit = "s",
	 .help = "how often counters are published"},
	{.name = "curve_secret",
	 .type = OPT_STR,
	 .offset = AT(curve_secret),
	 .help = "secret key file of this host for tcp:// endpoints (lurker keygen)"},
	{.name = "curve_server",
	 .type = OPT_STR,
	 .offset = AT(curve_server),
	 .help = "public key file of the producers reached over tcp://"},
	{.name = "curve_clients",
	 .type = OPT_STR,
	 .offset = AT(curve_clients),
	 .help = "directory of the public keys that may subscribe over tcp://"},
	{.name = "hwm",
	 .type = OPT_INT,
	 .offset = AT(hwm),
	 .def = "1000",
	 .min = 1,
	 .max = 1000000,
	 .unit = "messages",
	 .help = "messages kept for a slow subscriber before it loses some"},
	{.name = "producers",
	 .type = OPT_LIST,
	 .offset = AT(producers),
	 .help = "NAME=ENDPOINT of a service that is not at its default endpoint"},
};
#undef AT

struct opt_section svc_common_section(struct svc_common *values)
{
	return (struct opt_section){.name = "",
				    .opts = common_opts,
				    .n = sizeof(common_opts) / sizeof(*common_opts),
				    .values = values};
}

static void print_help(const struct svc_desc *d, const struct opt_section *sections, FILE *out)
{
	char upper[32];
	snprintf(upper, sizeof(upper), "%s", d->name);
	for (char *p = upper; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	fprintf(out, "lurker-%s: %s\n\nUsage: lurker-%s [options]%s%s\n\n%s\n\nOptions:\n", d->name,
		d->summary, d->name, d->operands ? " " : "", d->operands ? d->operands : "",
		d->details);
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

static void print_metrics(const struct svc_desc *d)
{
	static const char *const kinds[] = {"counter", "gauge", "drop"};
	for (size_t i = 0; i < d->nmetrics; i++)
		printf("%-28s %-8s %-10s %s\n", d->metrics[i].name, kinds[d->metrics[i].kind],
		       d->metrics[i].unit, d->metrics[i].help);
}

/* The flags that end the program at once, taken out before the table's own. */
struct actions {
	bool help, version, check, print_config, help_metrics;
};

static struct actions take_actions(int *argc, char **argv)
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
		if (hit)
			*hit = true;
		else
			argv[n++] = argv[i];
	}
	argv[n] = NULL;
	*argc = n;
	return a;
}

/* The configuration file has to be known before the flags are read over it. */
static const char *config_path(int argc, char **argv, bool *chosen)
{
	const char *path = getenv("LURKER_CONFIG");
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if ((strcmp(argv[i], "--config") == 0 || strcmp(argv[i], "-c") == 0) &&
		    i + 1 < argc)
			path = argv[i + 1];
		else if (strncmp(argv[i], "--config=", 9) == 0)
			path = argv[i] + 9;
		else if (strncmp(argv[i], "-c", 2) == 0 && argv[i][2])
			path = argv[i] + 2;
	}
	*chosen = path != NULL;
	return path ? path : DEFAULT_CONFIG;
}

int svc_load(const struct opt_section *sections, size_t n, int *argc, char **argv, char *err,
	     size_t errlen)
{
	bool chosen;
	const char *path = config_path(*argc, argv, &chosen);
	opt_defaults(sections, n);
	int rc = 0;
	if (chosen || access(path, F_OK) == 0)
		rc = opt_load(path, sections, n, svc_sections, err, errlen);
	if (!rc)
		rc = opt_env(sections, n, environ, err, errlen);
	if (!rc)
		rc = opt_args(sections, n, argc, argv, err, errlen);
	struct svc_common *common = sections[0].values;
	if (!rc && !common->sensor) {
		char host[256] = "sensor";
		gethostname(host, sizeof(host) - 1);
		host[sizeof(host) - 1] = '\0';
		common->sensor = strdup(host);
	}
	return rc;
}

int svc_path(const struct svc *s, const char *relative, char *out, size_t n)
{
	int len = snprintf(out, n, "%s/%s", s->common.state_dir, relative);
	return len < 0 || (size_t)len >= n ? -ENAMETOOLONG : 0;
}

/* Makes a directory and its parents; the last one is the service account's. */
static int make_dir(const char *path, uid_t uid, gid_t gid)
{
	char part[PATH_MAX];
	if (strlen(path) >= sizeof(part))
		return -ENAMETOOLONG;
	strcpy(part, path);
	for (char *p = part + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(part, 0755) != 0 && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	if (mkdir(part, 0750) != 0)
		return errno == EEXIST ? 0 : -errno;
	return geteuid() == 0 && chown(part, uid, gid) != 0 ? -errno : 0;
}

int svc_make_dirs(const struct svc_common *c)
{
	char err[256] = "";
	uid_t uid;
	gid_t gid;
	int rc = sandbox_account(c->user, &uid, &gid, err, sizeof(err));
	if (rc) {
		log_error("account", "error=\"%s\"", err);
		return rc;
	}
	const char *dirs[] = {c->state_dir, c->run_dir};
	for (size_t i = 0; i < 2; i++) {
		rc = make_dir(dirs[i], uid, gid);
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

int svc_alert(struct svc *s, const struct msg_alert *alert)
{
	struct buf body;
	buf_init(&body, 1u << 20);
	char dir[PATH_MAX];
	int rc = svc_path(s, "records/alert", dir, sizeof(dir));
	struct records *r = NULL;
	if (!rc)
		rc = msg_json(&msg_alert_schema, alert, &body);
	/* Alerts are rare: the file is opened for each, and several services may append to it. */
	if (!rc)
		rc = records_open(dir, 0, 3650, &r);
	if (!rc)
		rc = records_append(r, alert->ts_ns, buf_bytes(&body));
	if (rc)
		log_error("alert not recorded", "error=\"%s\"", strerror(-rc));
	records_close(&r);
	buf_reset(&body);
	if (msg_encode(&msg_alert_schema, alert, &body) == 0)
		bus_publish(s->bus, "alert", buf_bytes(&body));
	log_warn("alert", "kind=%.*s severity=%.*s message=\"%.*s\"", (int)alert->kind.n,
		 (const char *)alert->kind.p, (int)alert->severity.n,
		 (const char *)alert->severity.p, (int)alert->message.n,
		 (const char *)alert->message.p);
	buf_fini(&body);
	return rc;
}

static uint64_t resident_bytes(void)
{
	char text[128];
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	unsigned long long size = 0, resident = 0;
	if (sscanf(text, "%llu %llu", &size, &resident) != 2)
		return 0;
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

#define STAT_MAX 256

static void publish_stat(struct svc *s)
{
	const struct svc_desc *d = s->desc;
	struct msg_count rows[3][STAT_MAX];
	size_t n[3] = {0};
	for (size_t i = 0; i < d->nmetrics; i++) {
		unsigned kind = d->metrics[i].kind;
		if (n[kind] < STAT_MAX)
			rows[kind][n[kind]++] = (struct msg_count){
				.name = bytes_str(d->metrics[i].name), .count = d->values[i]};
	}
	struct bus_counts bc = bus_counts(s->bus);
	const struct msg_count bus_rows[3] = {{bytes_str("bus_published"), bc.published},
					      {bytes_str("bus_received"), bc.received},
					      {bytes_str("bus_malformed"), bc.malformed}};
	for (size_t i = 0; i < 3; i++) {
		unsigned kind = i == 2 ? METRIC_DROP : METRIC_COUNTER;
		if (n[kind] < STAT_MAX)
			rows[kind][n[kind]++] = bus_rows[i];
	}
	if (n[METRIC_DROP] < STAT_MAX)
		rows[METRIC_DROP][n[METRIC_DROP]++] =
			(struct msg_count){bytes_str("bus_missed"), bc.missed};
	struct rusage ru;
	getrusage(RUSAGE_SELF, &ru);
	struct msg_stat m = {
		.pid = (uint64_t)getpid(),
		.start_ns = bus_epoch(s->bus),
		.rss_bytes = resident_bytes(),
		.cpu_ns = (uint64_t)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1000000000u +
			  (uint64_t)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) * 1000u,
		.counters = {rows[METRIC_COUNTER], n[METRIC_COUNTER]},
		.gauges = {rows[METRIC_GAUGE], n[METRIC_GAUGE]},
		.drops = {rows[METRIC_DROP], n[METRIC_DROP]},
	};
	struct buf body;
	buf_init(&body, 1u << 16);
	if (msg_encode(&msg_stat_schema, &m, &body) == 0)
		bus_publish(s->bus, "stat", buf_bytes(&body));
	buf_fini(&body);
}

static void on_stat(void *arg)
{
	struct svc *s = arg;
	if (s->desc->tick)
		s->desc->tick(s);
	publish_stat(s);
}

static int give_up_privilege(const struct svc *s)
{
	char err[256] = "";
	int rc = sandbox_drop(s->common.user, err, sizeof(err));
	if (!rc && s->common.sandbox)
		rc = sandbox_seccomp(s->desc->calls, err, sizeof(err));
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
	};
	char err[512] = "";
	int rc = bus_new(&o, s->loop, &s->bus, err, sizeof(err));
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

static int serve(struct svc *s)
{
	const struct svc_desc *d = s->desc;
	umask(0027);
	int rc = svc_make_dirs(&s->common);
	if (!rc)
		rc = loop_new(&s->loop);
	if (!rc && d->open)
		rc = d->open(s);
	if (!rc)
		rc = give_up_privilege(s);
	if (!rc)
		rc = open_bus(s);
	if (!rc)
		rc = watch_parent(s);
	if (!rc && d->start)
		rc = d->start(s);
	if (!rc)
		rc = loop_every(s->loop, (uint64_t)s->common.stat_interval_s * 1000000000u, on_stat,
				s);
	if (!rc) {
		log_info("started", "version=%s pid=%d sensor=%s", LURKER_VERSION, (int)getpid(),
			 s->common.sensor);
		on_stat(s);
		rc = loop_run(s->loop);
		if (d->drain)
			d->drain(s);
		on_stat(s);
		log_info("stopped", NULL);
	}
	bus_free(&s->bus, 500);
	loop_free(&s->loop);
	return rc ? 1 : s->exit_code;
}

int svc_main(const struct svc_desc *d, int argc, char **argv)
{
	struct svc s = {.desc = d};
	const struct opt_section sections[] = {
		svc_common_section(&s.common),
		{.name = d->name, .opts = d->opts, .n = d->nopts, .values = d->conf},
	};
	struct actions act = take_actions(&argc, argv);
	if (act.help) {
		print_help(d, sections, stdout);
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
	if (svc_load(sections, 2, &argc, argv, err, sizeof(err)) != 0) {
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
		code = serve(&s);
out:
	opt_fini(sections, 2);
	return code;
}

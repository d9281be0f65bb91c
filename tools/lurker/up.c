/*
 * up: starts every service from one configuration, restarts what dies with back-off, drains on
 * SIGTERM.
 *
 * It stays root (or whoever started it) and does nothing but start, watch and stop: the services
 * give up their own privileges. Each holds the read end of a pipe whose write end is only here:
 * when this process goes, however it goes, they see the end of the pipe and drain.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "fleet.h"
#include "front.h"
#include "proto/codec.h"

#define TURN_NS (100 * NS_PER_MS)
#define STAT_NS NS_PER_S

struct up_conf {
	const char *interface;
	struct opt_list networks, exclude, services;
	const char *endpoint;
};

struct child {
	struct fleet_member *member;
	struct up *up;
	pid_t pid;
	int pidfd;
	char restarts_name[48], up_name[48];
};

struct up {
	struct up_conf conf;
	struct svc_common common;
	struct loop *loop;
	struct bus *bus;
	struct fleet fleet;
	struct child child[NSERVICES]; /* beside fleet.member */
	int pipe[2];
};

#define AT(field) offsetof(struct up_conf, field)
static const struct opt opts[] = {
	{.name = "interface",
	 .flag = 'i',
	 .type = OPT_STR,
	 .offset = AT(interface),
	 .help = "interface for capture and responder"},
	{.name = "networks",
	 .flag = 'n',
	 .type = OPT_LIST,
	 .offset = AT(networks),
	 .help = "networks to answer for (responder.networks); by default the interface's addresses"},
	{.name = "exclude_ports",
	 .flag = 'e',
	 .type = OPT_LIST,
	 .offset = AT(exclude),
	 .help = "ports that stay the host's own (responder.exclude_ports)"},
	{.name = "services",
	 .type = OPT_LIST,
	 .offset = AT(services),
	 .help = "services to run; by default those of every sensor that are installed"},
	{.name = "endpoint",
	 .type = OPT_STR,
	 .offset = AT(endpoint),
	 .help = "where restarts are published; by default ipc://RUN_DIR/up.sock"},
	{0},
};
#undef AT

static void set_variable(const char *name, const char *value)
{
	if (value)
		setenv(name, value, 1);
}

static void set_list(const char *name, const struct opt_list *l)
{
	struct buf b;
	buf_init(&b, 1u << 20);
	for (size_t i = 0; i < l->n; i++) {
		buf_adds(&b, i ? "," : "");
		buf_adds(&b, l->v[i]);
	}
	buf_addc(&b, '\0');
	if (l->n && !b.failed)
		setenv(name, (const char *)b.p, 1);
	buf_fini(&b);
}

/* What was given here as a flag reaches the services as variables, which win over the file as well.
 */
static void set_environment(struct up *u)
{
	static const char *const levels[] = {"error", "warn", "info", "debug"};
	static const char *const formats[] = {"text", "json"};
	char config[PATH_MAX];
	if (u->common.config && realpath(u->common.config, config))
		set_variable("LURKER_CONFIG", config);
	set_variable("LURKER_SENSOR", u->common.sensor);
	set_variable("LURKER_STATE_DIR", u->common.state_dir);
	set_variable("LURKER_RUN_DIR", u->common.run_dir);
	set_variable("LURKER_USER", u->common.user && *u->common.user ? u->common.user : "root");
	set_variable("LURKER_LOG_LEVEL", levels[u->common.log_level]);
	set_variable("LURKER_LOG_FORMAT", formats[u->common.log_format]);
	set_variable("LURKER_SANDBOX", u->common.sandbox ? "true" : "false");
	set_variable("LURKER_CAPTURE_INTERFACE", u->conf.interface);
	set_variable("LURKER_RESPONDER_INTERFACE", u->conf.interface);
	set_list("LURKER_RESPONDER_NETWORKS", &u->conf.networks);
	set_list("LURKER_CAPTURE_NETWORKS", &u->conf.networks);
	set_list("LURKER_CAPTURE_EXCLUDE_PORTS", &u->conf.exclude);
	set_list("LURKER_RESPONDER_EXCLUDE_PORTS", &u->conf.exclude);
	set_list("LURKER_UP_SERVICES", &u->conf.services);
}

static void up_on_exit(void *arg);

static int up_spawn(struct child *c)
{
	char program[PATH_MAX], fd[16];
	int rc = front_program(c->member->row->name, program, sizeof program);
	if (rc)
		return rc;
	snprintf(fd, sizeof fd, "%d", c->up->pipe[0]);
	setenv("LURKER_PARENT_FD", fd, 1);
	/* The loop blocks signals and ignores SIGPIPE; a service starts with a clean sheet. */
	posix_spawnattr_t attr;
	sigset_t none, defaults;
	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	/* Its own process group, so that a ^C on the terminal is for us, and the services drain
	 * once. */
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
						POSIX_SPAWN_SETPGROUP);
	char *args[] = {program, NULL};
	rc = -posix_spawn(&c->pid, program, NULL, &attr, args, environ);
	posix_spawnattr_destroy(&attr);
	if (rc)
		return rc;
	fleet_started(c->member, clock_mono_ns());
	c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	if (c->pidfd < 0)
		return -errno;
	fcntl(c->pidfd, F_SETFD, FD_CLOEXEC);
	return loop_fd(c->up->loop, c->pidfd, up_on_exit, c);
}

static void up_signal(struct up *u, int sig)
{
	for (size_t i = 0; i < u->fleet.n; i++)
		if (u->fleet.member[i].running)
			kill(u->child[i].pid, sig);
}

static void up_drain(struct up *u)
{
	if (!fleet_drain(&u->fleet, clock_mono_ns()))
		return;
	log_info("draining", NULL);
	up_signal(u, SIGTERM);
}

/* Each in its line, also when several end at once: the pause before a start is the limit. */
static void log_end(const struct child *c, struct fleet_end end, uint64_t lived_ns)
{
	if (!end.by_signal && !end.number && c->up->fleet.draining)
		return;
	log_each(LOG_LEVEL_WARN, "service ended", "name=%s pid=%d %s=%d lived_ms=%llu",
		 c->member->row->name, (int)c->pid, end.by_signal ? "signal" : "exit", end.number,
		 (unsigned long long)(lived_ns / NS_PER_MS));
}

static void up_on_exit(void *arg)
{
	struct child *c = arg;
	int status = 0;
	if (waitpid(c->pid, &status, WNOHANG) != c->pid)
		return;
	loop_forget_fd(c->up->loop, c->pidfd);
	close(c->pidfd);
	uint64_t now = clock_mono_ns();
	struct fleet_end end = {.by_signal = WIFSIGNALED(status)};
	end.number = end.by_signal ? WTERMSIG(status) : WEXITSTATUS(status);
	log_end(c, end, now - c->member->started_ns);
	if (fleet_ended(&c->up->fleet, c->member, end, now) == FLEET_REFUSED) {
		log_error("configuration refused", "name=%s hint=\"lurker check\"",
			  c->member->row->name);
		up_drain(c->up);
	}
}

static void publish_stat(struct up *u)
{
	struct msg_count counters[NSERVICES], gauges[NSERVICES];
	size_t n = u->fleet.n;
	for (size_t i = 0; i < n; i++) {
		const struct fleet_member *m = &u->fleet.member[i];
		counters[i] = (struct msg_count){bytes_str(u->child[i].restarts_name), m->restarts};
		gauges[i] = (struct msg_count){bytes_str(u->child[i].up_name), m->running};
	}
	struct msg_stat m = {.pid = (uint64_t)getpid(),
			     .start_ns = bus_epoch(u->bus),
			     .counters = {counters, n},
			     .gauges = {gauges, n}};
	struct buf body;
	buf_init(&body, 1u << 16);
	if (msg_encode(&msg_stat_schema, &m, &body) == 0)
		bus_publish(u->bus, "stat", buf_bytes(&body));
	buf_fini(&body);
}

static void on_second(void *arg)
{
	publish_stat(arg);
}

/* Restarts what is due. */
static void on_turn(void *arg)
{
	struct up *u = arg;
	uint64_t now = clock_mono_ns();
	for (size_t i = 0; i < u->fleet.n; i++) {
		struct fleet_member *m = &u->fleet.member[i];
		if (!fleet_due(&u->fleet, m, now))
			continue;
		int rc = up_spawn(&u->child[i]);
		if (rc) {
			log_error("service not started", "name=%s error=\"%s\"", m->row->name,
				  strerror(-rc));
			fleet_not_started(m, now);
			continue;
		}
		log_each(LOG_LEVEL_INFO, "service restarted", "name=%s pid=%d restarts=%llu",
			 m->row->name, (int)u->child[i].pid, (unsigned long long)m->restarts);
	}
}

/* After loop_run: wait for the children without the loop, which has ended on the signal. */
static void wait_drained(struct up *u)
{
	bool killed = false;
	up_drain(u);
	while (fleet_running(&u->fleet)) {
		for (size_t i = 0; i < u->fleet.n; i++)
			if (u->fleet.member[i].running)
				up_on_exit(&u->child[i]);
		if (!killed && fleet_overdue(&u->fleet, clock_mono_ns())) {
			log_warn("drain takes too long, ending the rest", NULL);
			up_signal(u, SIGKILL);
			killed = true;
		}
		usleep(20000);
	}
}

static int up_choose(struct up *u)
{
	const char *culprit = NULL;
	int rc = fleet_choose(&u->fleet, &u->conf.services, front_installed, &culprit);
	if (rc == -EINVAL)
		fprintf(stderr, "lurker up: services: there is no service \"%.40s\"\n", culprit);
	else if (rc)
		fprintf(stderr, "lurker up: lurker-%s: %s\n", culprit, strerror(-rc));
	for (size_t i = 0; i < u->fleet.n; i++) {
		struct child *c = &u->child[i];
		*c = (struct child){.member = &u->fleet.member[i], .up = u, .pidfd = -1};
		snprintf(c->restarts_name, sizeof c->restarts_name, "%s_restarts",
			 c->member->row->name);
		snprintf(c->up_name, sizeof c->up_name, "%s_up", c->member->row->name);
	}
	return rc;
}

void front_asked(int argc, char **argv, struct opt_list *out)
{
	char err[256];
	struct svc_common common = {0};
	struct up_conf conf = {0};
	struct opt_section sections[] = {svc_common_section(&common),
					 {.name = "up", .opts = opts, .values = &conf}};
	char **copy = calloc((size_t)argc + 1, sizeof *copy);
	if (!copy)
		return;
	memcpy(copy, argv, (size_t)argc * sizeof *copy);
	/* A mistake is for those to tell who read the configuration for themselves. */
	svc_load(sections, 2, &argc, copy, err, sizeof err);
	*out = conf.services;
	conf.services = (struct opt_list){0};
	opt_fini(sections, 2);
	free(copy);
}

static int up_start(struct up *u)
{
	if (pipe2(u->pipe, O_NONBLOCK) != 0)
		return -errno;
	/* The read end is inherited; the write end must not be, or nobody would see the end. */
	fcntl(u->pipe[1], F_SETFD, FD_CLOEXEC);
	int rc = svc_make_dirs(&u->common);
	if (!rc)
		rc = loop_new(&u->loop);
	for (size_t i = 0; i < u->fleet.n && !rc; i++)
		rc = up_spawn(&u->child[i]);
	if (rc)
		return rc;
	char err[512] = "";
	struct bus_options o = {.sensor = u->common.sensor,
				.producer = "up",
				.run_dir = u->common.run_dir,
				.endpoint = u->conf.endpoint,
				.curve_secret = u->common.curve_secret,
				.curve_server = u->common.curve_server,
				.curve_clients = u->common.curve_clients,
				.hwm = u->common.hwm};
	rc = bus_new(&o, u->loop, &u->bus, err, sizeof err);
	if (rc) {
		log_error("bus", "error=\"%s\"", *err ? err : strerror(-rc));
		return rc;
	}
	rc = loop_every(u->loop, TURN_NS, on_turn, u);
	if (!rc)
		rc = loop_every(u->loop, STAT_NS, on_second, u);
	return rc;
}

int front_up(int argc, char **argv)
{
	static const struct front_usage usage = {
		"up", "",
		"Starts the services, each with --check first, restarts what dies (after 0.1 s to 3 s), "
		"and on\n"
		"SIGTERM or ^C stops them and waits until they have drained.\n\n"
		"Reads: the configuration. Writes: nothing itself; services write below the state "
		"directory.\n"
		"Needs: root, or CAP_NET_RAW and CAP_NET_ADMIN; the services give up both.\n"
		"Prints: the services' log lines on standard error."};
	static struct up u = {.pipe = {-1, -1}};
	struct opt_section own = {"up", opts, &u.conf};
	int code = front_options(&usage, own, &u.common, &argc, argv);
	if (code >= 0)
		return code;
	set_environment(&u);
	if (up_choose(&u) != 0)
		return 2;
	char command[] = "check";
	char *check[] = {command, NULL};
	if (freopen("/dev/null", "w", stdout) == NULL)
		return 1;
	if (front_check(1, check) != 0) {
		fputs("lurker up: the configuration was refused; nothing was started\n", stderr);
		return 2;
	}
	int rc = up_start(&u);
	if (!rc) {
		log_info("started", "services=%zu state_dir=%s", u.fleet.n, u.common.state_dir);
		rc = loop_run(u.loop);
	} else {
		log_error("not started", "error=\"%s\"", strerror(-rc));
	}
	wait_drained(&u);
	log_info("stopped", NULL);
	bus_free(&u.bus, 100);
	loop_free(&u.loop);
	return rc ? 1 : u.fleet.exit_code;
}

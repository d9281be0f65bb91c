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
#include "front.h"
#include "proto/codec.h"

#define SERVICES_MAX   16
#define BACKOFF_MIN_NS 100000000ull
/* With its start, a service is back within 5 s however often it died. */
#define BACKOFF_MAX_NS 3000000000ull
#define HEALTHY_NS \
	30000000000ull /* a service that lived this long starts over with the back-off \
				       */
#define DRAIN_LIMIT_NS 15000000000ull
#define TURN_NS        100000000ull
#define STAT_NS        1000000000ull

struct up_conf {
	const char *interface;
	struct opt_list networks, exclude, services;
	const char *endpoint;
};

struct child {
	const char *name;
	struct up *up;
	pid_t pid; /* 0: not running */
	int pidfd;
	uint64_t started_ns, again_ns, backoff_ns;
	uint64_t restarts;
	char restarts_name[48], up_name[48];
};

struct up {
	struct up_conf conf;
	struct svc_common common;
	struct loop *loop;
	struct bus *bus;
	struct child child[SERVICES_MAX];
	size_t n;
	int pipe[2];
	bool draining;
	uint64_t drain_began_ns;
	int exit_code;
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
	 .help = "services to run; by default all that are installed, but for forwarder"},
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
}

static void on_exit_of(void *arg);

static int spawn(struct child *c)
{
	char program[PATH_MAX], fd[16];
	int rc = front_program(c->name, program, sizeof(program));
	if (rc)
		return rc;
	snprintf(fd, sizeof(fd), "%d", c->up->pipe[0]);
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
	if (rc) {
		c->pid = 0;
		return rc;
	}
	c->started_ns = clock_mono_ns();
	c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	if (c->pidfd < 0)
		return -errno;
	fcntl(c->pidfd, F_SETFD, FD_CLOEXEC);
	return loop_fd(c->up->loop, c->pidfd, on_exit_of, c);
}

static void signal_all(struct up *u, int sig)
{
	for (size_t i = 0; i < u->n; i++)
		if (u->child[i].pid)
			kill(u->child[i].pid, sig);
}

static bool any_running(const struct up *u)
{
	for (size_t i = 0; i < u->n; i++)
		if (u->child[i].pid)
			return true;
	return false;
}

static void drain(struct up *u)
{
	if (u->draining)
		return;
	u->draining = true;
	u->drain_began_ns = clock_mono_ns();
	log_info("draining", NULL);
	signal_all(u, SIGTERM);
}

static void on_exit_of(void *arg)
{
	struct child *c = arg;
	int status = 0;
	if (waitpid(c->pid, &status, WNOHANG) != c->pid)
		return;
	loop_forget_fd(c->up->loop, c->pidfd);
	close(c->pidfd);
	uint64_t now = clock_mono_ns(), lived = now - c->started_ns;
	/* Each in its line, also of several that end at once: the pause before a start is the
	 * limit. */
	if (WIFSIGNALED(status))
		log_each(LOG_LEVEL_WARN, "service ended", "name=%s pid=%d signal=%d lived_ms=%llu",
			 c->name, (int)c->pid, WTERMSIG(status),
			 (unsigned long long)(lived / 1000000));
	else if (!c->up->draining || WEXITSTATUS(status))
		log_each(LOG_LEVEL_WARN, "service ended", "name=%s pid=%d exit=%d lived_ms=%llu",
			 c->name, (int)c->pid, WEXITSTATUS(status),
			 (unsigned long long)(lived / 1000000));
	c->pid = 0;
	if (c->up->draining) {
		/* SIGTERM alone: it had not begun. A crash on the way out is told in the exit
		 * code. */
		bool well =
			WIFSIGNALED(status) ? WTERMSIG(status) == SIGTERM : !WEXITSTATUS(status);
		if (!well && !c->up->exit_code)
			c->up->exit_code = 1;
		return;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 2) {
		/* Configuration: trying again would say the same. */
		log_error("configuration refused", "name=%s hint=\"lurker check\"", c->name);
		c->up->exit_code = 2;
		drain(c->up);
		return;
	}
	if (lived >= HEALTHY_NS || !c->backoff_ns)
		c->backoff_ns = BACKOFF_MIN_NS;
	c->again_ns = now + c->backoff_ns;
	c->backoff_ns = c->backoff_ns * 2 > BACKOFF_MAX_NS ? BACKOFF_MAX_NS : c->backoff_ns * 2;
}

static void publish_stat(struct up *u)
{
	struct msg_count counters[SERVICES_MAX], gauges[SERVICES_MAX];
	for (size_t i = 0; i < u->n; i++) {
		struct child *c = &u->child[i];
		counters[i] = (struct msg_count){bytes_str(c->restarts_name), c->restarts};
		gauges[i] = (struct msg_count){bytes_str(c->up_name), c->pid ? 1 : 0};
	}
	struct msg_stat m = {.pid = (uint64_t)getpid(),
			     .start_ns = bus_epoch(u->bus),
			     .counters = {counters, u->n},
			     .gauges = {gauges, u->n}};
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
	for (size_t i = 0; i < u->n && !u->draining; i++) {
		struct child *c = &u->child[i];
		if (c->pid || now < c->again_ns)
			continue;
		int rc = spawn(c);
		if (rc) {
			log_error("service not started", "name=%s error=\"%s\"", c->name,
				  strerror(-rc));
			c->again_ns = now + BACKOFF_MAX_NS;
			continue;
		}
		c->restarts++;
		log_each(LOG_LEVEL_INFO, "service restarted", "name=%s pid=%d restarts=%llu",
			 c->name, (int)c->pid, (unsigned long long)c->restarts);
	}
}

/* After loop_run: wait for the children without the loop, which has ended on the signal. */
static void wait_drained(struct up *u)
{
	bool killed = false;
	drain(u);
	while (any_running(u)) {
		for (size_t i = 0; i < u->n; i++)
			if (u->child[i].pid)
				on_exit_of(&u->child[i]);
		if (!killed && clock_mono_ns() - u->drain_began_ns > DRAIN_LIMIT_NS) {
			log_warn("drain takes too long, ending the rest", NULL);
			signal_all(u, SIGKILL);
			killed = true;
		}
		usleep(20000);
	}
}

static bool listed(const char *const *list, const char *name)
{
	while (*list && strcmp(*list, name) != 0)
		list++;
	return *list;
}

static bool wanted(const struct up *u, const char *name)
{
	for (size_t i = 0; i < u->conf.services.n; i++)
		if (strcmp(u->conf.services.v[i], name) == 0)
			return true;
	return u->conf.services.n == 0 && !listed(front_optional, name);
}

static int choose_one(struct up *u, const char *name)
{
	char program[PATH_MAX];
	if (!wanted(u, name) || u->n == SERVICES_MAX)
		return 0;
	int rc = front_program(name, program, sizeof(program));
	if (rc || access(program, X_OK) != 0) {
		if (!u->conf.services.n)
			return 0; /* not installed */
		fprintf(stderr, "lurker up: %s: %s\n", program, strerror(rc ? -rc : errno));
		return -ENOENT;
	}
	struct child *c = &u->child[u->n++];
	*c = (struct child){.name = name, .up = u, .pidfd = -1};
	snprintf(c->restarts_name, sizeof(c->restarts_name), "%s_restarts", name);
	snprintf(c->up_name, sizeof(c->up_name), "%s_up", name);
	return 0;
}

static int choose(struct up *u)
{
	for (size_t i = 0; i < u->conf.services.n; i++) {
		const char *name = u->conf.services.v[i];
		if (!listed(front_services, name) && !listed(front_optional, name)) {
			fprintf(stderr, "lurker up: services: there is no service \"%.40s\"\n",
				u->conf.services.v[i]);
			return -EINVAL;
		}
	}
	for (const char *const *s = front_services; *s; s++) {
		int rc = choose_one(u, *s);
		if (rc)
			return rc;
	}
	for (const char *const *s = front_optional; *s; s++) {
		int rc = choose_one(u, *s);
		if (rc)
			return rc;
	}
	return 0;
}

static int start(struct up *u)
{
	if (pipe2(u->pipe, O_NONBLOCK) != 0)
		return -errno;
	/* The read end is inherited; the write end must not be, or nobody would see the end. */
	fcntl(u->pipe[1], F_SETFD, FD_CLOEXEC);
	int rc = svc_make_dirs(&u->common);
	if (!rc)
		rc = loop_new(&u->loop);
	for (size_t i = 0; i < u->n && !rc; i++)
		rc = spawn(&u->child[i]);
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
	rc = bus_new(&o, u->loop, &u->bus, err, sizeof(err));
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
		"Starts the services, each with --check first, restarts what dies (0.1 s to 10 s "
		"back-off), and on\n"
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
	if (choose(&u) != 0)
		return 2;
	char command[] = "check";
	char *check[] = {command, NULL};
	if (freopen("/dev/null", "w", stdout) == NULL)
		return 1;
	if (front_check(1, check) != 0) {
		fputs("lurker up: the configuration was refused; nothing was started\n", stderr);
		return 2;
	}
	int rc = start(&u);
	if (!rc) {
		log_info("started", "services=%zu state_dir=%s", u.n, u.common.state_dir);
		rc = loop_run(u.loop);
	} else {
		log_error("not started", "error=\"%s\"", strerror(-rc));
	}
	wait_drained(&u);
	log_info("stopped", NULL);
	bus_free(&u.bus, 100);
	loop_free(&u.loop);
	return rc ? 1 : u.exit_code;
}

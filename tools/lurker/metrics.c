/*
 * metrics: what every service counts, for Prometheus.
 *
 * The services declare their metrics (--help-metrics, asked once at the start) and publish the
 * values (`stat`); here they meet. Neither endpoint nor file ever waits for a service: they show
 * what was heard last.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "bus_listener.h"
#include "disk.h"
#include "expo.h"
#include "fleet.h"
#include "front.h"
#include "proto/codec.h"
#include "rt/notify.h"
#include "rt/sandbox.h"
#include "scrape.h"

#define ARENA_BYTES    (1u << 20)
#define BODY_MAX       (4u << 20)
#define DEFAULT_LISTEN "127.0.0.1:9177"
#define DISK_NS        (10 * NS_PER_S)
#define ONCE_NS        (2 * NS_PER_S)

struct metrics_conf {
	const char *listen, *file;
	int64_t file_interval_s;
	struct opt_list services;
	bool once;
};

_Static_assert(NSERVICES < EXPO_SERVICES, "room for every service, and for `lurker up`");

struct metrics {
	struct metrics_conf conf;
	struct svc_common common;
	struct opt_list asked; /* up.services */
	struct bus_listener listen;
	struct scrape *scrape;
	struct expo *expo;
	uint8_t *arena;
	uint64_t looked_ns; /* CLOCK_MONOTONIC of the last look at the disk; 0: never */
	bool file_failed;
	int code;
};

#define AT(field) offsetof(struct metrics_conf, field)
static const struct opt opts[] = {
	{.name = "listen",
	 .type = OPT_STR,
	 .offset = AT(listen),
	 .help = "ADDRESS:PORT of the HTTP endpoint; by default " DEFAULT_LISTEN
		 ", or none when a file is given"},
	{.name = "file",
	 .type = OPT_STR,
	 .offset = AT(file),
	 .help = "file to replace atomically at each interval, for the textfile collector of "
		 "node_exporter (*.prom)"},
	{.name = "file_interval_s",
	 .type = OPT_INT,
	 .offset = AT(file_interval_s),
	 .def = "15",
	 .min = 1,
	 .max = 3600,
	 .unit = "s",
	 .help = "interval at which the file is written"},
	{.name = "services",
	 .type = OPT_LIST,
	 .offset = AT(services),
	 .help = "services that should run, shown as down until they are heard; by default "
		 "those that `lurker up` runs and that are installed"},
	{.name = "once",
	 .flag = '1',
	 .type = OPT_BOOL,
	 .offset = AT(once),
	 .def = "false",
	 .help = "print the metrics after two seconds and end"},
	{0},
};
#undef AT

/* Runs program --help-metrics with its standard output in the returned descriptor; or -errno. */
static int metrics_ask(char *program, pid_t *pid)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0)
		return -errno;
	char flag[] = "--help-metrics";
	char *args[] = {program, flag, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	int rc = posix_spawn(pid, program, &actions, NULL, args, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	if (rc)
		close(ends[0]);
	return rc ? -rc : ends[0];
}

/* Takes the declarations of an installed service. 0, or -errno: -ENOENT when it is not
 * installed. */
static int metrics_learn(struct metrics *m, const char *service)
{
	char program[PATH_MAX], line[512];
	pid_t pid = 0;
	int rc = front_installed(service);
	if (!rc)
		rc = front_program(service, program, sizeof program);
	int fd = rc ? rc : metrics_ask(program, &pid);
	if (fd < 0)
		return fd;
	FILE *in = fdopen(fd, "r");
	while (!rc && in && fgets(line, sizeof line, in)) {
		line[strcspn(line, "\n")] = '\0';
		rc = expo_declare(m->expo, service, line);
	}
	if (in)
		fclose(in);
	else
		close(fd);
	int status = 0;
	waitpid(pid, &status, 0);
	if (!rc && (!in || !WIFEXITED(status) || WEXITSTATUS(status)))
		rc = -EIO;
	if (rc)
		log_error("declarations", "program=%s error=\"%s\" line=\"%.80s\"", program,
			  strerror(-rc), line);
	return rc;
}

static int metrics_learn_all(struct metrics *m)
{
	for (size_t i = 0; i < m->conf.services.n; i++)
		if (expo_expect(m->expo, m->conf.services.v[i]) != 0) {
			log_error("services", "refused=\"%.40s\"", m->conf.services.v[i]);
			return -EINVAL;
		}
	for (const struct service_row *r = service_rows; r->name; r++) {
		int rc = metrics_learn(m, r->name);
		if (rc && rc != -ENOENT)
			return rc;
		if (!rc && !m->conf.services.n && fleet_wants(&m->asked, r))
			expo_expect(m->expo, r->name);
	}
	return 0;
}

static int metrics_put(void *arg, struct buf *out)
{
	struct metrics *m = arg;
	uint64_t mono = clock_mono_ns(), now = clock_real_ns();
	if (!m->looked_ns || mono - m->looked_ns >= DISK_NS) {
		struct expo_disk disk;
		disk_look(m->common.state_dir, now, &disk);
		expo_disk(m->expo, &disk);
		m->looked_ns = mono;
	}
	return expo_write(m->expo, now, out);
}

/* Another account reads it, so it is readable for all: it holds counters, no addresses. */
static int write_readable(void *arg, int fd)
{
	const struct buf *b = arg;
	return fchmod(fd, 0644) < 0 ? -errno : fs_write_all(fd, b->p, b->n);
}

static void on_file(void *arg)
{
	struct metrics *m = arg;
	struct buf b;
	buf_init(&b, BODY_MAX);
	int rc = metrics_put(m, &b);
	if (!rc)
		/* Written again within seconds, also after a loss of power. */
		rc = fs_replace_by(m->conf.file, 0644, FS_NONE, write_readable, &b);
	if (rc && !m->file_failed)
		log_warn("file not written", "path=%s error=\"%s\"", m->conf.file, strerror(-rc));
	m->file_failed = rc != 0;
	buf_fini(&b);
}

static void on_once(void *arg)
{
	struct metrics *m = arg;
	struct buf b;
	buf_init(&b, BODY_MAX);
	m->code = 1;
	if (metrics_put(m, &b) == 0 && fs_write_all(STDOUT_FILENO, b.p, b.n) == 0 &&
	    expo_heard(m->expo))
		m->code = 0;
	buf_fini(&b);
	loop_stop(m->listen.loop);
}

static void on_message(void *arg, const struct bus_msg *msg)
{
	struct metrics *m = arg;
	struct msg_arena arena = {.p = m->arena, .n = ARENA_BYTES};
	struct msg_stat st;
	if (msg_decode(&msg_stat_schema, msg->body, &st, &arena) == 0)
		expo_stat(m->expo, msg, &st);
}

static void on_watchdog(void *arg)
{
	(void)arg;
	notify("WATCHDOG=1");
}

/* Opens what is asked for; the endpoint before the privileges go, so that its port may be any. */
static int metrics_start(struct metrics *m)
{
	int fd = -1, rc = 0;
	const char *where = m->conf.listen;
	if (!where && !m->conf.file && !m->conf.once)
		where = DEFAULT_LISTEN;
	if (where && *where && (rc = scrape_bind(where, &fd)) != 0) {
		log_error("listen", "on=%s error=\"%s\"", where, strerror(-rc));
		return rc;
	}
	notify_open();
	static const char *const calls[] = {"statfs", "signalfd4", "timerfd_create", "shutdown",
					    NULL};
	char err[256] = "";
	rc = sandbox_drop(m->common.user, err, sizeof err);
	if (!rc && m->common.sandbox)
		rc = sandbox_seccomp(calls, err, sizeof err);
	if (rc)
		log_error("sandbox", "error=\"%s\"", *err ? err : strerror(-rc));
	static const char *const topics[] = {"stat"};
	if (!rc)
		rc = bus_listener_open(&m->listen, &m->common, topics, 1, on_message, m);
	if (rc) {
		if (fd >= 0)
			close(fd);
		return rc;
	}
	struct loop *l = m->listen.loop;
	if (fd >= 0)
		rc = scrape_new(l, fd, metrics_put, m, &m->scrape);
	if (!rc && m->conf.file)
		rc = loop_every(l, (uint64_t)m->conf.file_interval_s * NS_PER_S, on_file, m);
	if (!rc && m->conf.once)
		rc = loop_at(l, clock_mono_ns() + ONCE_NS, on_once, m);
	if (!rc && notify_watchdog_ns())
		rc = loop_every(l, notify_watchdog_ns(), on_watchdog, NULL);
	if (!rc && !m->conf.once)
		log_info("started", "listen=%s file=%s", where && *where ? where : "-",
			 m->conf.file ? m->conf.file : "-");
	return rc;
}

int front_metrics(int argc, char **argv)
{
	static const struct front_usage usage = {
		"metrics", "",
		"Shows every counter and gauge of every service, with its meaning, in the text "
		"format of Prometheus:\n"
		"over HTTP (GET /metrics), in a file, or once on standard output. `lurker-SERVICE\n"
		"--help-metrics` lists a service's own; docs/monitoring has alert rules and a\n"
		"dashboard.\n\n"
		"Reads: the sockets in the run directory; the room on disk and the age of the "
		"queues in the "
		"state\n"
		"directory, when it may. Writes: the file. Needs: group lurker; it gives up root "
		"and all else.\n"
		"Prints: log lines on standard error. Exit code with --once: 0 when a service was "
		"heard, "
		"else 1."};
	static struct metrics m;
	struct opt_section own = {"metrics", opts, &m.conf};
	front_asked(argc, argv, &m.asked);
	int code = front_options(&usage, own, &m.common, &argc, argv);
	if (code >= 0)
		return code;
	m.code = 1;
	/* Three intervals and a little: one message that is lost or late is no death. */
	m.expo = expo_new(m.common.sensor, (3 * (uint64_t)m.common.stat_interval_s + 2) * NS_PER_S);
	m.arena = malloc(ARENA_BYTES);
	if (m.expo && m.arena && metrics_learn_all(&m) == 0 && metrics_start(&m) == 0) {
		notify("READY=1");
		m.code = 0;
		if (loop_run(m.listen.loop) != 0)
			m.code = 1;
	}
	scrape_free(&m.scrape);
	bus_listener_close(&m.listen);
	expo_free(&m.expo);
	free(m.arena);
	opt_list_free(&m.asked);
	return m.code;
}

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "front.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{"up", front_up, "start all services from one configuration, restart what dies"},
	{"tail", front_tail, "show messages of the bus as they come: records, flows, alerts, …"},
	{"stat", front_stat, "live table of every service's counters, gaps and drops"},
	{"doctor", front_doctor,
	 "check device, privileges, kernel drop, directories, disk and clock"},
	{"healthy", front_healthy, "say by exit code whether a service does its work"},
	{"check", front_check, "check the configuration of every service"},
	{"query", front_query, "search the records: by time, address, port, protocol, text"},
	{"audit", front_audit, "the balance of every stage, to the packet; holes"},
	{"metrics", front_metrics,
	 "every counter for Prometheus, over HTTP or in a file for node_exporter"},
	{"rotate-address", front_rotate, "give the sensor another public address (AWS)"},
	{"keygen", front_keygen, "make CURVE keys for tcp:// endpoints"},
};

#define NCOMMANDS (sizeof commands / sizeof *commands)

static void usage(FILE *out)
{
	fputs("lurker: answers every TCP SYN on every port and keeps what is then sent.\n\n"
	      "Usage: lurker COMMAND [options]\n\nCommands:\n",
	      out);
	for (size_t i = 0; i < NCOMMANDS; i++)
		fprintf(out, "  %-14s %s\n", commands[i].name, commands[i].help);
	fputs("\n`lurker COMMAND --help` says what a command reads, needs and prints.\n"
	      "\nServices, each with --help, --check and --print-config:\n",
	      out);
	for (const struct service_row *r = service_rows; r->name; r++)
		fprintf(out, "  lurker-%-11s %s%s\n", r->name, r->summary,
			r->start == SERVICE_REQUEST ? " (on request)" : "");
}

int front_program(const char *name, char *out, size_t n)
{
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
	if (len < 0)
		return -errno;
	self[len] = '\0';
	char *slash = strrchr(self, '/');
	*slash = '\0';
	int k = snprintf(out, n, "%s/lurker-%s", self, name);
	return k < 0 || (size_t)k >= n ? -ENAMETOOLONG : 0;
}

int front_installed(const char *name)
{
	char program[PATH_MAX];
	int rc = front_program(name, program, sizeof program);
	return rc ? rc : access(program, X_OK) != 0 ? -errno : 0;
}

static void help(const struct front_usage *u, struct opt_section own, struct opt_section common,
		 bool files_only)
{
	printf("Usage: lurker %s [options]%s%s\n\n%s\n\nOptions:\n", u->name,
	       *u->operands ? " " : "", u->operands, u->text);
	opt_help(&own, 1, stdout);
	printf("\nCommon options:\n");
	for (const struct opt *o = common.opts; o && o->name; o++)
		if (!files_only || strcmp(o->name, "config") == 0 ||
		    strcmp(o->name, "state_dir") == 0)
			opt_help_row(o, stdout);
}

static int take_options(const struct front_usage *u, struct opt_section own,
			struct svc_common *common, bool files_only, int *argc, char **argv)
{
	const struct opt_section sections[] = {svc_common_section(common), own};
	size_t n = own.opts ? 2 : 1;
	for (int i = 1; i < *argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") != 0 && strcmp(argv[i], "-h") != 0)
			continue;
		help(u, own, sections[0], files_only);
		return 0;
	}
	char err[1024] = "";
	if (svc_load(sections, n, argc, argv, err, sizeof err) != 0) {
		fprintf(stderr, "lurker %s: %s\n", u->name, err);
		return 2;
	}
	if (*argc > 1 && !*u->operands) {
		fprintf(stderr, "lurker %s: unexpected operand %.80s (see --help)\n", u->name,
			argv[1]);
		return 2;
	}
	log_open(u->name, (enum log_level)common->log_level, common->log_format);
	return -1;
}

int front_options(const struct front_usage *u, struct opt_section own, struct svc_common *common,
		  int *argc, char **argv)
{
	return take_options(u, own, common, false, argc, argv);
}

int front_file_options(const struct front_usage *u, struct opt_section own,
		       struct svc_common *common, int *argc, char **argv)
{
	return take_options(u, own, common, true, argc, argv);
}

int main(int argc, char **argv)
{
	if (argc < 2 || strcmp(argv[1], "help") == 0) {
		usage(argc < 2 ? stderr : stdout);
		return argc < 2 ? 2 : 0;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		usage(stdout);
		return 0;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("lurker %s\n", LURKER_VERSION);
		return 0;
	}
	for (size_t i = 0; i < NCOMMANDS; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	fprintf(stderr, "lurker: no command \"%.80s\"\n\n", argv[1]);
	usage(stderr);
	return 2;
}

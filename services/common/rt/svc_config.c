#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rt/svc.h"
#include "services/services.h"

#define DEFAULT_CONFIG "/etc/lurker/lurker.yml"

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
	 .type = OPT_DIR,
	 .offset = AT(state_dir),
	 .def = "/var/lib/lurker",
	 .help = "directory of the journal, spool, records and state, all on one filesystem"},
	{.name = "run_dir",
	 .type = OPT_DIR,
	 .offset = AT(run_dir),
	 .def = "/run/lurker",
	 .help = "directory of the bus sockets"},
	{.name = "user",
	 .type = OPT_STR,
	 .offset = AT(user),
	 .def = "lurker",
	 .help = "account to run as when started by root; if empty, the service stays root, without capabilities"},
	{.name = "log_level",
	 .type = OPT_ENUM,
	 .offset = AT(log_level),
	 .def = "info",
	 .choices = levels,
	 .help = "lowest level of log lines to write"},
	{.name = "log_format",
	 .type = OPT_ENUM,
	 .offset = AT(log_format),
	 .def = "text",
	 .choices = formats,
	 .help = "format of log lines: text for people, json for collectors"},
	{.name = "sandbox",
	 .type = OPT_BOOL,
	 .offset = AT(sandbox),
	 .def = "true",
	 .help = "allow only the system calls that the service needs (seccomp); turn it off only for debugging"},
	{.name = "stat_interval_s",
	 .type = OPT_INT,
	 .offset = AT(stat_interval_s),
	 .def = "1",
	 .min = 1,
	 .max = 3600,
	 .unit = "s",
	 .help = "interval at which counters are published"},
	{.name = "curve_secret",
	 .type = OPT_STR,
	 .offset = AT(curve_secret),
	 .help = "file with the secret key of this host for tcp:// endpoints (lurker keygen)"},
	{.name = "curve_server",
	 .type = OPT_STR,
	 .offset = AT(curve_server),
	 .help = "file with the public key of the producers reached over tcp://"},
	{.name = "curve_clients",
	 .type = OPT_STR,
	 .offset = AT(curve_clients),
	 .help = "directory with the public keys of subscribers that are allowed over tcp://"},
	{.name = "hwm",
	 .type = OPT_INT,
	 .offset = AT(hwm),
	 .def = "1000",
	 .min = 1,
	 .max = 1000000,
	 .unit = "messages",
	 .help = "messages queued for a slow subscriber before some are dropped"},
	{.name = "producers",
	 .type = OPT_LIST,
	 .offset = AT(producers),
	 .help = "NAME=ENDPOINT for each service that does not use its default endpoint"},
	{0},
};
#undef AT

struct opt_section svc_common_section(struct svc_common *values)
{
	return (struct opt_section){.name = "", .opts = common_opts, .values = values};
}

/* Finds the configuration file before the flags are read, which win over it. */
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

/* Takes the key that the service manager hands over in a file which only this service can read
 * (LoadCredential=curve_secret:FILE). A configured key wins. */
static int take_credential(struct svc_common *common)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	char path[4096];

	if (common->curve_secret || !dir ||
	    snprintf(path, sizeof path, "%s/curve_secret", dir) >= (int)sizeof path ||
	    access(path, F_OK) != 0)
		return 0;
	common->curve_secret = strdup(path);
	return common->curve_secret ? 0 : -ENOMEM;
}

int svc_load(const struct opt_section *sections, size_t n, int *argc, char **argv, char *err,
	     size_t errlen)
{
	bool chosen;
	const char *path = config_path(*argc, argv, &chosen);
	if (opt_defaults(sections, n) != 0) {
		snprintf(err, errlen, "no memory");
		return -ENOMEM;
	}
	int rc = 0;
	if (chosen || access(path, F_OK) == 0)
		rc = opt_load(path, sections, n, service_sections, err, errlen);
	if (!rc)
		rc = opt_env(sections, n, environ, err, errlen);
	if (!rc)
		rc = opt_args(sections, n, argc, argv, err, errlen);
	struct svc_common *common = sections[0].values;
	if (!rc)
		rc = take_credential(common);
	if (!rc && !common->sensor) {
		char host[256] = "sensor";
		gethostname(host, sizeof host - 1);
		host[sizeof host - 1] = '\0';
		common->sensor = strdup(host);
		if (!common->sensor)
			rc = -ENOMEM;
	}
	if (rc == -ENOMEM)
		snprintf(err, errlen, "no memory");
	return rc;
}

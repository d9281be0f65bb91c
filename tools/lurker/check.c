#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fleet.h"
#include "front.h"

/* Each service judges its own section: the rules stand where the options do. 0 when it is well or
 * not installed, 1 when it is not well, negative when it cannot be asked. */
static int check_one(const char *name, int argc, char **argv)
{
	char program[PATH_MAX], flag[] = "--check";
	if (front_installed(name) != 0 || front_program(name, program, sizeof program) != 0)
		return 0;
	char **args = calloc((size_t)argc + 2, sizeof *args);
	if (!args)
		return -ENOMEM;
	args[0] = program;
	for (int i = 1; i < argc; i++)
		args[i] = argv[i];
	args[argc] = flag;
	pid_t pid;
	int status = 0;
	int rc = posix_spawn(&pid, program, NULL, NULL, args, environ);
	free(args);
	if (rc != 0) {
		fprintf(stderr, "lurker check: %s: %s\n", program, strerror(rc));
		return -rc;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status != 0;
}

int front_check(int argc, char **argv)
{
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		puts("Usage: lurker check [options]\n\n"
		     "Runs every service's --check with the options given (usually -c FILE): "
		     "unknown keys,\n"
		     "wrong values and contradictions are printed with file and line. A service that "
		     "runs only\n"
		     "on request is checked when up.services names it.\n\n"
		     "Exit codes: 0 all well, 2 something is wrong.");
		return 0;
	}
	struct opt_list asked = {0};
	int bad = 0;
	front_asked(argc, argv, &asked);
	for (const struct service_row *r = service_rows; r->name && bad >= 0; r++) {
		if (r->start != SERVICE_DEFAULT && !fleet_wants(&asked, r))
			continue;
		int rc = check_one(r->name, argc, argv);
		bad = rc < 0 ? rc : bad + rc;
	}
	opt_list_free(&asked);
	return bad < 0 ? 1 : bad ? 2 : 0;
}

#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "front.h"

/* Each service judges its own section: the rules stand where the options do. */
int front_check(int argc, char **argv)
{
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		puts("Usage: lurker check [options]\n\n"
		     "Runs every service's --check with the options given (usually -c FILE): "
		     "unknown keys,\n"
		     "wrong values and contradictions are printed with file and line.\n\n"
		     "Exit codes: 0 all well, 2 something is wrong.");
		return 0;
	}
	int bad = 0;
	for (const char *const *s = front_services; *s; s++) {
		char program[PATH_MAX];
		if (front_program(*s, program, sizeof(program)) != 0 || access(program, X_OK) != 0)
			continue;
		char **args = calloc((size_t)argc + 2, sizeof(*args));
		if (!args)
			return 1;
		args[0] = program;
		for (int i = 1; i < argc; i++)
			args[i] = argv[i];
		char check[] = "--check";
		args[argc] = check;
		pid_t pid;
		int status = 0;
		int rc = posix_spawn(&pid, program, NULL, NULL, args, environ);
		free(args);
		if (rc != 0) {
			fprintf(stderr, "lurker check: %s: %s\n", program, strerror(rc));
			return 1;
		}
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		if (status != 0)
			bad++;
	}
	return bad ? 2 : 0;
}

/*
 * front: the sub-commands of `lurker`, each in a file of its own.
 */
#ifndef LURKER_FRONT_H
#define LURKER_FRONT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "proto/buf.h"
#include "rt/svc.h"
#include "services/services.h"

/* Each takes its own argv (argv[0] is the sub-command) and returns the exit code. */
int front_up(int argc, char **argv);
int front_tail(int argc, char **argv);
int front_stat(int argc, char **argv);
int front_doctor(int argc, char **argv);
int front_check(int argc, char **argv);
int front_keygen(int argc, char **argv);
int front_query(int argc, char **argv);
int front_audit(int argc, char **argv);
int front_healthy(int argc, char **argv);
int front_metrics(int argc, char **argv);
int front_rotate(int argc, char **argv);

/* What every sub-command with a configuration does first: options of the common section and of its
 * own (section `name` of the file; flags only when name is ""), --help. Returns -1 to go on, else
 * an exit code. */
struct front_usage {
	const char *name; /* sub-command */
	const char *operands;
	const char *text; /* what it does, for --help */
};
int front_options(const struct front_usage *u, struct opt_section own, struct svc_common *common,
		  int *argc, char **argv);
/* front_file_options: the same for what only reads files: of the common options, --help lists those
 * that mean something to it. */
int front_file_options(const struct front_usage *u, struct opt_section own,
		       struct svc_common *common, int *argc, char **argv);

/* front_program: the path of the service's program, beside this one. front_installed: whether it is
 * there. 0 or -errno. */
int front_program(const char *name, char *out, size_t n);
int front_installed(const char *name);

/* up.c: the services that the configuration asks for (up.services); empty when it names none. argv:
 * of a command, with its --config. The caller frees the list. */
void front_asked(int argc, char **argv, struct opt_list *out);

#endif

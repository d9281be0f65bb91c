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

/* The services in the order in which they are started. */
extern const char *const front_services[];
/* Those that run only where they are asked for: they need a configuration of their own. */
extern const char *const front_optional[];

/* The path of a program installed beside this one. */
int front_program(const char *name, char *out, size_t n);

#endif

/*
 * svc: the life of every lurker service, so that main.c is a page.
 *
 *   options → check (--check ends here) → open (privileged) → drop → seccomp → bus → start → loop →
 * drain
 */
#ifndef RT_SVC_H
#define RT_SVC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "rt/bus.h"
#include "rt/loop.h"
#include "rt/metric.h"
#include "rt/opt.h"

/* Options every service has (YAML top level). */
struct svc_common {
	const char *config;    /* --config, -c: file; default /etc/lurker/lurker.yml if it exists */
	const char *sensor;    /* name of this sensor; default: host name */
	const char *state_dir; /* /var/lib/lurker */
	const char *run_dir;   /* /run/lurker */
	const char *user;      /* account to become when started as root; "" stays */
	int log_level;         /* enum log_level */
	int log_format;        /* 0 text, 1 json */
	bool sandbox;          /* seccomp and capability drop; off only for debugging */
	int64_t stat_interval_s;
	const char *curve_secret, *curve_server, *curve_clients;
	int64_t hwm;
	struct opt_list producers; /* NAME=ENDPOINT: where a producer is found when not at its ipc
				      default */
};

struct svc;

/* The row with which a service lets the operator choose its endpoint; conf has a `const char
 * *endpoint`. */
#define SVC_OPT_ENDPOINT(conf_type)                                                             \
	{                                                                                       \
		.name = "endpoint", .type = OPT_STR, .offset = offsetof(conf_type, endpoint),   \
		.help = "where this service publishes: ipc://PATH, or tcp://ADDRESS:PORT with " \
			"CURVE keys; by default ipc://RUN_DIR/SERVICE.sock"                     \
	}

struct svc_desc {
	const char *name;       /* its row in services/services.def, where its summary is */
	const char *details;    /* for --help: reads, writes, needs, prints */
	const char *operands;   /* NULL: none taken */
	const struct opt *opts; /* rows up to one without a name */
	void *conf;             /* the section's struct */
	void *state;            /* the service's own; callbacks find it in s->state */
	const char *const
		*endpoint; /* where conf keeps the row SVC_OPT_ENDPOINT; NULL: always the default */
	const struct metric *metrics;
	size_t nmetrics;
	uint64_t *values; /* nmetrics values */
	const char *const
		*calls; /* system calls beyond the runtime's, NULL-terminated; may be NULL */

	/* Limits of messages queued in its sockets, out and in, where hwm would allow more; 0: hwm.
	 * For services with large messages, whose readers find on disk what they miss. */
	int64_t most_out, most_in;

	/* All return 0 or -errno after logging why; NULL is skipped. */
	int (*check)(struct svc *s); /* option values against each other and the system; no side
					effects */
	int (*open)(struct svc *s);  /* what needs privilege */
	int (*start)(struct svc *s); /* after the drop: files, subscriptions, loop registrations */
	void (*tick)(
		struct svc *s); /* each stat interval, before `stat` is published: refresh gauges */
	void (*drain)(struct svc *s); /* SIGTERM: finish current work, within 10 s */
	/* For programs that can also do one job and exit (NAME FILE…). Runs after check. Returns
	 * SVC_SERVE, or an exit code, and then neither bus nor loop is made. NULL: serve. */
	int (*job)(struct svc *s, int argc, char **argv);
};

#define SVC_SERVE (-1)

struct svc {
	const struct svc_desc *desc;
	const struct service_row *row; /* services/services.h */
	struct svc_common common;
	void *state; /* desc->state */
	struct loop *loop;
	struct bus *bus;
	int argc; /* operands */
	char **argv;
	struct counters_file *counters_file; /* storage/counters_file.h: the counters on disk */
	bool account_failed;
	int exit_code; /* set by a service that ends itself with loop_stop */
};

/* svc_main: runs a service. Exit codes: 0 done, 1 failure, 2 usage or configuration. */
int svc_main(const struct svc_desc *desc, int argc, char **argv);

/* svc_make_dirs: makes state and run directory when missing, for the service account. 0 or -errno,
 * logged. */
int svc_make_dirs(const struct svc_common *c);

/* svc_subscribe: bus_subscribe to a producer by its name, at the endpoint the operator gave for it.
 */
int svc_subscribe(struct svc *s, const char *producer, const char *topic, bus_fn fn, void *arg);

/* svc_path: joins the state directory and a relative path into out. 0 or -ENAMETOOLONG. */
int svc_path(const struct svc *s, const char *relative, char *out, size_t n);

/* svc_alert: appends an alert to records/alert and publishes it. Fields are in proto/alert.def. */
struct msg_alert;
int svc_alert(struct svc *s, const struct msg_alert *alert);

/* svc_trouble: an alert of kind that trouble begins (stuck: a person has to act), or that it has
 * ended. 0 or -errno. */
int svc_trouble(struct svc *s, const char *kind, bool begins, bool stuck, const char *message);
/* svc_record_alert: appends an alert to records/alert, without publishing it, for programs that are
 * not services. 0 or -errno. */
int svc_record_alert(const char *state_dir, const struct msg_alert *alert);

/* For programs that read the same configuration without being a service (the front command): the
 * common section over values, and loading file, environment and flags over sections (the common one
 * first). svc_load: 0 or -errno with the complaint in err. */
struct opt_section svc_common_section(struct svc_common *values);
int svc_load(const struct opt_section *sections, size_t n, int *argc, char **argv, char *err,
	     size_t errlen);

#endif

/*
 * groups: one table of skeletons a protocol, and what has become of its formats.
 */
#ifndef LOGPTN_SERVICE_GROUPS_H
#define LOGPTN_SERVICE_GROUPS_H

#include "logptn/lib/format/format.h"
#include "proto/buf.h"
#include "storage/records.h"

/* Protocols; lines of further ones are counted and not clustered. */
#define GROUPS_MAX 64u
/* Skeletons of one protocol, and of all together. Ten kilobytes each, if they are as long as can
 * be. */
#define GROUP_SKELS  4096u
#define GROUPS_SKELS 8192u

struct group {
	char name[32];
	struct skels t;
	uint32_t made_of;    /* skeletons when its formats were last looked at */
	uint64_t told_lines; /* lines when counts were last told */
};

struct groups {
	struct group v[GROUPS_MAX];
	uint32_t n;
	uint64_t refused;       /* lines beyond GROUPS_MAX */
	struct records_pos pos; /* of the input: what is behind it has been counted */
};

void groups_fini(struct groups *g);

/* groups_add: counts a line (SHAPE_SLACK bytes readable behind it). 0 or -ENOMEM. */
int groups_add(struct groups *g, const char *name, uint64_t now_ns, uint32_t port,
	       const uint8_t *line, size_t n);

/* groups_tell: calls fn for each format that is new or has grown out of others since the last call;
 * with all, also for those whose group had more lines. What was told is remembered. 0 or
 * -ENOMEM. */
typedef void (*groups_fn)(void *arg, const struct group *g, const struct formats *f,
			  const struct format *m);
int groups_tell(struct groups *g, bool all, groups_fn fn, void *arg);

/* groups_save, groups_load: all of it, checked by a hash like the states in it
 * (logptn/lib/model_state.h). 0, -ENOMEM, -EBADMSG. */
int groups_save(const struct groups *g, struct buf *out);
int groups_load(struct groups *g, struct bytes in);

#endif

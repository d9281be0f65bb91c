/*
 * learn: from inputs to a table of skeletons, on several threads.
 */
#ifndef LOGPTN_CMD_LEARN_H
#define LOGPTN_CMD_LEARN_H

#include <stdatomic.h>

#include "logptn/cmd/log_input.h"
#include "logptn/lib/lines.h"
#include "logptn/lib/skel/skel.h"

/* learn: adds all lines of the inputs to t. done counts bytes read, for progress. threads 0: one a
 * processor, fewer for little input. The result does not depend on their number. 0 or -ENOMEM. */
int learn(const struct input *in, size_t n, const struct lines_rule *rule, unsigned threads,
	  struct skels *t, atomic_size_t *done);

/* learn_block: adds the lines of p[0..n), which begins with the start of a record. */
void learn_block(struct skels *t, const struct lines_rule *rule, const uint8_t *p, size_t n);

#endif

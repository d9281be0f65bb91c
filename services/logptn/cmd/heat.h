/*
 * heat: where the lines of each format are, for the heatmap.
 */
#ifndef LOGPTN_CMD_HEAT_H
#define LOGPTN_CMD_HEAT_H

#include <stdio.h>

#include "logptn/cmd/log_input.h"
#include "logptn/cmd/opts.h"
#include "logptn/out/view.h"

#define HEAT_COLUMNS 60u

int heat_dump(const struct opts *o, struct skels *t, struct view *v, const struct input *in,
	      size_t n, FILE *out);

#endif

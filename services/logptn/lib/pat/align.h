/*
 * align: which codes of a skeleton each value of a pattern stands for.
 */
#ifndef LOGPTN_LIB_PAT_ALIGN_H
#define LOGPTN_LIB_PAT_ALIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "logptn/lib/pat/span.h"

/* align: out[i] is what code i of the pattern stands for in the skeleton: one code for a constant,
 * one or more for a value. Values are as short as possible from the left. out has np entries. False
 * if the skeleton is not of this pattern. */
bool align(const uint32_t *pattern, uint32_t np, const uint32_t *skel, uint32_t n,
	   struct span *out);

#endif

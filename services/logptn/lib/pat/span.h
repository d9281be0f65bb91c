/*
 * span: a half-open range [from, to) of codes or bytes.
 */
#ifndef LOGPTN_LIB_PAT_SPAN_H
#define LOGPTN_LIB_PAT_SPAN_H

#include <stdint.h>

struct span {
	uint32_t from, to;
};

#endif

/*
 * logptn_count: what lurker-logptn counts: the rows of counts.def as indices into its array of
 * values.
 */
#ifndef LOGPTN_SERVICE_LOGPTN_COUNT_H
#define LOGPTN_SERVICE_LOGPTN_COUNT_H

enum logptn_count {
#define COUNT(id, ...) LOGPTN_##id,
#include "logptn/service/counts.def"
	LOGPTN_COUNTS
};

#endif

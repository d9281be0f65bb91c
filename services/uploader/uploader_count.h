/*
 * uploader_count: what the uploader counts: the rows of counts.def as indices into its values.
 */
#ifndef UPLOADER_UPLOADER_COUNT_H
#define UPLOADER_UPLOADER_COUNT_H

enum uploader_count {
#define COUNT(id, ...) UPLOADER_##id,
#include "uploader/counts.def"
	UPLOADER_COUNTS
};

#endif

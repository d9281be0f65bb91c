/*
 * block_pool: small pieces of memory that come and go by the million, as flows do. What is given
 * back is kept, up to a few megabytes, for the next one of its size. Not where a sanitizer is to
 * see a use after that.
 */
#ifndef ANALYZER_BLOCK_POOL_H
#define ANALYZER_BLOCK_POOL_H

#include <stddef.h>

/* block_take: room for n bytes, not zeroed; NULL without memory. block_give: back; n is what was
 * asked for. p may be NULL. */
void *block_take(size_t n);
void block_give(void *p, size_t n);

#endif

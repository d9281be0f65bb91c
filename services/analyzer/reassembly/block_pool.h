/*
 * block_pool: an allocator for small blocks that are taken and freed by the million, such as flows.
 * It keeps freed blocks, up to a few megabytes, for the next request of their size. Under a
 * sanitizer it passes on to malloc, so that a use after free is seen.
 */
#ifndef ANALYZER_BLOCK_POOL_H
#define ANALYZER_BLOCK_POOL_H

#include <stddef.h>

/* block_take: n bytes, not zeroed; NULL without memory. block_give: frees a block of n bytes; p may
 * be NULL. */
void *block_take(size_t n);
void block_give(void *p, size_t n);

#endif

#include "work/heap.h"

#include <limits.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE_PAGE (2u << 20)
/* For everything but flows: tables, the memo, lines. */
#define HEAP_EXTRA (64u << 20)
#define HEAP_MOST  (512u << 20)
#define HEAP_PAD   (4u << 20)  /* the step by which it grows after that */
#define HEAP_MMAP  (32u << 20) /* the most that glibc takes for M_MMAP_THRESHOLD */

void heap_grow(size_t flows)
{
	size_t n = flows < HEAP_MOST - HEAP_EXTRA ? flows + HEAP_EXTRA : HEAP_MOST;

	mallopt(M_MMAP_THRESHOLD, HEAP_MMAP);
	mallopt(M_TRIM_THRESHOLD, INT_MAX);
	mallopt(M_TOP_PAD, (int)n);
	uint8_t *first = malloc(HEAP_MMAP / 2);
	uint8_t *end = sbrk(0);
	mallopt(M_TOP_PAD, HEAP_PAD);
	/* The heap lies elsewhere under a sanitizer, or where its place was taken. */
	if (first && end > first && (size_t)(end - first) >= n) {
		uint8_t *from = first + (HUGE_PAGE - (uintptr_t)first % HUGE_PAGE);
		madvise(from, (size_t)(end - from) & ~(size_t)(HUGE_PAGE - 1), MADV_HUGEPAGE);
	}
	free(first);
}

void heap_settle(void)
{
	mallopt(M_MMAP_THRESHOLD, 1 << 20);
	mallopt(M_TRIM_THRESHOLD, 2 << 20);
}

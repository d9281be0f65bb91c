/*
 * heap: how glibc takes its memory from the system. Hints: nothing depends on them.
 */
#ifndef ANALYZER_HEAP_H
#define ANALYZER_HEAP_H

#include <stddef.h>

/* heap_grow: for a process that works through files. It takes memory in large pieces, from a heap
 * of huge pages: with ordinary ones, page faults are a tenth of its time. flows: the bytes that
 * flows may take. Only memory that is written to costs anything. */
void heap_grow(size_t flows);

/* heap_settle: for the service, which works on small flows and, now and then, on a large one. The
 * memory of that goes back to the system; glibc, left alone, would take ever larger pieces from the
 * heap, where they stay. */
void heap_settle(void);

#endif

/*
 * scratch: a file without a name, for what memory should not hold.
 */
#ifndef ANALYZER_SCRATCH_H
#define ANALYZER_SCRATCH_H

/* scratch_open: a new one in dir, for reading and writing; gone when it is closed. The descriptor,
 * or -errno. */
int scratch_open(const char *dir);

#endif

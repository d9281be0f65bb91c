/*
 * mapped: a file mapped into memory, only a part of which is resident at a time.
 *
 * A page that cannot be read (the file was cut short meanwhile, or its disk fails) reads as zeros
 * and sets failed, where the kernel alone would end the process.
 */
#ifndef PKT_MAPPED_H
#define PKT_MAPPED_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

struct mapped {
	const uint8_t *p;
	size_t n;
	volatile sig_atomic_t failed;
	uint64_t *touched; /* a bit for each piece touched since all pages were last let go */
	size_t resident;   /* number of bits set in touched */
	size_t done;       /* no piece before this one is resident */
	struct mapped *next;
};

/* mapped_open: maps the n > 0 bytes of a regular file. The mapping stays in place until
 * mapped_close, which the same thread must call. 0, or -errno with m->n 0. */
int mapped_open(struct mapped *m, int fd, size_t n);
void mapped_close(struct mapped *m);

/* mapped_pass: lets go of the pages of [from, to), which will not be needed soon. */
void mapped_pass(const struct mapped *m, size_t from, size_t to);
/* mapped_done: lets go of all pages before at, which will not be needed again. */
void mapped_done(struct mapped *m, size_t at);
/* mapped_touch: call before reading [at, at + n), in any order. It lets go of all pages when too
 * many are resident. */
void mapped_touch(struct mapped *m, size_t at, size_t n);

#endif

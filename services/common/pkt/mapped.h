/*
 * mapped: a file as memory, of which only a part is resident at a time.
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
	uint64_t *
		touched; /* a bit for each piece that mapped_touch was told of since it last let go */
	size_t resident; /* these pieces */
	size_t done;     /* there are none before this one */
	struct mapped *next;
};

/* mapped_open: the n > 0 bytes of a regular file as they are now. Stays where it is until
 * mapped_close, which has to come from the same thread. 0, or -errno and m->n is 0. */
int mapped_open(struct mapped *m, int fd, size_t n);
void mapped_close(struct mapped *m);

/* mapped_pass: [from, to) will not be needed soon: its pages are no longer resident. */
void mapped_pass(const struct mapped *m, size_t from, size_t to);
/* mapped_done: the same of all that lies before at, for good. */
void mapped_done(struct mapped *m, size_t at);
/* mapped_touch: [at, at + n) is about to be read, in any order. Now and then lets go of all
 * pages. */
void mapped_touch(struct mapped *m, size_t at, size_t n);

#endif

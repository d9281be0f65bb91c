/*
 * term: text for terminals. Nothing that an attacker sent moves the cursor or colours the screen.
 */
#ifndef LURKER_TERM_H
#define LURKER_TERM_H

#include <stddef.h>
#include <stdint.h>

#include "proto/buf.h"

/* term_columns: the terminal's width; 100 where standard output is none. */
int term_columns(void);

/* term_text: writes b as one line of printable ASCII, cut with … beyond so many columns, and
 * returns its length. out of n bytes (at least 6) always ends in NUL. */
size_t term_text(char *out, size_t n, struct bytes b, size_t columns);

void term_quantity(char out[16], uint64_t v); /* 12, 3.4k, 56M */
void term_bytes(char out[16], uint64_t v);    /* 12 B, 3.4 KiB */
void term_clock(char out[16], uint64_t ns);   /* HH:MM:SS, UTC */
void term_span(char out[16], uint64_t ns);    /* 12s, 3m, 4h, 5d */

#endif

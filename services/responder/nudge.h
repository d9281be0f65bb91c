/*
 * nudge: one short banner for a client that waits for the server to speak. Off unless configured.
 */
#ifndef RESPONDER_NUDGE_H
#define RESPONDER_NUDGE_H

#include <stddef.h>
#include <stdint.h>

#define NUDGE_ROWS 64
#define NUDGE_MAX  256

struct nudge_row {
	uint16_t port;
	uint16_t len;
	uint8_t banner[NUDGE_MAX];
};

struct nudge {
	struct nudge_row row[NUDGE_ROWS];
	size_t rows;
};

/* nudge_defaults: banners for the usual ports. */
void nudge_defaults(struct nudge *n);
/* nudge_add: "PORT=TEXT", with \r \n \t \\ \0 and \xHH in TEXT; replaces the port's row, an empty
 * text removes it. 0, -EINVAL (not of that form), -EFBIG (more than NUDGE_MAX bytes), -ENOSPC. */
int nudge_add(struct nudge *n, const char *text);
/* nudge_find: the row of a port, or NULL. */
const struct nudge_row *nudge_find(const struct nudge *n, uint16_t port);

#endif

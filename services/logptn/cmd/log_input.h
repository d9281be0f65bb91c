/*
 * log_input: files as bytes in memory: mapped, gzip unpacked, standard input spooled.
 */
#ifndef LOGPTN_CMD_LOG_INPUT_H
#define LOGPTN_CMD_LOG_INPUT_H

#include <stddef.h>
#include <stdint.h>

struct input {
	const char *name;
	const uint8_t *p; /* SHAPE_SLACK readable bytes behind it */
	size_t n;
	void *map;
	size_t map_len;
};

/* input_open: name is borrowed; "-" is standard input. 0 or -errno. */
int input_open(const char *name, struct input *in);
void input_close(struct input *in);

#endif

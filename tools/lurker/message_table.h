/*
 * message_table: messages of the bus as lines of a table, for people.
 */
#ifndef LURKER_MESSAGE_TABLE_H
#define LURKER_MESSAGE_TABLE_H

#include <stdio.h>

#include "rt/bus.h"

/* message_table_head: the line above the messages of a topic. */
void message_table_head(FILE *out, const char *topic);
/* message_table_row: a message and its decoded body (struct msg_… of its topic), no wider than
 * columns where they are enough. */
void message_table_row(FILE *out, const struct bus_msg *m, void *decoded, int columns);

#endif

/*
 * turn: a loop that a test turns by hand, in place of rt/loop, until something is the case.
 */
#ifndef TEST_TURN_H
#define TEST_TURN_H

#include <stdbool.h>

/* turn_until: serves the registered sockets until done(arg), for at most a generous number of
 * seconds; whether it came to be. */
bool turn_until(bool (*done)(void *arg), void *arg);
/* turn_for: serves for so long: for what must not happen. */
void turn_for(int ms);
#endif

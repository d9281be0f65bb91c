/*
 * forbidden: a preloaded library that makes a running program issue a system call. The file that
 * $FORBIDDEN names holds the call's number (mapped_number.h); once it is not 0, the program makes
 * the call the next time it reads the clock.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "mapped_number.h"

static const volatile int64_t *number;

__attribute__((constructor)) static void forbidden_begin(void)
{
	number = mapped_number("FORBIDDEN");
}

int clock_gettime(clockid_t id, struct timespec *out)
{
	if (number && *number) /* all arguments are bad: where the call is allowed it fails */
		syscall(*number, -1, -1, -1, -1, -1, -1);
	return (int)syscall(SYS_clock_gettime, id, out);
}

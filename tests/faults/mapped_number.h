/*
 * mapped_number: a native 64-bit number in the file that an environment variable names. The file is
 * mapped: the program sees what is written to it at once. For preloaded libraries; without the file
 * the program aborts.
 */
#ifndef FAULTS_MAPPED_NUMBER_H
#define FAULTS_MAPPED_NUMBER_H

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static inline const volatile int64_t *mapped_number(const char *variable)
{
	const char *path = getenv(variable);
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0)
		abort();
	void *p = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		abort();
	close(fd);
	return p;
}

#endif

/*
 * failmalloc: a preloaded library in which the nth allocation of the program itself fails, once.
 *
 * FAIL_AT is n; FAIL_MARK names a file that is made when it happens. Allocations of libraries do
 * not count: ZeroMQ, for one, ends the process when it gets no memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);

static uintptr_t from, to; /* the program's own code */
static unsigned long fail_at, count;
static const char *mark;

static int find_program(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		if (p->p_type == PT_LOAD && p->p_flags & PF_X) {
			from = info->dlpi_addr + p->p_vaddr;
			to = from + p->p_memsz;
		}
	}
	return 1; /* the first object is the program */
}

__attribute__((constructor)) static void begin(void)
{
	const char *text = getenv("FAIL_AT");

	dl_iterate_phdr(find_program, NULL);
	mark = getenv("FAIL_MARK");
	fail_at = text ? strtoul(text, NULL, 10) : 0;
}

static bool fails(const void *caller)
{
	uintptr_t at = (uintptr_t)caller;

	if (!fail_at || at < from || at >= to ||
	    __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED) != fail_at)
		return false;
	if (mark) {
		int fd = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		if (fd >= 0)
			close(fd);
	}
	errno = ENOMEM;
	return true;
}

void *malloc(size_t n)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_realloc(p, n);
}

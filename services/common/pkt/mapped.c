#include "pkt/mapped.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* What the kernel maps around a page that is touched. */
#define PIECE    (64u << 10)
#define RESIDENT ((48u << 20) / PIECE) /* pieces, at most */

/* Those of this thread: the signal comes to the one that touched the page. */
static _Thread_local struct mapped *open_ones;
static long page_size;

/* on_bus: zeros in place of the page, if it is one of ours; else what would have happened without
 * us. */
static void on_bus(int sig, siginfo_t *info, void *context)
{
	uintptr_t at = (uintptr_t)info->si_addr;

	(void)context;
	for (struct mapped *m = open_ones; m; m = m->next) {
		uintptr_t from = (uintptr_t)m->p;
		if (at < from || at - from >= m->n)
			continue;
		m->failed = 1;
		void *page = (void *)(at & ~((uintptr_t)page_size - 1));
		if (mmap(page, (size_t)page_size, PROT_READ,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED)
			return;
	}
	signal(sig, SIG_DFL); /* the access comes again when we return */
}

static int watch(void)
{
	static bool watching;
	struct sigaction a = {.sa_sigaction = on_bus, .sa_flags = SA_SIGINFO};

	if (watching)
		return 0;
	page_size = sysconf(_SC_PAGESIZE);
	if (sigaction(SIGBUS, &a, NULL))
		return -errno;
	watching = true;
	return 0;
}

/* words: of the bits for n bytes. */
static size_t words(size_t n)
{
	return n / PIECE / 64 + 1;
}

int mapped_open(struct mapped *m, int fd, size_t n)
{
	*m = (struct mapped){0};
	int rc = watch();
	if (rc)
		return rc;
	uint64_t *touched = calloc(words(n), sizeof *touched);
	if (!touched)
		return -ENOMEM;
	void *p = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED) {
		rc = -errno;
		free(touched);
		return rc;
	}
	*m = (struct mapped){.p = p, .n = n, .touched = touched, .next = open_ones};
	open_ones = m;
	return 0;
}

void mapped_close(struct mapped *m)
{
	struct mapped **link = &open_ones;

	while (*link != m)
		link = &(*link)->next;
	*link = m->next;
	munmap((void *)(uintptr_t)m->p, m->n);
	free(m->touched);
}

void mapped_pass(const struct mapped *m, size_t from, size_t to)
{
	size_t page = (size_t)page_size;

	from = (from + page - 1) & ~(page - 1);
	to &= ~(page - 1);
	if (from < to && !m->failed) /* our zeros are to stay */
		madvise((void *)(uintptr_t)(m->p + from), to - from, MADV_DONTNEED);
}

void mapped_done(struct mapped *m, size_t at)
{
	size_t from = m->done;

	for (; m->done < at / PIECE; m->done++) {
		uint64_t *word = &m->touched[m->done / 64], bit = (uint64_t)1 << m->done % 64;
		m->resident -= (*word & bit) != 0;
		*word &= ~bit;
	}
	mapped_pass(m, from * PIECE, m->done * PIECE);
}

void mapped_touch(struct mapped *m, size_t at, size_t n)
{
	for (size_t i = at / PIECE; i <= (at + n) / PIECE; i++) {
		uint64_t bit = (uint64_t)1 << i % 64;
		if (m->touched[i / 64] & bit)
			continue;
		if (m->resident == RESIDENT) {
			mapped_pass(m, 0, m->n + (size_t)page_size - 1);
			memset(m->touched, 0, words(m->n) * sizeof *m->touched);
			m->resident = 0;
		}
		m->touched[i / 64] |= bit;
		m->resident++;
	}
}

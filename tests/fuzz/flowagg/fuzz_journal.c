/*
 * journal: any bytes as the newest segment: the reader ends, hands out records inside the file with
 * numbers that ascend, and the writer that opens it goes on after the last whole record, where the
 * reader finds what it writes.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pkt/capfile.h"
#include "storage/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[64], path[128];

/* Reads all there is; of the last packet its number and first bytes. Every byte is touched, for the
 * sanitizers. */
static uint64_t read_all(uint64_t from, uint64_t *number, uint8_t bytes[4])
{
	struct journal_reader *r;
	struct journal_packet p;
	uint64_t n = 0;
	volatile uint8_t sum = 0;

	if (journal_reader_new(dir, &r))
		abort();
	journal_reader_seek(r, from);
	while (journal_reader_next(r, &p) > 0) {
		if (p.number < 5 || p.caplen > CAPFILE_MAX_PACKET)
			abort();
		for (uint32_t i = 0; i < p.caplen; i++)
			sum = (uint8_t)(sum + p.data[i]);
		*number = p.number;
		memcpy(bytes, p.data, p.caplen < 4 ? p.caplen : 4);
		n++;
	}
	journal_reader_free(&r);
	return n;
}

static void empty(void)
{
	char cmd[128];

	snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
	if (system(cmd))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct journal_limits limits = {1 << 20, 1 << 23, NULL};
	struct journal *j;
	struct journal_batch *b;
	uint64_t first, number = 0;
	uint32_t taken;
	uint8_t bytes[4] = {0};

	if (!dir[0]) {
		strcpy(dir, "/dev/shm/lurker-fuzz-XXXXXX");
		if (!mkdtemp(dir))
			abort();
		snprintf(path, sizeof path, "%s/00000000000000000005.pcap", dir);
		atexit(empty);
	}
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
	uint64_t n = read_all(0, &number, bytes);
	if (journal_open(dir, limits, 0, &j))
		abort();
	if (journal_next_number(j) != 5 + n)
		abort();
	if (journal_batch_new(1, &b) || journal_batch_add(b, 77, 4, 4, (const uint8_t *)"last") ||
	    journal_append(j, b, 0, &first, &taken))
		abort();
	journal_close(&j);
	journal_batch_free(&b);
	if (first != 5 + n || read_all(first, &number, bytes) != 1 || number != first ||
	    memcmp(bytes, "last", 4) != 0)
		abort();
	char second[128];
	snprintf(second, sizeof second, "%s/%020llu.pcap", dir, (unsigned long long)first);
	if (strcmp(second, path) != 0)
		unlink(second);
	return 0;
}

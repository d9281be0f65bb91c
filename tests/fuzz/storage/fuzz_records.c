/* A reader of hostile files ends, gives only whole lines, and moves forward only. First byte: bit 0
 * whether the file is a .gz one, the others the offset to begin at. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "storage/records.h"

static char dir[] = "/tmp/lurker-fuzz-records-XXXXXX";

static void remove_dir(void)
{
	rmdir(dir);
}

static void require(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "violated: %s\n", what);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static bool made;
	char path[128];
	if (n < 1)
		return -1;
	if (!made) {
		require(mkdtemp(dir) != NULL, "mkdtemp");
		atexit(remove_dir);
		made = true;
	}
	snprintf(path, sizeof path, "%s/2024-10-04.jsonl%s", dir, data[0] & 1 ? ".gz" : "");
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0440);
	require(fd >= 0 && write(fd, data + 1, n - 1) == (ssize_t)n - 1, "write");
	close(fd);

	struct records_reader *r;
	struct records_pos pos = {.day = 20241004, .offset = data[0] >> 1};
	require(records_reader_open(dir, pos, &r) == 0, "open");
	struct bytes line;
	int rc;
	for (struct records_pos before = pos; (rc = records_next(r, &line, &pos)) == 1;
	     before = pos) {
		require(line.n >= 2 && line.p[0] == '{' && line.p[line.n - 1] == '}',
			"a whole line");
		require(!memchr(line.p, '\n', line.n), "one line");
		require(pos.day == 20241004 && pos.offset > before.offset + line.n,
			"a place after it");
	}
	require(rc == 0, "hostile content is no error");
	require(records_next(r, &line, &pos) == 0, "an end stays an end");
	records_reader_close(&r);
	unlink(path);
	return 0;
}

#include "logptn/cmd/log_input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/fs.h"

/* Maps a file with a page of zeros behind it, so that a line may be read beyond its end in
 * blocks. */
static int map_fd(int fd, struct input *in)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	in->n = (size_t)st.st_size;
	in->map_len = (in->n + page - 1) / page * page + page;
	in->map = mmap(NULL, in->map_len, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (in->map == MAP_FAILED) {
		in->map = NULL;
		return -errno;
	}
	if (in->n && mmap(in->map, in->n, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) == MAP_FAILED)
		return -errno;
	if (in->n)
		madvise(in->map, in->n, MADV_SEQUENTIAL);
	in->p = in->map;
	return 0;
}

/* A file without a name, for what cannot be mapped itself. */
static int spool_fd(void)
{
	const char *dir = getenv("TMPDIR");
	int fd = open(dir && *dir ? dir : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : fd;
}

/* gzread passes on what is not compressed as it is. */
static int spool(int from, struct input *in)
{
	int to = spool_fd(), r = 0, n, err;
	gzFile gz = to < 0 ? NULL : gzdopen(from, "rb");
	char *block = malloc(1 << 17);

	if (!gz || !block) {
		r = to < 0 ? to : -ENOMEM;
		if (!gz)
			close(from);
		goto out;
	}
	while ((n = gzread(gz, block, 1 << 17)) > 0 && !r)
		r = fs_write_all(to, block, (size_t)n);
	gzerror(gz, &err);
	if (!r && n < 0)
		r = err == Z_ERRNO ? -errno : -EBADMSG;
	else if (!r && err == Z_BUF_ERROR)
		r = -EBADMSG; /* cut off */
	if (!r)
		r = map_fd(to, in);
out:
	if (gz)
		gzclose(gz);
	if (to >= 0)
		close(to);
	free(block);
	return r;
}

static bool is_gzip(const struct input *in)
{
	return in->n > 2 && in->p[0] == 0x1f && in->p[1] == 0x8b;
}

int input_open(const char *name, struct input *in)
{
	bool std = !strcmp(name, "-");
	int fd = std ? dup(STDIN_FILENO) : open(name, O_RDONLY | O_CLOEXEC);
	struct stat st;
	int r;

	memset(in, 0, sizeof *in);
	in->name = name;
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st)) {
		r = -errno;
		close(fd);
		return r;
	}
	if (S_ISDIR(st.st_mode)) {
		close(fd);
		return -EISDIR;
	}
	if (!S_ISREG(st.st_mode) || (std && lseek(fd, 0, SEEK_CUR) != 0))
		return spool(fd, in);
	r = map_fd(fd, in);
	if (!r && is_gzip(in)) {
		input_close(in);
		in->name = name;
		return spool(fd, in);
	}
	close(fd);
	if (r)
		input_close(in);
	return r;
}

void input_close(struct input *in)
{
	if (in->map)
		munmap(in->map, in->map_len);
	memset(in, 0, sizeof *in);
}

#include "storage/observed.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "proto/buf.h"
#include "storage/object_key.h"

#define LINE_MAX_BYTES 128
#define FILE_MAX       ((size_t)OBSERVED_MAX * LINE_MAX_BYTES)

static int observed_path_of(const char *state_dir, const char *name, char out[PATH_MAX])
{
	int n = snprintf(out, PATH_MAX, "%s/%s", state_dir, name);
	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

static bool observed_is_address(const char *text)
{
	struct in6_addr a;
	return inet_pton(AF_INET, text, &a) == 1 || inet_pton(AF_INET6, text, &a) == 1;
}

static bool observed_parse(const char *line, struct observed_change *c)
{
	int end = 0;
	return sscanf(line, "%20" SCNu64 " %45s %45s%n", &c->since_ns, c->private_addr,
		      c->public_addr, &end) == 3 &&
	       line[end] == '\0' && observed_is_address(c->private_addr) &&
	       observed_is_address(c->public_addr);
}

static int observed_read_all(FILE *f, struct observed_change *v, size_t *n)
{
	char line[LINE_MAX_BYTES];
	*n = 0;
	while (fgets(line, sizeof line, f)) {
		struct observed_change c = {0};
		line[strcspn(line, "\n")] = '\0';
		if (!observed_parse(line, &c))
			continue;
		if (*n == OBSERVED_MAX) /* the oldest goes */
			memmove(v, v + 1, --*n * sizeof *v);
		v[(*n)++] = c;
	}
	return ferror(f) ? -EIO : 0;
}

static bool observed_same(const struct observed *o, const struct stat *st)
{
	int64_t mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
	return o->v && o->seen.dev == st->st_dev && o->seen.ino == st->st_ino &&
	       o->seen.size == st->st_size && o->seen.mtime_ns == mtime_ns;
}

int observed_load(struct observed *o, const char *state_dir)
{
	char path[PATH_MAX];
	struct stat st;
	int rc = observed_path_of(state_dir, "observed", path);
	if (rc)
		return rc;
	if (stat(path, &st) != 0)
		return errno == ENOENT ? 0 : -errno;
	if (observed_same(o, &st))
		return 0;
	FILE *f = fopen(path, "re");
	struct observed_change *v = calloc(OBSERVED_MAX, sizeof *v);
	size_t n = 0;
	rc = !f ? -errno : !v ? -ENOMEM : observed_read_all(f, v, &n);
	if (!rc && fstat(fileno(f), &st) != 0)
		rc = -errno;
	if (f)
		fclose(f);
	if (rc) {
		free(v);
		return rc;
	}
	free(o->v);
	o->v = v;
	o->n = n;
	o->seen.dev = st.st_dev;
	o->seen.ino = st.st_ino;
	o->seen.size = st.st_size;
	o->seen.mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	return 0;
}

void observed_fini(struct observed *o)
{
	free(o->v);
	*o = (struct observed){0};
}

const struct observed_change *observed_at(const struct observed *o, const char *private_addr,
					  uint64_t ts_ns)
{
	for (size_t i = o->n; i > 0; i--)
		if (o->v[i - 1].since_ns <= ts_ns &&
		    strcmp(o->v[i - 1].private_addr, private_addr) == 0)
			return &o->v[i - 1];
	return NULL;
}

bool observed_of_key(const struct observed *o, const char *key, char pair[OBSERVED_PAIR])
{
	struct object_key k;
	if (!o->n || object_key_parse(key, &k))
		return false;
	bool bundle = k.kind == OBJECT_KEY_BUNDLE;
	const char *addr = bundle ? o->v[o->n - 1].private_addr : k.dst;
	uint64_t from_ns = k.init_s * NS_PER_S, span_ns = (bundle ? 60 : 1) * NS_PER_S;
	const struct observed_change *c = observed_at(o, addr, from_ns);
	if (!c || c != observed_at(o, addr, from_ns + span_ns - 1))
		return false;
	snprintf(pair, OBSERVED_PAIR, "%s=%s", c->private_addr, c->public_addr);
	return true;
}

bool observed_pair(const char *pair, const char *private_addr, char public_addr[OBSERVED_ADDR])
{
	size_t n = strlen(private_addr);
	if (strncmp(pair, private_addr, n) != 0 || pair[n] != '=' ||
	    strlen(pair + n + 1) >= OBSERVED_ADDR || !observed_is_address(pair + n + 1))
		return false;
	snprintf(public_addr, OBSERVED_ADDR, "%s", pair + n + 1);
	return true;
}

int observed_note(const char *state_dir, const struct observed_change *c, bool *news)
{
	struct observed o = {0};
	char path[PATH_MAX];
	struct buf text;
	int rc = observed_load(&o, state_dir);
	const struct observed_change *last =
		rc ? NULL : observed_at(&o, c->private_addr, UINT64_MAX);
	*news = !last || strcmp(last->public_addr, c->public_addr) != 0;
	if (!rc && *news) {
		buf_init(&text, FILE_MAX);
		for (size_t i = o.n == OBSERVED_MAX ? 1 : 0; i < o.n; i++)
			buf_addf(&text, "%" PRIu64 " %s %s\n", o.v[i].since_ns, o.v[i].private_addr,
				 o.v[i].public_addr);
		rc = buf_addf(&text, "%" PRIu64 " %s %s\n", c->since_ns, c->private_addr,
			      c->public_addr);
		if (!rc)
			rc = observed_path_of(state_dir, "observed", path);
		/* A change that is lost is written down by nobody again, and flows of that time
		 * would be told under a wrong address. */
		if (!rc)
			rc = fs_replace(path, text.p, text.n, 0640, FS_FILE_AND_DIR);
		buf_fini(&text);
	}
	observed_fini(&o);
	return rc;
}

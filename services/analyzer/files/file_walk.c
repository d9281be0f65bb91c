#include "files/file_walk.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "storage/object_key.h"

/* Directories inside directories: deeper ones are not looked into. */
#define MAX_DEPTH 32

struct level {
	char **name;
	size_t n, next;
	size_t path_len; /* of the directory's own path */
};

struct file_walk {
	char *const *operand;
	size_t n, next;
	struct level level[MAX_DEPTH];
	size_t depth;
	char path[PATH_MAX];
};

int file_walk_new(char *const *operands, size_t n, struct file_walk **out)
{
	struct file_walk *w = calloc(1, sizeof *w);

	*out = w;
	if (!w)
		return -ENOMEM;
	w->operand = operands;
	w->n = n;
	return 0;
}

static void leave(struct file_walk *w)
{
	struct level *l = &w->level[--w->depth];

	for (size_t i = 0; i < l->n; i++)
		free(l->name[i]);
	free(l->name);
}

void file_walk_free(struct file_walk **w)
{
	if (!*w)
		return;
	while ((*w)->depth)
		leave(*w);
	free(*w);
	*w = NULL;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* enter: w->path is a directory. */
static int enter(struct file_walk *w)
{
	struct level l = {.path_len = strlen(w->path)};
	size_t cap = 0;
	struct dirent *e;

	if (w->depth == MAX_DEPTH)
		return -ELOOP;
	DIR *d = opendir(w->path);
	if (!d)
		return -errno;
	w->level[w->depth] = l;
	struct level *in = &w->level[w->depth++];
	int rc = 0;
	while (!rc && (e = readdir(d))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (in->n == cap) {
			cap = cap ? cap * 2 : 64;
			char **grown = realloc(in->name, cap * sizeof(char *));
			if (!grown) {
				rc = -ENOMEM;
				break;
			}
			in->name = grown;
		}
		in->name[in->n] = strdup(e->d_name);
		if (!in->name[in->n])
			rc = -ENOMEM;
		else
			in->n++;
	}
	closedir(d);
	if (rc)
		leave(w);
	else
		qsort(in->name, in->n, sizeof(char *), by_name);
	return rc;
}

/* step: puts the next name into w->path. False at the end. */
static bool step(struct file_walk *w, bool *named)
{
	while (w->depth) {
		struct level *l = &w->level[w->depth - 1];
		if (l->next < l->n) {
			const char *slash =
				l->path_len && w->path[l->path_len - 1] == '/' ? "" : "/";
			snprintf(w->path + l->path_len, sizeof w->path - l->path_len, "%s%s", slash,
				 l->name[l->next++]);
			*named = false;
			return true;
		}
		w->path[l->path_len] = 0;
		leave(w);
	}
	if (w->next == w->n)
		return false;
	snprintf(w->path, sizeof w->path, "%s", w->operand[w->next++]);
	*named = true;
	return true;
}

int file_walk_next(struct file_walk *w, const char **path, bool *named)
{
	struct stat st;

	*path = w->path;
	while (step(w, named)) {
		if (*named && strcmp(w->path, "-") == 0)
			return 1;
		if ((*named ? stat : lstat)(w->path, &st))
			return -errno;
		if (S_ISDIR(st.st_mode)) {
			int rc = enter(w);
			if (rc)
				return rc;
			continue;
		}
		/* What was named may be a pipe; a directory's symbolic links and devices are left
		 * alone. */
		if (*named || S_ISREG(st.st_mode))
			return 1;
	}
	return 0;
}

const char *file_walk_key(const char *path)
{
	const char *found = object_key_in(path);

	return found ? found : path;
}

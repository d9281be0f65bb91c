#include "tree.h"

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];
static size_t counted;

const char *tree_begin(void)
{
	strcpy(root, "/tmp/lurker-test-XXXXXX");
	if (!mkdtemp(root))
		abort();
	return root;
}

static int drop(const char *path, const struct stat *st, int kind, struct FTW *f)
{
	(void)st, (void)kind, (void)f;
	return remove(path);
}

void tree_end(void)
{
	nftw(root, drop, 16, FTW_DEPTH | FTW_PHYS);
}

const char *tree_path(const char *name)
{
	static char paths[8][PATH_MAX];
	static unsigned i;
	char *p = paths[i++ % 8];
	snprintf(p, PATH_MAX, "%s/%s", root, name);
	return p;
}

void tree_file(const char *name, char c, size_t n)
{
	char path[PATH_MAX];
	strcpy(path, tree_path(name));
	for (char *p = path + strlen(root) + 1; *p; p++)
		if (*p == '/') {
			*p = '\0';
			mkdir(path, 0755);
			*p = '/';
		}
	FILE *f = fopen(path, "w");
	if (!f)
		abort();
	while (n--)
		fputc(c, f);
	fclose(f);
}

bool tree_has(const char *name, char c, size_t n)
{
	FILE *f = fopen(tree_path(name), "r");
	size_t got = 0;
	int x;
	if (!f)
		return false;
	while ((x = fgetc(f)) == c)
		got++;
	fclose(f);
	return x == EOF && got == n;
}

static int count(const char *path, const struct stat *st, int kind, struct FTW *f)
{
	(void)path, (void)st, (void)f;
	counted += kind == FTW_F;
	return 0;
}

size_t tree_count(const char *folder)
{
	counted = 0;
	nftw(tree_path(folder), count, 16, FTW_PHYS);
	return counted;
}

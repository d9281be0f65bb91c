#include "storage/home.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int home_add(struct home *h, const char *text)
{
	if (h->n == HOME_MAX)
		return -ENOSPC;
	int rc = net_parse(text, &h->net[h->n]);
	if (!rc)
		h->n++;
	return rc;
}

bool home_has(const struct home *h, const struct addr *a)
{
	for (size_t i = 0; i < h->n; i++)
		if (net_contains(&h->net[i], a))
			return true;
	return false;
}

int home_save(const struct home *h, const char *path)
{
	char tmp[PATH_MAX], text[ADDR_TEXT_MAX];

	if (snprintf(tmp, sizeof(tmp), "%s.new", path) >= (int)sizeof(tmp))
		return -ENAMETOOLONG;
	FILE *f = fopen(tmp, "we");
	if (!f)
		return -errno;
	for (size_t i = 0; i < h->n; i++) {
		addr_text(&h->net[i].addr, text);
		fprintf(f, "%s/%u\n", text, h->net[i].bits);
	}
	int rc = fflush(f) ? -errno : 0;
	if (fclose(f) && !rc)
		rc = -errno;
	if (!rc && rename(tmp, path))
		rc = -errno;
	if (rc)
		unlink(tmp);
	return rc;
}

int home_load(struct home *h, const char *path)
{
	char line[128];
	int rc = 0;

	*h = (struct home){0};
	FILE *f = fopen(path, "re");
	if (!f)
		return -errno;
	while (!rc && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		rc = home_add(h, line) == -EINVAL ? -EBADMSG : 0;
	}
	if (ferror(f))
		rc = -EIO;
	fclose(f);
	return rc;
}

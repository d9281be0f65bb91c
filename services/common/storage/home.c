#include "storage/home.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "proto/buf.h"

/* A network and its newline. */
#define HOME_LINE (ADDR_TEXT_MAX + 8)

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
	char text[ADDR_TEXT_MAX];
	struct buf out;
	int rc = 0;

	buf_init(&out, HOME_MAX * HOME_LINE);
	for (size_t i = 0; i < h->n && !rc; i++) {
		addr_text(&h->net[i].addr, text);
		rc = buf_addf(&out, "%s/%u\n", text, h->net[i].bits);
	}
	/* After a loss of power flowagg may read it before capture writes it anew: a part of it
	 * would give other flows. An older one is what the packets in the journal were captured
	 * under. */
	if (!rc)
		rc = fs_replace(path, out.p, out.n, 0666, FS_FILE);
	buf_fini(&out);
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
	while (!rc && fgets(line, sizeof line, f)) {
		line[strcspn(line, "\n")] = '\0';
		rc = home_add(h, line) == -EINVAL ? -EBADMSG : 0;
	}
	if (ferror(f))
		rc = -EIO;
	fclose(f);
	return rc;
}

/*
 * home: the networks of the sensor, as capture knows them and flowagg needs them.
 *
 * capture sees the interface; flowagg may run without network access. The file
 * STATE_DIR/capture.home has one network a line and is replaced as a whole.
 */
#ifndef STORAGE_HOME_H
#define STORAGE_HOME_H

#include <stddef.h>

#include "pkt/addr.h"

#define HOME_MAX 256

struct home {
	struct net net[HOME_MAX];
	size_t n;
};

/* home_add: 0; -EINVAL when text is not a network; -ENOSPC when there are HOME_MAX networks. */
int home_add(struct home *h, const char *text);
bool home_has(const struct home *h, const struct addr *a);
/* home_save: writes path anew, or leaves it as it was. 0 or -errno. */
int home_save(const struct home *h, const char *path);
/* home_load: 0; -ENOENT when there is no file; -EBADMSG when a line is not a network; or another
 * -errno. */
int home_load(struct home *h, const char *path);

#endif

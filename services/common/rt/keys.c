#include "rt/keys.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

static bool valid_name(const char *name)
{
	for (const char *p = name; *p; p++) {
		if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
			return false;
	}
	return name[0] != '\0' && name[0] != '.' && strlen(name) <= 64;
}

/* Writes a new file whole: on an error it is not there. */
static int write_key(const char *path, mode_t mode, const char *key, char *err, size_t errlen)
{
	char text[KEY_TEXT + 1];
	int n = snprintf(text, sizeof text, "%s\n", key);
	int rc = 0;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0) {
		rc = -errno;
		snprintf(err, errlen, "%s: %s", path, strerror(-rc));
		goto out;
	}
	ssize_t wrote = write(fd, text, (size_t)n);
	if (wrote != n || fchmod(fd, mode) < 0 || fsync(fd) < 0) {
		rc = wrote >= 0 && wrote != n ? -ENOSPC : -errno;
		snprintf(err, errlen, "%s: %s", path, strerror(-rc));
		unlink(path);
	}
	close(fd);
out:
	explicit_bzero(text, sizeof text);
	return rc;
}

int keys_generate(const char *dir, const char *name, char *err, size_t errlen)
{
	char public[KEY_TEXT], secret[KEY_TEXT];
	char public_path[PATH_MAX], secret_path[PATH_MAX];
	if (!valid_name(name)) {
		snprintf(err, errlen,
			 "'%s' is no name for a key: use letters, digits, '.', '_' and '-'", name);
		return -EINVAL;
	}
	int n = snprintf(public_path, sizeof public_path, "%s/%s.pub", dir, name);
	int m = snprintf(secret_path, sizeof secret_path, "%s/%s.secret", dir, name);
	if (n >= (int)sizeof public_path || m >= (int)sizeof secret_path) {
		snprintf(err, errlen, "%s: path too long", dir);
		return -ENAMETOOLONG;
	}
	if (zmq_curve_keypair(public, secret) < 0) {
		int rc = -errno;
		snprintf(err, errlen, "this libzmq was built without CURVE");
		return rc;
	}
	int rc = write_key(secret_path, 0600, secret, err, errlen);
	if (rc == 0) {
		rc = write_key(public_path, 0644, public, err, errlen);
		if (rc < 0)
			unlink(secret_path);
	}
	explicit_bzero(secret, sizeof secret);
	return rc;
}

/* The key of an open file: 40 characters of Z85, white space around them. */
static int read_key(int fd, char key[KEY_TEXT])
{
	char text[KEY_TEXT + 8];
	uint8_t raw[KEY_BYTES];
	int rc = -EINVAL;
	ssize_t n = read(fd, text, sizeof text);
	if (n < 0) {
		rc = -errno;
		goto out;
	}
	while (n > 0 && isspace((unsigned char)text[n - 1]))
		n--;
	if (n != KEY_TEXT - 1)
		goto out;
	memcpy(key, text, KEY_TEXT - 1);
	key[KEY_TEXT - 1] = '\0';
	if (strlen(key) == KEY_TEXT - 1 && zmq_z85_decode(raw, key))
		rc = 0;
	explicit_bzero(raw, sizeof raw);
out:
	explicit_bzero(text, sizeof text);
	return rc;
}

int keys_load(const char *path, bool secret, char key[KEY_TEXT], char *err, size_t errlen)
{
	struct stat st;
	int rc = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		rc = -errno;
		snprintf(err, errlen, "key file %s: %s", path, strerror(-rc));
	} else if (secret && (st.st_mode & 07)) {
		rc = -EPERM;
		snprintf(err, errlen, "key file %s is open to everybody: chmod 0600 it", path);
	} else if ((rc = read_key(fd, key)) < 0) {
		snprintf(err, errlen, "key file %s: no Z85 key of 40 characters", path);
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

int keys_public(const char secret[KEY_TEXT], char public[KEY_TEXT])
{
	return zmq_curve_public(public, secret) < 0 ? -errno : 0;
}

static bool is_public(const char *name)
{
	size_t n = strlen(name);
	return name[0] != '.' && n > 4 && strcmp(name + n - 4, ".pub") == 0;
}

static void read_allowed(struct keys_allowed *a, DIR *d)
{
	a->n = a->unusable = 0;
	for (struct dirent *e; (e = readdir(d));) {
		char key[KEY_TEXT];
		if (!is_public(e->d_name))
			continue;
		int fd = openat(dirfd(d), e->d_name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd >= 0 && a->n < KEYS_MAX_CLIENTS && read_key(fd, key) == 0)
			zmq_z85_decode(a->keys[a->n++], key);
		else
			a->unusable++;
		if (fd >= 0)
			close(fd);
	}
}

/* Reads the directory again when its time stamp says that files came or went. Stamps are as coarse
 * as a tick of the kernel, so one that is younger than a second settles nothing yet. */
static void refresh(struct keys_allowed *a)
{
	struct stat st;
	struct timespec now;
	DIR *d = opendir(a->dir);
	if (!d || fstat(dirfd(d), &st) < 0) {
		a->n = 0;
		a->read_at = (struct timespec){0};
		goto out;
	}
	if (a->read_at.tv_sec == st.st_mtim.tv_sec && a->read_at.tv_nsec == st.st_mtim.tv_nsec)
		goto out;
	read_allowed(a, d);
	clock_gettime(CLOCK_REALTIME, &now);
	bool settled = now.tv_sec > st.st_mtim.tv_sec + 1;
	a->read_at = settled ? st.st_mtim : (struct timespec){0};
out:
	if (d)
		closedir(d);
}

bool keys_allow(struct keys_allowed *a, const uint8_t *key, size_t n)
{
	if (n != KEY_BYTES)
		return false;
	refresh(a);
	for (size_t i = 0; i < a->n; i++) {
		if (memcmp(a->keys[i], key, KEY_BYTES) == 0)
			return true;
	}
	return false;
}

/*
 * keys: CURVE key pairs in files, for buses that leave the host.
 *
 *   DIR/NAME.secret   Z85 secret key, 0600
 *   DIR/NAME.pub      Z85 public key, 0644; copied into the peers' directories of allowed clients
 */
#ifndef RT_KEYS_H
#define RT_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define KEY_TEXT  41 /* 40 characters of Z85 and a NUL */
#define KEY_BYTES 32

/* keys_generate: makes a pair and writes both files. name: letters, digits, '.', '_', '-', no
 * leading dot. Existing files are never replaced (-EEXIST). 0 or -errno with what failed in err. */
int keys_generate(const char *dir, const char *name, char *err, size_t errlen);

/* keys_load: reads a key file. A secret one must not be readable or writable by others. The caller
 * clears a secret key after use. */
int keys_load(const char *path, bool secret, char key[KEY_TEXT], char *err, size_t errlen);
/* keys_public: the public key that belongs to a secret one. */
int keys_public(const char secret[KEY_TEXT], char public[KEY_TEXT]);

/* The public keys of a directory (DIR/NAME.pub), read again when the directory changes. */
#define KEYS_MAX_CLIENTS 1024
struct keys_allowed {
	const char *dir; /* borrowed */
	struct timespec read_at;
	size_t n, unusable; /* files that hold no key, or are beyond the table */
	uint8_t keys[KEYS_MAX_CLIENTS][KEY_BYTES];
};
/* keys_allow: whether this public key may come in. When the directory cannot be read, nobody may.
 */
bool keys_allow(struct keys_allowed *a, const uint8_t *key, size_t n);

#endif

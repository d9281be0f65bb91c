#include "class/class.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

/* Public and fixed: classes are compared across sensors. */
static const uint8_t key[crypto_shorthash_siphashx24_KEYBYTES] = "lurker class 001";

void class_of(struct bytes payload, const struct msg_analysis *rec, char out[CLASS_TEXT])
{
	uint8_t normal[1 + 64 + 1 + CLASS_MAX_INPUT], sum[crypto_shorthash_siphashx24_BYTES];
	size_t n = 0;

	out[0] = 0;
	if (payload.n == 0)
		return;
	normal[n++] = payload.n > CLASS_MAX_INPUT;
	if (rec && rec->app.n && rec->app.n <= 64) {
		memcpy(normal + n, rec->app.p, rec->app.n);
		n += rec->app.n;
	}
	normal[n++] = 0;
	size_t fields = rec ? class_fields(rec, normal + n, CLASS_MAX_INPUT) : 0;
	if (fields) {
		normal[0] = 2;
		n += fields;
	} else {
		if (payload.n > CLASS_MAX_INPUT)
			payload.n = CLASS_MAX_INPUT;
		n += class_normal(payload, normal + n);
	}
	crypto_shorthash_siphashx24(sum, normal, n, key);
	int at = snprintf(out, CLASS_TEXT, "%d:", CLASS_VERSION);
	sodium_bin2hex(out + at, CLASS_TEXT - (size_t)at, sum, sizeof sum);
}

/*
 * Any bytes are refused or are a state that formats can be made from. The checksum is put right
 * first, so that the fuzzer gets behind it.
 */
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "logptn/lib/format/format.h"
#include "logptn/lib/model_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct skels t, again;
	struct formats *f;
	struct buf b;
	uint8_t *p = malloc(size + 16 + SHA256_DIGEST_LENGTH);
	uint64_t lines = 0;

	require(p);
	require(!skels_init(&t));
	require(model_state_load(&t, bytes_of(data, size)) || t.n || !t.lines);
	/* The body as given, in a frame that is right. */
	memcpy(p, "LOGPTN\0\1", 8);
	for (unsigned i = 0; i < 8; i++)
		p[8 + i] = (uint8_t)((uint64_t)size >> (8 * i));
	memcpy(p + 16, data, size);
	SHA256(p, 16 + size, p + 16 + size);
	if (!model_state_load(&t, bytes_of(p, 16 + size + SHA256_DIGEST_LENGTH))) {
		require(!formats_make(&t, &f));
		for (uint32_t i = 0; i < t.n; i++)
			lines += t.v[i].lines;
		for (uint32_t i = 0; i < f->n; i++)
			lines -= f->v[i].lines;
		require(!lines);
		formats_free(&f);
		/* What was loaded can be saved and loaded. */
		buf_init(&b, MODEL_STATE_MAX);
		require(!model_state_save(&t, &b));
		require(!skels_init(&again));
		require(!model_state_load(&again, buf_bytes(&b)));
		require(again.n == t.n);
		skels_fini(&again);
		buf_fini(&b);
	}
	skels_fini(&t);
	free(p);
	return 0;
}

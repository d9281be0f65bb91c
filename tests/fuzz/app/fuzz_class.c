/* Payload classes: the normal form is no longer than the input, the same input has the same class,
 * and the class of what the table recognises is made without a step out of bounds. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "class/class.h"

static _Alignas(16) uint8_t memory[APP_ARENA_BYTES];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char a[CLASS_TEXT], b[CLASS_TEXT];
	struct bytes in = {data, size};
	struct msg_arena arena = {memory, sizeof memory, 0};
	struct msg_analysis rec = {0};

	uint8_t *out = malloc(size + 1);
	if (class_normal(in, out) > size)
		abort();
	free(out);
	app_recognise(&(struct app_in){.proto = APP_TCP, .dst_port = 23, .init = in}, &arena, &rec);
	class_of(in, &rec, a);
	class_of(in, &rec, b);
	if (strcmp(a, b) != 0 || (size == 0) != (a[0] == 0))
		abort();
	return 0;
}

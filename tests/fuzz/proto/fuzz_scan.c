/* Members lie within the text, one behind the other; of what a JSON parser takes for an object the
 * scan finds the same members. */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "proto/scan.h"

static void require(bool good)
{
	if (!good)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct json_tokener *t = json_tokener_new();
	struct bytes key, value;
	struct scan s;
	size_t members = 0, at = 0;
	int rc;

	if (n > 1 << 20)
		return -1;
	scan_init(&s, bytes_of(data, n));
	while ((rc = scan_next(&s, &key, &value)) == 1) {
		require((size_t)(key.p - data) > at && key.p + key.n < value.p && value.n > 0);
		at = (size_t)(value.p + value.n - data);
		require(at <= n);
		scan_u64(value);
		scan_string(value);
		members++;
	}
	json_tokener_set_flags(t, JSON_TOKENER_STRICT);
	struct json_object *o = json_tokener_parse_ex(t, (const char *)data, (int)n);
	/* The parser counts a key that comes twice once, and stops at a NUL. */
	if (!memchr(data, 0, n) && json_tokener_get_error(t) == json_tokener_success &&
	    json_object_is_type(o, json_type_object))
		require(rc == 0 && members >= (size_t)json_object_object_length(o));
	json_object_put(o);
	json_tokener_free(t);
	return 0;
}

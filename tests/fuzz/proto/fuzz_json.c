/* Whatever is decoded becomes one line of valid JSON that no terminal interprets. */
#include <json-c/json.h>

#include "input.h"
#include "proto/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct msg_schema *s;
	const void *m = input_decode(data, n, &s);
	if (!m)
		return -1;
	struct buf out;
	buf_init(&out, 16 << 20);
	input_require(msg_json(s, m, &out) == 0, "a decoded message prints");
	input_require(utf8_good(out.p, out.n) == out.n, "as UTF-8");
	for (size_t i = 0; i < out.n; i++)
		input_require(out.p[i] >= 0x20 && out.p[i] != 0x7f, "without control characters");

	struct json_tokener *t = json_tokener_new();
	json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	struct json_object *o = json_tokener_parse_ex(t, (const char *)out.p, (int)out.n);
	input_require(json_tokener_get_error(t) == json_tokener_success, "as JSON");
	input_require(json_object_is_type(o, json_type_object), "as an object");
	json_object_put(o);
	json_tokener_free(t);
	buf_fini(&out);
	return 0;
}

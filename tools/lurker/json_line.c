#include "json_line.h"

#include <errno.h>
#include <json-c/json.h>

int json_line_parse(struct bytes line, struct json_object **out)
{
	*out = NULL;
	if (line.n > INT32_MAX)
		return -EBADMSG;
	struct json_tokener *tok = json_tokener_new();
	if (!tok)
		return -ENOMEM;
	struct json_object *o = json_tokener_parse_ex(tok, (const char *)line.p, (int)line.n);
	/* An object is complete at its brace; anything after it makes the line something else. */
	bool whole = o && json_tokener_get_parse_end(tok) == line.n;
	json_tokener_free(tok);
	if (!whole || !json_object_is_type(o, json_type_object)) {
		json_object_put(o);
		return -EBADMSG;
	}
	*out = o;
	return 0;
}

const char *json_line_text(struct json_object *o, const char *name)
{
	struct json_object *v;
	return json_object_object_get_ex(o, name, &v) ? json_object_get_string(v) : NULL;
}

uint64_t json_line_u64(struct json_object *o, const char *name)
{
	struct json_object *v;
	return json_object_object_get_ex(o, name, &v) ? json_object_get_uint64(v) : 0;
}

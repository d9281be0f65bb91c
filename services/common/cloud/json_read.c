#include "cloud/json_read.h"

struct json_object *json_read(struct bytes text, int depth, size_t max)
{
	if (!text.n || text.n > max || text.n > INT32_MAX)
		return NULL;
	struct json_tokener *t = json_tokener_new_ex(depth);
	if (!t)
		return NULL;
	struct json_object *o = json_tokener_parse_ex(t, (const char *)text.p, (int)text.n);
	json_tokener_free(t);
	return o;
}

struct json_object *json_get(struct json_object *o, const char *key, enum json_type type)
{
	struct json_object *v;
	if (!json_object_is_type(o, json_type_object) || !json_object_object_get_ex(o, key, &v) ||
	    !json_object_is_type(v, type))
		return NULL;
	return v;
}

struct bytes json_bytes(struct json_object *o, const char *key)
{
	struct json_object *v = json_get(o, key, json_type_string);
	return v ? bytes_of(json_object_get_string(v), (size_t)json_object_get_string_len(v))
		 : (struct bytes){0};
}

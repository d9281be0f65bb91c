/*
 * filter: which records a sink gets. Pure.
 *
 * A term is KEY, an operator (= != < <= > >=) and a value, such as dst_port=22, payload_len>0,
 * http.method=POST. All terms have to hold. Numbers compare as numbers, everything else as text (=
 * and != only). A key that a record lacks satisfies != and nothing else.
 */
#ifndef FORWARDER_FILTER_H
#define FORWARDER_FILTER_H

#include <json.h>
#include <stdbool.h>

#include "rt/opt.h"

#define FILTER_TERMS 16

struct filter {
	struct filter_term {
		char key[64], text[128];
		enum filter_op {
			FILTER_EQ,
			FILTER_NE,
			FILTER_LT,
			FILTER_LE,
			FILTER_GT,
			FILTER_GE
		} op;
		bool number; /* text is one, and is n */
		double n;
	} terms[FILTER_TERMS];
	size_t n;
};

/* filter_parse: 0, or -EINVAL with what is wrong in err. */
int filter_parse(const struct opt_list *terms, struct filter *out, char *err, size_t errlen);
bool filter_match(const struct filter *f, struct json_object *record);

#endif

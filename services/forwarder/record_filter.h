/*
 * filter: which records a sink gets. Pure.
 *
 * A term is KEY, an operator (= != < <= > >=) and a value, such as dst_port=22, payload_len>0,
 * http.method=POST. All terms have to hold. Numbers compare as numbers, everything else as text (=
 * and != only). A key that a record lacks satisfies != and nothing else.
 */
#ifndef FORWARDER_RECORD_FILTER_H
#define FORWARDER_RECORD_FILTER_H

#include <json.h>
#include <stdbool.h>

#include "rt/opt.h"

#define RECORD_FILTER_TERMS 16

struct record_filter {
	struct record_filter_term {
		char key[64], text[128];
		enum record_filter_op {
			RECORD_FILTER_EQ,
			RECORD_FILTER_NE,
			RECORD_FILTER_LT,
			RECORD_FILTER_LE,
			RECORD_FILTER_GT,
			RECORD_FILTER_GE
		} op;
		bool number; /* text is one, and is n */
		double n;
	} terms[RECORD_FILTER_TERMS];
	size_t n;
};

/* record_filter_parse: 0, or -EINVAL with what is wrong in err. */
int record_filter_parse(const struct opt_list *terms, struct record_filter *out, char *err,
			size_t errlen);
bool record_filter_match(const struct record_filter *f, struct json_object *record);

#endif

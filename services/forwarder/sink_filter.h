/*
 * sink_filter: which records a sink gets. Pure.
 *
 * A term is a key, an operator (= != < <= > >=) and a value, such as dst_port=22, payload_len>0 or
 * http.method=POST. All terms must hold. Numbers compare as numbers, everything else as text (= and
 * != only). A key that a record lacks satisfies != and nothing else.
 */
#ifndef FORWARDER_SINK_FILTER_H
#define FORWARDER_SINK_FILTER_H

#include <json.h>
#include <stdbool.h>

#include "rt/opt.h"

#define SINK_FILTER_TERMS 16

struct sink_filter {
	struct sink_filter_term {
		char key[64], text[128];
		enum sink_filter_op {
			SINK_FILTER_EQ,
			SINK_FILTER_NE,
			SINK_FILTER_LT,
			SINK_FILTER_LE,
			SINK_FILTER_GT,
			SINK_FILTER_GE
		} op;
		bool number; /* text is a number: n */
		double n;
	} terms[SINK_FILTER_TERMS];
	size_t n;
};

/* sink_filter_parse: 0, or -EINVAL with what is wrong in err. */
int sink_filter_parse(const struct opt_list *terms, struct sink_filter *out, char *err,
		      size_t errlen);
bool sink_filter_match(const struct sink_filter *f, struct json_object *record);

#endif

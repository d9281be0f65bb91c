/*
 * sinks: the table of destinations, made of sinks.def.
 */
#ifndef FORWARDER_SINKS_H
#define FORWARDER_SINKS_H

#include "conf.h"
#include "sink.h"

/* Indices into the table. */
enum {
#define SINK(name, ...) SINKS_##name,
#include "forwarder/sinks.def"
	SINKS
};

#define SINK(name, ...) extern const struct sink_class sink_##name;
#include "forwarder/sinks.def"

struct sink_row {
	const struct sink_class *class;
	const char *name, *title;
	const char *on;          /* the option that turns it on */
	size_t on_at, filter_at; /* in struct conf: that option's text, and the filter */
};

extern const struct sink_row sinks[SINKS];

/* sinks_wanted: whether the configuration turns it on. */
bool sinks_wanted(const struct sink_row *row, const struct conf *c);
const struct opt_list *sinks_filter(const struct sink_row *row, const struct conf *c);

#endif

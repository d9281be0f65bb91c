/*
 * metric: a service's counters and gauges, declared once, as rows of a table.
 *
 * A service keeps its values in an array of uint64_t indexed by its own enum; the rows give name,
 * kind, unit and meaning to `stat`, `lurker stat`, and the reference.
 */
#ifndef RT_METRIC_H
#define RT_METRIC_H

#include <stddef.h>
#include <stdint.h>

enum metric_kind {
	METRIC_COUNTER, /* only grows within one epoch */
	METRIC_GAUGE,
	METRIC_DROP, /* a counter of something turned away: `lurker stat` shows it in plain sight */
};

struct metric {
	const char *name; /* snake_case; a counter of bytes ends in _bytes, and so on */
	enum metric_kind kind;
	const char *unit; /* "packets", "bytes", "flows", … */
	const char *help; /* stands alone: it is read without the rows around it */
};

/* The rows stand in NAME/counts.def: COUNT(ID, name, KIND, "unit", "help"), with #undef COUNT at the
 * end. The enum is made of them by `#define COUNT(id, ...) NAME_##id,`, the table by
 * `#define COUNT METRIC_ROW`, each followed by the #include of the rows. */
#define METRIC_ROW(id, name, kind, unit, help) {#name, METRIC_##kind, unit, help},

#endif

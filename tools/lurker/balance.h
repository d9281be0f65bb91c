/*
 * balance: the rules by which no packet gets lost, and whether they hold.
 *
 * Each stage of the sensor counts the packets that it took and where they went. A rule names the
 * terms of both sides. The terms of the left side less those of the right are unaccounted for.
 */
#ifndef LURKER_BALANCE_H
#define LURKER_BALANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "inventory.h"
#include "stat_history.h"

enum balance_kind {
	BALANCE_SUM,   /* growth, summed over all runs in the period */
	BALANCE_GREW,  /* end less beginning, of a metric that counts across runs */
	BALANCE_BEGIN, /* value at the beginning */
	BALANCE_END,   /* value at the end */
	BALANCE_LATE,  /* growth between the last note of a run and the next run's start */
	BALANCE_DISK,  /* counted in files */
};

struct balance_term {
	enum balance_kind kind;
	const char *name;  /* metric; for BALANCE_DISK a name of inventory_value */
	const char *words; /* for the table */
};

#define BALANCE_TERMS 14
struct balance_rule {
	const char *stage, *service, *unit;
	/* The metric with the value that the rule's metric had when a run began. NULL: the value in
	 * the run's first note is used. */
	const char *start;
	bool whole; /* drawn for the whole time up to now only: files do not say when they came */
	struct balance_term in[BALANCE_TERMS], out[BALANCE_TERMS];
};

extern const struct balance_rule balance_rules[];
extern const size_t balance_nrules;

struct balance {
	uint64_t in[BALANCE_TERMS], out[BALANCE_TERMS];
	uint64_t in_sum, out_sum; /* modulo 2^64 */
};

/* balance_hand: sets what one stage handed to the next, by the counters of the giving and of the
 * taking service. While packets move, the two may be read at different times. */
void balance_hand(struct inventory *s, const struct stat_history *gave,
		  const struct stat_history *took);
/* balance_draw: the values of a rule's terms. */
void balance_draw(const struct balance_rule *r, const struct stat_history *t,
		  const struct inventory *s, struct balance *b);
/* balance_print: prints the rule as a few lines, without terms that are 0 (the first of each side
 * is always there). note: more text for the headline, or "". unaccounted: 0 when the rule holds. */
void balance_print(const struct balance_rule *r, const struct balance *b, const char *note,
		   int64_t unaccounted, FILE *out);

/* balance_ready: whether a rule can be drawn. t: the counters of the period; life: those of the
 * whole time. *why says why a rule is not drawn. */
enum balance_readiness {
	BALANCE_READY,
	BALANCE_NOTHING, /* nothing reached the stage, which is fine */
	BALANCE_MISSING, /* the stage had work, and its counters are missing */
};
enum balance_readiness balance_ready(const struct balance_rule *r, const struct stat_history *t,
				     const struct stat_history *life, const struct inventory *s,
				     const char **why);

#endif

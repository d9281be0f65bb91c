/*
 * balance: the rules by which nothing gets lost, and whether they hold.
 *
 * Each stage of the sensor says how many packets it took and where they went. A rule names the
 * terms of both sides; what the right side lacks is unaccounted for.
 */
#ifndef LURKER_BALANCE_H
#define LURKER_BALANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "inventory.h"
#include "stat_history.h"

enum term_kind {
	TERM_SUM,   /* grew by, in all runs of the period together */
	TERM_GREW,  /* at the end less at the beginning, for what counts over all runs */
	TERM_BEGIN, /* stood at, at the beginning */
	TERM_END,   /* stood at, at the end */
	TERM_LATE,  /* grew between the last note of a run and the next run's start */
	TERM_DISK,  /* counted in the files */
};

struct term {
	enum term_kind kind;
	const char *name;  /* metric; for TERM_DISK: a name of inventory_value */
	const char *words; /* for the table */
};

#define RULE_TERMS 14
struct rule {
	const char *stage, *service, *unit;
	/* The metric that says what the rule's metric was when a run began; NULL: its first note's
	 * value is taken. */
	const char *start;
	bool whole; /* only over the whole life of the state: files do not say when they came */
	struct term in[RULE_TERMS], out[RULE_TERMS];
};

extern const struct rule balance_rules[];
extern const size_t balance_nrules;

struct balance {
	uint64_t in[RULE_TERMS], out[RULE_TERMS];
	uint64_t in_sum, out_sum; /* modulo 2^64 */
};

/* balance_hand: what the counters say that one stage handed to the next. Those of who gave and of
 * who took may have been read at different times, while packets move. */
void balance_hand(struct inventory *s, const struct stat_history *gave,
		  const struct stat_history *took);
/* balance_draw: the values of a rule's terms. */
void balance_draw(const struct rule *r, const struct stat_history *t, const struct inventory *s,
		  struct balance *b);
/* balance_print: the rule as a few lines; terms of 0 are left out. note: more words for its head,
 * or "". */
void balance_print(const struct rule *r, const struct balance *b, const char *note,
		   int64_t unaccounted, FILE *out);

/* balance_ready: whether a rule is to be drawn. life: the counters of the whole life, t: those of
 * the period; *why has the words for what is not drawn. */
enum ready {
	READY,
	READY_NOTHING, /* nothing was handed to the stage: that is fine */
	READY_MISSING, /* its counters are missing, though others say that it had work */
};
enum ready balance_ready(const struct rule *r, const struct stat_history *t,
			 const struct stat_history *life, const struct inventory *s,
			 const char **why);

#endif

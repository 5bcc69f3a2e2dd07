/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two parties on two processors, and how far these are from each other.
 *
 * A host moves virtual processors about, within seconds, and a ring between two
 * threads of one core is another thing than one between two chips. So the way
 * from one to the other is measured before and after each run; a run whose two
 * probes disagree, or that the scheduler interrupted, says so and is left out.
 */
#ifndef PAIR_H
#define PAIR_H

#include <stdbool.h>
#include <stdint.h>

#include "transport.h"

struct pair_times {
	uint64_t begin, end;	/* ns of CLOCK_MONOTONIC */
	uint64_t cpu;		/* ns that this party ran in between */
	long preempted;		/* times */
};

#define PAIR_NOTES 65536

/* Seen by both. */
struct pair {
	struct own_line lines[2], meeting[2], is_ready;
	struct pair_times times[2];
	double bounce[2];	/* ns there and back, before and after */
	uint64_t notes[PAIR_NOTES];	/* of one, to tell the other */
};

/*
 * What a party does; @party is 0 in the parent, 1 in the child. False:
 * something was not as it should be.
 */
typedef bool pair_body(struct pair *pair, unsigned int party, void *context);

/*
 * Runs @body in both. @what is told if it never ends. What it returns is valid
 * until the next run.
 */
struct pair *pair_run(pair_body *body, void *context, bool is_for_threads,
		      const char *what);

/* Called by both, around what is measured: the first waits for the other. */
void pair_begin(struct pair *pair, unsigned int party);
void pair_end(struct pair *pair, unsigned int party);
/* Goes on when the other has come here, too. */
void pair_meet(struct pair *pair, unsigned int party);

/*
 * As the probe does it: a word there and one back, each in a line of its own.
 */
void pair_bounce(struct pair *pair, unsigned int party, uint64_t rounds);

/* smt, near or far; moved or preempted if the run is not to be used. */
const char *pair_mode(const struct pair *pair);
bool pair_is_good(const struct pair *pair);

/*
 * Which processors; -1: the first two that this process may use. Returns false
 * if there are no two.
 */
bool pair_choose_cpus(int first, int second);
void pair_pin(unsigned int party);
/*
 * So that nobody else runs there meanwhile, as far as this process may ask for
 * it.
 */
void pair_insist(bool does);

uint64_t pair_clock(void);
uint64_t pair_cpu_clock(void);

#endif /* PAIR_H */

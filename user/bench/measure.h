/* SPDX-License-Identifier: GPL-2.0-only */
/* What the measurements share: what to measure, and where the figures go. */
#ifndef MEASURE_H
#define MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pair.h"
#include "transport.h"

/*
 * How long a run should take: long enough to average, too short to be moved in.
 */
#define RUN_NS 10000000
/* A run that was disturbed is made again, so many times. */
#define TRIES 3

/* A line of the output. */
void tell(const char *what, const char *who, size_t bytes, const char *unit,
	  double value, const char *mode);

/* Whether it is wanted, by its name and by whom it is about. */
bool is_wanted(const char *what, const char *who);

/* The sizes that are wanted; ends with 0. */
extern const size_t *sizes;

/*
 * A party of a transport: its side, with a buffer. @shared is what was opened.
 */
struct side side_join(const struct transport *transport, void *shared,
		      size_t bytes, enum transport_role role);
void side_leave(const struct transport *transport, struct side *side,
		enum transport_role role);

/*
 * How many records, or rounds, take about RUN_NS, as found out when it was done
 * for the first time; 0: it is not known yet.
 */
uint64_t count_for(const char *what, const void *who, size_t bytes);
void set_count_for(const char *what, const void *who, size_t bytes,
		   uint64_t count, uint64_t ns);

/* Ends the program if one does not copy what it says. */
void verify_all(void);

/* One repetition of each. */
void measure_one_way(void);
void measure_round_trips(void);
void measure_sleeping(void);
void measure_latency(void);
void measure_idle(void);
void measure_two_producers(void);
void measure_readers(void);

#endif /* MEASURE_H */

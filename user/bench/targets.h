/* SPDX-License-Identifier: GPL-2.0-only */
/* What is to be reached. */
#ifndef TARGETS_H
#define TARGETS_H

#include <stddef.h>

enum target_relation { AT_MOST, BELOW, AT_LEAST, STATED };

/*
 * The figure is the median over all repetitions: of a value, or of the ratio of
 * two that were measured in the same repetition. Names are patterns, as a shell
 * has them; of several that match in ours, the worst counts, and in theirs the
 * best.
 */
struct target {
	const char *name;
	const char *what;
	const char *plus;	/* something else to add to it, or NULL */
	const char *ours;
	size_t bytes;		/* of a record; 0: whatever was measured */
	const char *unit;	/* NULL: whatever it was measured in */
	const char *against;	/* who; NULL: the value itself */
	const char *against_what;	/* NULL: the same */
	const char *but;	/* not these of theirs; or NULL */
	enum target_relation relation;
	double limit;
};

extern const struct target targets[];
extern const size_t targets_count;

/* Who is compared with the fastest of whom, one way. */
struct comparison {
	const char *ours;
	const char *others;	/* a pattern */
	const char *but;	/* not these; or NULL */
	const char *title;	/* for a picture; NULL: not in it */
};

extern const struct comparison comparisons[];
extern const size_t comparisons_count;

/* Rings that Debian packages, and which of them need the caller to batch. */
#define PACKAGED "ring *"
#define BATCHED "* by 32"

#endif /* TARGETS_H */

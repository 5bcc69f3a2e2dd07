/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The figures that were measured, as lines of: what, who, bytes, unit, value,
 * mode, repetition. Those of runs that were disturbed are counted, and left
 * out.
 */
#ifndef FIGURES_H
#define FIGURES_H

#include <stdbool.h>
#include <stddef.h>

#include "targets.h"

struct figure {
	char *what, *who, *unit, *mode;
	size_t bytes;
	unsigned long repetition;
	double value;
};

struct summary {
	double least, median, most;
	size_t count;		/* 0: nothing was measured */
};

extern struct figure *figures;
extern size_t figures_count;
extern size_t figures_disturbed;
/* Who could not take part, each with a line of its own; or NULL. */
extern char *figures_absent;

/* Of records, in tables and pictures. */
extern const size_t record_sizes[];
#define SIZES 5

/* Ends the program if it cannot be read, or makes no sense. */
void figures_read(const char *path);

/*
 * A line for each of those that are not the same but for value and repetition.
 */
bool is_first_of_kind(const struct figure *figure);

struct summary summarize(const char *what, const char *who, size_t bytes,
			 const char *unit, const char *mode);

/*
 * Of @ours by @theirs, where both were measured in one repetition and mode;
 * with theirs NULL, ours. @plus: something else to be added to what, or NULL.
 */
struct summary summarize_ratios(const struct figure *ours, const char *plus,
				const struct figure *theirs);

/*
 * Which of those that match @who was the fastest (or the slowest) of that size
 * (0: any), unit (NULL: any) and mode, by its median; but for those that match
 * @but, which may be NULL. NULL: none.
 */
const struct figure *find_extreme(const char *what, const char *plus,
				  const char *who, const char *but,
				  size_t bytes, const char *unit,
				  const char *mode, bool slowest);

/*
 * Of a comparison, at one size: the ratios, and whose they are. A count of 0:
 * one of them was not measured.
 */
struct summary compare(const struct comparison *comparison, size_t bytes,
		       const struct figure **ours,
		       const struct figure **theirs);

/* The mode that was seen most, in that unit (NULL: any). NULL: nothing was seen. */
const char *common_mode(const char *what, const char *who, size_t bytes,
			const char *unit);
/* The mode that counts: near, or where that was rare, as above. */
const char *main_mode(const char *what, const char *who, size_t bytes,
		      const char *unit);

#endif /* FIGURES_H */

// SPDX-License-Identifier: GPL-2.0-only
#include <err.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "figures.h"

#define COLUMNS 7
/* As many runs of that mode make a figure, whatever other modes there were. */
#define NEAR_RUNS 3

struct figure *figures;
size_t figures_count, figures_disturbed;
char *figures_absent;
const size_t record_sizes[SIZES] = { 8, 64, 256, 1024, 4096 };

static char *copy_of(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		err(1, "no memory");
	return copy;
}

static bool is_disturbed(const char *mode)
{
	return !strcmp(mode, "moved") || !strcmp(mode, "preempted");
}

/* Of the comments, those that say who is missing. */
static void note_absent(const char *comment)
{
	const char *const mark = "# absent: ";
	char *more;

	if (strncmp(comment, mark, strlen(mark)))
		return;
	if (asprintf(&more, "%s  %s", figures_absent ?: "",
		     comment + strlen(mark)) < 0)
		err(1, "no memory");
	free(figures_absent);
	figures_absent = more;
}

static void add_figure(char *fields[COLUMNS])
{
	struct figure *more;

	if (is_disturbed(fields[5])) {
		figures_disturbed++;
		return;
	}
	more = reallocarray(figures, figures_count + 1, sizeof(*figures));
	if (!more)
		err(1, "no memory");
	figures = more;
	figures[figures_count++] = (struct figure){
		.what = copy_of(fields[0]),
		.who = copy_of(fields[1]),
		.bytes = strtoul(fields[2], NULL, 10),
		.unit = copy_of(fields[3]),
		.value = strtod(fields[4], NULL),
		.mode = copy_of(fields[5]),
		.repetition = strtoul(fields[6], NULL, 10),
	};
}

void figures_read(const char *path)
{
	char *fields[COLUMNS], *rest, *line = NULL;
	unsigned int count;
	size_t room = 0, number = 0;
	FILE *from = fopen(path, "re");

	if (!from)
		err(1, "%s", path);
	while (getline(&line, &room, from) > 0) {
		number++;
		if (*line == '#') {
			note_absent(line);
			continue;
		}
		line[strcspn(line, "\n")] = '\0';
		rest = line;
		for (count = 0; rest && count < COLUMNS; count++)
			fields[count] = strsep(&rest, "\t");
		if (count < COLUMNS || rest)
			errx(1, "%s:%zu: these are not seven columns", path,
			     number);
		add_figure(fields);
	}
	free(line);
	fclose(from);
}

static bool is_same_kind(const struct figure *a, const struct figure *b)
{
	return a->bytes == b->bytes && !strcmp(a->what, b->what) &&
	       !strcmp(a->who, b->who) && !strcmp(a->unit, b->unit) &&
	       !strcmp(a->mode, b->mode);
}

bool is_first_of_kind(const struct figure *figure)
{
	for (const struct figure *f = figures; f < figure; f++)
		if (is_same_kind(f, figure))
			return false;
	return true;
}

static int compare_values(const void *a, const void *b)
{
	const double *first = a, *second = b;

	return (*first > *second) - (*first < *second);
}

/* Sorts them. */
static struct summary summary_of(double *values, size_t count)
{
	struct summary summary = { .count = count };

	if (!count)
		return summary;
	qsort(values, count, sizeof(*values), compare_values);
	summary.least = values[0];
	summary.median = (values[(count - 1) / 2] + values[count / 2]) / 2;
	summary.most = values[count - 1];
	return summary;
}

static double *room_for_all(void)
{
	double *values = reallocarray(NULL, figures_count + 1, sizeof(*values));

	if (!values)
		err(1, "no memory");
	return values;
}

struct summary summarize(const char *what, const char *who, size_t bytes,
			 const char *unit, const char *mode)
{
	double *values = room_for_all();
	struct summary summary;
	size_t count = 0;

	for (const struct figure *f = figures; f < figures + figures_count; f++)
		if (f->bytes == bytes && !strcmp(f->what, what) &&
		    !strcmp(f->who, who) && !strcmp(f->mode, mode) &&
		    (!unit || !strcmp(f->unit, unit)))
			values[count++] = f->value;
	summary = summary_of(values, count);
	free(values);
	return summary;
}

/* The same in that repetition, or of something else; NULL if there is none. */
static const struct figure *in_repetition(const struct figure *of,
					  const char *what, const char *mode,
					  unsigned long repetition)
{
	for (const struct figure *f = figures; f < figures + figures_count; f++)
		if (f->repetition == repetition && f->bytes == of->bytes &&
		    !strcmp(f->what, what) && !strcmp(f->who, of->who) &&
		    !strcmp(f->unit, of->unit) && !strcmp(f->mode, mode))
			return f;
	return NULL;
}

/* False: not all of it was measured then. */
static bool value_then(const struct figure *of, const char *plus,
		       const struct figure *when, double *value)
{
	const struct figure *found = in_repetition(of, of->what, when->mode,
						   when->repetition);
	const struct figure *more = plus ? in_repetition(of, plus, when->mode,
							 when->repetition) :
					   NULL;

	if (!found || (plus && !more))
		return false;
	*value = found->value + (more ? more->value : 0);
	return true;
}

struct summary summarize_ratios(const struct figure *ours, const char *plus,
				const struct figure *theirs)
{
	double *values = room_for_all(), mine, other = 1;
	struct summary summary;
	size_t count = 0;

	for (const struct figure *f = figures; f < figures + figures_count;
	     f++) {
		if (!is_same_kind(f, ours) ||
		    !value_then(ours, plus, f, &mine) ||
		    (theirs && !value_then(theirs, plus, f, &other)))
			continue;
		values[count++] = mine / other;
	}
	summary = summary_of(values, count);
	free(values);
	return summary;
}

const struct figure *find_extreme(const char *what, const char *plus,
				  const char *who, const char *but,
				  size_t bytes, const char *unit,
				  const char *mode, bool slowest)
{
	const struct figure *found = NULL;
	double extreme = 0;

	for (const struct figure *f = figures; f < figures + figures_count;
	     f++) {
		struct summary summary;

		if (strcmp(f->what, what) || (bytes && f->bytes != bytes) ||
		    (unit && strcmp(f->unit, unit)) ||
		    strcmp(f->mode, mode) || fnmatch(who, f->who, 0) ||
		    (but && !fnmatch(but, f->who, 0)) || !is_first_of_kind(f))
			continue;
		summary = summarize_ratios(f, plus, NULL);
		if (!summary.count ||
		    (found && (slowest ? summary.median <= extreme :
					 summary.median >= extreme)))
			continue;
		found = f;
		extreme = summary.median;
	}
	return found;
}

static size_t count_mode(const char *what, const char *who, size_t bytes,
			 const char *unit, const char *mode)
{
	size_t count = 0;

	for (const struct figure *f = figures; f < figures + figures_count; f++)
		count += !strcmp(f->what, what) && !fnmatch(who, f->who, 0) &&
			 (!bytes || f->bytes == bytes) &&
			 (!unit || !strcmp(f->unit, unit)) &&
			 !strcmp(f->mode, mode);
	return count;
}

const char *common_mode(const char *what, const char *who, size_t bytes,
			const char *unit)
{
	const char *mode = NULL;
	size_t most = 0, count;

	for (const struct figure *f = figures; f < figures + figures_count;
	     f++) {
		if (strcmp(f->what, what) || (mode && !strcmp(f->mode, mode)))
			continue;
		count = count_mode(what, who, bytes, unit, f->mode);
		if (count > most) {
			most = count;
			mode = f->mode;
		}
	}
	return mode;
}

const char *main_mode(const char *what, const char *who, size_t bytes,
		      const char *unit)
{
	if (count_mode(what, who, bytes, unit, "near") >= NEAR_RUNS)
		return "near";
	return common_mode(what, who, bytes, unit);
}

struct summary compare(const struct comparison *comparison, size_t bytes,
		       const struct figure **ours, const struct figure **theirs)
{
	const struct summary nothing = { };
	const char *mode = main_mode("one-way", comparison->ours, bytes, "ns");

	*ours = NULL;
	*theirs = NULL;
	if (!mode)
		return nothing;
	*ours = find_extreme("one-way", NULL, comparison->ours, NULL, bytes,
			     "ns", mode, false);
	*theirs = find_extreme("one-way", NULL, comparison->others,
			       comparison->but, bytes, "ns", mode, false);
	if (!*ours || !*theirs)
		return nothing;
	return summarize_ratios(*ours, NULL, *theirs);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * What was measured, as tables: by size of a record, round trips, all other
 * figures, how ours compare with others in the same repetition, and each target
 * with whether it is met.
 */
#include <err.h>
#include <fnmatch.h>
#include <getopt.h>
#include <libsmartcols.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "figures.h"

static bool is_json, is_raw;
static const char *wanted = "*";

/* What a terminal is told, and no program. */
static __attribute__((format(printf, 1, 2))) void title(const char *format, ...)
{
	va_list arguments;

	if (is_json || is_raw)
		return;
	va_start(arguments, format);
	putchar('\n');
	vprintf(format, arguments);
	putchar('\n');
	va_end(arguments);
}

static struct libscols_table *table_new(const char *name)
{
	struct libscols_table *table = scols_new_table();

	if (!table)
		err(1, "no memory");
	scols_table_set_name(table, name);
	scols_table_enable_json(table, is_json);
	scols_table_enable_raw(table, is_raw);
	return table;
}

static void add_column(struct libscols_table *table, const char *name,
		       bool is_number)
{
	struct libscols_column *column =
		scols_table_new_column(table, name, 0,
				       is_number ? SCOLS_FL_RIGHT : 0);

	if (!column)
		err(1, "no memory");
	if (is_number)
		scols_column_set_json_type(column, SCOLS_JSON_NUMBER);
}

static __attribute__((format(printf, 3, 4))) void
set_cell(struct libscols_line *line, size_t column, const char *format, ...)
{
	va_list arguments;
	char *text = NULL;
	int ret;

	va_start(arguments, format);
	ret = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (ret < 0 || scols_line_refer_data(line, column, text))
		err(1, "no memory");
}

/* As many digits as mean something. */
static void set_value(struct libscols_line *line, size_t column, double value)
{
	if (value >= 100)
		set_cell(line, column, "%.0f", value);
	else
		set_cell(line, column, "%.3g", value);
}

static struct libscols_line *add_line(struct libscols_table *table)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);

	if (!line)
		err(1, "no memory");
	return line;
}

static void print_table(struct libscols_table *table)
{
	if (scols_print_table(table))
		errx(1, "cannot print a table");
	if (is_json)
		putchar('\n');
	scols_unref_table(table);
}

/* A number alone where it was measured once. */
static void set_summary(struct libscols_line *line, size_t column,
			struct summary s)
{
	const char *const formats[] = { "%.3g", "%.0f" };
	char text[3][32];
	const double values[] = { s.median, s.least, s.most };

	for (size_t i = 0; i < 3; i++)
		snprintf(text[i], sizeof(text[i]), formats[values[i] >= 100],
			 values[i]);
	if (s.count == 1)
		set_cell(line, column, "%s", text[0]);
	else if (s.count)
		set_cell(line, column, "%s (%s-%s)", text[0], text[1], text[2]);
}

/* The first of its kind of all that have this mode. */
static bool is_first_of_who(const struct figure *figure)
{
	for (const struct figure *f = figures; f < figure; f++)
		if (!strcmp(f->who, figure->who) &&
		    !strcmp(f->what, figure->what) &&
		    !strcmp(f->mode, figure->mode))
			return false;
	return true;
}

/*
 * Who by size, a cell with all that is known; nothing where nothing is known.
 */
static void print_by_size(const char *heading, const char *what,
			  const char *mode)
{
	struct libscols_table *table = NULL;
	struct libscols_line *line;
	char name[32];

	for (const struct figure *f = figures; f < figures + figures_count;
	     f++) {
		if (!mode || strcmp(f->what, what) || strcmp(f->mode, mode) ||
		    !is_first_of_who(f))
			continue;
		if (!table) {
			title("%s, %s: median (least-most)", heading, mode);
			table = table_new(what);
			add_column(table, "WHO", false);
			for (size_t i = 0; i < SIZES; i++) {
				snprintf(name, sizeof(name), "%zu B",
					 record_sizes[i]);
				add_column(table, name, true);
			}
		}
		line = add_line(table);
		set_cell(line, 0, "%s", f->who);
		for (size_t i = 0; i < SIZES; i++)
			set_summary(line, 1 + i,
				    summarize(what, f->who, record_sizes[i],
					      f->unit, mode));
	}
	if (table)
		print_table(table);
}

static void print_by_sizes(void)
{
	static const char *const counted[] = {
		"send+receive", "behind", "in-place", "by-32",
	};
	char what[64], heading[96];

	print_by_size("One way, ns a record", "one-way", "smt");
	print_by_size("One way, ns a record", "one-way", "near");
	print_by_size("One way, ns a record", "one-way", "far");
	print_by_size("ns that the producer computed for a record",
		      "cpu-producer", common_mode("cpu-producer", "*", 0, NULL));
	print_by_size("ns that the consumer computed for a record",
		      "cpu-consumer", common_mode("cpu-consumer", "*", 0, NULL));
	for (size_t i = 0; i < sizeof(counted) / sizeof(*counted); i++) {
		snprintf(what, sizeof(what), "instructions %s", counted[i]);
		snprintf(heading, sizeof(heading),
			 "Instructions of both for a record, %s", counted[i]);
		print_by_size(heading, what, "counted");
	}
}

/* Round trips and ages, all of records of one size. */
static const struct {
	const char *what, *heading;
} times[] = {
	{ "round-trip", "ROUND TRIP" },
	{ "sleeping-round-trip", "ASLEEP" },
	{ "latency-p50", "AGE: P50" },
	{ "latency-p99", "P99" },
	{ "latency-p99.9", "P99.9" },
};

#define TIMES (sizeof(times) / sizeof(*times))

static size_t time_of(const struct figure *figure)
{
	size_t i = 0;

	while (i < TIMES && strcmp(times[i].what, figure->what))
		i++;
	return i;
}

static bool is_first_time_of_who(const struct figure *figure)
{
	for (const struct figure *f = figures; f < figure; f++)
		if (time_of(f) < TIMES && !strcmp(f->who, figure->who))
			return false;
	return true;
}

static void print_times(void)
{
	struct libscols_table *table = table_new("times");

	title("ns there and back (8 bytes), and until a record is read that is "
	      "sent every 2 us (64 bytes)");
	add_column(table, "WHO", false);
	for (size_t i = 0; i < TIMES; i++)
		add_column(table, times[i].heading, true);
	for (const struct figure *f = figures; f < figures + figures_count;
	     f++) {
		struct libscols_line *line;

		if (time_of(f) == TIMES || !is_first_time_of_who(f))
			continue;
		line = add_line(table);
		set_cell(line, 0, "%s", f->who);
		for (size_t i = 0; i < TIMES; i++) {
			const struct figure *found = NULL;
			const char *mode = common_mode(times[i].what, f->who,
						       0, "ns");

			if (mode)
				found = find_extreme(times[i].what, NULL,
						     f->who, NULL, 0, "ns",
						     mode, false);
			if (!found)
				continue;
			set_summary(line, 1 + i,
				    summarize_ratios(found, NULL, NULL));
		}
	}
	print_table(table);
}

/* Whether it is in a table of its own. */
static bool is_told_elsewhere(const struct figure *figure)
{
	return time_of(figure) < TIMES || !strcmp(figure->what, "one-way") ||
	       !strncmp(figure->what, "cpu-", 4) ||
	       !strncmp(figure->what, "instructions ", 13);
}

static void print_figures(void)
{
	static const char *const names[] = {
		"WHAT", "WHO", "BYTES", "UNIT", "MODE", "LEAST", "MEDIAN",
		"MOST", "RUNS",
	};
	struct libscols_table *table = table_new("figures");
	bool is_for_people = !is_json && !is_raw;

	title("All other figures");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		add_column(table, names[i], i == 2 || i > 4);
	for (const struct figure *f = figures; f < figures + figures_count;
	     f++) {
		struct libscols_line *line;
		struct summary s;

		if (!is_first_of_kind(f) ||
		    (is_for_people && is_told_elsewhere(f)))
			continue;
		s = summarize(f->what, f->who, f->bytes, f->unit, f->mode);
		line = add_line(table);
		set_cell(line, 0, "%s", f->what);
		set_cell(line, 1, "%s", f->who);
		set_cell(line, 2, "%zu", f->bytes);
		set_cell(line, 3, "%s", f->unit);
		set_cell(line, 4, "%s", f->mode);
		set_value(line, 5, s.least);
		set_value(line, 6, s.median);
		set_value(line, 7, s.most);
		set_cell(line, 8, "%zu", s.count);
	}
	print_table(table);
}

/* Of each of ours by size, against the fastest of some others. */
static void add_ratios(struct libscols_table *table,
		       const struct comparison *comparison)
{
	for (size_t i = 0; i < SIZES; i++) {
		const struct figure *mine, *peer;
		struct libscols_line *line;
		struct summary s = compare(comparison, record_sizes[i], &mine,
					   &peer);

		if (!s.count)
			continue;
		line = add_line(table);
		set_cell(line, 0, "%s", mine->who);
		set_cell(line, 1, "%s", peer->who);
		set_cell(line, 2, "%zu", mine->bytes);
		set_cell(line, 3, "%s", mine->mode);
		set_cell(line, 4, "%.2f", s.least);
		set_cell(line, 5, "%.2f", s.median);
		set_cell(line, 6, "%.2f", s.most);
		set_cell(line, 7, "%zu", s.count);
	}
}

static void print_ratios(void)
{
	static const char *const names[] = {
		"OURS", "OF", "BYTES", "MODE", "LEAST", "MEDIAN", "MOST",
		"RUNS",
	};
	struct libscols_table *table = table_new("ratios");

	title("One way, ours by others in the same repetition: less than 1 "
	      "says that ours is faster");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		add_column(table, names[i], i == 2 || i > 3);
	for (size_t i = 0; i < comparisons_count; i++)
		add_ratios(table, &comparisons[i]);
	print_table(table);
}

static bool is_met(const struct target *target, double value)
{
	/* A hair is no reason to say that it is not. */
	const double hair = 1 / 1e9;

	switch (target->relation) {
	case AT_MOST:
		return value <= target->limit + hair;
	case BELOW:
		return value < target->limit;
	case AT_LEAST:
		return value >= target->limit - hair;
	default:
		return true;
	}
}

static void set_target(struct libscols_line *line, size_t column,
		       const struct target *target)
{
	static const char *const signs[] = {
		[AT_MOST] = "<=", [BELOW] = "<", [AT_LEAST] = ">=",
	};

	if (target->relation == STATED)
		set_cell(line, column, "stated");
	else
		set_cell(line, column, "%s %.3g", signs[target->relation],
			 target->limit);
}

/* The figure that counts, and of whom; none if it was not measured. */
static struct summary judge(const struct target *target,
			    const struct figure **ours,
			    const struct figure **theirs)
{
	const struct summary nothing = { };
	const char *mode = main_mode(target->what, target->ours, target->bytes,
				     target->unit);

	*ours = NULL;
	*theirs = NULL;
	if (!mode)
		return nothing;
	*ours = find_extreme(target->what, target->plus, target->ours, NULL,
			     target->bytes, target->unit, mode,
			     target->relation != AT_LEAST);
	if (!*ours)
		return nothing;
	if (target->against) {
		*theirs = find_extreme(target->against_what ?: target->what,
				       target->plus, target->against,
				       target->but, target->bytes,
				       (*ours)->unit, mode,
				       target->relation == AT_LEAST);
		if (!*theirs)
			return nothing;
	}
	return summarize_ratios(*ours, target->plus, *theirs);
}

static void print_targets(void)
{
	static const char *const names[] = {
		"TARGET", "FIGURE", "WANTED", "VERDICT", "MODE", "RUNS", "OF",
	};
	struct libscols_table *table = table_new("targets");
	size_t met = 0, missed = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		add_column(table, names[i], i == 1 || i == 5);
	for (size_t i = 0; i < targets_count; i++) {
		const struct figure *ours, *theirs;
		struct summary s = judge(&targets[i], &ours, &theirs);
		struct libscols_line *line = add_line(table);
		bool is_good = s.count && is_met(&targets[i], s.median);

		set_cell(line, 0, "%s", targets[i].name);
		set_target(line, 2, &targets[i]);
		if (!s.count) {
			set_cell(line, 3, "not measured");
			continue;
		}
		set_cell(line, 1, "%.3g", s.median);
		if (targets[i].relation != STATED) {
			set_cell(line, 3, is_good ? "met" : "not met");
			met += is_good;
			missed += !is_good;
		}
		set_cell(line, 4, "%s", ours->mode);
		set_cell(line, 5, "%zu", s.count);
		if (theirs)
			set_cell(line, 6, "%s", theirs->who);
	}
	if (figures_absent)
		title("Absent, so nobody was compared with them:\n%s",
		      figures_absent);
	title("Targets: %zu met, %zu not met, %zu not measured or only stated",
	      met, missed, targets_count - met - missed);
	print_table(table);
}

/*
 * For gnuplot: a block for each of whom, which begins with the name, with a
 * line for each size.
 */
static void print_curves(void)
{
	const char *mode = common_mode("one-way", "*", 0, NULL);

	for (const struct figure *f = figures; f < figures + figures_count;
	     f++) {
		if (strcmp(f->what, "one-way") || strcmp(f->mode, mode) ||
		    fnmatch(wanted, f->who, 0) || !is_first_of_who(f))
			continue;
		printf("\"%s\"\n", f->who);
		for (size_t i = 0; i < SIZES; i++) {
			struct summary s = summarize("one-way", f->who,
						     record_sizes[i], f->unit,
						     mode);

			if (s.count)
				printf("%zu %g %g %g\n", record_sizes[i],
				       s.median, s.least, s.most);
		}
		printf("\n\n");
	}
}

/* For gnuplot: a line for each size, with three columns for each comparison. */
static void print_bars(void)
{
	printf("bytes");
	for (size_t i = 0; i < comparisons_count; i++)
		if (comparisons[i].title)
			printf(" \"%s\" least most", comparisons[i].title);
	for (size_t i = 0; i < SIZES; i++) {
		printf("\n%zu", record_sizes[i]);
		for (size_t j = 0; j < comparisons_count; j++) {
			const struct figure *mine, *peer;
			struct summary s;

			if (!comparisons[j].title)
				continue;
			s = compare(&comparisons[j], record_sizes[i], &mine,
				    &peer);
			if (s.count)
				printf(" %g %g %g", s.median, s.least, s.most);
			else
				printf(" NaN NaN NaN");
		}
	}
	putchar('\n');
}

/* Likewise: what to write above them. */
static void print_mode(void)
{
	puts(common_mode("one-way", "*", 0, NULL) ?: "none");
}

static const struct {
	const char *name;
	void (*print)(void);
	bool is_for_people;
} tables[] = {
	{ "sizes", print_by_sizes, true },
	{ "times", print_times, true },
	{ "figures", print_figures, true },
	{ "ratios", print_ratios, true },
	{ "targets", print_targets, true },
	{ "curves", print_curves, false },
	{ "bars", print_bars, false },
	{ "mode", print_mode, false },
};

#define TABLES (sizeof(tables) / sizeof(*tables))

static void print_usage(FILE *to)
{
	fputs("usage: report [--table NAME] [--json|--raw] FILE...\n"
	      "\n"
	      "Prints what was measured: lines of what, who, bytes, unit,\n"
	      "value, mode, repetition.\n"
	      "  -t, --table NAME  only sizes, times, figures, ratios, or\n"
	      "                    targets; for gnuplot: curves, bars, mode\n"
	      "  -w, --who PATTERN curves of those whose name matches\n"
	      "  -J, --json        for programs; needs --table figures,\n"
	      "                    ratios or targets\n"
	      "  -r, --raw         likewise, in columns\n",
	      to);
}

static bool print_tables(const char *name)
{
	bool found = false;

	for (size_t i = 0; i < TABLES; i++)
		if (name ? !strcmp(name, tables[i].name) :
			   tables[i].is_for_people) {
			tables[i].print();
			found = true;
		}
	return found;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "table", required_argument, NULL, 't' },
		{ "who", required_argument, NULL, 'w' },
		{ "json", no_argument, NULL, 'J' },
		{ "raw", no_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	const char *table = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "t:w:Jrh", options, NULL)) !=
	       -1) {
		switch (option) {
		case 't':
			table = optarg;
			break;
		case 'w':
			wanted = optarg;
			break;
		case 'J':
			is_json = true;
			break;
		case 'r':
			is_raw = true;
			break;
		case 'h':
			print_usage(stdout);
			return 0;
		default:
			print_usage(stderr);
			return 2;
		}
	}
	if (optind == argc || ((is_json || is_raw) && !table)) {
		print_usage(stderr);
		return 2;
	}
	while (optind < argc)
		figures_read(argv[optind++]);
	if (!table)
		title("%zu figures; %zu more are of runs that were disturbed, "
		      "and left out", figures_count, figures_disturbed);
	if (!print_tables(table))
		errx(2, "there is no table '%s'", table);
	return fflush(stdout) ? 1 : 0;
}

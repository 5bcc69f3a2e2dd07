// SPDX-License-Identifier: GPL-2.0-only
/* What ls, stat, ps, peers, recv, watch and top print, by libsmartcols. */
#include <errno.h>
#include <inttypes.h>
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli.h"

bool table_option(struct table_options *options, int option)
{
	switch (option) {
	case 'o':
		options->columns = optarg;
		return true;
	case 'J':
		options->json = true;
		return true;
	case 'r':
		options->raw = true;
		return true;
	case 'n':
		options->noheadings = true;
		return true;
	case 'b':
		options->bytes = true;
		return true;
	default:
		return false;
	}
}

void table_help(const struct table *table)
{
	size_t i;

	printf("\nColumns (%s unless told otherwise):\n",
	       table->default_columns);
	for (i = 0; i < table->column_count; i++)
		printf("  %-9s %s\n", table->columns[i].name,
		       table->columns[i].help);
}

static const struct column *find_column(const struct table *table,
					const char *name)
{
	size_t i;

	for (i = 0; i < table->column_count; i++)
		if (!strcasecmp(table->columns[i].name, name))
			return &table->columns[i];
	return NULL;
}

/* The columns to show, into @chosen, which has room for all. */
static int choose_columns(const struct table *table, const char *list,
			  const struct column **chosen, size_t *count)
{
	char *copy = strdup(list);
	char *rest = copy;
	char *name;
	int status = STATUS_OK;

	*count = 0;
	while (copy && !status && (name = strsep(&rest, ","))) {
		const struct column *column = find_column(table, name);

		if (!column)
			status = usage_error("there is no column '%s'", name);
		else if (*count == table->column_count)
			status = usage_error("too many columns");
		else
			chosen[(*count)++] = column;
	}
	free(copy);
	return status;
}

static int choose_all_columns(const struct table *table,
			      const struct column **chosen, size_t *count)
{
	for (*count = 0; *count < table->column_count; (*count)++)
		chosen[*count] = &table->columns[*count];
	return STATUS_OK;
}

static bool is_number(const struct column *column)
{
	return column->kind == COLUMN_U64 || column->kind == COLUMN_U32 ||
	       column->kind == COLUMN_BYTES || column->kind == COLUMN_TENTHS ||
	       column->kind == COLUMN_NUMBER;
}

/* The caller frees it; NULL if there is no memory. */
static char *cell_text(const struct column *column,
		       const struct table_options *options, const void *row)
{
	bool for_people = !options->json && !options->raw;
	const void *value = (const char *)row + column->offset;
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return NULL;
	if (column->is_there && !column->is_there(row))
		return fclose(to) ? NULL : text;
	switch (column->kind) {
	case COLUMN_U64:
		fprintf(to, "%" PRIu64, *(const uint64_t *)value);
		break;
	case COLUMN_U32:
		fprintf(to, "%" PRIu32, *(const uint32_t *)value);
		break;
	case COLUMN_BYTES:
		if (for_people && !options->bytes)
			print_bytes(to, *(const uint64_t *)value);
		else
			fprintf(to, "%" PRIu64, *(const uint64_t *)value);
		break;
	case COLUMN_TENTHS:
		fprintf(to, "%.1f", *(const double *)value);
		break;
	case COLUMN_STRING:
		fputs(value, to);
		break;
	case COLUMN_PRINT:
	case COLUMN_NUMBER:
		column->print(to, row, for_people);
		break;
	}
	if (fclose(to)) {
		free(text);
		return NULL;
	}
	return text;
}

/* An empty cell stays without data, which is null in JSON. */
static int set_cell(struct libscols_line *line, size_t index, char *text)
{
	int ret = 0;

	if (!text)
		return -ENOMEM;
	if (*text)
		ret = scols_line_set_data(line, index, text);
	free(text);
	return ret;
}

static int add_column(struct libscols_table *scols,
		      const struct column *column)
{
	struct libscols_column *new;

	new = scols_table_new_column(scols, column->name, 0,
				     is_number(column) ? SCOLS_FL_RIGHT : 0);
	if (!new)
		return -ENOMEM;
	return is_number(column) ?
	       scols_column_set_json_type(new, SCOLS_JSON_NUMBER) : 0;
}

static int add_row(struct libscols_table *scols,
		   const struct column *const *columns, size_t count,
		   const struct table_options *options, const void *row)
{
	struct libscols_line *line = scols_table_new_line(scols, NULL);
	int ret = line ? 0 : -ENOMEM;
	size_t i;

	for (i = 0; i < count && !ret; i++)
		ret = set_cell(line, i, cell_text(columns[i], options, row));
	return ret;
}

static int fill_table(struct libscols_table *scols, const struct table *table,
		      const struct column *const *columns, size_t column_count,
		      const struct table_options *options, const void *rows,
		      size_t count)
{
	int ret = scols ? 0 : -ENOMEM;
	size_t i;

	if (scols) {
		scols_table_set_name(scols, table->name);
		scols_table_enable_json(scols, options->json);
		scols_table_enable_raw(scols, options->raw);
		scols_table_enable_noheadings(scols, options->noheadings);
	}
	for (i = 0; i < column_count && !ret; i++)
		ret = add_column(scols, columns[i]);
	for (i = 0; i < count && !ret; i++)
		ret = add_row(scols, columns, column_count, options,
			      (const char *)rows + i * table->row_size);
	return ret;
}

static int print_rows(const struct table *table,
		      const struct column *const *columns, size_t column_count,
		      const struct table_options *options, const void *rows,
		      size_t count)
{
	struct libscols_table *scols = scols_new_table();
	int ret = fill_table(scols, table, columns, column_count, options, rows,
			     count);

	if (!ret)
		ret = scols_print_table(scols);
	scols_unref_table(scols);
	return ret;
}

/* Words are not cut to less than this, so it is how wide their headings are. */
#define WORD_WIDTH 16

static int cut_words(struct libscols_table *scols,
		     const struct column *const *columns, size_t column_count)
{
	char heading[64];
	int ret = 0;
	size_t i;

	for (i = 0; i < column_count && !ret; i++) {
		struct libscols_column *column =
			scols_table_get_column(scols, i);

		if (is_number(columns[i]))
			continue;
		snprintf(heading, sizeof(heading), "%-*s", WORD_WIDTH,
			 columns[i]->name);
		ret = scols_column_set_flags(column, SCOLS_FL_TRUNC) ?:
		      scols_cell_set_data(scols_column_get_header(column),
					  heading);
	}
	return ret;
}

char *table_text(const struct table *table, const struct column *const *columns,
		 size_t column_count, const struct table_options *options,
		 const void *rows, size_t count, size_t width)
{
	struct libscols_table *scols = scols_new_table();
	char *text = NULL;
	int ret = fill_table(scols, table, columns, column_count, options, rows,
			     count);

	if (!ret)
		ret = cut_words(scols, columns, column_count);
	if (!ret) {
		scols_table_set_termforce(scols, SCOLS_TERMFORCE_ALWAYS);
		scols_table_set_termwidth(scols, width);
		ret = scols_print_table_to_string(scols, &text);
	}
	scols_unref_table(scols);
	return ret ? NULL : text;
}

/* What a row is sorted by. */
struct key {
	char *text;
	const void *row;
};

struct order {
	bool by_number;
	bool reverse;
};

static int compare_values(const struct key *a, const struct key *b,
			  const struct order *order)
{
	double number_a, number_b;

	if (!order->by_number)
		return strcmp(a->text, b->text);
	number_a = strtod(a->text, NULL);
	number_b = strtod(b->text, NULL);
	return (number_a < number_b) - (number_a > number_b);
}

static int compare(const void *first, const void *second, void *data)
{
	const struct order *order = data;
	const struct key *a = first, *b = second;
	int result = !*a->text - !*b->text;

	if (!result && *a->text)
		result = order->reverse ? compare_values(b, a, order) :
					  compare_values(a, b, order);
	return result ?: (a->row > b->row) - (a->row < b->row);
}

void *table_sorted(const struct table *table, const struct column *by,
		   bool reverse, const void *rows, size_t count)
{
	const struct table_options options = { .raw = true };
	struct order order = {
		.by_number = is_number(by),
		.reverse = reverse,
	};
	struct key *keys = calloc(count + 1, sizeof(*keys));
	char *sorted = calloc(count + 1, table->row_size);
	bool failed = !keys || !sorted;
	size_t i;

	for (i = 0; i < count && !failed; i++) {
		keys[i].row = (const char *)rows + i * table->row_size;
		keys[i].text = cell_text(by, &options, keys[i].row);
		failed = !keys[i].text;
	}
	if (!failed) {
		qsort_r(keys, count, sizeof(*keys), compare, &order);
		for (i = 0; i < count; i++)
			memcpy(sorted + i * table->row_size, keys[i].row,
			       table->row_size);
	}
	for (i = 0; keys && i < count; i++)
		free(keys[i].text);
	free(keys);
	if (failed) {
		free(sorted);
		return NULL;
	}
	return sorted;
}

static int print_card(const struct column *const *columns, size_t count,
		      const struct table_options *options, const void *row)
{
	struct libscols_table *scols = scols_new_table();
	struct libscols_line *line;
	int ret = -ENOMEM;
	size_t i;

	if (scols && scols_table_new_column(scols, "PROPERTY", 0, 0) &&
	    scols_table_new_column(scols, "VALUE", 0, 0))
		ret = 0;
	if (!ret)
		scols_table_enable_noheadings(scols, 1);
	for (i = 0; i < count && !ret; i++) {
		line = scols_table_new_line(scols, NULL);
		ret = line ? scols_line_set_data(line, 0, columns[i]->name) :
			     -ENOMEM;
		if (!ret)
			ret = set_cell(line, 1,
				       cell_text(columns[i], options, row));
	}
	if (!ret)
		ret = scols_print_table(scols);
	scols_unref_table(scols);
	return ret;
}

static int print_cards(const struct table *table,
		       const struct column *const *columns,
		       size_t column_count,
		       const struct table_options *options, const void *rows,
		       size_t count)
{
	int ret = 0;
	size_t i;

	for (i = 0; i < count && !ret; i++) {
		if (i)
			putchar('\n');
		ret = print_card(columns, column_count, options,
				 (const char *)rows + i * table->row_size);
	}
	return ret;
}

static int all_or_chosen(const struct table *table, const char *list,
			 const struct column ***columns, size_t *count)
{
	int status;

	*columns = calloc(table->column_count, sizeof(**columns));
	if (!*columns) {
		say("there is not enough memory");
		return STATUS_FAILED;
	}
	if (!strcasecmp(list, "all"))
		status = choose_all_columns(table, *columns, count);
	else
		status = choose_columns(table, list, *columns, count);
	if (status) {
		free(*columns);
		*columns = NULL;
	}
	return status;
}

int table_columns(const struct table *table,
		  const struct table_options *options,
		  const struct column ***columns, size_t *count)
{
	return all_or_chosen(table, options->columns ?: table->default_columns,
			     columns, count);
}

static int print(const struct table *table,
		 const struct table_options *options,
		 const char *default_columns, const void *rows, size_t count,
		 bool cards)
{
	const struct column **columns;
	size_t column_count;
	int status;
	int ret;

	status = all_or_chosen(table, options->columns ?: default_columns,
			       &columns, &column_count);
	if (status)
		return status;
	ret = cards ? print_cards(table, columns, column_count, options, rows,
				  count) :
		      print_rows(table, columns, column_count, options, rows,
				 count);
	free(columns);
	return ret ? output_failure(-ret) : STATUS_OK;
}

int table_print(const struct table *table, const struct table_options *options,
		const void *rows, size_t count)
{
	return print(table, options, table->default_columns, rows, count,
		     false);
}

int table_print_cards(const struct table *table,
		      const struct table_options *options, const void *rows,
		      size_t count)
{
	return print(table, options, "all", rows, count,
		     !options->json && !options->raw);
}

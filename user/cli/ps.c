// SPDX-License-Identifier: GPL-2.0-only
/* Who has segments mapped. */
#include <errno.h>

#include "cli.h"

struct row {
	struct listed listed;
	struct shmdev_mapping_info mapping;
};

static void print_access(FILE *to, const void *data, bool for_people)
{
	const struct row *row = data;

	(void)for_people;
	if (row->mapping.flags & SHMDEV_MAPPING_READ)
		fputc('r', to);
	if (row->mapping.flags & SHMDEV_MAPPING_WRITE)
		fputc('w', to);
}

static void print_sharing(FILE *to, const void *data, bool for_people)
{
	const struct row *row = data;

	(void)for_people;
	fputs(row->mapping.flags & SHMDEV_MAPPING_SHARED ? "shared" :
							   "private", to);
}

#define OFFSET(member) .offset = offsetof(struct row, member)

static const struct column columns[] = {
	{ "SEGMENT", "name of the segment", COLUMN_PRINT,
	  .print = print_listed_segment },
	{ "ID", "number of the segment", COLUMN_U64, OFFSET(listed.id) },
	{ "PID", "the process; 0 if not visible from here", COLUMN_U32,
	  OFFSET(mapping.pid) },
	{ "COMMAND", "name of the process", COLUMN_STRING,
	  OFFSET(mapping.command) },
	{ "ACCESS", "r, w or rw; nothing if mapped without rights",
	  COLUMN_PRINT, .print = print_access },
	{ "OFFSET", "where in the segment the mapping begins", COLUMN_BYTES,
	  OFFSET(mapping.offset) },
	{ "BYTES", "length of the mapping", COLUMN_BYTES,
	  OFFSET(mapping.bytes) },
	{ "SHARING", "shared, or private: a copy on write", COLUMN_PRINT,
	  .print = print_sharing },
};

static const struct table mappings_table = {
	.name = "mappings",
	.columns = columns,
	.column_count = sizeof(columns) / sizeof(*columns),
	.default_columns = "SEGMENT,PID,COMMAND,ACCESS,OFFSET,BYTES,SHARING",
	.row_size = sizeof(struct row),
};

static int list_mappings(struct listing *listing,
			 const struct shmdev_segment *segment)
{
	struct shmdev_mapping_list *list;
	int ret = shmdev_segment_mappings(segment, &list);
	size_t count, i;
	struct row *rows;

	if (ret < 0)
		return ret;
	count = shmdev_mapping_list_count(list);
	rows = listing_add(listing, count);
	for (i = 0; rows && i < count; i++) {
		rows[i].mapping.size = sizeof(rows[i].mapping);
		shmdev_mapping_list_get(list, i, &rows[i].mapping);
	}
	shmdev_mapping_list_free(list);
	return rows ? 0 : -ENOMEM;
}

static int run(int argc, char **argv)
{
	return listing_run(argc, argv, &mappings_table, list_mappings);
}

const struct verb verb_ps = {
	.name = "ps",
	.arguments = "[OPTION]... [NAME]...",
	.summary = "Show who has segments mapped: these, or all that you see",
	.help = TABLE_HELP,
	.table = &mappings_table,
	.run = run,
};

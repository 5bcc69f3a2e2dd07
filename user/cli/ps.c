// SPDX-License-Identifier: GPL-2.0-only
/* Who has segments mapped. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const struct option options[] = {
	TABLE_OPTIONS,
	COMMON_OPTIONS
};

struct row {
	uint64_t id;
	char segment[SHMDEV_SEGMENT_NAME_SIZE];	/* empty: the default one */
	struct shmdev_mapping_info mapping;
};

struct rows {
	struct row *rows;
	size_t count;
};

static void print_segment(FILE *to, const void *data, bool for_people)
{
	const struct row *row = data;

	if (for_people && !*row->segment)
		fputs("(default)", to);
	else
		fputs(row->segment, to);
}

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
	  .print = print_segment },
	{ "ID", "number of the segment", COLUMN_U64, OFFSET(id) },
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

static int append(struct rows *rows, const struct shmdev_segment_info *info,
		  const struct shmdev_mapping_list *list)
{
	size_t count = shmdev_mapping_list_count(list);
	struct row *grown;
	size_t i;

	grown = reallocarray(rows->rows, rows->count + count + 1,
			     sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	rows->rows = grown;
	for (i = 0; i < count; i++) {
		struct row *row = &grown[rows->count++];

		row->id = info->id;
		memcpy(row->segment, info->name, sizeof(row->segment));
		row->mapping.size = sizeof(row->mapping);
		shmdev_mapping_list_get(list, i, &row->mapping);
	}
	return 0;
}

static int append_segment(struct rows *rows,
			  const struct shmdev_segment *segment)
{
	struct shmdev_segment_info info = { .size = sizeof(info) };
	struct shmdev_mapping_list *list;
	int ret = shmdev_segment_info(segment, &info);

	if (ret < 0)
		return ret;
	ret = shmdev_segment_mappings(segment, &list);
	if (ret < 0)
		return ret;
	ret = append(rows, &info, list);
	shmdev_mapping_list_free(list);
	return ret;
}

/* @name: NULL for the default segment. */
static int append_name(struct rows *rows, const struct shmdev_device *device,
		       const char *name)
{
	struct shmdev_segment *segment;
	int ret = connect_segment_somehow(device, name, &segment);

	if (ret < 0)
		return ret;
	ret = append_segment(rows, segment);
	shmdev_segment_close(segment);
	return ret;
}

static int append_names(struct rows *rows, const struct shmdev_device *device,
			char **names, size_t count)
{
	int status = STATUS_OK;
	size_t i;
	int ret;

	for (i = 0; i < count; i++) {
		ret = append_name(rows, device, names[i]);
		if (ret < 0)
			status = segment_failure("look at", names[i], ret);
	}
	return status;
}

/* All that can be opened: the default segment and those that have a name. */
static int append_listed(struct rows *rows, const struct shmdev_device *device,
			 const struct shmdev_segment_list *list)
{
	struct shmdev_segment_info info = { .size = sizeof(info) };
	int status = STATUS_OK;
	const char *name;
	size_t i;
	int ret;

	for (i = 0; i < shmdev_segment_list_count(list); i++) {
		shmdev_segment_list_get(list, i, &info);
		if (!*info.name && !(info.flags & SHMDEV_SEGMENT_DEFAULT))
			continue;
		name = *info.name ? info.name : NULL;
		ret = append_name(rows, device, name);
		/* It may have gone since; or be the caller's, yet closed. */
		if (ret < 0 && ret != -ENOENT && ret != -EACCES)
			status = segment_failure("look at", name, ret);
	}
	return status;
}

static int append_all(struct rows *rows, const struct shmdev_device *device)
{
	struct shmdev_segment_list *list;
	int status;
	int ret = shmdev_device_list(device, 0, &list);

	if (ret < 0) {
		say("cannot list the segments: %s", shmdev_strerror(ret));
		return STATUS_FAILED;
	}
	status = append_listed(rows, device, list);
	shmdev_segment_list_free(list);
	return status;
}

static int run(int argc, char **argv)
{
	struct table_options table_options = { };
	struct rows rows = { };
	struct shmdev_device *device;
	int printed;
	int option;
	int status;

	while ((option = next_option(argc, argv, TABLE_SHORT_OPTIONS,
				     options)) != -1)
		table_option(&table_options, option);
	status = connect_device(O_RDONLY, &device);
	if (status)
		return status;
	if (optind < argc)
		status = append_names(&rows, device, argv + optind,
				      argc - optind);
	else
		status = append_all(&rows, device);
	shmdev_device_close(device);
	printed = table_print(&mappings_table, &table_options, rows.rows,
			      rows.count);
	free(rows.rows);
	return status ? status : printed;
}

const struct verb verb_ps = {
	.name = "ps",
	.arguments = "[OPTION]... [NAME]...",
	.summary = "Show who has segments mapped: these, or all that you see",
	.help = TABLE_HELP,
	.table = &mappings_table,
	.run = run,
};

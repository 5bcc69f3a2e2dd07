// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <stdlib.h>

#include "cli.h"

static const struct option options[] = {
	TABLE_OPTIONS,
	COMMON_OPTIONS
};

/* @name: NULL for the default segment. */
static int read_info(const struct shmdev_device *device, const char *name,
		     struct shmdev_segment_info *info)
{
	struct shmdev_segment *segment;
	int ret = connect_segment_somehow(device, name, &segment);

	if (ret < 0)
		return segment_failure("open", name, ret);
	info->size = sizeof(*info);
	ret = shmdev_segment_info(segment, info);
	shmdev_segment_close(segment);
	return ret < 0 ? segment_failure("look at", name, ret) : STATUS_OK;
}

/* What could be read is printed, even if another could not. */
static int stat_names(const struct shmdev_device *device,
		      const struct table_options *table_options, char **names,
		      size_t count)
{
	struct shmdev_segment_info *rows = calloc(count, sizeof(*rows));
	int failure = STATUS_OK;
	size_t found = 0;
	int status;
	size_t i;

	if (!rows) {
		say("there is not enough memory");
		return STATUS_FAILED;
	}
	for (i = 0; i < count; i++) {
		status = read_info(device, names[i], &rows[found]);
		if (status)
			failure = status;
		else
			found++;
	}
	status = STATUS_OK;
	if (found)
		status = table_print_cards(&segments_table, table_options,
					   rows, found);
	free(rows);
	return status ? status : failure;
}

static int run(int argc, char **argv)
{
	struct table_options table_options = { };
	struct shmdev_device *device;
	int option;
	int status;

	while ((option = next_option(argc, argv, TABLE_SHORT_OPTIONS,
				     options)) != -1)
		table_option(&table_options, option);
	status = connect_device(O_RDONLY, &device);
	if (status)
		return status;
	/* Behind the last argument comes NULL: the default segment. */
	status = stat_names(device, &table_options, argv + optind,
			    optind < argc ? argc - optind : 1);
	shmdev_device_close(device);
	return status;
}

const struct verb verb_stat = {
	.name = "stat",
	.arguments = "[OPTION]... [NAME]...",
	.summary = "Show all about segments, or about the default segment",
	.help = TABLE_HELP,
	.table = &segments_table,
	.run = run,
};

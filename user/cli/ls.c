// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "cli.h"

enum { OPTION_EVERYWHERE = OPTION_OF_VERB };

static const struct option options[] = {
	{ "everywhere", no_argument, NULL, OPTION_EVERYWHERE },
	TABLE_OPTIONS,
	COMMON_OPTIONS
};

static int print_list(const struct shmdev_segment_list *list,
		      const struct table_options *table_options)
{
	size_t count = shmdev_segment_list_count(list);
	struct shmdev_segment_info *rows = calloc(count + 1, sizeof(*rows));
	int status;
	size_t i;

	if (!rows) {
		say("there is not enough memory");
		return STATUS_FAILED;
	}
	for (i = 0; i < count; i++) {
		rows[i].size = sizeof(rows[i]);
		shmdev_segment_list_get(list, i, &rows[i]);
	}
	status = table_print(&segments_table, table_options, rows, count);
	free(rows);
	return status;
}

static int list_failure(unsigned int flags, int error)
{
	if (error == -EPERM && flags & SHMDEV_LIST_EVERYWHERE) {
		say("--everywhere looks into all containers, which only root "
		    "may; run it as root");
		return STATUS_DENIED;
	}
	say("cannot list the segments: %s", shmdev_strerror(error));
	return STATUS_FAILED;
}

static int run(int argc, char **argv)
{
	struct table_options table_options = { };
	struct shmdev_segment_list *list;
	struct shmdev_device *device;
	unsigned int flags = 0;
	int status;
	int option;
	int ret;

	while ((option = next_option(argc, argv, TABLE_SHORT_OPTIONS,
				     options)) != -1) {
		if (option == OPTION_EVERYWHERE)
			flags |= SHMDEV_LIST_EVERYWHERE;
		else
			table_option(&table_options, option);
	}
	if (optind < argc)
		return usage_error("'%s' is one argument too many",
				   argv[optind]);
	status = connect_device(O_RDONLY, &device);
	if (status)
		return status;
	ret = shmdev_device_list(device, flags, &list);
	shmdev_device_close(device);
	if (ret < 0)
		return list_failure(flags, ret);
	status = print_list(list, &table_options);
	shmdev_segment_list_free(list);
	return status;
}

const struct verb verb_ls = {
	.name = "ls",
	.arguments = "[OPTION]...",
	.summary = "List the segments that you may see",
	.help = "      --everywhere     those of all containers too, for root\n"
		TABLE_HELP,
	.table = &segments_table,
	.run = run,
};

// SPDX-License-Identifier: GPL-2.0-only
/* What ps and peers have in common: segments to look into, rows for each. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

struct listing {
	const struct table *table;
	listing_fn *list;
	struct shmdev_segment_info info;	/* of the one looked into */
	char *rows;
	size_t count;
};

void print_listed_segment(FILE *to, const void *row, bool for_people)
{
	const struct listed *listed = row;

	if (for_people && !*listed->segment)
		fputs("(default)", to);
	else
		fputs(listed->segment, to);
}

void *listing_add(struct listing *listing, size_t count)
{
	size_t size = listing->table->row_size;
	char *rows = reallocarray(listing->rows, listing->count + count + 1,
				  size);
	char *new;
	size_t i;

	if (!rows)
		return NULL;
	new = rows + listing->count * size;
	memset(new, 0, count * size);
	for (i = 0; i < count; i++) {
		struct listed *listed = (struct listed *)(new + i * size);

		listed->id = listing->info.id;
		memcpy(listed->segment, listing->info.name,
		       sizeof(listed->segment));
	}
	listing->rows = rows;
	listing->count += count;
	return new;
}

/* @name: NULL for the default segment. */
static int list_name(struct listing *listing,
		     const struct shmdev_device *device, const char *name)
{
	struct shmdev_segment *segment;
	int ret = connect_segment_somehow(device, name, &segment);

	if (ret < 0)
		return ret;
	listing->info.size = sizeof(listing->info);
	ret = shmdev_segment_info(segment, &listing->info);
	if (ret == 0)
		ret = listing->list(listing, segment);
	shmdev_segment_close(segment);
	return ret;
}

static int list_names(struct listing *listing,
		      const struct shmdev_device *device, char **names,
		      size_t count)
{
	int status = STATUS_OK;
	size_t i;
	int ret;

	for (i = 0; i < count; i++) {
		ret = list_name(listing, device, names[i]);
		if (ret < 0)
			status = segment_failure("look at", names[i], ret);
	}
	return status;
}

/* All that can be opened: the default segment and those that have a name. */
static int list_seen(struct listing *listing,
		     const struct shmdev_device *device,
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
		ret = list_name(listing, device, name);
		/* It may have gone since; or be the caller's, yet closed. */
		if (ret < 0 && ret != -ENOENT && ret != -EACCES)
			status = segment_failure("look at", name, ret);
	}
	return status;
}

static int list_all(struct listing *listing,
		    const struct shmdev_device *device)
{
	struct shmdev_segment_list *list;
	int status;
	int ret = shmdev_device_list(device, 0, &list);

	if (ret < 0) {
		say("cannot list the segments: %s", shmdev_strerror(ret));
		return STATUS_FAILED;
	}
	status = list_seen(listing, device, list);
	shmdev_segment_list_free(list);
	return status;
}

int listing_run(int argc, char **argv, const struct table *table,
		listing_fn *list)
{
	static const struct option options[] = {
		TABLE_OPTIONS,
		COMMON_OPTIONS
	};
	struct listing listing = { .table = table, .list = list };
	struct table_options table_options = { };
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
		status = list_names(&listing, device, argv + optind,
				    argc - optind);
	else
		status = list_all(&listing, device);
	shmdev_device_close(device);
	printed = table_print(table, &table_options, listing.rows,
			      listing.count);
	free(listing.rows);
	return status ? status : printed;
}

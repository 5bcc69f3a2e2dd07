// SPDX-License-Identifier: MIT
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

struct shmdev_mapping_list {
	size_t count;
	struct shmdev_mapping entries[];
};

static uint32_t flags_from_kernel(uint32_t from)
{
	uint32_t flags = 0;

	if (from & SHMDEV_MAPPING_F_READ)
		flags |= SHMDEV_MAPPING_READ;
	if (from & SHMDEV_MAPPING_F_WRITE)
		flags |= SHMDEV_MAPPING_WRITE;
	if (from & SHMDEV_MAPPING_F_SHARED)
		flags |= SHMDEV_MAPPING_SHARED;
	return flags;
}

static int mapping_export(struct shmdev_mapping_info *to,
			  const struct shmdev_mapping *from)
{
	struct shmdev_mapping_info info = {
		.size = sizeof(info),
		.offset = from->offset,
		.bytes = from->bytes,
		.flags = flags_from_kernel(from->flags),
		.pid = from->pid,
	};

	static_assert(sizeof(info.command) == sizeof(from->comm),
		      "names need the room that the kernel gives them");
	memcpy(info.command, from->comm, sizeof(info.command) - 1);
	return shmdev_struct_export(to, &info, sizeof(info), sizeof(info));
}

/*
 * Reads the mappings into a list with room for @room; how many there are goes
 * to @total.
 */
static int read_mappings(int fd, uint32_t room, uint32_t *total,
			 struct shmdev_mapping_list **list)
{
	struct shmdev_mapping_list *new;
	struct shmdev_mappings command = {
		.size = sizeof(command),
		.count = room,
		.entry_size = sizeof(*new->entries),
	};
	int ret;

	new = malloc(sizeof(*new) + room * sizeof(*new->entries));
	if (!new)
		return -ENOMEM;
	command.entries = (uintptr_t)new->entries;
	ret = shmdev_ioctl(fd, SHMDEV_IOC_MAPPINGS, &command);
	if (ret >= 0 && command.count > room)
		ret = -EPROTO;
	if (ret < 0) {
		free(new);
		return ret;
	}
	new->count = command.count;
	*total = command.total;
	*list = new;
	return 0;
}

SHMDEV_API int shmdev_segment_mappings(const struct shmdev_segment *segment,
				       struct shmdev_mapping_list **list)
{
	struct shmdev_mapping_list *new;
	uint32_t total = 48;
	uint32_t room;
	int ret;

	if (!segment || !list)
		return -EINVAL;
	/* They may have become more while we made room: leave some to spare. */
	for (;;) {
		room = total + total / 4 + 4;
		ret = read_mappings(shmdev_segment_fd(segment), room, &total,
				    &new);
		if (ret < 0)
			return ret;
		if (total <= room)
			break;
		shmdev_mapping_list_free(new);
	}
	*list = new;
	return 0;
}

SHMDEV_API size_t
shmdev_mapping_list_count(const struct shmdev_mapping_list *list)
{
	return list ? list->count : 0;
}

SHMDEV_API int
shmdev_mapping_list_get(const struct shmdev_mapping_list *list, size_t index,
			struct shmdev_mapping_info *info)
{
	if (!info)
		return -EINVAL;
	if (index >= shmdev_mapping_list_count(list))
		return -ERANGE;
	return mapping_export(info, &list->entries[index]);
}

SHMDEV_API void shmdev_mapping_list_free(struct shmdev_mapping_list *list)
{
	free(list);
}

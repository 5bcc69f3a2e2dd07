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

static int read_mappings(int fd, void *entries, uint32_t *count,
			 uint32_t *total)
{
	struct shmdev_mappings command = {
		.size = sizeof(command),
		.entries = (uintptr_t)entries,
		.count = *count,
		.entry_size = sizeof(struct shmdev_mapping),
	};
	int ret = shmdev_ioctl(fd, SHMDEV_IOC_MAPPINGS, &command);

	*count = command.count;
	*total = command.total;
	return ret;
}

SHMDEV_API int shmdev_segment_mappings(const struct shmdev_segment *segment,
				       struct shmdev_mapping_list **list)
{
	size_t count;
	void *new;
	int ret;

	if (!segment || !list)
		return -EINVAL;
	ret = shmdev_read_entries(segment, read_mappings, sizeof(**list),
				  sizeof(*(*list)->entries), &new, &count);
	if (ret < 0)
		return ret;
	*list = new;
	(*list)->count = count;
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

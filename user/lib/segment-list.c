// SPDX-License-Identifier: MIT
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* Entries that are asked for at a time. */
#define PAGE_ENTRIES 64

struct shmdev_segment_list {
	size_t count;
	struct shmdev_info entries[];
};

static uint32_t flags_from_kernel(uint32_t from)
{
	uint32_t flags = 0;

	if (from & SHMDEV_INFO_F_KEEP)
		flags |= SHMDEV_SEGMENT_KEEP;
	if (from & SHMDEV_INFO_F_LAZY)
		flags |= SHMDEV_SEGMENT_LAZY;
	if (from & SHMDEV_INFO_F_DEFAULT)
		flags |= SHMDEV_SEGMENT_DEFAULT;
	if (from & SHMDEV_INFO_F_SHUTDOWN)
		flags |= SHMDEV_SEGMENT_SHUTDOWN;
	if (from & SHMDEV_INFO_F_ISOLATED)
		flags |= SHMDEV_SEGMENT_ISOLATED;
	return flags;
}

int shmdev_info_export(struct shmdev_segment_info *to,
		       const struct shmdev_info *from)
{
	struct shmdev_segment_info info = {
		.size = sizeof(info),
		.id = from->id,
		.bytes = from->bytes,
		.resident = from->resident,
		.inode = from->inode,
		.created = from->created,
		.events = from->events,
		.kicks = from->kicks,
		.flags = flags_from_kernel(from->flags),
		.mappings = from->mappings,
		.files = from->files,
		.ipc_namespace = from->ipc_ns,
		.uid = from->uid,
		.gid = from->gid,
		.mode = from->mode,
		.creator = from->creator,
		.peers = from->peers,
	};

	static_assert(sizeof(info.name) == sizeof(from->name) &&
		      sizeof(info.endpoint) == sizeof(from->endpoint),
		      "names need the room that the kernel gives them");
	memcpy(info.name, from->name, sizeof(info.name) - 1);
	memcpy(info.endpoint, from->endpoint, sizeof(info.endpoint) - 1);
	return shmdev_struct_export(to, &info, sizeof(info),
				    offsetof(struct shmdev_segment_info,
					     peers));
}

/* Room for a page more than there is; the list moves, or stays on failure. */
static int make_room(struct shmdev_segment_list **list)
{
	size_t room = (*list ? (*list)->count : 0) + PAGE_ENTRIES;
	struct shmdev_segment_list *grown;

	grown = realloc(*list, sizeof(*grown) + room * sizeof(*grown->entries));
	if (!grown)
		return -ENOMEM;
	if (!*list)
		grown->count = 0;
	*list = grown;
	return 0;
}

/* Appends what the driver lists next: 1 if there may be more, 0 at the end. */
static int read_page(int fd, struct shmdev_list *command,
		     struct shmdev_segment_list **list)
{
	int ret = make_room(list);

	if (ret < 0)
		return ret;
	command->entries = (uintptr_t)&(*list)->entries[(*list)->count];
	command->count = PAGE_ENTRIES;
	ret = shmdev_ioctl(fd, SHMDEV_IOC_LIST, command);
	if (ret < 0)
		return ret;
	if (command->count > PAGE_ENTRIES)
		return -EPROTO;
	(*list)->count += command->count;
	return command->count > 0;
}

SHMDEV_API int shmdev_device_list(const struct shmdev_device *device,
				  unsigned int flags,
				  struct shmdev_segment_list **list)
{
	struct shmdev_list command = {
		.size = sizeof(command),
		.entry_size = sizeof(struct shmdev_info),
	};
	struct shmdev_segment_list *new = NULL;
	int ret;

	if (!device || !list || flags & ~SHMDEV_LIST_EVERYWHERE)
		return -EINVAL;
	if (flags & SHMDEV_LIST_EVERYWHERE)
		command.flags |= SHMDEV_LIST_F_EVERYWHERE;
	do {
		ret = read_page(shmdev_device_fd(device), &command, &new);
	} while (ret > 0);
	if (ret < 0) {
		free(new);
		return ret;
	}
	*list = new;
	return 0;
}

SHMDEV_API size_t
shmdev_segment_list_count(const struct shmdev_segment_list *list)
{
	return list ? list->count : 0;
}

SHMDEV_API int
shmdev_segment_list_get(const struct shmdev_segment_list *list, size_t index,
			struct shmdev_segment_info *info)
{
	if (!info)
		return -EINVAL;
	if (index >= shmdev_segment_list_count(list))
		return -ERANGE;
	return shmdev_info_export(info, &list->entries[index]);
}

SHMDEV_API void shmdev_segment_list_free(struct shmdev_segment_list *list)
{
	free(list);
}

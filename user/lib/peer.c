// SPDX-License-Identifier: MIT
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

struct shmdev_peer_list {
	size_t count;
	struct shmdev_peer entries[];
};

/* States are passed on as the kernel's, so that those of later ones are too. */
#define SAME_STATE(name) \
	static_assert(SHMDEV_PEER_STATE_##name == SHMDEV_PEER_##name, #name)

SAME_STATE(ALIVE);
SAME_STATE(LEFT);
SAME_STATE(CLOSED);
SAME_STATE(REPLACED);
SAME_STATE(EXITED);
SAME_STATE(KILLED);
SAME_STATE(SHUTDOWN);

static int peer_export(struct shmdev_peer_info *to,
		       const struct shmdev_peer *from)
{
	struct shmdev_peer_info info = {
		.size = sizeof(info),
		.id = from->id,
		.joined = from->joined,
		.ended = from->ended,
		.state = from->state,
		.status = from->status,
		.pid = from->pid,
	};

	static_assert(sizeof(info.role) == sizeof(from->role) &&
		      sizeof(info.command) == sizeof(from->comm),
		      "names need the room that the kernel gives them");
	memcpy(info.role, from->role, sizeof(info.role) - 1);
	memcpy(info.command, from->comm, sizeof(info.command) - 1);
	return shmdev_struct_export(to, &info, sizeof(info), sizeof(info));
}

SHMDEV_API int shmdev_segment_join(const struct shmdev_segment *segment,
				   const char *role, uint64_t *id)
{
	struct shmdev_join join = { .size = sizeof(join) };
	int ret;

	if (!segment)
		return -EINVAL;
	ret = shmdev_copy_name(join.role, sizeof(join.role), role);
	if (ret < 0)
		return ret;
	ret = shmdev_ioctl(shmdev_segment_fd(segment), SHMDEV_IOC_JOIN, &join);
	if (ret < 0)
		return ret;
	if (id)
		*id = join.id;
	return 0;
}

SHMDEV_API int shmdev_segment_leave(const struct shmdev_segment *segment)
{
	struct shmdev_leave leave = { .size = sizeof(leave) };

	if (!segment)
		return -EINVAL;
	return shmdev_ioctl(shmdev_segment_fd(segment), SHMDEV_IOC_LEAVE,
			    &leave);
}

SHMDEV_API int shmdev_segment_peer(const struct shmdev_segment *segment,
				   uint64_t id, struct shmdev_peer_info *info)
{
	struct shmdev_peer entry;
	struct shmdev_peers command = {
		.size = sizeof(command),
		.id = id,
		.entries = (uintptr_t)&entry,
		.count = 1,
		.entry_size = sizeof(entry),
	};
	int ret;

	if (!segment || !id || !info)
		return -EINVAL;
	ret = shmdev_ioctl(shmdev_segment_fd(segment), SHMDEV_IOC_PEERS,
			   &command);
	if (ret < 0)
		return ret;
	return command.count == 1 ? peer_export(info, &entry) : -EPROTO;
}

SHMDEV_API int shmdev_segment_ends(const struct shmdev_segment *segment,
				   uint32_t *ends)
{
	struct shmdev_peers command = {
		.size = sizeof(command),
		.entry_size = sizeof(struct shmdev_peer),
	};
	int ret;

	if (!segment || !ends)
		return -EINVAL;
	ret = shmdev_ioctl(shmdev_segment_fd(segment), SHMDEV_IOC_PEERS,
			   &command);
	if (ret < 0)
		return ret;
	*ends = command.ended;
	return 0;
}

static int read_peers(int fd, void *entries, uint32_t *count, uint32_t *total)
{
	struct shmdev_peers command = {
		.size = sizeof(command),
		.entries = (uintptr_t)entries,
		.count = *count,
		.entry_size = sizeof(struct shmdev_peer),
	};
	int ret = shmdev_ioctl(fd, SHMDEV_IOC_PEERS, &command);

	*count = command.count;
	*total = command.total;
	return ret;
}

SHMDEV_API int shmdev_segment_peers(const struct shmdev_segment *segment,
				    struct shmdev_peer_list **list)
{
	size_t count;
	void *new;
	int ret;

	if (!segment || !list)
		return -EINVAL;
	ret = shmdev_read_entries(segment, read_peers, sizeof(**list),
				  sizeof(*(*list)->entries), &new, &count);
	if (ret < 0)
		return ret;
	*list = new;
	(*list)->count = count;
	return 0;
}

SHMDEV_API size_t shmdev_peer_list_count(const struct shmdev_peer_list *list)
{
	return list ? list->count : 0;
}

SHMDEV_API int shmdev_peer_list_get(const struct shmdev_peer_list *list,
				    size_t index, struct shmdev_peer_info *info)
{
	if (!info)
		return -EINVAL;
	if (index >= shmdev_peer_list_count(list))
		return -ERANGE;
	return peer_export(info, &list->entries[index]);
}

SHMDEV_API void shmdev_peer_list_free(struct shmdev_peer_list *list)
{
	free(list);
}

// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

struct shmdev_segment {
	int fd;
	uint64_t bytes;
};

/* Takes @fd when it succeeds, and only then. */
static int segment_wrap(int fd, struct shmdev_segment **segment)
{
	struct shmdev_info info = { .size = sizeof(info) };
	struct shmdev_segment *new;
	int ret = shmdev_ioctl(fd, SHMDEV_IOC_INFO, &info);

	if (ret < 0)
		return ret;
	new = malloc(sizeof(*new));
	if (!new)
		return -ENOMEM;
	new->fd = fd;
	new->bytes = info.bytes;
	*segment = new;
	return 0;
}

/* As segment_wrap(), for a descriptor that nobody else knows. */
static int segment_wrap_or_close(int fd, struct shmdev_segment **segment)
{
	int ret;

	if (fd < 0)
		return fd;
	ret = segment_wrap(fd, segment);
	if (ret < 0)
		shmdev_close(fd);
	return ret;
}

static int options_to_create(const struct shmdev_segment_options *from,
			     struct shmdev_create *create)
{
	struct shmdev_segment_options options = { .size = sizeof(options) };
	int ret;

	if (from) {
		ret = shmdev_struct_import(&options, sizeof(options), from,
					   sizeof(options));
		if (ret < 0)
			return ret;
	}
	if (options.flags & ~(SHMDEV_SEGMENT_KEEP | SHMDEV_SEGMENT_LAZY))
		return -EINVAL;
	if (options.flags & SHMDEV_SEGMENT_KEEP)
		create->flags |= SHMDEV_CREATE_F_KEEP;
	if (options.flags & SHMDEV_SEGMENT_LAZY)
		create->flags |= SHMDEV_CREATE_F_LAZY;
	create->mode = options.mode ? options.mode : 0600;
	return shmdev_copy_name(create->endpoint, sizeof(create->endpoint),
				options.endpoint);
}

SHMDEV_API int
shmdev_segment_create(const struct shmdev_device *device, const char *name,
		      uint64_t bytes,
		      const struct shmdev_segment_options *options,
		      struct shmdev_segment **segment)
{
	struct shmdev_create create = {
		.size = sizeof(create),
		.bytes = bytes,
	};
	int ret;

	/* Only NULL is "no name": an empty one is a mistake somewhere. */
	if (!device || !segment || (name && !*name))
		return -EINVAL;
	ret = options_to_create(options, &create);
	if (ret < 0)
		return ret;
	ret = shmdev_copy_name(create.name, sizeof(create.name), name);
	if (ret < 0)
		return ret;
	ret = shmdev_ioctl(shmdev_device_fd(device), SHMDEV_IOC_CREATE,
			   &create);
	return segment_wrap_or_close(ret, segment);
}

SHMDEV_API int shmdev_segment_open(const struct shmdev_device *device,
				   const char *name, int flags,
				   struct shmdev_segment **segment)
{
	struct shmdev_open command = {
		.size = sizeof(command),
		.flags = flags,
	};
	int ret;

	if (!device || !name || !*name || !segment)
		return -EINVAL;
	ret = shmdev_copy_name(command.name, sizeof(command.name), name);
	if (ret < 0)
		return ret;
	ret = shmdev_ioctl(shmdev_device_fd(device), SHMDEV_IOC_OPEN,
			   &command);
	return segment_wrap_or_close(ret, segment);
}

SHMDEV_API int shmdev_segment_open_default(const struct shmdev_device *device,
					   struct shmdev_segment **segment)
{
	if (!device || !segment)
		return -EINVAL;
	return segment_wrap_or_close(shmdev_dup(shmdev_device_fd(device)),
				     segment);
}

SHMDEV_API int shmdev_segment_from_fd(int fd, struct shmdev_segment **segment)
{
	if (!segment)
		return -EINVAL;
	return segment_wrap(fd, segment);
}

SHMDEV_API void shmdev_segment_close(struct shmdev_segment *segment)
{
	if (!segment)
		return;
	shmdev_close(segment->fd);
	free(segment);
}

SHMDEV_API int shmdev_segment_fd(const struct shmdev_segment *segment)
{
	return segment ? segment->fd : -EINVAL;
}

SHMDEV_API uint64_t shmdev_segment_bytes(const struct shmdev_segment *segment)
{
	return segment ? segment->bytes : 0;
}

SHMDEV_API int shmdev_segment_info(const struct shmdev_segment *segment,
				   struct shmdev_segment_info *info)
{
	struct shmdev_info from = { .size = sizeof(from) };
	int ret;

	if (!segment || !info)
		return -EINVAL;
	ret = shmdev_ioctl(segment->fd, SHMDEV_IOC_INFO, &from);
	return ret < 0 ? ret : shmdev_info_export(info, &from);
}

SHMDEV_API int shmdev_segment_map(const struct shmdev_segment *segment,
				  uint64_t offset, size_t bytes,
				  int protection, void **address)
{
	int saved = errno;
	uint64_t rest;
	void *mapped;
	int ret = 0;

	if (!segment || !address)
		return -EINVAL;
	if (offset >= segment->bytes)
		return -ENXIO;
	rest = segment->bytes - offset;
	if (bytes > rest)
		return -ENXIO;
	/* A 32-bit process has not room for every segment. */
	if (!bytes && rest > SIZE_MAX)
		return -ENOMEM;
	if (!bytes)
		bytes = rest;
	mapped = mmap(NULL, bytes, protection, MAP_SHARED, segment->fd, offset);
	if (mapped == MAP_FAILED)
		ret = -errno;
	else
		*address = mapped;
	errno = saved;
	return ret;
}

SHMDEV_API int shmdev_segment_unmap(void *address, size_t bytes)
{
	int saved = errno;
	int ret = munmap(address, bytes) ? -errno : 0;

	errno = saved;
	return ret;
}

SHMDEV_API int shmdev_segment_kick(const struct shmdev_segment *segment,
				   uint64_t argument)
{
	struct shmdev_kick kick = {
		.size = sizeof(kick),
		.argument = argument,
	};

	if (!segment)
		return -EINVAL;
	return shmdev_ioctl(segment->fd, SHMDEV_IOC_KICK, argument ? &kick : NULL);
}

SHMDEV_API int shmdev_segment_look(const struct shmdev_segment *segment,
				   uint64_t *events)
{
	struct shmdev_look look = { .size = sizeof(look) };
	int ret;

	if (!segment)
		return -EINVAL;
	ret = shmdev_ioctl(segment->fd, SHMDEV_IOC_LOOK, &look);
	if (ret < 0)
		return ret;
	if (events)
		*events = look.events;
	return 0;
}

SHMDEV_API int shmdev_segment_chmod(const struct shmdev_segment *segment,
				    mode_t mode)
{
	int saved = errno;
	int ret;

	if (!segment || mode & ~0777)
		return -EINVAL;
	ret = fchmod(segment->fd, mode) ? -errno : 0;
	errno = saved;
	return ret;
}

SHMDEV_API int shmdev_segment_chown(const struct shmdev_segment *segment,
				    uid_t uid, gid_t gid)
{
	int saved = errno;
	int ret;

	if (!segment)
		return -EINVAL;
	ret = fchown(segment->fd, uid, gid) ? -errno : 0;
	errno = saved;
	return ret;
}

SHMDEV_API int shmdev_segment_remove(const struct shmdev_device *device,
				     const char *name)
{
	struct shmdev_remove command = { .size = sizeof(command) };
	int ret;

	if (!device || !name || !*name)
		return -EINVAL;
	ret = shmdev_copy_name(command.name, sizeof(command.name), name);
	if (ret < 0)
		return ret;
	return shmdev_ioctl(shmdev_device_fd(device), SHMDEV_IOC_REMOVE,
			    &command);
}

SHMDEV_API int shmdev_segment_remove_id(const struct shmdev_device *device,
					uint64_t id)
{
	struct shmdev_remove command = {
		.size = sizeof(command),
		.id = id,
	};

	if (!device || !id)
		return -EINVAL;
	return shmdev_ioctl(shmdev_device_fd(device), SHMDEV_IOC_REMOVE,
			    &command);
}

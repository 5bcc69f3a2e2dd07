// SPDX-License-Identifier: MIT
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

struct shmdev_device {
	int fd;
	struct shmdev_device_info info;
};

static int open_path(const char *path, int flags)
{
	int saved = errno;
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		fd = -errno;
	errno = saved;
	return fd;
}

/* Asking for the version also tells whether the file is what it should be. */
static int read_info(int fd, struct shmdev_device_info *info)
{
	struct shmdev_version version = { .size = sizeof(version) };
	int ret = shmdev_ioctl(fd, SHMDEV_IOC_VERSION, &version);

	if (ret < 0)
		return ret;
	info->size = sizeof(*info);
	if (version.features & SHMDEV_FEATURE_SEGMENTS)
		info->features |= SHMDEV_DEVICE_SEGMENTS;
	if (version.features & SHMDEV_FEATURE_ENDPOINTS)
		info->features |= SHMDEV_DEVICE_ENDPOINTS;
	if (version.features & SHMDEV_FEATURE_HELLO)
		info->features |= SHMDEV_DEVICE_HELLO;
	if (version.features & SHMDEV_FEATURE_WAIT)
		info->features |= SHMDEV_DEVICE_WAIT;
	if (version.features & SHMDEV_FEATURE_PEERS)
		info->features |= SHMDEV_DEVICE_PEERS;
	if (version.features & SHMDEV_FEATURE_ISOLATE)
		info->features |= SHMDEV_DEVICE_ISOLATE;
	info->default_bytes = version.default_bytes;
	info->page_bytes = version.page_bytes;
	info->abi = version.abi;
	static_assert(sizeof(info->release) == sizeof(version.release),
		      "the release needs the room that the kernel gives it");
	memcpy(info->release, version.release, sizeof(info->release) - 1);
	return 0;
}

SHMDEV_API int shmdev_device_open(const char *path, int flags,
				  struct shmdev_device **device)
{
	struct shmdev_device *new;
	int ret;

	if (!device || flags & ~O_ACCMODE || flags == O_ACCMODE)
		return -EINVAL;
	new = calloc(1, sizeof(*new));
	if (!new)
		return -ENOMEM;
	new->fd = open_path(path ? path : "/dev/shmdev", flags);
	if (new->fd < 0) {
		ret = new->fd;
		goto err_free;
	}
	ret = read_info(new->fd, &new->info);
	if (ret < 0)
		goto err_close;
	*device = new;
	return 0;

err_close:
	shmdev_close(new->fd);
err_free:
	free(new);
	return ret;
}

SHMDEV_API void shmdev_device_close(struct shmdev_device *device)
{
	if (!device)
		return;
	shmdev_close(device->fd);
	free(device);
}

SHMDEV_API int shmdev_device_fd(const struct shmdev_device *device)
{
	return device ? device->fd : -EINVAL;
}

SHMDEV_API int shmdev_device_info(const struct shmdev_device *device,
				  struct shmdev_device_info *info)
{
	if (!device || !info)
		return -EINVAL;
	return shmdev_struct_export(info, &device->info, sizeof(*info),
				    sizeof(*info));
}

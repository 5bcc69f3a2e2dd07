// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "internal.h"

int shmdev_ioctl(int fd, unsigned long command, void *argument)
{
	int saved = errno;
	int ret = ioctl(fd, command, argument);

	if (ret < 0)
		ret = -errno;
	errno = saved;
	return ret;
}

int shmdev_dup(int fd)
{
	int saved = errno;
	int ret = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (ret < 0)
		ret = -errno;
	errno = saved;
	return ret;
}

void shmdev_close(int fd)
{
	int saved = errno;

	close(fd);
	errno = saved;
}

int shmdev_struct_export(void *to, const void *from, size_t bytes,
			 size_t minimum)
{
	size_t size = *(size_t *)to;

	if (size < minimum)
		return -EINVAL;
	memset(to, 0, size);
	memcpy(to, from, size < bytes ? size : bytes);
	*(size_t *)to = size;
	return 0;
}

int shmdev_struct_import(void *to, size_t bytes, const void *from,
			 size_t minimum)
{
	size_t size = *(const size_t *)from;
	const char *tail = from;
	size_t i;

	if (size < minimum)
		return -EINVAL;
	for (i = bytes; i < size; i++)
		if (tail[i])
			return -E2BIG;
	memset(to, 0, bytes);
	memcpy(to, from, size < bytes ? size : bytes);
	return 0;
}

int shmdev_copy_name(char *to, size_t size, const char *text)
{
	size_t length = text ? strlen(text) : 0;

	if (length >= size)
		return -ENAMETOOLONG;
	memcpy(to, text ? text : "", length);
	return 0;
}

// SPDX-License-Identifier: MIT
#include <assert.h>
#include <errno.h>

#include "internal.h"

static_assert(SHMDEV_ISOLATE_CLAIMABLE == SHMDEV_ISOLATE_F_CLAIMABLE,
	      "the flags are handed on");

SHMDEV_API int shmdev_segment_isolate(const struct shmdev_segment *segment,
				      uint64_t offset, uint64_t bytes,
				      unsigned int flags)
{
	struct shmdev_isolate command = {
		.size = sizeof(command),
		.flags = flags,
		.offset = offset,
		.bytes = bytes,
	};

	if (!segment)
		return -EINVAL;
	return shmdev_ioctl(shmdev_segment_fd(segment), SHMDEV_IOC_ISOLATE,
			    &command);
}

SHMDEV_API int shmdev_segment_claim(const struct shmdev_segment *segment,
				    uint64_t *offset,
				    struct shmdev_segment **claimed)
{
	struct shmdev_claim command = { .size = sizeof(command) };
	int fd, ret;

	if (!segment || !offset || !claimed)
		return -EINVAL;
	command.offset = *offset;
	fd = shmdev_ioctl(shmdev_segment_fd(segment), SHMDEV_IOC_CLAIM,
			  &command);
	if (fd < 0)
		return fd;
	ret = shmdev_segment_from_fd(fd, claimed);
	if (ret < 0)
		shmdev_close(fd);
	else
		*offset = command.offset;
	return ret;
}

// SPDX-License-Identifier: GPL-2.0-only
/* From the command line to an open device or segment. */
#include <errno.h>
#include <fcntl.h>

#include "cli.h"

int connect_device(int flags, struct shmdev_device **device)
{
	int ret = shmdev_device_open(device_path(), flags, device);

	return ret < 0 ? device_failure(ret) : STATUS_OK;
}

int connect_segment(const char *name, int flags,
		    struct shmdev_segment **segment)
{
	struct shmdev_device *device;
	int status;
	int ret;

	/* Other segments than the default one ask nothing of the device. */
	status = connect_device(name ? O_RDONLY : flags, &device);
	if (status)
		return status;
	if (name)
		ret = shmdev_segment_open(device, name, flags, segment);
	else
		ret = shmdev_segment_open_default(device, segment);
	shmdev_device_close(device);
	return ret < 0 ? segment_failure("open", name, ret) : STATUS_OK;
}

int connect_segment_somehow(const struct shmdev_device *device,
			    const char *name, struct shmdev_segment **segment)
{
	int ret;

	if (!name)
		return shmdev_segment_open_default(device, segment);
	ret = shmdev_segment_open(device, name, O_RDONLY, segment);
	if (ret == -EACCES)
		ret = shmdev_segment_open(device, name, O_WRONLY, segment);
	return ret;
}

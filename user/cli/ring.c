// SPDX-License-Identifier: GPL-2.0-only
/* What send, recv and watch have in common: a ring in a segment. */
#include <fcntl.h>

#include "cli.h"

int ring_open(const char *doing, const char *name, enum shmdev_ring_role role,
	      struct shmdev_segment **segment, struct shmdev_ring **ring)
{
	int status = connect_segment(name, role == SHMDEV_RING_OBSERVER ?
				     O_RDONLY : O_RDWR, segment);
	int ret;

	if (status)
		return status;
	ret = shmdev_ring_attach(*segment, 0, role, ring);
	if (ret < 0) {
		shmdev_segment_close(*segment);
		return segment_failure(doing, name, ret);
	}
	return STATUS_OK;
}

void ring_close(struct shmdev_segment *segment, struct shmdev_ring *ring)
{
	shmdev_ring_detach(ring);
	shmdev_segment_close(segment);
}

int ring_argument(int argc, char **argv, const char **name)
{
	if (argc == optind)
		return usage_error("give the name of a segment");
	if (argc - optind > 1)
		return usage_error("'%s' is one argument too many",
				   argv[optind + 1]);
	*name = argv[optind];
	return STATUS_OK;
}

// SPDX-License-Identifier: GPL-2.0-only
/* What send, recv, watch and peers have in common: a ring in a segment. */
#include <fcntl.h>

#include "cli.h"

/*
 * Who consumes from an isolated ring needs to read it only, and so takes no
 * right to write it.
 */
static int open_consumer(const char *name, struct shmdev_segment **segment)
{
	struct shmdev_segment_info info = { .size = sizeof(info) };
	int status = connect_segment(name, O_RDONLY, segment);
	int ret;

	if (status)
		return status;
	ret = shmdev_segment_info(*segment, &info);
	if (!ret && info.flags & SHMDEV_SEGMENT_ISOLATED)
		return STATUS_OK;
	shmdev_segment_close(*segment);
	if (ret < 0)
		return segment_failure("look at", name, ret);
	return connect_segment(name, O_RDWR, segment);
}

int ring_open(const char *doing, const char *name, enum shmdev_ring_role role,
	      struct shmdev_segment **segment, struct shmdev_ring **ring)
{
	int status, ret;

	if (role == SHMDEV_RING_CONSUMER)
		status = open_consumer(name, segment);
	else
		status = connect_segment(name, role == SHMDEV_RING_OBSERVER ?
					 O_RDONLY : O_RDWR, segment);
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

/* The ring last: then no reader is further than its producer. */
void ring_look(const struct shmdev_ring *ring, struct ring_moment *moment)
{
	unsigned int i;

	*moment = (struct ring_moment){ .ring.size = sizeof(moment->ring) };
	clock_gettime(CLOCK_MONOTONIC, &moment->time);
	for (i = 0; i < SHMDEV_RING_CURSORS_MAX; i++)
		shmdev_ring_cursor_info(ring, i, &moment->cursors[i]);
	shmdev_ring_info(ring, &moment->ring);
}

/* What was written there may be anything, so more than fits. */
uint64_t ring_speed(uint64_t bytes, double seconds)
{
	double speed = bytes / seconds;

	return speed < 0x1p63 ? (uint64_t)speed : UINT64_MAX;
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

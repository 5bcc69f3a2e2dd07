/* SPDX-License-Identifier: GPL-2.0-only */
/* A ring with a producer and a consumer, both in this process. */
#ifndef RING_PAIR_H
#define RING_PAIR_H

#include "ring-world.h"

struct pair {
	int fd;
	struct shmdev_ring *producer;
	struct shmdev_ring *consumer;
};

static struct pair pair_of(struct shmdev_ring_options options)
{
	struct pair pair = { .fd = ring_new(&options) };

	pair.producer = attach(pair.fd, SHMDEV_RING_PRODUCER);
	pair.consumer = attach(pair.fd, SHMDEV_RING_CONSUMER);
	return pair;
}

static void pair_end(struct pair *pair)
{
	shmdev_ring_detach(pair->producer);
	shmdev_ring_detach(pair->consumer);
	close(pair->fd);
}

#endif /* RING_PAIR_H */

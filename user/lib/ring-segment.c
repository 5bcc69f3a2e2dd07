// SPDX-License-Identifier: MIT
/* Rings in segments: the driver tells who has ended, and wakes. */
#include <errno.h>
#include <string.h>

#include "ring.h"

static const char *const role_names[] = {
	[SHMDEV_RING_PRODUCER] = "producer",
	[SHMDEV_RING_CONSUMER] = "consumer",
};

static int segment_wait(void *segment, uint64_t offset, const uint32_t *word,
			uint32_t expected, uint32_t ends,
			const struct timespec *deadline)
{
	(void)word;
	return shmdev_segment_wait_peers(segment, offset, expected, ends,
					 deadline);
}

static int segment_wake(void *segment, uint64_t offset, uint32_t *word,
			unsigned int count)
{
	(void)word;
	return shmdev_segment_wake(segment, offset, count);
}

static int segment_ends(void *segment, uint32_t *ends)
{
	return shmdev_segment_ends(segment, ends);
}

/* One of whom nothing is known ended long ago, or never was. */
static int segment_has_ended(void *segment, uint64_t id)
{
	struct shmdev_peer_info peer = { .size = sizeof(peer) };
	int ret = id ? shmdev_segment_peer(segment, id, &peer) : -ESRCH;

	if (ret == -ESRCH)
		return 1;
	return ret < 0 ? ret : peer.state != SHMDEV_PEER_STATE_ALIVE;
}

static int segment_producers(void *segment)
{
	struct shmdev_peer_info peer = { .size = sizeof(peer) };
	struct shmdev_peer_list *list;
	int ret, producers = 0;

	ret = shmdev_segment_peers(segment, &list);
	if (ret < 0)
		return ret;
	for (size_t i = 0; !shmdev_peer_list_get(list, i, &peer); i++)
		producers += peer.state == SHMDEV_PEER_STATE_ALIVE &&
			     !strcmp(peer.role,
				     role_names[SHMDEV_RING_PRODUCER]);
	shmdev_peer_list_free(list);
	return producers;
}

static const struct shmdev_ring_calls segment_calls = {
	.wait = segment_wait,
	.wake = segment_wake,
	.ends = segment_ends,
	.has_ended = segment_has_ended,
	.producers = segment_producers,
};

SHMDEV_API int shmdev_ring_attach(const struct shmdev_segment *segment,
				  uint64_t offset, enum shmdev_ring_role role,
				  struct shmdev_ring **ring)
{
	struct shmdev_ring_memory memory = {
		.size = sizeof(memory),
		.offset = offset,
		.id = 1,	/* an observer needs none */
		.calls = &segment_calls,
		.context = (void *)segment,
	};
	int ret;

	if (!segment || !ring || (unsigned int)role > SHMDEV_RING_CONSUMER)
		return -EINVAL;
	memory.fd = shmdev_segment_fd(segment);
	if (role == SHMDEV_RING_OBSERVER)
		return shmdev_ring_attach_memory(&memory, role, ring);
	ret = shmdev_segment_join(segment, role_names[role], &memory.id);
	if (ret < 0)
		return ret;
	ret = shmdev_ring_attach_memory(&memory, role, ring);
	if (ret < 0)
		shmdev_segment_leave(segment);
	else
		(*ring)->joined = segment;
	return ret;
}

SHMDEV_API int shmdev_ring_create(const struct shmdev_device *device,
				  const char *name,
				  const struct shmdev_segment_options *how,
				  const struct shmdev_ring_options *options,
				  struct shmdev_segment **segment)
{
	uint64_t bytes;
	int ret;

	if (!segment)
		return -EINVAL;
	ret = shmdev_ring_bytes(options, &bytes);
	ret = ret ?: shmdev_segment_create(device, name, bytes, how, segment);
	if (ret < 0)
		return ret;
	ret = shmdev_ring_format(shmdev_segment_fd(*segment), 0, options);
	if (ret < 0) {
		if (name)
			shmdev_segment_remove(device, name);
		shmdev_segment_close(*segment);
		*segment = NULL;
	}
	return ret;
}

SHMDEV_API int shmdev_ring_arm(struct shmdev_ring *ring)
{
	const struct shmdev_ring_gate wanted = {
		.position = ring ? ring->at.position + SHMDEV_RECORD_ALIGN : 0,
		.sequence = ring ? ring->at.sequence + FAR : 0,
	};
	int ret;

	if (!ring)
		return -EINVAL;
	if (ring->role != SHMDEV_RING_CONSUMER ||
	    ring->memory.calls != &segment_calls)
		return -EBADF;
	shmdev_ring_announce(&cursor_of(ring, ring->slot)->gate, &wanted);
	/* Before the position is looked at: what comes later is not overlooked. */
	ret = shmdev_segment_look(ring->memory.context, NULL);
	if (ret < 0)
		return ret;
	ring->seen = load_acquire(&ring->producer->head);
	return ring->seen != ring->at.position;
}

// SPDX-License-Identifier: MIT
/*
 * Rings in segments: the driver tells who has ended, and wakes, and sees to it
 * that readers write their cursors only.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ring.h"

/* How often, and how many nanoseconds apart, to ask for a cursor to become free. */
#define CLAIM_TRIES 100
#define CLAIM_NAP 1000000

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

/* An endpoint does not say whether it produces. */
static bool takes_part(const struct shmdev_peer_info *peer,
		       enum shmdev_ring_role role)
{
	return !strcmp(peer->role, role_names[role]) ||
	       (role == SHMDEV_RING_PRODUCER &&
		!strcmp(peer->role, "endpoint"));
}

static int count_peers(const struct shmdev_segment *segment,
		       enum shmdev_ring_role role)
{
	struct shmdev_peer_info peer = { .size = sizeof(peer) };
	struct shmdev_peer_list *list;
	int ret, count = 0;

	ret = shmdev_segment_peers(segment, &list);
	if (ret < 0)
		return ret;
	for (size_t i = 0; !shmdev_peer_list_get(list, i, &peer); i++)
		count += peer.state == SHMDEV_PEER_STATE_ALIVE &&
			 takes_part(&peer, role);
	shmdev_peer_list_free(list);
	return count;
}

static int segment_producers(void *segment)
{
	return count_peers(segment, SHMDEV_RING_PRODUCER);
}

static const struct shmdev_ring_calls segment_calls = {
	.wait = segment_wait,
	.wake = segment_wake,
	.ends = segment_ends,
	.has_ended = segment_has_ended,
	.producers = segment_producers,
};

/*
 * A process that ends is no peer any more a moment before its mappings are gone:
 * as long as there are not too many consumers, this one among them, a cursor is
 * about to be free.
 */
static int claim_patiently(struct shmdev_ring *ring, uint64_t *offset)
{
	const struct timespec nap = { .tv_nsec = CLAIM_NAP };
	const struct shmdev_segment *segment = ring->memory.context;
	uint64_t first = *offset;
	int ret, consumers;

	for (unsigned int tries = 0;; tries++) {
		*offset = first;
		ret = shmdev_segment_claim(segment, offset, &ring->claimed);
		if (ret != -EBUSY || tries == CLAIM_TRIES)
			return ret;
		consumers = count_peers(segment, SHMDEV_RING_CONSUMER);
		if (consumers < 0)
			return consumers;
		if ((unsigned int)consumers > ring->cursors)
			return ret;
		/* This one leaves errno alone. */
		clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL);
	}
}

static int claim_cursor(struct shmdev_ring *ring)
{
	uint64_t first = ring->memory.offset + 2 * ring->page_bytes;
	uint64_t offset = first;
	int ret = claim_patiently(ring, &offset);

	/* A ring for readers that are trusted, or a driver that knows no other. */
	if (ret == -ENXIO || ret == -ENOTTY)
		return 0;
	if (ret < 0)
		return ret;
	if (offset < first || (offset - first) / ring->page_bytes >= ring->cursors)
		return -EBADMSG;
	ring->slot = (offset - first) / ring->page_bytes;
	/* Who may only read wakes through what it has claimed. */
	ring->memory.context = ring->claimed;
	return 0;
}

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
	ret = shmdev_ring_attach_claiming(&memory, role,
					  role == SHMDEV_RING_CONSUMER ?
						  claim_cursor : NULL, ring);
	if (ret < 0)
		shmdev_segment_leave(segment);
	else
		(*ring)->joined = segment;
	return ret;
}

static int isolate_cursors(const struct shmdev_segment *segment,
			   const struct shmdev_ring_options *options,
			   uint64_t bytes)
{
	uint64_t page = sysconf(_SC_PAGESIZE);

	if (options->flags & SHMDEV_RING_CLEARS)
		return 0;
	return shmdev_segment_isolate(segment, 2 * page,
				      bytes - options->data_bytes - 2 * page,
				      SHMDEV_ISOLATE_CLAIMABLE);
}

SHMDEV_API int shmdev_ring_create(const struct shmdev_device *device,
				  const char *name,
				  const struct shmdev_segment_options *how,
				  const struct shmdev_ring_options *options,
				  struct shmdev_segment **segment)
{
	struct shmdev_segment_options now = { .size = sizeof(now) };
	struct shmdev_segment *new = NULL;
	uint64_t bytes;
	mode_t mode;
	int ret;

	if (!segment)
		return -EINVAL;
	ret = shmdev_ring_bytes(options, &bytes);
	if (!ret && how)
		ret = shmdev_struct_import(&now, sizeof(now), how, sizeof(now));
	if (ret < 0)
		return ret;
	/* Nobody else opens it, and keeps some way to write, before it is done. */
	mode = now.mode ? now.mode : 0600;
	now.size = sizeof(now);
	now.mode = mode & ~0777 ? mode : 0600;
	ret = shmdev_segment_create(device, name, bytes, &now, &new);
	if (ret < 0)
		return ret;
	ret = shmdev_ring_format(shmdev_segment_fd(new), 0, options);
	ret = ret ?: isolate_cursors(new, options, bytes);
	if (!ret && mode != 0600)
		ret = shmdev_segment_chmod(new, mode);
	if (ret < 0) {
		if (name)
			shmdev_segment_remove(device, name);
		shmdev_segment_close(new);
		return ret;
	}
	*segment = new;
	return 0;
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
	ret = shmdev_ring_announce(ring, &ring->cursor->gate, &wanted);
	/* Before the position is looked at: what comes later is not overlooked. */
	ret = ret ?: shmdev_segment_look(ring->joined, NULL);
	if (ret < 0)
		return ret;
	ring->seen = load_acquire(&ring->producer->head);
	return ring->seen != ring->at.position;
}

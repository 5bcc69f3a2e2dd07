// SPDX-License-Identifier: GPL-2.0-only
/*
 * The library's queues: isolated (the reader cannot write the data), cleared
 * (it can, and clears a word of each line), both also asymmetric (without
 * barriers), and many (made for several producers, of which there is one), also
 * asymmetric (that one then keeps its turn).
 * Each record for itself, by 32, and read in place; all those without ever
 * sleeping, as the other rings, and the first also so that it does.
 *
 * By calls of the library, as any program would: nothing of it is inlined.
 */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "memory-ring.h"
#include "transport.h"

struct queue {
	int fd;
	struct ring_counts counts;
};

struct queue_side {
	struct shmdev_ring *ring;
	const struct timespec *now;
	/* Of a batch: so many are written or read so far. */
	unsigned int held;
};

static void *queue_open(uint32_t flags)
{
	struct queue *queue = shared_memory(sizeof(*queue));

	queue->fd = memory_ring_new(SHMDEV_RING_IS_QUEUE, flags, 1);
	return queue;
}

static void *open_isolated(size_t bytes)
{
	(void)bytes;
	return queue_open(0);
}

static void *open_cleared(size_t bytes)
{
	(void)bytes;
	return queue_open(SHMDEV_RING_CLEARS);
}

static void *open_asymmetric(size_t bytes)
{
	(void)bytes;
	return queue_open(SHMDEV_RING_ASYMMETRIC);
}

static void *open_both(size_t bytes)
{
	(void)bytes;
	return queue_open(SHMDEV_RING_CLEARS | SHMDEV_RING_ASYMMETRIC);
}

static void *open_many(size_t bytes)
{
	(void)bytes;
	return queue_open(SHMDEV_RING_MANY);
}

static void *open_keeping(size_t bytes)
{
	(void)bytes;
	return queue_open(SHMDEV_RING_MANY | SHMDEV_RING_ASYMMETRIC);
}

static void queue_close(void *shared)
{
	const struct queue *queue = shared;

	close(queue->fd);
}

static void *queue_join(void *shared, size_t bytes, enum transport_role role)
{
	static const enum shmdev_ring_role roles[] = {
		[PRODUCER] = SHMDEV_RING_PRODUCER,
		[CONSUMER] = SHMDEV_RING_CONSUMER,
	};
	struct queue *queue = shared;
	struct queue_side *mine = calloc(1, sizeof(*mine));

	(void)bytes;
	if (!mine)
		err(1, "calloc");
	mine->ring = memory_ring_attach(queue->fd, 1 + role, roles[role],
					&queue->counts);
	mine->now = SHMDEV_RING_NOW;
	return mine;
}

static void queue_leave(void *state, enum transport_role role)
{
	struct queue_side *mine = state;

	(void)role;
	shmdev_ring_detach(mine->ring);
	free(mine);
}

static const struct ring_counts *queue_counts(const void *shared)
{
	const struct queue *queue = shared;

	return &queue->counts;
}

static __attribute__((cold, noreturn)) void fails(int ret)
{
	errx(1, "a ring fails: %s", strerror(-ret));
}

/* Whether it worked; false: it would have had to wait. */
ALWAYS_INLINE bool worked(int ret)
{
	if (ret < 0 && ret != -EAGAIN)
		fails(ret);
	return ret >= 0;
}

ALWAYS_INLINE bool queue_send(struct side *side, const void *record,
			      size_t bytes)
{
	struct queue_side *mine = side->state;

	return worked(shmdev_ring_send(mine->ring, record, bytes, mine->now));
}

ALWAYS_INLINE bool queue_receive(struct side *side, void *record, size_t bytes)
{
	struct queue_side *mine = side->state;

	return worked((int)shmdev_ring_receive(mine->ring, record, bytes,
					       mine->now, NULL));
}

/* As most programs do it: the library spins for a while, and then sleeps. */
ALWAYS_INLINE bool waiting_send(struct side *side, const void *record,
				size_t bytes)
{
	struct queue_side *mine = side->state;

	return worked(shmdev_ring_send(mine->ring, record, bytes, NULL));
}

ALWAYS_INLINE bool waiting_receive(struct side *side, void *record,
				   size_t bytes)
{
	struct queue_side *mine = side->state;

	return worked((int)shmdev_ring_receive(mine->ring, record, bytes, NULL,
					       NULL));
}

static void queue_flush(struct side *side)
{
	struct queue_side *mine = side->state;

	worked(shmdev_ring_flush(mine->ring));
	mine->held = 0;
}

static void queue_release(struct side *side)
{
	struct queue_side *mine = side->state;

	mine->held = 0;
	worked(shmdev_ring_release(mine->ring));
}

ALWAYS_INLINE bool batch_send(struct side *side, const void *record,
			      size_t bytes)
{
	struct queue_side *mine = side->state;
	void *room;

	if (!worked(shmdev_ring_reserve(mine->ring, bytes, NULL, &room)))
		return false;
	memcpy(room, record, bytes);
	worked(shmdev_ring_commit_later(mine->ring));
	if (++mine->held == BATCH)
		queue_flush(side);
	return true;
}

/* What it holds while it waits is never so much that there is no room for more. */
ALWAYS_INLINE bool batch_receive(struct side *side, void *record, size_t bytes)
{
	struct queue_side *mine = side->state;
	struct shmdev_ring_record found;

	worked(shmdev_ring_peek(mine->ring, NULL, &found));
	if (found.bytes != bytes)
		fails(-EBADMSG);
	memcpy(record, found.data, bytes);
	if (++mine->held == BATCH)
		queue_release(side);
	return true;
}

typedef uint64_t __attribute__((vector_size(16), may_alias, aligned(8))) words;

/* Reads all that there is, and does with it as little as possible. */
ALWAYS_INLINE void sum(const void *data, size_t bytes)
{
	const uint64_t *single = data;
	const words *from = data;
	words a = { }, b = { };
	size_t i;

	for (i = 0; i + 2 <= bytes / sizeof(*from); i += 2) {
		a += from[i];
		b += from[i + 1];
	}
	for (i *= 2; i < bytes / sizeof(*single); i++)
		a[0] += single[i];
	a += b;
	__asm__ volatile("" : : "x"(a));
}

/* Of what is read in place, the number alone gets to the buffer. */
ALWAYS_INLINE bool place_receive(struct side *side, void *record, size_t bytes)
{
	struct queue_side *mine = side->state;
	struct shmdev_ring_record found;

	if (!worked(shmdev_ring_peek(mine->ring, mine->now, &found)))
		return false;
	if (found.bytes != bytes)
		fails(-EBADMSG);
	*(any_word *)record = *(const any_word *)found.data;
	sum(found.data, bytes);
	queue_release(side);
	return true;
}

/* What a copy is made for. */
ALWAYS_INLINE bool used_receive(struct side *side, void *record, size_t bytes)
{
	if (!queue_receive(side, record, bytes))
		return false;
	sum(record, bytes);
	return true;
}

TRANSPORT_LOOPS(queue)
TRANSPORT_LOOPS(waiting)
TRANSPORT_LOOPS_FOR(batch, batch_send, batch_receive, queue_flush,
		    queue_release)
TRANSPORT_LOOPS_FOR(place, queue_send, place_receive, holds_nothing,
		    holds_nothing)

TRANSPORT_LOOPS_FOR(used, queue_send, used_receive, holds_nothing,
		    holds_nothing)

#define QUEUE(kind, who) \
const struct transport queue_##kind = { \
	.name = "shmdev " who, \
	.copies = "in and out", \
	.open = open_##kind, \
	.close = queue_close, \
	.join = queue_join, \
	.leave = queue_leave, \
	TRANSPORT_CALLS(queue), \
}; \
\
const struct transport queue_##kind##_waiting = { \
	.name = "shmdev " who " waiting", \
	.copies = "in and out", \
	.open = open_##kind, \
	.close = queue_close, \
	.join = queue_join, \
	.leave = queue_leave, \
	.counts = queue_counts, \
	TRANSPORT_CALLS(waiting), \
}; \
\
const struct transport queue_##kind##_batch = { \
	.name = "shmdev " who " by 32", \
	.copies = "in and out", \
	.is_batched = true, \
	.open = open_##kind, \
	.close = queue_close, \
	.join = queue_join, \
	.leave = queue_leave, \
	TRANSPORT_CALLS(batch), \
}; \
\
const struct transport queue_##kind##_place = { \
	.name = "shmdev " who " in place", \
	.copies = "in; all bytes are summed up where they are", \
	.open = open_##kind, \
	.close = queue_close, \
	.join = queue_join, \
	.leave = queue_leave, \
	TRANSPORT_CALLS(place), \
}

QUEUE(isolated, "isolated");
QUEUE(asymmetric, "asymmetric");
QUEUE(cleared, "cleared");
QUEUE(both, "cleared asymmetric");
QUEUE(many, "many");
QUEUE(keeping, "many asymmetric");

const struct transport queue_used = {
	.name = "shmdev asymmetric, and read",
	.copies = "in and out; then all bytes are summed up",
	.open = open_asymmetric,
	.close = queue_close,
	.join = queue_join,
	.leave = queue_leave,
	TRANSPORT_CALLS(used),
};

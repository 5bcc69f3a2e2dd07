// SPDX-License-Identifier: MIT
/* Rings: the side that sends. */
#include <errno.h>

#include "ring-fetch.h"
#include "ring-short.h"
#include "ring.h"

/*
 * How far a queue's consumer is, one of many producers knows from the last time
 * that it had no room. That still holds, but may be less than it could be: what
 * others have sent since can seem to be more than there is room for.
 */
int shmdev_ring_resume(struct shmdev_ring *ring)
{
	struct shmdev_ring_producer *producer = ring->producer;
	bool is_stream = ring->kind == SHMDEV_RING_STREAM;
	uint64_t head = load_acquire(&producer->head);

	if (is_stream)
		ring->tail = load(&producer->tail);
	if (head % SHMDEV_RECORD_ALIGN || ring->tail % SHMDEV_RECORD_ALIGN ||
	    is_before(head, ring->tail))
		return -EBADMSG;
	if ((is_stream || !(ring->flags & SHMDEV_RING_F_MANY)) &&
	    head - ring->tail > ring->data_bytes - RECORD_HEAD)
		return -EBADMSG;
	ring->head = head;
	ring->published = head;
	ring->sequence = whole_sequence(load(&producer->sequence),
					load(&record_at(ring, head)->sequence));
	return 0;
}

/*
 * What is left of what is known to be free after a record of @span bytes, and what
 * follows the last one. Less than nothing: it has no room; or others have sent since
 * one knew.
 */
ALWAYS_INLINE int64_t room_after(const struct shmdev_ring *ring, uint64_t span)
{
	return (int64_t)(ring->data_bytes - RECORD_HEAD - span -
			 (ring->head - ring->tail));
}

ALWAYS_INLINE bool has_room(const struct shmdev_ring *ring, uint64_t span)
{
	return room_after(ring, span) >= 0;
}

/*
 * What has been written, up to @head. A turn that was kept ends with it, unless one
 * stays in it: others may then write all but what is one's own.
 */
ALWAYS_INLINE void show(struct shmdev_ring *ring,
			struct shmdev_ring_producer *producer, uint64_t head,
			uint64_t sequence)
{
	ring->published = head;
	store_release(&producer->head, head);
	store_release(&producer->sequence, sequence);
}

/* Wakes who waits for that; also where others have their turn already. */
ALWAYS_INLINE int let_know(struct shmdev_ring *ring)
{
	struct shmdev_ring_producer *producer = ring->producer;
	uint64_t head = ring->head, sequence = ring->sequence;
	int ret = 0;

	let_sleepers_see(ring->flags);
	if (ring->kind == SHMDEV_RING_QUEUE)
		return knock(ring, &ring->cursor->gate, &producer->turns[0],
			     head, sequence, &ring->woken[0]);
	for (uint32_t i = 0; i < ring->cursors; i++)
		ret = knock(ring, &cursor_of(ring, i)->gate,
			    &producer->turns[i], head, sequence,
			    &ring->woken[i]) ?: ret;
	return ret;
}

ALWAYS_INLINE int publish(struct shmdev_ring *ring)
{
	show(ring, ring->producer, ring->head, ring->sequence);
	return let_know(ring);
}

ALWAYS_INLINE void let_others(struct shmdev_ring *ring)
{
	if (ring->flags & SHMDEV_RING_F_MANY && ring->is_owner)
		end_turn(ring);
}

static int consumer_has_passed(struct shmdev_ring *ring,
			       const struct shmdev_ring_gate *wanted)
{
	uint64_t position = load_acquire(&ring->cursor->position);

	if (ring->head - position > ring->data_bytes ||
	    position % SHMDEV_RECORD_ALIGN)
		return -EBADMSG;
	ring->tail = position;
	return !is_before(position, wanted->position);
}

/* A consumer that waits for more than there is would wait for ever. */
static int hurry_consumer(struct shmdev_ring *ring)
{
	uint64_t woken = SHMDEV_RING_NOBODY;

	return knock(ring, &ring->cursor->gate,
		     &ring->producer->turns[0], ring->head + FAR,
		     ring->sequence, &woken);
}

/*
 * There is room, but so little that it may be gone at once, and each look at the
 * consumer's position takes that line from it, so that it has to wait. How much it
 * makes in one moment tells how many it takes until there is plenty: that is one
 * look more, and no more. Not for one who is not to spin.
 */
static int linger(struct shmdev_ring *ring, const struct timespec *deadline)
{
	const struct shmdev_ring_gate plenty = {
		.position = ring->head - ring->data_bytes / 8 * 7,
	};
	uint64_t before = ring->tail, moments;
	int ret;

	if (!ring->spin_max || !is_before(before, plenty.position))
		return 0;
	shmdev_ring_linger_for(&ring->linger, 1);
	ret = consumer_has_passed(ring, &plenty);
	if (ret || ring->tail == before)
		return ret < 0 ? ret : 0;
	moments = (plenty.position - ring->tail) / (ring->tail - before);
	if (moments >= moments_until(deadline))
		moments = moments_until(deadline) - 1;
	shmdev_ring_linger_for(&ring->linger, moments);
	ret = consumer_has_passed(ring, &plenty);
	return ret < 0 ? ret : 0;
}

static int wait_for_room(struct shmdev_ring *ring, uint64_t span,
			 const struct timespec *deadline)
{
	const struct shmdev_ring_sleep sleep = {
		.gate = &ring->producer->gate,
		.wanted = {
			.position = ring->head + span + RECORD_HEAD -
				    ring->data_bytes,
			.sequence = FAR,
		},
		.turn = &ring->cursor->turn,
		.is_reached = consumer_has_passed,
		.before_wait = hurry_consumer,
	};
	int ret = consumer_has_passed(ring, &sleep.wanted);

	if (ret)
		return ret < 0 ? ret : linger(ring, deadline);
	/* The consumer cannot make room of what it does not know of. */
	if (ring->published != ring->head) {
		stay_in_turn(ring);
		ret = publish(ring);
	}
	/* Also for one that does not sleep, but comes again. */
	ret = ret ?: hurry_consumer(ring);
	ret = ret ?: shmdev_ring_sleep(ring, &sleep, deadline);
	return ret ?: linger(ring, deadline);
}

/*
 * Gives up the oldest records. What others wrote there is not believed: if it
 * makes no sense, all are given up.
 */
static int make_room(struct shmdev_ring *ring, uint64_t span)
{
	uint64_t oldest;
	uint32_t bytes;
	int ret = 0;

	while (!has_room(ring, span)) {
		bytes = load(&record_at(ring, ring->tail)->bytes);
		oldest = record_span(bytes);
		if (!bytes || oldest > ring->head - ring->tail)
			oldest = ring->head - ring->tail;
		ring->tail += oldest;
	}
	/* In a long batch: the tail that others see is never behind their head. */
	if (is_before(ring->published, ring->tail)) {
		stay_in_turn(ring);
		ret = publish(ring);
	}
	/* Who sees it sees the head that another producer has published. */
	store_release(&ring->producer->tail, ring->tail);
	/* Before anything is written there: a reader then sees that it has gone. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	return ret;
}

/* A kept turn cannot be gone on with, or it would have been. */
static int begin(struct shmdev_ring *ring, const struct timespec *deadline)
{
	uint64_t head = ring->head;
	int ret;

	if (!ring->is_owner && ring->kept)
		ring->is_owner = shmdev_ring_turn_is_ours(ring);
	if (ring->is_owner)
		return 0;
	ret = shmdev_ring_own(ring, &ring->producer->owner, deadline);
	if (ret == -EBUSY)
		return -EAGAIN;
	if (ret < 0)
		return ret;
	ring->is_owner = true;
	ret = shmdev_ring_resume(ring);
	/* Nor is a turn kept that cannot be used: what is known is then believed. */
	if (ret < 0 || ring->head != head)
		ring->alone = 0;
	if (ret < 0)
		let_others(ring);
	return ret;
}

static bool is_producer(const struct shmdev_ring *ring)
{
	return ring->role == SHMDEV_RING_PRODUCER;
}

/* What keeps it from being prepared at once: an error, a turn, or no room. */
static __attribute__((noinline)) int
prepare_slowly(struct shmdev_ring *ring, size_t bytes, uint64_t span,
	       const struct timespec *deadline)
{
	int ret;

	if (!bytes)
		return -EINVAL;
	if (!is_producer(ring))
		return -EBADF;
	if (bytes > ring->bytes_max)
		return -EMSGSIZE;
	if (ring->reserved)
		return -EBUSY;
	ret = begin(ring, deadline);
	if (ret < 0 || has_room(ring, span))
		return ret;
	if (ring->kind == SHMDEV_RING_STREAM)
		ret = make_room(ring, span);
	else
		ret = wait_for_room(ring, span, deadline);
	if (ret < 0 && ring->published == ring->head)
		let_others(ring);
	return ret;
}

/* For a record at the head: none is in progress, it is one's turn, there is room. */
ALWAYS_INLINE bool is_prepared(struct shmdev_ring *ring, size_t bytes)
{
	if (unlikely(bytes - 1 >= ring->bytes_max || ring->reserved))
		return false;
	if (!ring->is_owner && ring->kept && go_on_with_turn(ring)) {
		ring->is_owner = true;
		ring->paused = NO_TURN;
	}
	return likely(ring->is_owner && has_room(ring, record_span(bytes)));
}

ALWAYS_INLINE int prepare(struct shmdev_ring *ring, size_t bytes,
			  const struct timespec *deadline)
{
	return is_prepared(ring, bytes) ? 0 :
	       prepare_slowly(ring, bytes, record_span(bytes), deadline);
}

/*
 * Only for records that are written one by one: for many at once, so many lines
 * are asked for that what is written meanwhile has to wait.
 */
ALWAYS_INLINE void *place_of_one(const struct shmdev_ring *ring, size_t bytes)
{
	struct shmdev_record *record = record_at(ring, ring->head);
	uint64_t span = record_span(bytes);

	if (is_to_fetch(span, FETCHED_MAX) && has_room(ring, FETCH_AHEAD + span))
		fetch_to_write(record, span);
	return record + 1;
}

/* It is prepared. */
ALWAYS_INLINE int reserve(struct shmdev_ring *ring, size_t bytes, void **record)
{
	ring->reserved = bytes;
	ring->many = 1;
	*record = place_of_one(ring, bytes);
	return 0;
}

static __attribute__((noinline)) int
reserve_slowly(struct shmdev_ring *ring, size_t bytes,
	       const struct timespec *deadline, void **record)
{
	int ret = prepare(ring, bytes, deadline);

	return ret < 0 ? ret : reserve(ring, bytes, record);
}

/* As send_short(), without a call on its fast path. */
SHMDEV_API int shmdev_ring_reserve(struct shmdev_ring *ring, size_t bytes,
				   const struct timespec *deadline,
				   void **record)
{
	if (!ring || !record)
		return -EINVAL;
	if (unlikely(!is_prepared(ring, bytes)))
		return reserve_slowly(ring, bytes, deadline, record);
	return reserve(ring, bytes, record);
}

/* How many have room; the first one has. Or -errno. */
static int64_t make_room_for_many(struct shmdev_ring *ring, uint64_t span,
				  unsigned int count)
{
	uint64_t most = (ring->data_bytes - RECORD_HEAD) / span, all;
	const struct shmdev_ring_gate none = { };
	int ret = 0;

	if (count < most)
		most = count;
	all = most * span;
	if (has_room(ring, all))
		return (int64_t)most;
	if (ring->kind == SHMDEV_RING_STREAM)
		ret = make_room(ring, all);
	else
		ret = consumer_has_passed(ring, &none);
	if (ret < 0)
		return ret;
	/* A consumer does not go back. */
	if (!has_room(ring, span))
		return -EBADMSG;
	if (!has_room(ring, all))
		most = (ring->tail + ring->data_bytes - RECORD_HEAD -
			ring->head) / span;
	return (int64_t)most;
}

SHMDEV_API int shmdev_ring_reserve_many(struct shmdev_ring *ring, size_t bytes,
					unsigned int count,
					const struct timespec *deadline,
					void **records)
{
	uint64_t span = record_span(bytes);
	unsigned char *record;
	int64_t room;
	int ret;

	if (!ring || (!records && count) || count > INT32_MAX)
		return -EINVAL;
	if (!count)
		return 0;
	ret = prepare(ring, bytes, deadline);
	if (ret < 0)
		return ret;
	ring->reserved = bytes;
	room = make_room_for_many(ring, span, count);
	if (room < 0) {
		shmdev_ring_discard(ring);
		return (int)room;
	}
	/* The data are mapped twice, so the end of them is not in the way. */
	record = (unsigned char *)(record_at(ring, ring->head) + 1);
	for (int i = 0; i < room; i++, record += span)
		records[i] = record;
	ring->many = room;
	return (int)room;
}

ALWAYS_INLINE void commit(struct shmdev_ring *ring, size_t bytes,
			  unsigned int count)
{
	struct shmdev_record *record = record_at(ring, ring->head);
	uint64_t sequence = ring->sequence, span = record_span(bytes);

	ring->head += count * span;
	ring->sequence += count;
	/* The data are mapped twice, so the end of them is not in the way. */
	while (count--) {
		store_record(record, bytes, sequence++);
		record = (void *)((char *)record + span);
	}
	store_record(record, 0, sequence);
}

/* The first @count of those. */
ALWAYS_INLINE void commit_reserved(struct shmdev_ring *ring, unsigned int count)
{
	commit(ring, ring->reserved, count);
	ring->reserved = 0;
}

/* None is reserved, and one is committed. */
ALWAYS_INLINE int flush(struct shmdev_ring *ring)
{
	int ret = publish(ring);

	let_others(ring);
	return ret;
}

SHMDEV_API int shmdev_ring_commit_later(struct shmdev_ring *ring)
{
	if (!ring || !ring->reserved)
		return -EINVAL;
	commit_reserved(ring, 1);
	return 0;
}

SHMDEV_API int shmdev_ring_flush(struct shmdev_ring *ring)
{
	if (!ring)
		return -EINVAL;
	if (!is_producer(ring))
		return -EBADF;
	if (ring->reserved)
		return -EBUSY;
	return ring->head == ring->published ? 0 : flush(ring);
}

SHMDEV_API int shmdev_ring_commit(struct shmdev_ring *ring)
{
	if (!ring || !ring->reserved)
		return -EINVAL;
	commit_reserved(ring, 1);
	return flush(ring);
}

SHMDEV_API int shmdev_ring_commit_many(struct shmdev_ring *ring,
				       unsigned int count)
{
	if (!ring || !ring->reserved || count > ring->many)
		return -EINVAL;
	if (!count)
		return shmdev_ring_discard(ring);
	commit_reserved(ring, count);
	return flush(ring);
}

SHMDEV_API int shmdev_ring_discard(struct shmdev_ring *ring)
{
	if (!ring || !ring->reserved)
		return -EINVAL;
	ring->reserved = 0;
	if (ring->head == ring->published)
		let_others(ring);
	return 0;
}

/* Above that, nobody waits for the beginning of a record longer than for its rest. */
#define BEGINNING_MATTERS 512

/*
 * As copy(). Of a longer record, too, a sender has mostly just written what it begins
 * with: see read_by_words().
 */
ALWAYS_INLINE void copy_sent(void *to, const void *from, size_t bytes)
{
	size_t begin = 0;

#ifndef __SANITIZE_THREAD__
	if (bytes > SHORT_MAX && bytes <= BEGINNING_MATTERS) {
		begin = SHORT_MAX;
		copy_short(to, from, begin, read_by_words);
	}
#endif
	copy((char *)to + begin, (const char *)from + begin, bytes - begin);
}

ALWAYS_INLINE int send_later(struct shmdev_ring *ring, const void *data,
			     size_t bytes, const struct timespec *deadline)
{
	int ret = data ? prepare(ring, bytes, deadline) : -EINVAL;

	if (ret < 0)
		return ret;
	copy_sent(place_of_one(ring, bytes), data, bytes);
	commit(ring, bytes, 1);
	return 0;
}

static int send_slowly(struct shmdev_ring *ring, const void *data, size_t bytes,
		       const struct timespec *deadline)
{
	int ret = send_later(ring, data, bytes, deadline);

	return ret < 0 ? ret : flush(ring);
}

/* Somebody waits. */
static __attribute__((noinline)) int end_send(struct shmdev_ring *ring)
{
	int ret = let_know(ring);

	if (ring->flags & SHMDEV_RING_F_MANY)
		end_turn(ring);
	return ret;
}

/* Others want it. */
static __attribute__((noinline)) int lose_turn(struct shmdev_ring *ring)
{
	shmdev_ring_end_turn(ring);
	return 0;
}

/*
 * The fast path, in a queue with those of @flags that a producer has to do with. In
 * few variables: one that has to be saved is one more to be written, and what waits
 * to be written is what a producer waits for, if a line is not here in time.
 */
ALWAYS_INLINE int send_short(struct shmdev_ring *ring, uint32_t flags,
			     const void *data, size_t bytes,
			     const struct timespec *deadline)
{
	bool many = flags & SHMDEV_RING_F_MANY;
	uint64_t span = record_span(bytes), head, sequence;
	int64_t left = room_after(ring, span);
	struct shmdev_ring_producer *producer;
	struct shmdev_record *record;

	/* One of many who already has the turn has reserved, or a batch to end. */
	if (unlikely(!data || left < 0 ||
		     (many ? !go_on_with_turn(ring) : ring->reserved)))
		return send_slowly(ring, data, bytes, deadline);
	record = record_at(ring, ring->head);
	if (span >= SHMDEV_RING_LINE && likely(left >= FETCH_AHEAD))
		fetch_to_write(record, SHMDEV_RING_LINE);
	copy_short(record + 1, data, bytes, read_by_words);
	head = ring->head + span;
	sequence = ring->sequence;
	store_record(record, bytes, sequence++);
	/* The data are mapped twice, so the end of them is not in the way. */
	store_record((void *)((char *)record + span), 0, sequence);
	ring->head = head;
	ring->sequence = sequence;
	producer = ring->producer;
	show(ring, producer, head, sequence);
	let_sleepers_see(flags);
	if (unlikely(is_awaited(&ring->cursor->gate)))
		return end_send(ring);
	return many && unlikely(!is_turn_kept(ring, producer)) ?
		       lose_turn(ring) : 0;
}

static int send_with_barrier(struct shmdev_ring *ring, const void *data,
			     size_t bytes, const struct timespec *deadline)
{
	return send_short(ring, 0, data, bytes, deadline);
}

static int send_asymmetric(struct shmdev_ring *ring, const void *data,
			   size_t bytes, const struct timespec *deadline)
{
	return send_short(ring, SHMDEV_RING_F_ASYMMETRIC, data, bytes,
			  deadline);
}

static int send_in_kept_turn(struct shmdev_ring *ring, const void *data,
			     size_t bytes, const struct timespec *deadline)
{
	return send_short(ring, SHMDEV_RING_F_ASYMMETRIC | SHMDEV_RING_F_MANY,
			  data, bytes, deadline);
}

shmdev_ring_send_fn *shmdev_ring_sender(const struct shmdev_ring *ring)
{
	bool many = ring->flags & SHMDEV_RING_F_MANY;

	if (!is_producer(ring) || ring->kind != SHMDEV_RING_QUEUE)
		return send_slowly;
	if (many)
		return ring->keeper ? send_in_kept_turn : send_slowly;
	return ring->flags & SHMDEV_RING_F_ASYMMETRIC ? send_asymmetric :
							send_with_barrier;
}

SHMDEV_API int shmdev_ring_send(struct shmdev_ring *ring, const void *data,
				size_t bytes, const struct timespec *deadline)
{
	if (unlikely(!ring))
		return -EINVAL;
	return is_short(bytes) ? ring->send_short(ring, data, bytes, deadline) :
				 send_slowly(ring, data, bytes, deadline);
}

SHMDEV_API int shmdev_ring_send_many(struct shmdev_ring *ring,
				     const struct iovec *records,
				     unsigned int count,
				     const struct timespec *deadline)
{
	unsigned int sent;
	int ret = 0, flushed;

	if (!ring || (!records && count) || count > INT32_MAX)
		return -EINVAL;
	for (sent = 0; sent < count; sent++) {
		ret = send_later(ring, records[sent].iov_base,
				 records[sent].iov_len, deadline);
		if (ret < 0)
			break;
	}
	if (!sent)
		return ret;
	flushed = shmdev_ring_flush(ring);
	return flushed < 0 ? flushed : (int)sent;
}

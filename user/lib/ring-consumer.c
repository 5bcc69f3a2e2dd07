// SPDX-License-Identifier: MIT
/* Rings: the side that receives. */
#include <errno.h>
#include <time.h>

#include "ring-fetch.h"
#include "ring-short.h"
#include "ring.h"

#define SECOND 1000000000L
/* Nobody is overtaken so often in a row by one who sends records. */
#define LAPS_MAX 1000
/* Records after which others are about as long. */
#define AHEAD 8
/* Who reads in place fetches a page as fast while reading it. */
#define FETCHED_IN_PLACE 2048

static bool is_queue(const struct shmdev_ring *ring)
{
	return ring->kind == SHMDEV_RING_QUEUE;
}

static int records_have_come(struct shmdev_ring *ring,
			     const struct shmdev_ring_gate *wanted)
{
	uint64_t head = load_acquire(&ring->producer->head);

	ring->seen = head;
	if (!is_before(head, wanted->position))
		return 1;
	return !is_before(load(&ring->producer->sequence), wanted->sequence);
}

/* A producer that waits for room does not send more, however long one waits. */
static int enough_has_come(struct shmdev_ring *ring,
			   const struct shmdev_ring_gate *wanted)
{
	uint64_t room = load(&ring->producer->gate.position);

	if (!(room & SHMDEV_RING_NOBODY) &&
	    is_before(ring->done.position, room))
		return 1;
	return records_have_come(ring, wanted);
}

static struct shmdev_ring_sleep sleep_until(struct shmdev_ring *ring,
					    uint64_t bytes, uint64_t records)
{
	return (struct shmdev_ring_sleep){
		.gate = &ring->cursor->gate,
		.wanted = {
			.position = ring->at.position + bytes,
			.sequence = ring->at.sequence + records,
		},
		.turn = &ring->producer->turns[ring->slot],
		.next = record_at(ring, ring->at.position),
		.is_reached = records_have_come,
	};
}

static bool is_earlier(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec < b->tv_sec ||
	       (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

/* There is a record; no hurry. Whatever happens, it is there. */
static int wait_for_more(struct shmdev_ring *ring,
			 const struct timespec *deadline)
{
	uint64_t half = ring->data_bytes / 2;
	uint64_t bytes = ring->throttle_bytes;
	struct shmdev_ring_sleep sleep;
	struct timespec until;

	if ((!ring->throttle_records && !bytes && !ring->throttle_us) ||
	    deadline == SHMDEV_RING_NOW)
		return 0;
	/* The producer needs room before it can send so many. */
	if (!bytes || bytes > half)
		bytes = half;
	sleep = sleep_until(ring, bytes, ring->throttle_records ?: FAR);
	sleep.no_longer = true;
	sleep.is_reached = enough_has_come;
	if (ring->throttle_us) {
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += ring->throttle_us / 1000000;
		until.tv_nsec += ring->throttle_us % 1000000 * 1000L;
		if (until.tv_nsec >= SECOND) {
			until.tv_sec++;
			until.tv_nsec -= SECOND;
		}
		if (!deadline || is_earlier(&until, deadline))
			deadline = &until;
	}
	shmdev_ring_sleep(ring, &sleep, deadline);
	return 0;
}

/*
 * Who went to the head to get away from a producer, and finds that it sends no
 * more, goes back to what is still there. If it sends again: see skip().
 */
static bool go_back(struct shmdev_ring *ring)
{
	uint64_t tail;

	if (ring->laps < 2)
		return false;
	tail = load_acquire(&ring->producer->tail);
	if (tail % SHMDEV_RECORD_ALIGN)
		return false;
	ring->done.position = tail;
	ring->done.is_next = false;
	ring->at = ring->done;
	/* After the tail, so that it is not before it. */
	ring->seen = load_acquire(&ring->producer->head);
	return ring->at.position != ring->seen;
}

static __attribute__((noinline)) int
wait_for_records(struct shmdev_ring *ring, const struct timespec *deadline)
{
	struct shmdev_ring_sleep sleep;

	if (ring->spin_max)
		shmdev_ring_linger(&ring->linger, ring->at.sequence,
				   moments_until(deadline));
	ring->seen = load_acquire(&ring->producer->head);
	if (ring->at.position != ring->seen || go_back(ring))
		return 0;
	/* Who has caught up is not behind any more. */
	ring->laps = 0;
	sleep = sleep_until(ring, SHMDEV_RECORD_ALIGN, FAR);
	return shmdev_ring_sleep(ring, &sleep, deadline) ?:
	       wait_for_more(ring, deadline);
}

/*
 * What the producer says of the record behind @head; read once. Its sequence
 * number is @near, or near to it, and no more than @available bytes are its.
 */
ALWAYS_INLINE int parse_record(const struct shmdev_record *head, uint64_t near,
			       uint64_t available, uint64_t *span,
			       struct shmdev_ring_record *record)
{
	uint64_t word = load_record(head);

	record->bytes = (uint32_t)word;
	record->data = head + 1;
	record->sequence = whole_sequence(near, word >> 32);
	*span = record_span(record->bytes);
	return !record->bytes || *span > available ? -EBADMSG : 0;
}

/* The next record. */
ALWAYS_INLINE int read_record(const struct shmdev_ring *ring, uint64_t *span,
			      struct shmdev_ring_record *record)
{
	const struct shmdev_ring_place *at = &ring->at;
	uint64_t available = ring->seen - at->position;
	/* The producer's word changes all the time: not to be fetched for each. */
	uint64_t near = at->is_next ? at->sequence :
				      load(&ring->producer->sequence);
	int ret = parse_record(record_at(ring, at->position), near, available,
			       span, record);

	return available > ring->data_bytes ||
	       available % SHMDEV_RECORD_ALIGN ? -EBADMSG : ret;
}

static bool was_overtaken(struct shmdev_ring *ring, uint64_t position)
{
	/* After what was read; pairs with the barrier in make_room(). */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return is_before(position, load(&ring->producer->tail));
}

/*
 * The producer has overtaken this reader, who goes on with the oldest record; or,
 * if that has gone as well before it could be read, with the next that comes, to
 * be a whole ring ahead of the producer. What was peeked at and not released may
 * be torn: -EOVERFLOW.
 */
static int skip(struct shmdev_ring *ring)
{
	uint64_t tail = load_acquire(&ring->producer->tail);
	uint64_t head = load_acquire(&ring->producer->head);
	bool peeked = ring->at.position != ring->done.position;

	if (tail % SHMDEV_RECORD_ALIGN || head % SHMDEV_RECORD_ALIGN ||
	    ring->laps++ > LAPS_MAX)
		return -EBADMSG;
	ring->done.position = ring->laps == 1 ? tail : head;
	ring->done.is_next = false;
	ring->at = ring->done;
	ring->seen = head;
	return peeked ? -EOVERFLOW : 0;
}

ALWAYS_INLINE int peek_queue(struct shmdev_ring *ring,
			     const struct timespec *deadline, uint64_t *span,
			     struct shmdev_ring_record *record)
{
	int ret = 0;

	if (unlikely(ring->at.position == ring->seen))
		ret = wait_for_records(ring, deadline);
	if (unlikely(ret < 0))
		return ret;
	record->lost = 0;
	return read_record(ring, span, record);
}

static int peek_stream(struct shmdev_ring *ring,
		       const struct timespec *deadline, uint64_t *span,
		       struct shmdev_ring_record *record)
{
	int ret;

	for (;;) {
		ret = ring->at.position == ring->seen ?
			      wait_for_records(ring, deadline) : 0;
		if (ret < 0)
			return ret;
		ret = read_record(ring, span, record);
		if (!was_overtaken(ring, ring->done.position))
			break;
		ret = skip(ring);
		if (ret < 0)
			return ret;
	}
	record->lost = record->sequence - ring->at.sequence;
	return ret;
}

/* The next record, which stays the next one. */
ALWAYS_INLINE int look(struct shmdev_ring *ring, bool queue,
		       const struct timespec *deadline, uint64_t *span,
		       struct shmdev_ring_record *record)
{
	if (unlikely(ring->role != SHMDEV_RING_CONSUMER))
		return -EBADF;
	return queue ? peek_queue(ring, deadline, span, record) :
		       peek_stream(ring, deadline, span, record);
}

/* @at the record that was read, to behind it. */
ALWAYS_INLINE void pass(struct shmdev_ring_place *at, uint64_t span,
			const struct shmdev_ring_record *record)
{
	at->position += span;
	at->sequence = record->sequence + 1;
	at->is_next = true;
	at->lost += record->lost;
}

/* With the record that was looked at, if it is one of @most bytes. */
ALWAYS_INLINE void fetch_ahead(const struct shmdev_ring *ring, uint64_t span,
			       uint64_t most)
{
	uint64_t there = ring->seen - ring->at.position;

	if (is_to_fetch(span, most) && there >= FETCH_AHEAD + span)
		fetch_to_read(record_at(ring, ring->at.position), span);
}

/* Past the record that was looked at. */
ALWAYS_INLINE void advance(struct shmdev_ring *ring, uint64_t span,
			   const struct shmdev_ring_record *record)
{
	pass(&ring->at, span, record);
	ring->laps = 0;
}

/* The next record of a queue. */
struct next {
	const struct shmdev_record *head;
	uint64_t bytes;
	uint64_t span;
	uint64_t there;		/* bytes, of this one and of those behind it */
};

/*
 * Whether it is known to be there, and is as it should be. If not, the slow way
 * finds out what else it is. Its head is read once.
 *
 * Its length is guessed, so that neither the record after it waits for that, nor
 * what is told of this one: if a caller keeps that at an address that ends as that
 * of something in @ring does, a processor that is to read the latter next waits until
 * the former is written.
 */
ALWAYS_INLINE bool find_next(struct shmdev_ring *ring, struct next *next)
{
	uint64_t word;

	next->there = ring->seen - ring->at.position;
	if (unlikely(next->there - 1 >= ring->data_bytes ||
		     next->there % SHMDEV_RECORD_ALIGN))
		return false;
	next->head = record_at(ring, ring->at.position);
	word = load_record(next->head);
	next->bytes = expected((uint32_t)word, &ring->usual);
	next->span = record_span(next->bytes);
	return likely(next->bytes && next->span <= next->there &&
		      word >> 32 == (uint32_t)ring->at.sequence);
}

/* Past that. */
ALWAYS_INLINE void pass_next(struct shmdev_ring *ring, uint64_t span)
{
	/* Word by word, as in tell_place(). */
	store(&ring->at.sequence, ring->at.sequence + 1);
	store(&ring->at.position, ring->at.position + span);
}

ALWAYS_INLINE int peek(struct shmdev_ring *ring, bool queue,
		       const struct timespec *deadline,
		       struct shmdev_ring_record *record)
{
	uint64_t span;
	int ret = look(ring, queue, deadline, &span, record);

	if (ret < 0)
		return ret;
	fetch_ahead(ring, span, FETCHED_IN_PLACE);
	advance(ring, span, record);
	return 0;
}

static __attribute__((noinline)) int
peek_slowly(struct shmdev_ring *ring, const struct timespec *deadline,
	    struct shmdev_ring_record *record)
{
	return peek(ring, true, deadline, record);
}

static __attribute__((noinline)) int
peek_at_stream(struct shmdev_ring *ring, const struct timespec *deadline,
	       struct shmdev_ring_record *record)
{
	return peek(ring, false, deadline, record);
}

SHMDEV_API int shmdev_ring_peek(struct shmdev_ring *ring,
				const struct timespec *deadline,
				struct shmdev_ring_record *record)
{
	struct next next;

	if (!ring || !record)
		return -EINVAL;
	if (!is_queue(ring))
		return peek_at_stream(ring, deadline, record);
	if (unlikely(!find_next(ring, &next)))
		return peek_slowly(ring, deadline, record);
	fetch_ahead(ring, next.span, FETCHED_IN_PLACE);
	*record = (struct shmdev_ring_record){
		.data = next.head + 1,
		.bytes = next.bytes,
		.sequence = ring->at.sequence,
	};
	pass_next(ring, next.span);
	return 0;
}

/*
 * From @at on, those that are known to be there: to look for more would fetch the
 * producer's line once more. Where a record begins is said in the line of the one
 * before it, so that each would wait for the last one's, but for a guess.
 */
ALWAYS_INLINE unsigned int read_on(const struct shmdev_ring *ring,
				   struct shmdev_ring_place *at,
				   struct shmdev_ring_record *records,
				   unsigned int count)
{
	uint64_t span, available = ring->seen - at->position;
	uint64_t mask = ring->data_bytes - 1;
	const unsigned char *data = ring->data;
	unsigned int i;

	for (i = 0; i < count && available; i++, available -= span) {
		if (parse_record((const void *)(data + (at->position & mask)),
				 at->sequence, available, &span,
				 &records[i]) < 0)
			break;
		/* Whole laps are lost, so: 0, unless the producer lies. */
		records[i].lost = records[i].sequence - at->sequence;
		pass(at, span, &records[i]);
		/* Past what is mapped it does nothing. */
		__builtin_prefetch((const char *)records[i].data +
				   AHEAD * span);
	}
	return i;
}

SHMDEV_API int shmdev_ring_peek_many(struct shmdev_ring *ring,
				     struct shmdev_ring_record *records,
				     unsigned int count,
				     const struct timespec *deadline)
{
	struct shmdev_ring_place at;
	unsigned int peeked;
	uint64_t span;
	int ret;

	if (!ring || (!records && count) || count > INT32_MAX)
		return -EINVAL;
	if (!count)
		return 0;
	for (;;) {
		ret = look(ring, is_queue(ring), deadline, &span, records);
		if (ret < 0)
			return ret;
		at = ring->at;
		pass(&at, span, records);
		peeked = 1 + read_on(ring, &at, records + 1, count - 1);
		if (is_queue(ring) ||
		    !was_overtaken(ring, ring->done.position))
			break;
		/* Nobody has seen these yet; but others, perhaps. */
		ret = skip(ring);
		if (ret < 0)
			return ret;
	}
	ring->at = at;
	ring->laps = 0;
	return (int)peeked;
}

/*
 * One word of each line, and only of what is given back. If this process is
 * killed meanwhile, nobody looks at what is left of it.
 */
static void clear_lines(struct shmdev_ring *ring)
{
	uint64_t at;

	store_release(&ring->cursor->clearing, ring->at.position);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	for (at = ring->done.position; is_before(at, ring->at.position);
	     at += SHMDEV_RING_LINE)
		store((uint64_t *)record_at(ring, at), 0);
}

/* What was read, up to @position. */
ALWAYS_INLINE void show(struct shmdev_ring *ring, uint32_t flags,
			uint64_t position)
{
	store_release(&ring->cursor->position, position);
	/* The rest of it is for streams. */
	ring->done.position = position;
	let_sleepers_see(flags);
}

/* Wakes who waits for that. */
ALWAYS_INLINE int let_know(struct shmdev_ring *ring)
{
	return knock(ring, &ring->producer->gate, &ring->cursor->turn,
		     ring->at.position, 0, &ring->producer_woken);
}

ALWAYS_INLINE int give_back(struct shmdev_ring *ring)
{
	if (ring->flags & SHMDEV_RING_F_CLEARS)
		clear_lines(ring);
	show(ring, ring->flags, ring->at.position);
	return let_know(ring);
}

/* Of a stream nothing is given back, but others may want to know. */
static int tell_place(struct shmdev_ring *ring)
{
	struct shmdev_ring_cursor *cursor = ring->cursor;

	store(&cursor->lost, ring->at.lost);
	store(&cursor->position, ring->at.position);
	/*
	 * Word by word, as they were written a moment ago: a processor waits if
	 * it is to read two of them at once, as compilers like to copy structs.
	 */
	store(&ring->done.position, ring->at.position);
	store(&ring->done.sequence, ring->at.sequence);
	store(&ring->done.lost, ring->at.lost);
	store(&ring->done.is_next, ring->at.is_next);
	return 0;
}

/* There is something to give back. */
ALWAYS_INLINE int release(struct shmdev_ring *ring, bool queue)
{
	if (queue)
		return give_back(ring);
	return was_overtaken(ring, ring->done.position) ? skip(ring) :
							  tell_place(ring);
}

SHMDEV_API int shmdev_ring_release(struct shmdev_ring *ring)
{
	if (!ring)
		return -EINVAL;
	if (ring->role != SHMDEV_RING_CONSUMER)
		return -EBADF;
	if (ring->at.position == ring->done.position)
		return 0;
	return release(ring, is_queue(ring));
}

/* Copies the next record, which is not given back yet. */
ALWAYS_INLINE int take(struct shmdev_ring *ring, bool queue, void *buffer,
		       size_t room, const struct timespec *deadline,
		       struct shmdev_ring_record *record)
{
	uint64_t span;
	int ret = look(ring, queue, deadline, &span, record);

	if (ret < 0)
		return ret;
	/* No record has no bytes: who has no buffer has no room for it. */
	if (!buffer || record->bytes > room)
		return -EMSGSIZE;
	fetch_ahead(ring, span, FETCHED_MAX);
	copy(buffer, record->data, record->bytes);
	advance(ring, span, record);
	return 0;
}

/* What is known of a record stays in registers, where nobody else wants it. */
ALWAYS_INLINE ssize_t receive(struct shmdev_ring *ring, bool queue,
			      void *buffer, size_t room,
			      const struct timespec *deadline,
			      struct shmdev_ring_record *copied)
{
	struct shmdev_ring_record record;
	int ret;

	do {
		ret = take(ring, queue, buffer, room, deadline, &record) ?:
		      release(ring, queue);
	} while (!queue && ret == -EOVERFLOW);
	if (ret < 0 && ret != -EMSGSIZE)
		return ret;
	if (!ret)
		record.data = buffer;
	if (copied)
		*copied = record;
	return ret < 0 ? ret : (ssize_t)record.bytes;
}

static __attribute__((noinline)) ssize_t
receive_of_stream(struct shmdev_ring *ring, void *buffer, size_t room,
		  const struct timespec *deadline,
		  struct shmdev_ring_record *record)
{
	return receive(ring, false, buffer, room, deadline, record);
}

static ssize_t receive_slowly(struct shmdev_ring *ring, void *buffer,
			      size_t room, const struct timespec *deadline,
			      struct shmdev_ring_record *record)
{
	if (!buffer && room)
		return -EINVAL;
	if (is_queue(ring))
		return receive(ring, true, buffer, room, deadline, record);
	return receive_of_stream(ring, buffer, room, deadline, record);
}

/* Somebody waits. */
static __attribute__((noinline)) ssize_t
end_receive(struct shmdev_ring *ring, size_t bytes)
{
	int ret = let_know(ring);

	return ret < 0 ? ret : (ssize_t)bytes;
}

/* What was copied to @buffer, in a queue that nobody clears. */
ALWAYS_INLINE ssize_t receive_copied(struct shmdev_ring *ring, uint32_t flags,
				     void *buffer, uint64_t bytes,
				     struct shmdev_ring_record *record)
{
	if (record)
		*record = (struct shmdev_ring_record){
			.data = buffer,
			.bytes = bytes,
			.sequence = ring->at.sequence,
		};
	pass_next(ring, record_span(bytes));
	show(ring, flags, ring->at.position);
	if (unlikely(is_awaited(&ring->producer->gate)))
		return end_receive(ring, bytes);
	return (ssize_t)bytes;
}

/* The next one, which is known to be one of @bytes. */
static __attribute__((noinline)) ssize_t
receive_long(struct shmdev_ring *ring, void *buffer, uint64_t bytes,
	     struct shmdev_ring_record *record)
{
	fetch_ahead(ring, record_span(bytes), FETCHED_MAX);
	copy(buffer, record_at(ring, ring->at.position) + 1, bytes);
	return receive_copied(ring, ring->flags, buffer, bytes, record);
}

/* The fast path, in a queue that nobody clears. */
ALWAYS_INLINE ssize_t receive_next(struct shmdev_ring *ring, uint32_t flags,
				   void *buffer, size_t room,
				   const struct timespec *deadline,
				   struct shmdev_ring_record *record)
{
	struct next next;

	if (unlikely(!buffer || !find_next(ring, &next) || next.bytes > room))
		return receive_slowly(ring, buffer, room, deadline, record);
	if (!is_short(next.bytes))
		return receive_long(ring, buffer, next.bytes, record);
	if (next.span >= SHMDEV_RING_LINE &&
	    next.there - next.span >= FETCH_AHEAD)
		fetch_to_read(next.head, SHMDEV_RING_LINE);
	copy_short(buffer, next.head + 1, next.bytes, read_at_once);
	return receive_copied(ring, flags, buffer, next.bytes, record);
}

static ssize_t receive_with_barrier(struct shmdev_ring *ring, void *buffer,
				    size_t room,
				    const struct timespec *deadline,
				    struct shmdev_ring_record *record)
{
	return receive_next(ring, 0, buffer, room, deadline, record);
}

static ssize_t receive_asymmetric(struct shmdev_ring *ring, void *buffer,
				  size_t room, const struct timespec *deadline,
				  struct shmdev_ring_record *record)
{
	return receive_next(ring, SHMDEV_RING_F_ASYMMETRIC, buffer, room,
			     deadline, record);
}

shmdev_ring_receive_fn *shmdev_ring_receiver(const struct shmdev_ring *ring)
{
	if (ring->role != SHMDEV_RING_CONSUMER || !is_queue(ring) ||
	    ring->flags & SHMDEV_RING_F_CLEARS)
		return receive_slowly;
	return ring->flags & SHMDEV_RING_F_ASYMMETRIC ? receive_asymmetric :
							receive_with_barrier;
}

SHMDEV_API ssize_t shmdev_ring_receive(struct shmdev_ring *ring, void *buffer,
				       size_t room,
				       const struct timespec *deadline,
				       struct shmdev_ring_record *record)
{
	return ring ? ring->receive(ring, buffer, room, deadline, record) :
		      -EINVAL;
}

/* Of a queue, all are given back at once, which costs no more than one of them. */
SHMDEV_API int shmdev_ring_receive_many(struct shmdev_ring *ring,
					struct iovec *records,
					unsigned int count,
					const struct timespec *deadline)
{
	struct shmdev_ring_record record;
	unsigned int received;
	ssize_t ret = 0;

	if (!ring || (!records && count) || count > INT32_MAX)
		return -EINVAL;
	for (received = 0; received < count; received++) {
		struct iovec *to = &records[received];

		if (!to->iov_base && to->iov_len)
			ret = -EINVAL;
		else if (is_queue(ring))
			ret = take(ring, true, to->iov_base, to->iov_len,
				   deadline, &record);
		else
			ret = receive_of_stream(ring, to->iov_base, to->iov_len,
						deadline, &record);
		if (ret < 0)
			break;
		to->iov_len = record.bytes;
		deadline = SHMDEV_RING_NOW;
	}
	if (!received)
		return (int)ret;
	ret = is_queue(ring) ? release(ring, true) : 0;
	return ret < 0 ? (int)ret : (int)received;
}

static void go_to(struct shmdev_ring *ring, uint64_t position,
		  uint64_t sequence)
{
	ring->at.position = position;
	ring->at.sequence = sequence;
	ring->at.is_next = true;
	ring->done = ring->at;
	ring->seen = position;
	ring->laps = 0;
	tell_place(ring);
}

static int check_seek(const struct shmdev_ring *ring)
{
	if (!ring)
		return -EINVAL;
	return ring->role == SHMDEV_RING_CONSUMER &&
	       ring->kind == SHMDEV_RING_STREAM ? 0 : -EBADF;
}

/*
 * The place at @from and the sequence number there, which has not gone while it
 * was read. At the head too there is one.
 */
static int find_place(struct shmdev_ring *ring, const __u64 *from,
		      uint64_t *position, uint64_t *sequence)
{
	const struct shmdev_record *head;

	for (unsigned int i = 0; i < LAPS_MAX; i++) {
		*position = load_acquire(from);
		if (*position % SHMDEV_RECORD_ALIGN)
			return -EBADMSG;
		head = record_at(ring, *position);
		*sequence = whole_sequence(load(&ring->producer->sequence),
					   load(&head->sequence));
		if (!was_overtaken(ring, *position))
			return 0;
	}
	return -EBADMSG;
}

SHMDEV_API int shmdev_ring_seek_now(struct shmdev_ring *ring)
{
	uint64_t position, sequence;
	int ret = check_seek(ring);

	ret = ret ?: find_place(ring, &ring->producer->head, &position,
				&sequence);
	if (!ret)
		go_to(ring, position, sequence);
	return ret;
}

SHMDEV_API int shmdev_ring_seek_oldest(struct shmdev_ring *ring)
{
	uint64_t position, sequence;
	int ret = check_seek(ring);

	ret = ret ?: find_place(ring, &ring->producer->tail, &position,
				&sequence);
	if (!ret)
		go_to(ring, position, sequence);
	return ret;
}

SHMDEV_API int shmdev_ring_seek(struct shmdev_ring *ring, uint64_t sequence)
{
	struct shmdev_ring_record record;
	struct shmdev_ring_place before;
	uint64_t position, next, span;
	int ret = check_seek(ring);

	ret = ret ?: find_place(ring, &ring->producer->head, &position, &next);
	if (ret < 0)
		return ret;
	if (is_before(next, sequence))
		return -ERANGE;
	before = ring->at;
	ret = shmdev_ring_seek_oldest(ring);
	/* Those before it are passed by, not lost. */
	while (!ret && is_before(ring->at.sequence, sequence)) {
		ret = peek_stream(ring, SHMDEV_RING_NOW, &span, &record);
		/* It was overtaken, up to the end: what was there is lost. */
		if (ret == -EAGAIN || ret == -EPIPE) {
			ret = 0;
			break;
		}
		if (ret < 0 || !is_before(record.sequence, sequence))
			break;
		ring->at.position += span;
		ring->at.sequence = record.sequence + 1;
		ring->at.is_next = true;
		ring->done = ring->at;
	}
	if (ret < 0) {
		ring->at = before;
		ring->seen = before.position;
	} else {
		/* Of those that have gone already, it will be told. */
		ring->at.is_next &= ring->at.sequence == sequence;
		ring->at.sequence = sequence;
	}
	ring->done = ring->at;
	ring->laps = 0;
	tell_place(ring);
	return ret;
}

SHMDEV_API void shmdev_ring_throttle(struct shmdev_ring *ring,
				     uint32_t records, uint64_t bytes,
				     uint32_t microseconds)
{
	if (!ring)
		return;
	ring->throttle_records = records;
	ring->throttle_bytes = bytes;
	ring->throttle_us = microseconds;
}

SHMDEV_API void shmdev_ring_set_spin(struct shmdev_ring *ring,
				     unsigned int nanoseconds)
{
	if (!ring)
		return;
	ring->spin_max = nanoseconds;
	ring->spin = nanoseconds;
}

int shmdev_ring_begin(struct shmdev_ring *ring)
{
	struct shmdev_ring_cursor *cursor = ring->cursor;
	uint64_t cleared;

	ring->producer_woken = SHMDEV_RING_NOBODY;
	store(&cursor->gate.position, SHMDEV_RING_NOBODY);
	if (ring->kind == SHMDEV_RING_STREAM)
		return shmdev_ring_seek_now(ring);
	/*
	 * What the last consumer had not given back comes again, but for what it
	 * had begun to clear.
	 */
	ring->done.position = load(&cursor->position);
	ring->at = ring->done;
	cleared = load(&cursor->clearing);
	if (ring->flags & SHMDEV_RING_F_CLEARS &&
	    is_before(ring->at.position, cleared))
		ring->at.position = cleared;
	if (ring->at.position % SHMDEV_RECORD_ALIGN ||
	    ring->done.position % SHMDEV_RECORD_ALIGN ||
	    ring->at.position - ring->done.position > ring->data_bytes)
		return -EBADMSG;
	ring->at.sequence =
		whole_sequence(load(&ring->producer->sequence),
			       load(&record_at(ring, ring->at.position)->sequence));
	ring->at.is_next = true;
	ring->done.sequence = ring->at.sequence;
	ring->seen = ring->at.position;
	return shmdev_ring_release(ring);
}

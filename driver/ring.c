// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rings with the kernel on one side. What lies in the memory, and the rules, are
 * in <uapi/linux/shmdev_ring.h>.
 *
 * Where this side is, only its own struct shmdev_ring knows for sure; what it
 * publishes in shared memory it never reads again. What the other side writes is
 * read once for each use, by the functions of shared.h, and then a number like
 * any that a stranger sends: it is checked, or it can only decide whether
 * somebody is woken. So a process that writes anything anywhere at any time makes
 * this side see an error, or wake a sleeper in vain, and nothing else.
 *
 * There are no locks, so that the functions can be called from interrupts. Whoever
 * calls them has to see to it that no two are under way for one ring.
 */
#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/err.h>
#include <linux/kcsan-checks.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "shared.h"
#include "shmdev.h"

#define STREAM_READERS	8
#define RECORD_HEAD	sizeof(struct shmdev_record)
/* Somewhere that one cannot get to in a lifetime. */
#define FAR		BIT_ULL(62)

/* One look tells who all has a cursor. */
static_assert(SHMDEV_RING_CURSORS_MAX <= BITS_PER_LONG);

/**
 * struct shmdev_ring - the kernel's side of a ring
 *
 * @segment: whose memory it is
 * @spec: what was asked for, complete
 * @page: the ring's first page, in the kernel's view of the segment
 * @producer: its second page
 * @data: the data, mapped twice
 * @head: producer: behind the last record that was committed
 * @published: producer: what others know of it
 * @tail: producer: what others have done with, or in a stream what is given up
 * @sequence: producer: of the next record; consumer: of the first one
 * @at: consumer: behind what was peeked at
 * @last: consumer: where the last record is that was peeked at
 * @done: consumer: behind what was released
 * @seen: consumer: the head, when it was last looked at
 * @turns: what the other parties sleep on, one word for each
 * @woken: the gates at which they were woken
 * @claimed: producer: a bit for each cursor that somebody has
 * @reserved: producer: bytes of the record in progress, or 0
 * @fickle: see shared.h
 */
struct shmdev_ring {
	struct shmdev_segment *segment;
	struct shmdev_ring_spec spec;
	void *page;
	struct shmdev_ring_producer *producer;
	void *data;

	u64 head;
	u64 published;
	u64 tail;
	u64 sequence;

	u64 at;
	u64 last;
	u64 done;
	u64 seen;

	u32 turns[SHMDEV_RING_CURSORS_MAX];
	u64 woken[SHMDEV_RING_CURSORS_MAX];
	const unsigned long *claimed;
	u32 reserved;

	struct shmdev_fickle fickle;
};

static struct shmdev_ring_cursor *cursor_of(const struct shmdev_ring *ring,
					    u32 i)
{
	return ring->page + (2 + i) * PAGE_SIZE;
}

static struct shmdev_record *record_at(const struct shmdev_ring *ring,
				       u64 position)
{
	return ring->data + (position & (ring->spec.data_bytes - 1));
}

/* What a record takes up. */
static u64 record_span(u64 bytes)
{
	return RECORD_HEAD + ALIGN(bytes, SHMDEV_RECORD_ALIGN);
}

/* Positions and sequence numbers go round. */
static bool is_before(u64 a, u64 b)
{
	return (s64)(a - b) < 0;
}

/* Where a word of the ring is in the segment. */
static size_t offset_of(const struct shmdev_ring *ring, const void *word)
{
	return word - ring->segment->data;
}

static size_t data_offset(const struct shmdev_ring_spec *spec)
{
	return (2 + spec->readers) * PAGE_SIZE;
}

/* Fills in what was left to this side. */
static int complete_spec(struct shmdev_ring_spec *spec,
			 const struct shmdev_segment *segment)
{
	bool is_stream = spec->kind == SHMDEV_RING_STREAM;

	if (!is_stream && spec->kind != SHMDEV_RING_QUEUE)
		return -EINVAL;
	/* Others would share a page with this side, or wait for it. */
	if (spec->flags & ~SHMDEV_RING_F_MANY ||
	    (spec->consumes ? is_stream : spec->flags))
		return -EINVAL;
	if (!spec->readers)
		spec->readers = is_stream ? STREAM_READERS : 1;
	if (spec->readers > (is_stream ? SHMDEV_RING_CURSORS_MAX : 1) ||
	    spec->position % SHMDEV_RECORD_ALIGN)
		return -EINVAL;

	/* One that begins within a page, isolate() refuses. */
	if (spec->offset > segment->bytes)
		return -EINVAL;
	if (!spec->bytes)
		spec->bytes = segment->bytes - spec->offset;
	if (spec->bytes > segment->bytes - spec->offset ||
	    spec->bytes < data_offset(spec) + PAGE_SIZE)
		return -EINVAL;
	spec->data_bytes = rounddown_pow_of_two(spec->bytes -
						data_offset(spec));
	spec->data_bytes = min(spec->data_bytes, SHMDEV_RING_DATA_MAX);
	return 0;
}

/* No record is ever in two pieces, and no index needs a second one. */
static void *map_twice(struct page **pages, size_t count)
{
	struct page **twice = kvmalloc_array(count, 2 * sizeof(*pages),
					     GFP_KERNEL);
	void *data;

	if (!twice)
		return NULL;
	memcpy(twice, pages, count * sizeof(*pages));
	memcpy(twice + count, pages, count * sizeof(*pages));
	data = vmap(twice, 2 * count, VM_MAP, PAGE_KERNEL);
	kvfree(twice);
	return data;
}

/* Each page is for the side that writes it; a reader's is for that reader. */
static int isolate(const struct shmdev_ring *ring)
{
	const struct shmdev_ring_spec *spec = &ring->spec;
	struct shmdev_segment *segment = ring->segment;
	size_t data = spec->offset + data_offset(spec);
	size_t cursors = spec->offset + 2 * PAGE_SIZE;
	int ret;

	if (spec->consumes)
		return shmdev_segment_isolate(segment, spec->offset, PAGE_SIZE,
					      false) ?:
		       shmdev_segment_isolate(segment, cursors, PAGE_SIZE,
					      false);
	ret = shmdev_segment_isolate(segment, spec->offset, 2 * PAGE_SIZE,
				     false) ?:
	      shmdev_segment_isolate(segment, cursors, data - cursors, true);
	return ret ?: shmdev_segment_isolate(segment, data, spec->data_bytes,
					     false);
}

/* The memory is zero, and nobody else knows it. */
static void format(struct shmdev_ring *ring)
{
	const struct shmdev_ring_spec *spec = &ring->spec;
	struct shmdev_ring_header *header = ring->page;
	struct shmdev_ring_cursor *cursor;
	u32 i;

	*header = (struct shmdev_ring_header){
		.magic = SHMDEV_RING_MAGIC,
		.version = SHMDEV_RING_VERSION,
		.kind = spec->kind,
		.flags = spec->flags,
		.page_bytes = PAGE_SIZE,
		.cursors = spec->readers,
		.data_bytes = spec->data_bytes,
		.position = spec->position,
		.sequence = spec->sequence,
	};
	*ring->producer = (struct shmdev_ring_producer){
		.owner = spec->consumes ? 0 : SHMDEV_PEER_ENDPOINT << 1,
		.head = spec->position,
		.tail = spec->position,
		.sequence = spec->sequence,
		.gate.position = SHMDEV_RING_NOBODY,
	};
	for (i = 0; i < spec->readers; i++) {
		cursor = cursor_of(ring, i);
		cursor->owner = spec->consumes ? SHMDEV_PEER_ENDPOINT << 1 : 0;
		cursor->position = spec->position;
		cursor->clearing = spec->position;
		cursor->gate.position = SHMDEV_RING_NOBODY;
		ring->woken[i] = SHMDEV_RING_NOBODY;
	}
	record_at(ring, spec->position)->sequence = spec->sequence;
}

/**
 * shmdev_ring_create() - make a ring in a segment, with the kernel on one side
 * @segment: one that is being attached to the calling endpoint
 * @spec: what kind of ring, where
 *
 * What the kernel writes, processes cannot, whatever else they may; and each of
 * a stream's readers has a page of its own, for which it only has to be allowed
 * to read the segment.
 *
 * Context: within the endpoint's attach, may sleep.
 * Return: the ring, for shmdev_ring_destroy(), or an ERR_PTR: -EINVAL if @spec
 * makes no sense or the segment is too small, -EEXIST if something else in these
 * pages is isolated, -ENOSPC if there is no room for more rings (a segment can
 * have SHMDEV_PARTS_MAX parts; a ring that the kernel fills takes three, one that
 * it empties two), -ENOMEM
 */
struct shmdev_ring *shmdev_ring_create(struct shmdev_segment *segment,
				       const struct shmdev_ring_spec *spec)
{
	struct shmdev_ring *ring;
	size_t at;
	int ret;

	lockdep_assert_held(&segment->endpoint_lock);
	ring = kzalloc(sizeof(*ring), GFP_KERNEL_ACCOUNT);
	if (!ring)
		return ERR_PTR(-ENOMEM);
	ring->segment = segment;
	ring->spec = *spec;
	ret = complete_spec(&ring->spec, segment) ?: isolate(ring);
	if (ret)
		goto err_free;

	at = spec->offset + data_offset(&ring->spec);
	ring->page = segment->data + spec->offset;
	ring->producer = ring->page + PAGE_SIZE;
	if (!spec->consumes)
		ring->claimed = shmdev_part_claimed(segment, spec->offset +
						    2 * PAGE_SIZE);
	ring->data = map_twice(segment->pages + (at >> PAGE_SHIFT),
			       ring->spec.data_bytes >> PAGE_SHIFT);
	ret = -ENOMEM;
	if (!ring->data)
		goto err_free;

	ring->head = spec->position;
	ring->published = spec->position;
	ring->tail = spec->position;
	ring->sequence = spec->sequence;
	ring->at = spec->position;
	ring->last = spec->position;
	ring->done = spec->position;
	ring->seen = spec->position;
	format(ring);
	return ring;

err_free:
	kfree(ring);
	return ERR_PTR(ret);
}
EXPORT_SYMBOL_GPL(shmdev_ring_create);

/**
 * shmdev_ring_destroy() - this side of a ring goes
 * @ring: from shmdev_ring_create(), that nobody uses any more; or NULL, or an error
 *
 * The memory stays as it is; the other side finds out by the end of the endpoint.
 *
 * Context: may sleep; within the endpoint's callbacks.
 */
void shmdev_ring_destroy(struct shmdev_ring *ring)
{
	if (IS_ERR_OR_NULL(ring))
		return;
	vunmap(ring->data);
	kfree(ring);
}
EXPORT_SYMBOL_GPL(shmdev_ring_destroy);

/**
 * shmdev_ring_record_max() - how large a record can be
 * @ring: a ring
 *
 * Context: any.
 */
size_t shmdev_ring_record_max(const struct shmdev_ring *ring)
{
	/* With what follows the last record. */
	return min_t(u64, ring->spec.data_bytes - 2 * RECORD_HEAD,
		     rounddown(U32_MAX, SHMDEV_RECORD_ALIGN));
}
EXPORT_SYMBOL_GPL(shmdev_ring_record_max);

/**
 * struct sleeper - a party on the other side, who may sleep
 * @gate: where it says what it waits for
 * @turn: what it sleeps on
 * @turns: what @turn holds, which others may be able to write
 * @woken: what it had said when it was last woken
 */
struct sleeper {
	const struct shmdev_ring_gate *gate;
	u32 *turn;
	u32 *turns;
	u64 *woken;
};

/*
 * Wakes a sleeper, if @position or @sequence reaches what it waits for, once.
 * After a full barrier that comes after the position was published: either this
 * side sees the gate, or that side, which has such a barrier between its gate and
 * its look, sees the position.
 */
static void knock(struct shmdev_ring *ring, const struct sleeper *sleeper,
		  u64 position, u64 sequence)
{
	const struct shmdev_ring_gate *gate = sleeper->gate;
	u64 wanted = shared_acquire(&ring->fickle, &gate->position);

	/* A position once reached stays so: whoever still wants it died asleep. */
	if (wanted & SHMDEV_RING_NOBODY || wanted == *sleeper->woken)
		return;
	if (!is_before(position, wanted))
		*sleeper->woken = wanted;
	else if (is_before(sequence,
			   shared_read(&ring->fickle, &gate->sequence)))
		return;
	++*sleeper->turns;
	/* With the acquire by which the sleeper reads it: then it finds the rest. */
	smp_store_release(sleeper->turn, *sleeper->turns);
	shmdev_segment_wake(ring->segment, offset_of(ring, sleeper->turn),
			    U32_MAX);
}

static struct sleeper consumer(struct shmdev_ring *ring, u32 i)
{
	return (struct sleeper){
		.gate = &cursor_of(ring, i)->gate,
		.turn = &ring->producer->turns[i],
		.turns = &ring->turns[i],
		.woken = &ring->woken[i],
	};
}

static void publish(struct shmdev_ring *ring)
{
	struct shmdev_ring_producer *producer = ring->producer;
	unsigned long claimed;
	struct sleeper sleeper;

	/* With the acquire of who reads the records before it. */
	smp_store_release(&producer->head, ring->head);
	WRITE_ONCE(producer->sequence, ring->sequence);
	ring->published = ring->head;
	smp_mb(); /* pairs with that of who announces itself at a gate */
	/*
	 * Who has no cursor has no gate. And who is not seen to have one gets it
	 * after this, so that its look, after its barrier, finds the head.
	 */
	for (claimed = READ_ONCE(*ring->claimed); claimed;
	     claimed &= claimed - 1) {
		sleeper = consumer(ring, __ffs(claimed));
		knock(ring, &sleeper, ring->head, ring->sequence);
	}
}

/* The queue is full: whoever waits for more than there is would wait for ever. */
static void hurry_consumer(struct shmdev_ring *ring)
{
	struct sleeper sleeper = consumer(ring, 0);
	u64 woken = SHMDEV_RING_NOBODY;

	/* Nobody can make room of what was not told of. */
	if (ring->published != ring->head)
		publish(ring);
	sleeper.woken = &woken;
	knock(ring, &sleeper, ring->head + FAR, ring->sequence);
}

/* For a record of @span bytes, and for what follows the last one. */
static bool has_room(const struct shmdev_ring *ring, u64 span)
{
	return ring->head + span + RECORD_HEAD - ring->tail <=
	       ring->spec.data_bytes;
}

/* Of a queue: what the consumer says it has done with. */
static int find_room(struct shmdev_ring *ring, u64 span)
{
	u64 position = shared_acquire(&ring->fickle,
				      &cursor_of(ring, 0)->position);

	/* It can only have gone on, and not beyond what it could know of. */
	if (ring->published - position > ring->published - ring->tail ||
	    position % SHMDEV_RECORD_ALIGN)
		return -EBADMSG;
	ring->tail = position;
	return has_room(ring, span) ? 0 : -EAGAIN;
}

/*
 * Gives up the oldest records of a stream. Their lengths are read from where
 * processes may not write; if one makes no sense for all that, all are given up.
 */
static void make_room(struct shmdev_ring *ring, u64 span)
{
	u64 oldest, all;
	u32 bytes;

	while (!has_room(ring, span)) {
		bytes = shared_read(&ring->fickle,
				    &record_at(ring, ring->tail)->bytes);
		oldest = record_span(bytes);
		all = ring->head - ring->tail;
		ring->tail += bytes && oldest <= all ? oldest : all;
	}
	/* In a long batch: the tail that others see is never behind their head. */
	if (is_before(ring->published, ring->tail))
		publish(ring);
	/* With the acquire of who begins there: the head is not behind it. */
	smp_store_release(&ring->producer->tail, ring->tail);
	/*
	 * Before anything is written there, with the barrier between a reader's
	 * copy and its look at the tail: what was overwritten, it knows to be.
	 */
	smp_wmb();
}

/**
 * shmdev_ring_reserve() - get room for a record
 * @ring: one that the kernel produces into
 * @bytes: of the record, at least 1
 *
 * Write the record, which nobody sees yet, and commit or discard it.
 *
 * Context: any, one call for one ring at a time.
 * Return: where to write, or an ERR_PTR: -EAGAIN if a queue is full, -EBADMSG if
 * its consumer claims what cannot be, -EMSGSIZE if the ring is too small, -EINVAL
 * for 0 bytes or if the kernel consumes, -EBUSY if a record is reserved already
 */
void *shmdev_ring_reserve(struct shmdev_ring *ring, size_t bytes)
{
	u64 span = record_span(bytes);
	int ret = 0;

	if (!bytes || ring->spec.consumes)
		return ERR_PTR(-EINVAL);
	if (bytes > shmdev_ring_record_max(ring))
		return ERR_PTR(-EMSGSIZE);
	if (ring->reserved)
		return ERR_PTR(-EBUSY);
	ASSERT_EXCLUSIVE_WRITER(ring->reserved);

	if (!has_room(ring, span)) {
		if (ring->spec.kind == SHMDEV_RING_STREAM)
			make_room(ring, span);
		else
			ret = find_room(ring, span);
		if (ret == -EAGAIN)
			hurry_consumer(ring);
		shared_end(&ring->fickle);
		if (ret)
			return ERR_PTR(ret);
	}
	ring->reserved = bytes;
	return record_at(ring, ring->head) + 1;
}
EXPORT_SYMBOL_GPL(shmdev_ring_reserve);

/**
 * shmdev_ring_commit_later() - the reserved record is complete
 * @ring: a ring; nothing is done if no record is reserved
 *
 * Others see it from the next shmdev_ring_flush() or shmdev_ring_commit() on, at
 * the latest when there is no more room: one wake-up for many records.
 *
 * Context: as shmdev_ring_reserve()
 */
void shmdev_ring_commit_later(struct shmdev_ring *ring)
{
	struct shmdev_record *record = record_at(ring, ring->head);

	if (!ring->reserved)
		return;
	WRITE_ONCE(record->bytes, ring->reserved);
	WRITE_ONCE(record->sequence, ring->sequence);
	ring->head += record_span(ring->reserved);
	ring->sequence++;
	ring->reserved = 0;
	record = record_at(ring, ring->head);
	WRITE_ONCE(record->bytes, 0);
	WRITE_ONCE(record->sequence, ring->sequence);
}
EXPORT_SYMBOL_GPL(shmdev_ring_commit_later);

/**
 * shmdev_ring_flush() - let others see what was committed
 * @ring: a ring
 *
 * Context: as shmdev_ring_reserve(), and as shmdev_segment_wake()
 */
void shmdev_ring_flush(struct shmdev_ring *ring)
{
	if (ring->head == ring->published)
		return;
	publish(ring);
	shared_end(&ring->fickle);
}
EXPORT_SYMBOL_GPL(shmdev_ring_flush);

/**
 * shmdev_ring_commit() - send the reserved record
 * @ring: a ring
 *
 * Context: as shmdev_ring_flush()
 */
void shmdev_ring_commit(struct shmdev_ring *ring)
{
	shmdev_ring_commit_later(ring);
	shmdev_ring_flush(ring);
}
EXPORT_SYMBOL_GPL(shmdev_ring_commit);

/**
 * shmdev_ring_discard() - drop the reserved record
 * @ring: a ring
 *
 * Nobody ever sees it; the next record takes its place and its number.
 *
 * Context: as shmdev_ring_reserve()
 */
void shmdev_ring_discard(struct shmdev_ring *ring)
{
	ring->reserved = 0;
}
EXPORT_SYMBOL_GPL(shmdev_ring_discard);

/**
 * shmdev_ring_write() - reserve, copy, commit
 * @ring: one that the kernel produces into
 * @data: the record
 * @bytes: its length
 *
 * Context: as shmdev_ring_flush()
 * Return: 0, or what shmdev_ring_reserve() says
 */
int shmdev_ring_write(struct shmdev_ring *ring, const void *data, size_t bytes)
{
	void *record = shmdev_ring_reserve(ring, bytes);

	if (IS_ERR(record))
		return PTR_ERR(record);
	memcpy(record, data, bytes);
	shmdev_ring_commit(ring);
	return 0;
}
EXPORT_SYMBOL_GPL(shmdev_ring_write);

/* Is there a record? Then what is known of the head is beyond it. */
static bool is_there_more(struct shmdev_ring *ring)
{
	if (ring->seen == ring->at)
		ring->seen = shared_acquire(&ring->fickle,
					    &ring->producer->head);
	return ring->seen != ring->at;
}

/**
 * shmdev_ring_peek() - the next record, in place
 * @ring: one that the kernel consumes
 * @record: out: where it is
 *
 * Called again, it gets the one after it. Processes can change the bytes at any
 * time: read each once, or copy what you need with shmdev_copy_once().
 *
 * Context: any, one call for one ring at a time.
 * Return: the length, at least 1; -EAGAIN if there is none, -EBADMSG if what the
 * producer says cannot be (also later, until it says something else), -EINVAL if
 * the kernel produces
 */
ssize_t shmdev_ring_peek(struct shmdev_ring *ring, const void **record)
{
	const struct shmdev_record *head = record_at(ring, ring->at);
	u64 available, span;
	ssize_t ret;
	u32 bytes;

	if (!ring->spec.consumes)
		return -EINVAL;
	ASSERT_EXCLUSIVE_WRITER(ring->at);
	if (!is_there_more(ring)) {
		shared_end(&ring->fickle);
		return -EAGAIN;
	}
	available = ring->seen - ring->at;
	bytes = shared_read(&ring->fickle, &head->bytes);
	span = record_span(bytes);
	if (!bytes || available % SHMDEV_RECORD_ALIGN ||
	    ring->seen - ring->done > ring->spec.data_bytes - RECORD_HEAD ||
	    span > available) {
		/* To be looked at anew. */
		ring->seen = ring->at;
		ret = -EBADMSG;
	} else {
		ring->last = ring->at;
		ring->at += span;
		*record = head + 1;
		/* Nor does a processor that guesses go beyond the data. */
		ret = array_index_nospec(bytes, ring->spec.data_bytes);
	}
	shared_end(&ring->fickle);
	return ret;
}
EXPORT_SYMBOL_GPL(shmdev_ring_peek);

/**
 * shmdev_ring_release() - give back what was peeked at
 * @ring: a ring
 *
 * Context: as shmdev_ring_peek(), and as shmdev_segment_wake()
 */
void shmdev_ring_release(struct shmdev_ring *ring)
{
	struct shmdev_ring_cursor *cursor = cursor_of(ring, 0);
	struct sleeper producer = {
		.gate = &ring->producer->gate,
		.turn = &cursor->turn,
		.turns = &ring->turns[0],
		.woken = &ring->woken[0],
	};

	if (ring->at == ring->done)
		return;
	/* With the acquire of a producer: what was read is not overwritten. */
	smp_store_release(&cursor->position, ring->at);
	ring->done = ring->at;
	ring->last = ring->at;
	smp_mb(); /* pairs with that of a producer that waits for room */
	knock(ring, &producer, ring->at, 0);
	shared_end(&ring->fickle);
}
EXPORT_SYMBOL_GPL(shmdev_ring_release);

/**
 * shmdev_ring_unpeek() - get the last record again with the next peek
 * @ring: a ring; nothing is done if the record was released
 *
 * For who has no use for it yet. It may have other contents by then.
 *
 * Context: as shmdev_ring_peek()
 */
void shmdev_ring_unpeek(struct shmdev_ring *ring)
{
	ring->at = ring->last;
}
EXPORT_SYMBOL_GPL(shmdev_ring_unpeek);

/**
 * shmdev_ring_read() - peek, copy, release
 * @ring: one that the kernel consumes
 * @to: memory of the caller's own
 * @room: how much
 *
 * Context: as shmdev_ring_release()
 * Return: the record's length; what shmdev_ring_peek() says; -EMSGSIZE if it has
 * more than @room bytes: the record has been dropped
 */
ssize_t shmdev_ring_read(struct shmdev_ring *ring, void *to, size_t room)
{
	const void *record;
	ssize_t bytes = shmdev_ring_peek(ring, &record);

	if (bytes < 0)
		return bytes;
	if (bytes <= room)
		shmdev_copy_once(to, record, bytes);
	shmdev_ring_release(ring);
	return bytes <= room ? bytes : -EMSGSIZE;
}
EXPORT_SYMBOL_GPL(shmdev_ring_read);

/**
 * shmdev_ring_wait() - sleep until there is a record
 * @ring: one that the kernel consumes
 * @until: a time of CLOCK_MONOTONIC, or NULL for ever
 *
 * Context: as shmdev_segment_wait(), and one call for one ring at a time.
 * Return: 0 if it is time to look, which may be in vain; -ETIMEDOUT, -ERESTARTSYS,
 * -ENOMEM; -EINVAL if the kernel produces
 */
int shmdev_ring_wait(struct shmdev_ring *ring, ktime_t *until)
{
	struct shmdev_ring_gate *gate = &cursor_of(ring, 0)->gate;
	const u32 *turn = &ring->producer->turns[0];
	bool more;
	int ret = 0;
	u32 now;

	if (!ring->spec.consumes)
		return -EINVAL;
	now = shared_acquire(&ring->fickle, turn);
	WRITE_ONCE(gate->sequence, ring->sequence + FAR);
	/* With the acquire of a producer, who then reads the other half. */
	smp_store_release(&gate->position, ring->at + SHMDEV_RECORD_ALIGN);
	smp_mb(); /* pairs with that of a producer, who then looks at the gate */
	more = is_there_more(ring);
	shared_end(&ring->fickle);
	if (!more)
		ret = shmdev_segment_wait(ring->segment, offset_of(ring, turn),
					  now, until);
	WRITE_ONCE(gate->position, SHMDEV_RING_NOBODY);
	return ret == -EAGAIN ? 0 : ret;
}
EXPORT_SYMBOL_GPL(shmdev_ring_wait);

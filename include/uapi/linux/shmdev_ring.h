/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR MIT) */
/*
 * shmdev rings: records that are passed through shared memory.
 *
 * DOC: what it is
 *
 * A ring is some pages of a segment, or of any memory that its parties map, and
 * the rules below. In a *queue* each record goes to one consumer, and a producer
 * that is too fast waits. In a *stream* each of many readers sees all records;
 * the producer waits for nobody, and a reader that was overtaken knows how many
 * it lost.
 *
 * DOC: pages
 *
 * Each page has one writer, or parties that have the same rights::
 *
 *            +-----------------------------+
 *   offset   | struct shmdev_ring_header   |  who makes the ring
 *            +-----------------------------+
 *   + page   | struct shmdev_ring_producer |  producers
 *            +-----------------------------+
 *   + 2 pages| struct shmdev_ring_cursor   |  consumer, or the first reader
 *            +-----------------------------+
 *            | ...                         |  the other readers, a page each
 *            +-----------------------------+
 *   + 2 pages| data: 2^n bytes             |  producers; of a ring with F_CLEARS,
 *   + cursors|                             |  the consumer too
 *            +-----------------------------+
 *
 * Everybody maps the data twice, one right behind the other, so that no record
 * is ever in two pieces.
 *
 * DOC: records
 *
 * A position is a number of bytes since the ring was made, modulo 2^64; it lies
 * at (position modulo the size of the data). Positions are multiples of 8::
 *
 *   position          + 8                       + 8 + @bytes, rounded up to 8
 *   | struct          | what was sent     |     | struct          |
 *   | shmdev_record   |                   | pad | shmdev_record   | ...
 *
 * At the @head there is a struct shmdev_record too, of 0 bytes, with the
 * sequence number that the next record will have. So the number of what was sent
 * and the place where it ends are published by one store.
 *
 * DOC: rules
 *
 * Producer: waits until there is room (queue) or moves @tail up to where there
 * is (stream), and only then writes. What lies beyond @head was never sent:
 * whoever comes after a producer that died begins at @head. Many producers
 * exclude each other by @owner, which tells who has died.
 *
 * Consumer: moves @position when it has done with what is before it. A reader of
 * a stream compares its position with @tail once more when it has read, and
 * throws away what it read if that is behind.
 *
 * Sleep: write to the gate on one's own page what one waits for, full barrier,
 * look again, then WAIT for the @turn that the other side has for this. Wake:
 * move the position, full barrier, look at the gate; if that is reached, add 1 to
 * @turn, which several of many producers may do at once, and WAKE. Without such a
 * gate no side makes a system call. One that dies before its WAKE wakes everyone by
 * dying.
 *
 * In a ring with F_ASYMMETRIC who sleeps makes both barriers, by membarrier(2)
 * with CMD_GLOBAL_EXPEDITED, for which each party of the ring has registered; who
 * has not makes its own. A party that cannot do so takes no part in it.
 *
 * Each side reads a word of the other once, and believes nothing.
 *
 * DOC: isolation
 *
 * The pages of the cursors can be one claimable part of the segment, see ISOLATE
 * in <linux/shmdev.h>. Then the consumer claims one instead of looking for an
 * owner that has ended, says at @owner who it is, and wakes through what it
 * claimed. A ring with F_CLEARS is not isolated.
 *
 * If the kernel produces or consumes, what it writes is isolated, and nobody
 * claims it. It is known by the id of the segment's endpoint.
 */
#ifndef _UAPI_LINUX_SHMDEV_RING_H
#define _UAPI_LINUX_SHMDEV_RING_H

#include <linux/types.h>

#define SHMDEV_RING_MAGIC	0x726d6873	/* "shmr" */
#define SHMDEV_RING_VERSION	1

#define SHMDEV_RING_QUEUE	1
#define SHMDEV_RING_STREAM	2

/* Producers take turns; without it there is one, for as long as it lives. */
#define SHMDEV_RING_F_MANY	(1 << 0)
/* The consumer clears a word in each line that it gives back. */
#define SHMDEV_RING_F_CLEARS	(1 << 1)
/* Barriers are left to who sleeps. Not where the kernel is a party. */
#define SHMDEV_RING_F_ASYMMETRIC	(1 << 2)
#define SHMDEV_RING_F_ALL						\
	(SHMDEV_RING_F_MANY | SHMDEV_RING_F_CLEARS | SHMDEV_RING_F_ASYMMETRIC)

/* Parties that read, and bytes of data. */
#define SHMDEV_RING_CURSORS_MAX	32
#define SHMDEV_RING_KEEPERS	8
#define SHMDEV_RING_KEEPERS_MAX	16
#define SHMDEV_RING_DATA_MAX	((__u64)1 << 40)

/* Words that different parties write are not in one line of a cache. */
#define SHMDEV_RING_LINE	64

/**
 * struct shmdev_ring_header - the first page; written once
 * @magic: SHMDEV_RING_MAGIC, written when all else is
 * @version: SHMDEV_RING_VERSION
 * @kind: SHMDEV_RING_QUEUE or SHMDEV_RING_STREAM
 * @flags: SHMDEV_RING_F_*
 * @page_bytes: size of a page
 * @cursors: how many pages with cursors there are; 1 in a queue
 * @data_bytes: size of the data; a power of two, at least a page
 * @position: the first one
 * @sequence: the first sequence number
 */
struct shmdev_ring_header {
	__u32 magic;
	__u32 version;
	__u32 kind;
	__u32 flags;
	__u32 page_bytes;
	__u32 cursors;
	__aligned_u64 data_bytes;
	__aligned_u64 position;
	__aligned_u64 sequence;
};

/**
 * struct shmdev_ring_gate - what somebody who sleeps waits for
 * @position: a position, or SHMDEV_RING_NOBODY
 * @sequence: a sequence number, if @position is one; what comes first counts
 */
struct shmdev_ring_gate {
	__aligned_u64 position;
	__aligned_u64 sequence;
};

/* Odd, so it is no position. */
#define SHMDEV_RING_NOBODY	1

/**
 * struct shmdev_ring_keeper - for a producer that keeps its turn
 * @owner: as that of a producer, of this struct
 * @busy: 0, or twice the sequence number of the record that it is producing, plus
 *        1, modulo 2^64: until twice the producer's @sequence has passed that; only
 *        for one that keeps its turn
 *
 * F_MANY and F_ASYMMETRIC: a producer may keep its turn when it has sent. Others
 * then set the lowest bit of the producer's @owner, have all go through a barrier,
 * and may write theirs there if it is not producing after that; they look at the
 * @sequence first, then at @busy. The keeper has to find its own, without that bit,
 * after it has made itself busy; and looks for the bit when it no longer is. What it
 * sends is all there before the @sequence is, and if more is to come in its turn,
 * it is busy with that before.
 */
struct shmdev_ring_keeper {
	__aligned_u64 owner;
	__aligned_u64 busy;
	__u64 pad[SHMDEV_RING_LINE / 8 - 2];
};

/*
 * Of a producer's owner that keeps its turn: 1 plus the number of its keeper, plus
 * SHMDEV_RING_KEEPERS_MAX times how often it has done so before. So nobody who
 * wanted it then takes it now.
 */
#define SHMDEV_RING_KEPT_SHIFT	40

/**
 * struct shmdev_ring_producer - the second page
 * @owner: 0, or who produces: twice the id of a peer, plus 1 if others wait for
 *         this word to change, plus SHMDEV_RING_KEPT_SHIFT
 * @head: where the next record will begin
 * @tail: stream: where the oldest record begins
 * @sequence: the sequence number of the next record. It may be that of an
 *            earlier one; its low half is told for sure by the record at @head
 * @gate: a producer that waits for room
 * @turns: what each cursor's owner sleeps on
 * @keepers: see there
 */
struct shmdev_ring_producer {
	__aligned_u64 owner;
	__u64 pad_owner[SHMDEV_RING_LINE / 8 - 1];
	__aligned_u64 head;
	__aligned_u64 tail;
	__aligned_u64 sequence;
	__u64 pad_head[SHMDEV_RING_LINE / 8 - 3];
	struct shmdev_ring_gate gate;
	__u64 pad_gate[SHMDEV_RING_LINE / 8 - 2];
	__u32 turns[SHMDEV_RING_CURSORS_MAX];
	struct shmdev_ring_keeper keepers[SHMDEV_RING_KEEPERS];
};

/**
 * struct shmdev_ring_cursor - the page of one who reads
 * @owner: as that of a producer
 * @position: up to where this one has done with the data
 * @lost: stream: records that it has lost
 * @clearing: F_CLEARS: up to where it is clearing, before that is its position:
 *            whoever comes after it goes on from there
 * @gate: it waits for records
 * @turn: what a producer sleeps on that waits for room
 */
struct shmdev_ring_cursor {
	__aligned_u64 owner;
	__u64 pad_owner[SHMDEV_RING_LINE / 8 - 1];
	__aligned_u64 position;
	__aligned_u64 lost;
	__aligned_u64 clearing;
	__u64 pad_position[SHMDEV_RING_LINE / 8 - 3];
	struct shmdev_ring_gate gate;
	__u64 pad_gate[SHMDEV_RING_LINE / 8 - 2];
	__u32 turn;
	__u32 reserved;
};

/**
 * struct shmdev_record - before each record, and after the last one
 * @bytes: what was sent; 0 after the last one
 * @sequence: the low half of its sequence number
 */
struct shmdev_record {
	__u32 bytes;
	__u32 sequence;
};

#define SHMDEV_RECORD_ALIGN	8

#endif /* _UAPI_LINUX_SHMDEV_RING_H */

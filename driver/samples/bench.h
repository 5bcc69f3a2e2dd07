/* SPDX-License-Identifier: GPL-2.0-only */
/* What shmdev_bench.c and shmdev_bench_peers.c can be told to do. */
#ifndef BENCH_H
#define BENCH_H

/*
 * A kick's argument: an operation, how often, and a length. That of the records,
 * or for operations on memory, of the memory.
 */
#define BENCH_BYTES		0xffffffffULL
#define BENCH_TIMES_SHIFT	32
#define BENCH_TIMES		0xffffff
#define BENCH_SHIFT		56

#define BENCH_ARGUMENT(operation, times, bytes)				\
	((unsigned long long)(operation) << BENCH_SHIFT |		\
	 (unsigned long long)(times) << BENCH_TIMES_SHIFT | (bytes))

enum {
	/* An argument of 0 does nothing. */
	BENCH_NOTHING,
	/* Each record committed by itself, or all at last. */
	BENCH_PRODUCE,
	BENCH_PRODUCE_IN_PLACE,
	BENCH_PRODUCE_BATCH,
	BENCH_CONSUME,
	BENCH_CONSUME_IN_PLACE,
	/* What BENCH_PRODUCE does with a relay channel. */
	BENCH_RELAY,
	/* Copy from the segment, or from other memory; add its words up. */
	BENCH_COPY_SEGMENT,
	BENCH_COPY_VMALLOC,
	BENCH_COPY_LINEAR,
	BENCH_SUM_SEGMENT,
	BENCH_SUM_VMALLOC,
	BENCH_SUM_LINEAR,
};

/* The longest record, and the memory that is copied and added up. */
#define BENCH_RECORD_MAX	4096
#define BENCH_MEMORY		(1024 * 1024UL)

/* Size of a relay channel: what a ring of 256 KiB holds. */
#define BENCH_RELAY_PARTS	4
#define BENCH_RELAY_PART	(64 * 1024UL)

#endif /* BENCH_H */

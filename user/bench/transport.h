/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What carries records from one party to another: each contender is a file that
 * defines one or more of these, and all are driven by the loops in here.
 *
 * Everybody copies the record in and out, unless @copies says otherwise, and
 * has about FOOTPRINT bytes for what is on its way. The first 8 bytes of a
 * record are its number, which the consumer checks.
 *
 * The loops are inlined where a contender names its functions, so none pays for
 * a call that another does not pay for.
 */
#ifndef TRANSPORT_H
#define TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FOOTPRINT ((size_t)256 << 10)
#define LINE_BYTES 64
#define RECORD_MAX 4096
#define BATCH 32

enum transport_role { PRODUCER, CONSUMER };

/* What a party has, and is to do. */
struct side {
	void *state;		/* what open, or join, returned */
	unsigned char *buffer;	/* of its own: to send from, to receive into */
	size_t bytes;		/* of a record, at least 8 */
	uint64_t next;		/* number of the next record */
};

struct ring_counts;

struct transport {
	/* Its first word is limit, shmdev, ring or kernel. */
	const char *name;
	/* Not NULL: it cannot take part, as this package was not there. */
	const char *absent;
	const char *copies;
	/* It has pointers in it, so that its parties need one address space. */
	bool is_for_threads;
	/* Others see a record only when more have come. */
	bool is_batched;
	size_t most;		/* bytes of a record; 0: RECORD_MAX */

	/*
	 * Makes one in memory that is shared with children; whoever opens it
	 * is the parent of those who join it. NULL for join: they use what open
	 * returned.
	 */
	void *(*open)(size_t bytes);
	void (*close)(void *shared);
	void *(*join)(void *shared, size_t bytes, enum transport_role role);
	void (*leave)(void *state, enum transport_role role);
	/*
	 * What it asked of the kernel, if it sleeps and we can tell; or NULL.
	 */
	const struct ring_counts *(*counts)(const void *shared);

	void (*produce)(struct side *side, uint64_t count);
	/* False: a record is not the one that was sent. Likewise below. */
	bool (*consume)(struct side *side, uint64_t count);
	bool (*ping)(struct side *out, struct side *in, uint64_t count);
	bool (*pong)(struct side *in, struct side *out, uint64_t count);
};

/*
 * Zeroed, shared with children, and gone when all is closed, which is after
 * each run. Ends the program if there is none.
 */
void *shared_memory(size_t bytes);
void shared_memory_drop(void);

#define ON_OWN_LINE __attribute__((aligned(LINE_BYTES)))
struct own_line {
	uint64_t word ON_OWN_LINE;
};

#define ALWAYS_INLINE static inline __attribute__((always_inline))

ALWAYS_INLINE void spin_hint(void)
{
#if __has_builtin(__builtin_ia32_pause)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/*
 * Without this a compiler sees that nobody reads the record, and copies none.
 */
ALWAYS_INLINE void is_used(void *buffer)
{
	__asm__ volatile("" : : "r"(buffer) : "memory");
}

typedef uint64_t __attribute__((may_alias)) any_word;

ALWAYS_INLINE void number_record(void *buffer, uint64_t number)
{
	*(any_word *)buffer = number;
	is_used(buffer);
}

ALWAYS_INLINE bool is_record(void *buffer, uint64_t number)
{
	is_used(buffer);
	return *(const any_word *)buffer == number;
}

/* False: there is no room, or no record, now. */
typedef bool transport_send(struct side *side, const void *record,
			    size_t bytes);
typedef bool transport_receive(struct side *side, void *record, size_t bytes);
/* What is held back in a batch becomes visible to the other side. */
typedef void transport_flush(struct side *side);

static inline void holds_nothing(struct side *side)
{
	(void)side;
}

ALWAYS_INLINE void produce_one(struct side *side, transport_send *send)
{
	number_record(side->buffer, side->next++);
	while (!send(side, side->buffer, side->bytes))
		spin_hint();
}

ALWAYS_INLINE bool consume_one(struct side *side, transport_receive *receive)
{
	while (!receive(side, side->buffer, side->bytes))
		spin_hint();
	return is_record(side->buffer, side->next++);
}

ALWAYS_INLINE void produce_loop(struct side *side, uint64_t count,
				transport_send *send, transport_flush *flush)
{
	while (count--)
		produce_one(side, send);
	flush(side);
}

ALWAYS_INLINE bool consume_loop(struct side *side, uint64_t count,
				transport_receive *receive,
				transport_flush *release)
{
	bool is_right = true;

	while (count-- && is_right)
		is_right = consume_one(side, receive);
	release(side);
	return is_right;
}

ALWAYS_INLINE bool ping_loop(struct side *out, struct side *in, uint64_t count,
			     transport_send *send, transport_receive *receive)
{
	while (count--) {
		produce_one(out, send);
		if (!consume_one(in, receive))
			return false;
	}
	return true;
}

ALWAYS_INLINE bool pong_loop(struct side *in, struct side *out, uint64_t count,
			     transport_send *send, transport_receive *receive)
{
	while (count--) {
		if (!consume_one(in, receive))
			return false;
		produce_one(out, send);
	}
	return true;
}

/* The loops with the functions of one contender in them. */
#define TRANSPORT_LOOPS_FOR(id, send, receive, flush, release) \
static void id##_produce(struct side *side, uint64_t count) \
{ \
	produce_loop(side, count, send, flush); \
} \
\
static bool id##_consume(struct side *side, uint64_t count) \
{ \
	return consume_loop(side, count, receive, release); \
} \
\
static bool id##_ping(struct side *out, struct side *in, uint64_t count) \
{ \
	return ping_loop(out, in, count, send, receive); \
} \
\
static bool id##_pong(struct side *in, struct side *out, uint64_t count) \
{ \
	return pong_loop(in, out, count, send, receive); \
}

#define TRANSPORT_LOOPS(id) \
	TRANSPORT_LOOPS_FOR(id, id##_send, id##_receive, holds_nothing, \
			    holds_nothing)

#define TRANSPORT_CALLS(id) \
	.produce = id##_produce, .consume = id##_consume, \
	.ping = id##_ping, .pong = id##_pong

/* Each in its contender's file. */
extern const struct transport limit_line, limit_bulk,
	limit_bulk_cleared, queue_isolated, queue_isolated_waiting,
	queue_isolated_batch, queue_isolated_place, queue_asymmetric,
	queue_asymmetric_waiting, queue_asymmetric_batch,
	queue_asymmetric_place, queue_cleared, queue_cleared_waiting,
	queue_cleared_batch, queue_cleared_place, queue_both,
	queue_both_waiting, queue_both_batch, queue_both_place, queue_many,
	queue_many_waiting, queue_many_batch, queue_many_place, queue_keeping,
	queue_keeping_waiting, queue_keeping_batch, queue_keeping_place,
	queue_used,
	ck_transport, rte_transport, rte_single, rte_batch, boost_transport,
	moodycamel_transport, spa_transport, atomic_transport, pipe_transport,
	stream_transport, seqpacket_transport, mqueue_transport,
	eventfd_transport;

/* In the order of reports; ends with a NULL. */
extern const struct transport *const transports[];

#ifdef __cplusplus
}
#endif

#endif /* TRANSPORT_H */

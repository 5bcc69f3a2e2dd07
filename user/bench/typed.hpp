// SPDX-License-Identifier: GPL-2.0-only
/*
 * For queues of C++, which have elements of a type: one instance for each size
 * of record. The compiler then knows how much it copies, which it does not of
 * the others.
 *
 * A template class Typed<BYTES> has open(), close(), send() and receive().
 */
#ifndef TYPED_HPP
#define TYPED_HPP

#include <cstdlib>

#include "transport.h"

template <size_t BYTES>
struct alignas(BYTES < LINE_BYTES ? BYTES : LINE_BYTES) Record {
	unsigned char bytes[BYTES];
};

/* The loops for one size. */
template <class Queue>
struct Loops {
	static void produce(struct side *side, uint64_t count)
	{
		produce_loop(side, count, Queue::send, holds_nothing);
	}

	static bool consume(struct side *side, uint64_t count)
	{
		return consume_loop(side, count, Queue::receive, holds_nothing);
	}

	static bool ping(struct side *out, struct side *in, uint64_t count)
	{
		return ping_loop(out, in, count, Queue::send, Queue::receive);
	}

	static bool pong(struct side *in, struct side *out, uint64_t count)
	{
		return pong_loop(in, out, count, Queue::send, Queue::receive);
	}
};

/* Calls WHAT<TYPED<bytes>>::CALL, for the size that it is. */
#define FOR_BYTES(bytes, what, typed, call) \
	((bytes) == 8 ? what<typed<8>>::call : \
	 (bytes) == 64 ? what<typed<64>>::call : \
	 (bytes) == 256 ? what<typed<256>>::call : \
	 (bytes) == 1024 ? what<typed<1024>>::call : \
	 (bytes) == 4096 ? what<typed<4096>>::call : \
	 (std::abort(), what<typed<8>>::call))

template <class Queue>
struct Itself : Queue {
};

#define TYPED_TRANSPORT(id, typed) \
static void *id##_open(size_t bytes) \
{ \
	return FOR_BYTES(bytes, Itself, typed, open)(); \
} \
\
static void id##_produce(struct side *side, uint64_t count) \
{ \
	FOR_BYTES(side->bytes, Loops, typed, produce)(side, count); \
} \
\
static bool id##_consume(struct side *side, uint64_t count) \
{ \
	return FOR_BYTES(side->bytes, Loops, typed, consume)(side, count); \
} \
\
static bool id##_ping(struct side *out, struct side *in, uint64_t count) \
{ \
	return FOR_BYTES(out->bytes, Loops, typed, ping)(out, in, count); \
} \
\
static bool id##_pong(struct side *in, struct side *out, uint64_t count) \
{ \
	return FOR_BYTES(in->bytes, Loops, typed, pong)(in, out, count); \
}

#endif /* TYPED_HPP */

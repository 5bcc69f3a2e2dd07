// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the memory alone takes, with no more order than the processor needs, and
 * with what it fetches by itself: one that fetches ahead can be faster.
 *
 * One line a message: the record and the word that says that it is there are in
 * the same line of the cache, and no line has two, so each costs one line's way
 * from one core to the other.
 *
 * In bulk: a quarter of the memory is filled before the other side looks at it.
 */
#include "transport.h"

struct words {
	struct own_line written, read;
	unsigned char data[FOOTPRINT];
};

struct words_side {
	struct words *shared;
	uint64_t at;		/* messages, or bytes */
	uint64_t until;		/* what is known to be free, or there */
};

static void *words_open(size_t bytes)
{
	(void)bytes;
	return shared_memory(sizeof(struct words));
}

/*
 * Memory as any other, so that it goes away with it; nobody else looks at it.
 */
static void *words_join(void *shared, size_t bytes, enum transport_role role)
{
	struct words_side *side = shared_memory(sizeof(*side));

	(void)bytes;
	(void)role;
	side->shared = shared;
	return side;
}

ALWAYS_INLINE void publish(struct own_line *line, uint64_t value)
{
	__atomic_store_n(&line->word, value, __ATOMIC_RELEASE);
}

ALWAYS_INLINE uint64_t published(const struct own_line *line)
{
	return __atomic_load_n(&line->word, __ATOMIC_ACQUIRE);
}

#define LINES (FOOTPRINT / LINE_BYTES)

static uint64_t *line_at(const struct words_side *mine)
{
	return (uint64_t *)(mine->shared->data +
			    mine->at % LINES * LINE_BYTES);
}

/*
 * The number comes last, so it says that the rest is there; it begins with 0.
 */
ALWAYS_INLINE bool line_send(struct side *side, const void *record,
			     size_t bytes)
{
	struct words_side *mine = side->state;
	uint64_t *line = line_at(mine);

	if (mine->at == mine->until) {
		mine->until = LINES + published(&mine->shared->read);
		if (mine->at == mine->until)
			return false;
	}
	memcpy(line + 1, (const any_word *)record + 1, bytes - sizeof(*line));
	__atomic_store_n(line, *(const any_word *)record + 1, __ATOMIC_RELEASE);
	mine->at++;
	return true;
}

ALWAYS_INLINE bool line_receive(struct side *side, void *record, size_t bytes)
{
	struct words_side *mine = side->state;
	uint64_t *line = line_at(mine);
	uint64_t number = __atomic_load_n(line, __ATOMIC_ACQUIRE);

	if (number != mine->at + 1)
		return false;
	*(any_word *)record = number - 1;
	memcpy((any_word *)record + 1, line + 1, bytes - sizeof(*line));
	if (++mine->at % (LINES / 8) == 0)
		publish(&mine->shared->read, mine->at);
	return true;
}

TRANSPORT_LOOPS(line)

const struct transport limit_line = {
	.name = "limit line a message",
	.copies = "in and out",
	.most = LINE_BYTES,
	.open = words_open,
	.join = words_join,
	TRANSPORT_CALLS(line),
};

#define BLOCK (FOOTPRINT / 4)

ALWAYS_INLINE bool bulk_send(struct side *side, const void *record,
			     size_t bytes)
{
	struct words_side *mine = side->state;
	struct words *shared = mine->shared;

	if (mine->at == mine->until) {
		publish(&shared->written, mine->at);
		if (mine->at - published(&shared->read) > FOOTPRINT - BLOCK)
			return false;
		mine->until += BLOCK;
	}
	memcpy(shared->data + mine->at % FOOTPRINT, record, bytes);
	mine->at += bytes;
	return true;
}

static void bulk_flush(struct side *side)
{
	struct words_side *mine = side->state;

	publish(&mine->shared->written, mine->at);
}

ALWAYS_INLINE bool bulk_take(struct side *side, void *record, size_t bytes,
			     bool clears)
{
	struct words_side *mine = side->state;
	struct words *shared = mine->shared;
	unsigned char *from;

	if (mine->at == mine->until) {
		publish(&shared->read, mine->at);
		mine->until = published(&shared->written);
		if (mine->at == mine->until)
			return false;
	}
	from = shared->data + mine->at % FOOTPRINT;
	memcpy(record, from, bytes);
	if (clears && (bytes >= LINE_BYTES || mine->at % LINE_BYTES == 0))
		for (size_t i = 0; i < bytes; i += LINE_BYTES)
			__atomic_store_n((uint64_t *)(from + i), 0,
					 __ATOMIC_RELAXED);
	mine->at += bytes;
	return true;
}

ALWAYS_INLINE bool bulk_receive(struct side *side, void *record, size_t bytes)
{
	return bulk_take(side, record, bytes, false);
}

ALWAYS_INLINE bool cleared_receive(struct side *side, void *record,
				   size_t bytes)
{
	return bulk_take(side, record, bytes, true);
}

TRANSPORT_LOOPS_FOR(bulk, bulk_send, bulk_receive, bulk_flush, holds_nothing)
TRANSPORT_LOOPS_FOR(cleared, bulk_send, cleared_receive, bulk_flush,
		    holds_nothing)

const struct transport limit_bulk = {
	.name = "limit bulk",
	.copies = "in and out",
	.is_batched = true,
	.open = words_open,
	.join = words_join,
	TRANSPORT_CALLS(bulk),
};

const struct transport limit_bulk_cleared = {
	.name = "limit bulk cleared",
	.copies = "in and out; a word of each line is written by the reader",
	.is_batched = true,
	.open = words_open,
	.join = words_join,
	TRANSPORT_CALLS(cleared),
};

// SPDX-License-Identifier: MIT
/*
 * A queue: a record is written, then the head is moved behind it; it is read,
 * then the position is moved behind it, and the producer writes there again.
 *
 * All records have one size, so positions count records. What lies in the data
 * is no atomic here: Relacy tells of any access that is not ordered.
 */
#include "model.hpp"

enum {
	HEAD_RELEASE = 1, HEAD_ACQUIRE, POSITION_RELEASE, POSITION_ACQUIRE,
	HEAD_EARLY, POSITION_EARLY, NEXT_WITHOUT_ROOM,
};

static const char *const weakenings[] = {
	"the head is stored without release",
	"the head is loaded without acquire",
	"the position is stored without release",
	"the position is loaded without acquire",
	"the head is moved before the record is written",
	"the position is moved before the record is read",
	"there is no room for what follows the last record",
};

/* Records in the data, and how often each side tries. */
static unsigned int slots, tries;

struct publish : rl::test_suite<publish, 2> {
	struct {
		rl::var<unsigned int> bytes, sequence, payload;
	} data[4];
	word head, position;

	void before()
	{
		store(head, 0);
		store(position, 0);
		data[0].bytes($) = 0;
		data[0].sequence($) = 0;
	}

	void write(unsigned int at, unsigned int sequence)
	{
		data[at % slots].payload($) = sequence + 100;
		data[at % slots].bytes($) = 1;
		data[at % slots].sequence($) = sequence;
		data[(at + 1) % slots].bytes($) = 0;
		data[(at + 1) % slots].sequence($) = sequence + 1;
	}

	void produce()
	{
		/* A record, and the head of the one that follows it. */
		unsigned int most = slots - 1, at = 0, tail = 0;

		if (weak(NEXT_WITHOUT_ROOM))
			most++;
		for (unsigned int i = 0; i < tries; i++) {
			if (at + 1 - tail > most)
				tail = load_as(position,
					       unless(POSITION_ACQUIRE,
						      rl::mo_acquire));
			if (at + 1 - tail > most)
				continue;
			if (weak(HEAD_EARLY)) {
				store_release(head, at + 1);
				write(at, at);
			} else {
				write(at, at);
				store_as(head, at + 1,
					 unless(HEAD_RELEASE, rl::mo_release));
			}
			at++;
		}
	}

	void consume()
	{
		unsigned int at = 0, seen = 0;

		for (unsigned int i = 0; i < tries; i++) {
			if (at == seen)
				seen = load_as(head, unless(HEAD_ACQUIRE,
							    rl::mo_acquire));
			if (at == seen)
				continue;
			RL_ASSERT(seen - at <= slots);
			if (weak(POSITION_EARLY))
				store_release(position, at + 1);
			RL_ASSERT(data[at % slots].bytes($) == 1);
			RL_ASSERT(data[at % slots].sequence($) == at);
			RL_ASSERT(data[at % slots].payload($) == at + 100);
			at++;
			store_as(position, at,
				 unless(POSITION_RELEASE, rl::mo_release));
		}
	}

	void thread(unsigned int index)
	{
		if (index == 0)
			produce();
		else
			consume();
	}
};

static void small(void)
{
	slots = 2;
	tries = 5;
}

static void large(void)
{
	slots = 3;
	tries = 9;
}

static const struct search searches[] = {
	{ "all orders of 5 attempts", rl::sched_full, 0, 0,
	  rl::simulate<publish>, small },
	{ "9 attempts at random", rl::sched_random, 0, 1000000,
	  rl::simulate<publish>, large },
};

int main(int argc, char **argv)
{
	return run_model(argc, argv, "publish", searches, COUNT(searches),
			 weakenings, COUNT(weakenings));
}

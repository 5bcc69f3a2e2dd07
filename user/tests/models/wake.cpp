// SPDX-License-Identifier: MIT
/*
 * Several producers wake one consumer, each when its turn may be another's already:
 * what the consumer sleeps on is changed by several of them at once. If a wake-up is
 * lost, it sleeps at last: a deadlock.
 */
#include "model.hpp"

enum {
	TURN_IN_TWO = 1, TURN_STAYS, TURN_AFTER_WAKE, OWN_BARRIER_ONLY,
};

static const char *const weakenings[] = {
	"the turn is read and then written",
	"the turn does not change",
	"the turn changes after the wake-up",
	"the consumer makes its own barrier only",
};

#define PRODUCERS 3

/* Of each producer. */
static unsigned int records;

struct wake_model : rl::test_suite<wake_model, PRODUCERS + 1> {
	/* How much is shown: what is done in turns is not seen here. */
	word head, turn, gate;
	kernel::queue queue;
	kernel system;

	void before()
	{
		store(head, 0);
		store(turn, 0);
		store(gate, NOBODY);
	}

	void knock(unsigned int position, unsigned int &woken)
	{
		unsigned int wanted = load_acquire(gate);

		if (wanted == NOBODY || wanted == woken ||
		    is_before(position, wanted))
			return;
		woken = wanted;
		if (weak(TURN_AFTER_WAKE))
			system.wake(queue, true);
		if (weak(TURN_IN_TWO))
			store_release(turn, load(turn) + 1);
		else if (!weak(TURN_STAYS))
			turn.fetch_add(1, rl::mo_release, $);
		if (!weak(TURN_AFTER_WAKE))
			system.wake(queue, true);
	}

	void produce()
	{
		unsigned int woken = NOBODY, position;

		for (unsigned int i = 0; i < records; i++) {
			position = head.fetch_add(1, rl::mo_release, $) + 1;
			knock(position, woken);
		}
	}

	void consume()
	{
		unsigned int wanted, expected;

		for (wanted = 1; wanted <= PRODUCERS * records; wanted++) {
			while (is_before(load_acquire(head), wanted)) {
				expected = load_acquire(turn);
				store_release(gate, wanted);
				if (weak(OWN_BARRIER_ONLY))
					fence(rl::mo_seq_cst);
				else
					fence_for_all();
				if (!is_before(load_acquire(head), wanted))
					break;
				system.wait(queue, turn, expected);
			}
			store(gate, NOBODY);
		}
	}

	void thread(unsigned int index)
	{
		if (index < PRODUCERS)
			produce();
		else
			consume();
	}
};

static void one(void)
{
	records = 1;
}

static void two(void)
{
	records = 2;
}

static const struct search searches[] = {
	{ "all orders with up to 3 switches", rl::sched_bound, 3, 0,
	  rl::simulate<wake_model>, one },
	{ "three producers of a record", rl::sched_random, 0, 500000,
	  rl::simulate<wake_model>, one },
	{ "three producers of two records", rl::sched_random, 0, 500000,
	  rl::simulate<wake_model>, two },
};

int main(int argc, char **argv)
{
	return run_model(argc, argv, "wake", searches, COUNT(searches),
			 weakenings, COUNT(weakenings));
}

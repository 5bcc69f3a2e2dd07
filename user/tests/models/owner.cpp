// SPDX-License-Identifier: MIT
/*
 * Many producers: who produces is in one word, with a bit that says that others
 * sleep on it. Never two at a time, and nobody sleeps while it is free. One of
 * them has no patience: it may give up, but then the wake-up is another's.
 */
#include "model.hpp"

enum {
	OWN_ACQUIRE = 1, DISOWN_RELEASE, BIT_NOT_SET, BIT_FORGOTTEN, NO_WAKE,
	WAKE_EARLY, DISOWN_IN_TWO, BLIND_WAIT, WAKE_LOST,
};

static const char *const weakenings[] = {
	"the word is taken without acquire",
	"the word is given back without release",
	"who goes to sleep does not say so",
	"who was woken forgets that others may sleep",
	"who gives it back wakes nobody",
	"who gives it back wakes before",
	"who gives it back first looks and then writes",
	"the kernel does not look at the word",
	"the kernel says of one whom it woke that the time was up",
};

enum { OK, AGAIN, TIMEDOUT };

#define PARTIES 3

static unsigned int rounds, looks_max;
static bool has_deadline;

struct owner_model : rl::test_suite<owner_model, PARTIES> {
	word owner;
	kernel::queue queue;
	kernel system;
	/* What the owner alone may touch. */
	rl::var<unsigned int> data;
	unsigned int owned, given_up;

	owner_model() : system(BLIND_WAIT)
	{
	}

	void before()
	{
		store(owner, 0);
		data($) = 0;
		owned = given_up = 0;
	}

	int wait(unsigned int expected, bool has_deadline)
	{
		int ret = system.wait(queue, owner, expected, has_deadline);

		if (ret == kernel::ETIMEDOUT_ ||
		    (weak(WAKE_LOST) && has_deadline && !ret))
			return TIMEDOUT;
		return ret ? AGAIN : OK;
	}

	int own(unsigned int me, bool has_deadline)
	{
		unsigned int looks = looks_max, old, others = 0;

		for (;;) {
			old = 0;
			if (compare_exchange(owner, old, me | others,
					     unless(OWN_ACQUIRE,
						    rl::mo_acquire)))
				return OK;
			if (looks) {
				looks--;
				continue;
			}
			if (!(old & 1) && !weak(BIT_NOT_SET)) {
				if (!compare_exchange(owner, old, old | 1,
						      rl::mo_relaxed))
					continue;
				old |= 1;
			}
			if (wait(old, has_deadline) == TIMEDOUT)
				return TIMEDOUT;
			if (!weak(BIT_FORGOTTEN))
				others = 1;
		}
	}

	void disown()
	{
		unsigned int old;

		if (weak(WAKE_EARLY))
			system.wake(queue, false);
		if (weak(DISOWN_IN_TWO)) {
			old = load(owner);
			store_release(owner, 0);
		} else {
			old = owner.exchange(0, unless(DISOWN_RELEASE,
						       rl::mo_release), $);
		}
		if (old & 1 && !weak(NO_WAKE) && !weak(WAKE_EARLY))
			system.wake(queue, false);
	}

	void thread(unsigned int index)
	{
		for (unsigned int i = 0; i < rounds; i++) {
			if (own((index + 1) << 1, has_deadline && !index)) {
				given_up++;
				continue;
			}
			data($) = data($) + 1;
			owned++;
			disown();
		}
	}

	void after()
	{
		RL_ASSERT(owned + given_up == PARTIES * rounds);
		RL_ASSERT(data($) == owned);
		RL_ASSERT(load(owner) == 0);
	}
};

static void patient(void)
{
	rounds = 1;
	looks_max = 0;
	has_deadline = false;
}

static void again(void)
{
	rounds = 2;
	looks_max = 1;
	has_deadline = false;
}

static void impatient(void)
{
	rounds = 2;
	looks_max = 0;
	has_deadline = true;
}

static const struct search searches[] = {
	{ "all orders with up to 5 switches", rl::sched_bound, 5, 0,
	  rl::simulate<owner_model>, patient },
	{ "three producers at random", rl::sched_random, 0, 500000,
	  rl::simulate<owner_model>, again },
	{ "one with a deadline", rl::sched_random, 0, 500000,
	  rl::simulate<owner_model>, impatient },
};

int main(int argc, char **argv)
{
	return run_model(argc, argv, "owner", searches, COUNT(searches),
			 weakenings, COUNT(weakenings));
}

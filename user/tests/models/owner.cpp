// SPDX-License-Identifier: MIT
/*
 * Many producers: who produces is in one word, with a bit that says that others
 * sleep on it. Never two at a time, and nobody sleeps while it is free. One of
 * them has no patience: it may give up, but then the wake-up is another's. In an
 * asymmetric ring, those who have produced keep their turn until others want it; what
 * they say that they are busy with ends by itself when it is there, unless more of the
 * turn follows, or nothing came of it.
 */
#include "model.hpp"

enum {
	OWN_ACQUIRE = 1, DISOWN_RELEASE, BIT_NOT_SET, BIT_FORGOTTEN, NO_WAKE,
	WAKE_EARLY, DISOWN_IN_TWO, BLIND_WAIT, WAKE_LOST, OWN_BARRIER_ONLY,
	BUSY_LATE, BUSY_UNSEEN, BUSY_ACQUIRE, BUSY_RELEASE, END_BLIND, END_EARLY,
	TAKEN_UNSEEN, TAKEN_CLOBBERED, KEPT_UNASKED, KEPT_THE_SAME, KNOCKS_LATE,
	BUSY_WITH_LAST, SHOWN_RELEASE, SHOWN_ACQUIRE, MORE_UNSAID, NOTHING_UNSAID,
	BUSY_FIRST, BUSY_LEFT,
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
	"who wants a turn that is kept makes its own barrier only",
	"who keeps its turn is busy after it looked whether it still is its",
	"who wants a turn that is kept does not look whether the keeper is busy",
	"it looks without acquire",
	"who keeps its turn ends it without release",
	"it does not look whether others want it",
	"it looks before it ends",
	"it begins a turn that has been taken",
	"it gives back a turn that has been taken",
	"who wants a turn that is kept does not say so",
	"a turn that is kept again looks as it did before",
	"who finds that others want its turn still does something in it",
	"who keeps its turn is busy with the record before",
	"a record is shown without release",
	"who wants a turn that is kept sees it without acquire",
	"who shows a record and goes on does not stay busy",
	"who shows none in its turn stays busy",
	"who wants a turn that is kept looks at what is shown last",
	"who keeps its turn leaves what it was busy with before",
};

enum { OK, AGAIN, TIMEDOUT };

enum { ONE, TWO, NONE, BATCH };

#define PARTIES 3

static unsigned int rounds, looks_max;
static bool has_deadline, keeps, stays;

#define KEPT_SHIFT 8
#define KEEPERS_MAX 16

struct owner_model : rl::test_suite<owner_model, PARTIES> {
	word owner;
	kernel::queue queue;
	kernel system;
	/* What the owner alone may touch; and how many records are shown. */
	rl::var<unsigned int> data;
	word shown;
	unsigned int sent, ended, given_up;
	/* Of keepers. */
	word busy[PARTIES];
	unsigned int kept[PARTIES], times[PARTIES];

	owner_model() : system(BLIND_WAIT)
	{
	}

	void before()
	{
		store(owner, 0);
		data($) = 0;
		store(shown, 0);
		sent = ended = given_up = 0;
		for (unsigned int i = 0; i < PARTIES; i++) {
			store(busy[i], 0);
			kept[i] = times[i] = 0;
		}
	}

	int wait(unsigned int expected, bool has_deadline)
	{
		int ret = system.wait(queue, owner, expected, has_deadline);

		if (ret == kernel::ETIMEDOUT_ ||
		    (weak(WAKE_LOST) && has_deadline && !ret))
			return TIMEDOUT;
		return ret ? AGAIN : OK;
	}

	bool is_busy(word &keeper)
	{
		unsigned int said = 0, records;

		if (weak(BUSY_FIRST))
			said = load_as(keeper, rl::mo_acquire);
		records = load_as(shown, unless(SHOWN_ACQUIRE, rl::mo_acquire));
		if (!weak(BUSY_FIRST))
			said = load_as(keeper, unless(BUSY_ACQUIRE,
						      rl::mo_acquire));
		return said > records;
	}

	bool take_kept(unsigned int old, unsigned int me)
	{
		word &keeper = busy[(old >> KEPT_SHIFT) % KEEPERS_MAX - 1];
		unsigned int wanted = old | !weak(KEPT_UNASKED);

		if (!(old & 1) && !compare_exchange(owner, old, wanted,
						    rl::mo_relaxed))
			return false;
		if (weak(OWN_BARRIER_ONLY))
			fence(rl::mo_seq_cst);
		else
			fence_for_all();
		if (is_busy(keeper) && !weak(BUSY_UNSEEN))
			return false;
		return compare_exchange(owner, wanted, me | 1, rl::mo_acquire);
	}

	int own(unsigned int me, bool has_deadline)
	{
		unsigned int looks = looks_max, old, others = 0, asked = 0;

		for (;;) {
			old = 0;
			if (compare_exchange(owner, old, me | others,
					     unless(OWN_ACQUIRE,
						    rl::mo_acquire)))
				return OK;
			if (old >> KEPT_SHIFT && (old | 1) != asked) {
				if (take_kept(old, me))
					return OK;
				asked = old | 1;
				continue;
			}
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
			asked = 0;
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

	/* @known: so many were shown when this one last had its turn. */
	bool begin_kept_turn(unsigned int index, unsigned int me,
			     unsigned int known)
	{
		unsigned int old = kept[index] | 1;
		unsigned int next = known + !weak(BUSY_WITH_LAST);
		bool ours;

		if (!kept[index])
			return false;
		if (!weak(BUSY_LATE))
			store(busy[index], next);
		ours = load(owner) == kept[index];
		if (weak(BUSY_LATE))
			store(busy[index], next);
		if (ours)
			return true;
		ours = compare_exchange(owner, old, me | 1, rl::mo_acquire) ||
		       weak(TAKEN_UNSEEN);
		kept[index] = 0;
		return ours;
	}

	void give_back(unsigned int kept)
	{
		unsigned int old = kept | 1;

		if (weak(TAKEN_CLOBBERED))
			store_release(owner, 0);
		else if (!compare_exchange(owner, old, 0, rl::mo_release))
			return;
		system.wake(queue, false);
	}

	/* @is_shown: so it has ended, for others. */
	void end_turn(unsigned int index, unsigned int me, bool is_shown)
	{
		unsigned int old = kept[index], early = load(owner), keep;

		if (old) {
			if (!is_shown && !weak(NOTHING_UNSAID))
				store_as(busy[index], 0,
					 unless(BUSY_RELEASE, rl::mo_release));
			if ((weak(END_EARLY) ? early : load(owner)) == old ||
			    weak(END_BLIND))
				return;
			if (weak(KNOCKS_LATE))
				data($) = data($) + 0;
			kept[index] = 0;
			give_back(old);
			return;
		}
		old = me;
		keep = me | (times[index] * KEEPERS_MAX + index + 1)
				    << KEPT_SHIFT;
		times[index] += !weak(KEPT_THE_SAME);
		if (!weak(BUSY_LEFT))
			store(busy[index], 0);
		if (keeps && compare_exchange(owner, old, keep, rl::mo_release))
			kept[index] = keep;
		else
			disown();
	}

	void leave_turns(unsigned int index)
	{
		unsigned int old = kept[index];

		if (old && !compare_exchange(owner, old, 0, rl::mo_release))
			give_back(kept[index]);
	}

	unsigned int send()
	{
		unsigned int before = data($);

		/* Others run where an atomic is, only. */
		(void)load(owner);
		data($) = before + 1;
		sent++;
		return before + 1;
	}

	void show(unsigned int records)
	{
		store_as(shown, records, unless(SHOWN_RELEASE, rl::mo_release));
	}

	/* One record, or two that are shown one by one, or two as a batch, or none. */
	void thread(unsigned int index)
	{
		unsigned int me = (index + 1) << 1, known = 0;

		for (unsigned int i = 0; i < rounds; i++) {
			unsigned int kind = (index + i) % 4;
			bool ends_by_itself = kind == ONE || kind == BATCH;

			if (!begin_kept_turn(index, me, known) &&
			    own(me, has_deadline && !index)) {
				given_up++;
				continue;
			}
			if (kind != NONE) {
				known = send();
				if (kind == TWO && kept[index] &&
				    !weak(MORE_UNSAID))
					store(busy[index], known + 1);
				if (kind == TWO)
					show(known);
				if (kind != ONE)
					known = send();
				show(known);
			} else {
				known = data($);
			}
			ended++;
			end_turn(index, me, ends_by_itself);
		}
		if (!stays)
			leave_turns(index);
	}

	void after()
	{
		RL_ASSERT(ended + given_up == PARTIES * rounds);
		RL_ASSERT(data($) == sent && load(shown) == sent);
		RL_ASSERT(stays || load(owner) == 0);
	}
};

static void patient(void)
{
	rounds = 1;
	looks_max = 0;
	has_deadline = keeps = stays = false;
}

static void again(void)
{
	rounds = 2;
	looks_max = 1;
	has_deadline = keeps = stays = false;
}

static void impatient(void)
{
	rounds = 2;
	looks_max = 0;
	has_deadline = true;
	keeps = stays = false;
}

static void keeping(void)
{
	again();
	keeps = true;
	stays = false;
}

/* Each comes back to a turn that it kept, and at last keeps it for ever. */
static void keeping_long(void)
{
	keeping();
	rounds = 3;
	looks_max = 0;
	stays = true;
}

static const struct search searches[] = {
	{ "all orders with up to 5 switches", rl::sched_bound, 5, 0,
	  rl::simulate<owner_model>, patient },
	{ "three producers at random", rl::sched_random, 0, 500000,
	  rl::simulate<owner_model>, again },
	{ "one with a deadline", rl::sched_random, 0, 500000,
	  rl::simulate<owner_model>, impatient },
	{ "three who keep their turn", rl::sched_random, 0, 500000,
	  rl::simulate<owner_model>, keeping },
	{ "three who come back to it", rl::sched_random, 0, 1000000,
	  rl::simulate<owner_model>, keeping_long },
};

int main(int argc, char **argv)
{
	return run_model(argc, argv, "owner", searches, COUNT(searches),
			 weakenings, COUNT(weakenings));
}

// SPDX-License-Identifier: MIT
/*
 * Producers die, between any two steps, and others go on where they stopped: of
 * what a dead one sent at most the record in progress is missing, nothing comes
 * twice or is torn, and nobody sleeps for ever. The kernel tells who has died
 * and then wakes everybody.
 *
 * There is always room: sleep.cpp is about that.
 */
static void step();
#define STEP() step()
#include "model.hpp"

enum {
	SILENT_END = 1, BLIND_TO_ENDS, OWN_ENDS_LATE, SLEEP_ENDS_LATE,
	PRODUCERS_EARLY, EPIPE_AT_ONCE, NO_TAKEOVER, RESUME_WHERE_IT_WAS,
	SEQUENCE_BY_ITSELF, NEXT_LATE, END_TOLD_EARLY, COUNT_STAYS,
};

static const char *const weakenings[] = {
	"an end wakes nobody",
	"the kernel does not compare how many have ended",
	"who wants the word asks who has ended before it counts the ends",
	"who waits for records looks for them before it counts the ends",
	"who waits for records counts the ends after the producers",
	"who finds no producers does not look once more",
	"nobody takes over",
	"who takes over begins where it was itself",
	"the sequence number is that in the producers' page",
	"what follows a record is written when that is published",
	"the kernel tells of an end that is still to come",
	"who was woken in vain relies on the ends that it had counted",
};

#define PRODUCERS_MAX 3
#define SENDS 2
#define RECORDS_MAX (PRODUCERS_MAX * SENDS + 1)

static unsigned int producers, mortals;
/* Whether the last producer is there until all was read. */
static bool one_stays;

/* How many steps each still has to live; 0: it lives for ever. */
static unsigned int steps[PRODUCERS_MAX + 1];
static struct death_model *running;

struct died {
};

struct death_model : rl::test_suite<death_model, PRODUCERS_MAX + 1> {
	struct {
		rl::var<unsigned int> sequence, payload;
	} data[RECORDS_MAX];
	/* The producers' page. */
	word owner, head, sequence, turn;
	/* The consumer's. */
	word gate, position;
	kernel::queue owners, readers, others;
	kernel system;
	/* The consumer's own: how many had ended when there was a producer. */
	unsigned int ends;
	bool ends_count;
	unsigned int committed[PRODUCERS_MAX], received[PRODUCERS_MAX];

	death_model() : system(0, BLIND_TO_ENDS)
	{
	}

	void before()
	{
		running = this;
		for (unsigned int i = 0; i <= PRODUCERS_MAX; i++)
			steps[i] = 0;
		ends = 0;
		ends_count = false;
		store(owner, 0);
		store(head, 0);
		store(sequence, 0);
		store(turn, 0);
		store(gate, NOBODY);
		store(position, 0);
		data[0].sequence($) = 0;
		for (unsigned int i = 1; i < RECORDS_MAX; i++)
			data[i].sequence($) = 100;
		for (unsigned int i = 0; i < PRODUCERS_MAX; i++)
			committed[i] = received[i] = 0;
	}

	void end(unsigned int id)
	{
		system.end(id);
		if (weak(SILENT_END))
			return;
		system.wake(owners, true);
		system.wake(readers, true);
		system.wake(others, true);
	}

	/*
	 * If the last producer stays until all was read, its end does not wake a
	 * consumer that has missed that of another.
	 */
	void stay()
	{
		unsigned int ends, at;
		bool are_gone;

		for (;;) {
			ends = system.ends();
			are_gone = true;
			for (unsigned int id = 1; id < producers; id++)
				are_gone &= system.has_ended(id);
			at = load_acquire(position);
			if (are_gone && at == load_acquire(head))
				return;
			system.wait_peers(others, position, at, ends);
		}
	}

	/* ring.c */

	void own(unsigned int me)
	{
		unsigned int old, others = 0, ends;
		bool has_ended;

		for (;;) {
			old = 0;
			if (compare_exchange(owner, old, me | others,
					     rl::mo_acquire))
				return;
			STEP();
			if (weak(OWN_ENDS_LATE)) {
				has_ended = system.has_ended(old >> 1);
				ends = system.ends();
			} else {
				ends = system.ends();
				has_ended = system.has_ended(old >> 1);
			}
			if (has_ended && !weak(NO_TAKEOVER)) {
				if (compare_exchange(owner, old, me | 1,
						     rl::mo_acquire))
					return;
				continue;
			}
			if (!(old & 1) &&
			    !compare_exchange(owner, old, old | 1,
					      rl::mo_relaxed))
				continue;
			STEP();
			system.wait_peers(owners, owner, old | 1, ends);
			STEP();
			others = 1;
		}
	}

	void disown()
	{
		STEP();
		if (owner.exchange(0, rl::mo_release, $) & 1) {
			STEP();
			system.wake(owners, false);
		}
	}

	/* ring-producer.c */

	struct producer {
		unsigned int head, sequence;
		bool has_begun;
	};

	void resume(producer &ring)
	{
		if (weak(RESUME_WHERE_IT_WAS) && ring.has_begun)
			return;
		ring.has_begun = true;
		ring.head = load_acquire(head);
		RL_ASSERT(ring.head < RECORDS_MAX);
		ring.sequence = weak(SEQUENCE_BY_ITSELF) ?
					load(sequence) :
					(unsigned)data[ring.head].sequence($);
	}

	void knock(unsigned int reached)
	{
		unsigned int wanted = load_acquire(gate);

		if (wanted == NOBODY || is_before(reached, wanted))
			return;
		STEP();
		turn.fetch_add(1, rl::mo_release, $);
		STEP();
		system.wake(readers, true);
	}

	void send(producer &ring, unsigned int payload)
	{
		data[ring.head].payload($) = payload;
		STEP();
		data[ring.head].sequence($) = ring.sequence;
		STEP();
		ring.head++;
		ring.sequence++;
		if (!weak(NEXT_LATE))
			data[ring.head].sequence($) = ring.sequence;
		store_release(head, ring.head);
		store(sequence, ring.sequence);
		if (weak(NEXT_LATE)) {
			STEP();
			data[ring.head].sequence($) = ring.sequence;
		}
		STEP();
		fence(rl::mo_seq_cst);
		knock(ring.head);
	}

	void produce(unsigned int id)
	{
		producer ring = {};

		if (id <= mortals)
			steps[id] = rl::rand(60);
		for (unsigned int i = 0; i < SENDS; i++) {
			own(id << 1);
			resume(ring);
			send(ring, id * 10 + i);
			disown();
			committed[id - 1]++;
		}
	}

	/* ring-consumer.c, ring-sleep.c */

	bool has_come(unsigned int wanted)
	{
		return !is_before(load_acquire(head), wanted);
	}

	bool has_producers()
	{
		for (unsigned int id = 1; id <= producers; id++)
			if (!system.has_ended(id))
				return true;
		return false;
	}

	/* 1: there is a record; -1: there is none, and no producer either. */
	int count_ends(unsigned int wanted)
	{
		bool reached, epipe;

		if (!weak(SLEEP_ENDS_LATE) && !weak(PRODUCERS_EARLY))
			ends = system.ends();
		reached = has_come(wanted);
		if (weak(SLEEP_ENDS_LATE))
			ends = system.ends();
		epipe = !reached && !has_producers();
		if (weak(PRODUCERS_EARLY))
			ends = system.ends();
		if (epipe && !weak(EPIPE_AT_ONCE))
			reached = has_come(wanted);
		ends_count = !reached && !epipe;
		return reached ? 1 : -epipe;
	}

	/* False: there are no producers. */
	bool sleep(unsigned int wanted)
	{
		unsigned int expected;
		int reached = 0;

		while (!reached) {
			expected = load_acquire(turn);
			store_release(gate, wanted);
			fence(rl::mo_seq_cst);
			reached = has_come(wanted);
			if (!reached && !ends_count)
				reached = count_ends(wanted);
			if (reached)
				break;
			system.wait_peers(readers, turn, expected, ends);
			reached = has_come(wanted);
			if (!reached && !weak(COUNT_STAYS))
				ends_count = false;
		}
		store(gate, NOBODY);
		return reached > 0;
	}

	void consume()
	{
		unsigned int at = 0, payload, id;

		while (has_come(at + 1) || sleep(at + 1)) {
			RL_ASSERT(data[at].sequence($) == at);
			payload = data[at].payload($);
			id = payload / 10;
			RL_ASSERT(id >= 1 && id <= producers);
			RL_ASSERT(payload % 10 == received[id - 1]);
			received[id - 1]++;
			store_release(position, ++at);
			system.wake(others, true);
		}
	}

	void thread(unsigned int index)
	{
		if (index == PRODUCERS_MAX)
			consume();
		if (index >= producers)
			return;
		try {
			produce(index + 1);
			if (one_stays && index == producers - 1)
				stay();
		} catch (const died &) {
		}
		/* So it ends in the library too if it leaves. */
		end(index + 1);
	}

	void after()
	{
		for (unsigned int i = 0; i < producers; i++) {
			RL_ASSERT(received[i] >= committed[i]);
			RL_ASSERT(received[i] <= committed[i] + 1);
			RL_ASSERT(i < mortals || received[i] == SENDS);
		}
	}
};

static void step()
{
	unsigned int id = rl::thread_index() + 1;

	if (!running || id > PRODUCERS_MAX || !steps[id])
		return;
	if (weak(END_TOLD_EARLY) && steps[id] == 4)
		running->end(id);
	if (!--steps[id])
		throw died();
}

static void one_of_two(void)
{
	producers = 2;
	mortals = 1;
	one_stays = false;
}

static void two_of_three(void)
{
	producers = 3;
	mortals = 2;
	one_stays = true;
}

static const struct search searches[] = {
	{ "one of two dies", rl::sched_random, 0, 600000,
	  rl::simulate<death_model>, one_of_two },
	{ "two of three die", rl::sched_random, 0, 400000,
	  rl::simulate<death_model>, two_of_three },
	{ "one of two dies, all orders with one switch", rl::sched_bound, 1, 0,
	  rl::simulate<death_model>, one_of_two },
};

int main(int argc, char **argv)
{
	return run_model(argc, argv, "death", searches, COUNT(searches),
			 weakenings, COUNT(weakenings));
}

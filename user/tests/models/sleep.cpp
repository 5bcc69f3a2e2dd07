// SPDX-License-Identifier: MIT
/*
 * Sleeping until there are records, or room, and being woken: a queue whose two
 * sides do nothing else. Positions count 8 bytes, as in the data. If a wake-up is
 * lost, both sleep at last, or one does and the other has finished: a deadlock.
 */
#include "model.hpp"

enum {
	SLEEPER_FENCE = 1, PUBLISH_FENCE, GIVE_BACK_FENCE, GATE_LATE, TURN_LATE,
	TURN_STAYS, TURN_AFTER_WAKE, HEAD_LATE, SEQUENCE_LATE, POSITION_LATE,
	WOKEN_TOO_EARLY, UNPUBLISHED, NO_HURRY, HURRY_EARLY, HURRY_UNSEEN,
	BLIND_WAIT, OWN_BARRIER_ONLY,
};

static const char *const weakenings[] = {
	"there is no barrier between the gate and the look",
	"there is no barrier between the head and the gate",
	"there is no barrier between the position and the gate",
	"the gate is written after the look",
	"the turn is read after the look",
	"the turn does not change",
	"the turn changes after the wake-up",
	"the head is stored after the look at the gate",
	"the sequence number is stored after the barrier",
	"the position is stored after the look at the gate",
	"a wake-up by sequence number counts as one by position",
	"who waits for room has records that nobody knows of",
	"who waits for room lets the consumer wait for more",
	"who waits for room tells the consumer before it says so itself",
	"who waits for more does not look for one that waits for room",
	"the kernel does not look at the word",
	"in an asymmetric ring, the sleeper makes its own barrier only",
};

#define RECORD_HEAD 1u
#define RECORDS_MAX 4

/* What is sent, and how. */
static struct {
	const char *name;
	unsigned int data_bytes;
	unsigned int records;
	unsigned int spans[RECORDS_MAX];
	/* 1: each by itself; otherwise published by so many. */
	unsigned int batch;
	/* The consumer waits for so many, until that cannot come any more. */
	unsigned int throttle;
	/*
	 * It finds its buffer too small once, then waits for one more, though
	 * there are some. The library does not, but its rules allow that.
	 */
	bool puts_back;
	/* Who sleeps makes the barriers of both. */
	bool asymmetric;
} scene;

struct sleep_model : rl::test_suite<sleep_model, 2> {
	struct gate {
		word position, sequence;
	};
	/* What a side has in its own page. */
	struct {
		word head, sequence, turn;
		struct gate gate;
		kernel::queue queue;	/* of those who sleep on turn */
	} producer;
	struct {
		word position, turn;
		struct gate gate;
		kernel::queue queue;
	} cursor;
	kernel system;

	/* What it keeps to itself. */
	struct {
		unsigned int head, published, tail, sequence, woken;
	} sends;
	struct {
		unsigned int position, sequence, done, woken;
	} reads;

	sleep_model() : system(BLIND_WAIT)
	{
	}

	void before()
	{
		store(producer.head, 0);
		store(producer.sequence, 0);
		store(producer.turn, 0);
		store(producer.gate.position, NOBODY);
		store(producer.gate.sequence, 0);
		store(cursor.position, 0);
		store(cursor.turn, 0);
		store(cursor.gate.position, NOBODY);
		store(cursor.gate.sequence, 0);
		sends.head = sends.published = sends.tail = sends.sequence = 0;
		sends.woken = NOBODY;
		reads.position = reads.sequence = reads.done = 0;
		reads.woken = NOBODY;
	}

	/* ring-sleep.c */

	void knock(struct gate &gate, word &turn, kernel::queue &queue,
		   unsigned int position, unsigned int sequence,
		   unsigned int &woken)
	{
		unsigned int wanted = load_acquire(gate.position);

		if (wanted == NOBODY || wanted == woken)
			return;
		if (is_before(position, wanted) &&
		    is_before(sequence, load(gate.sequence)))
			return;
		if (!is_before(position, wanted) || weak(WOKEN_TOO_EARLY))
			woken = wanted;
		if (weak(TURN_AFTER_WAKE))
			system.wake(queue, true);
		if (!weak(TURN_STAYS))
			turn.fetch_add(1, rl::mo_release, $);
		if (!weak(TURN_AFTER_WAKE))
			system.wake(queue, true);
	}

	/* @kind: 'r' for room, 'c' for records, 'm' for more of them */
	bool is_reached(char kind, unsigned int position, unsigned int sequence)
	{
		unsigned int room;

		if (kind == 'r') {
			sends.tail = load_acquire(cursor.position);
			return !is_before(sends.tail, position);
		}
		if (kind == 'm' && !weak(HURRY_UNSEEN) && !weak(NO_HURRY)) {
			/* One that waits for room does not send more. */
			room = load(producer.gate.position);
			if (room != NOBODY && is_before(reads.done, room))
				return true;
		}
		if (!is_before(load_acquire(producer.head), position))
			return true;
		return !is_before(load(producer.sequence), sequence);
	}

	void sleep(char kind, struct gate &gate, word &turn,
		   kernel::queue &queue, unsigned int position,
		   unsigned int sequence)
	{
		unsigned int expected;
		bool reached = is_reached(kind, position, sequence);

		while (!reached) {
			expected = load_acquire(turn);
			if (!weak(GATE_LATE)) {
				store(gate.sequence, sequence);
				store_release(gate.position, position);
			}
			if (!weak(SLEEPER_FENCE))
				fence(rl::mo_seq_cst);
			if (scene.asymmetric && !weak(OWN_BARRIER_ONLY))
				fence_for_all();
			reached = is_reached(kind, position, sequence);
			if (reached)
				break;
			if (kind == 'r' && !weak(HURRY_EARLY))
				hurry_consumer();
			if (weak(GATE_LATE)) {
				store(gate.sequence, sequence);
				store_release(gate.position, position);
				fence(rl::mo_seq_cst);
			}
			if (weak(TURN_LATE))
				expected = load_acquire(turn);
			system.wait(queue, turn, expected);
			if (kind == 'm')
				break;
		}
		store(gate.position, NOBODY);
	}

	void let_sleepers_see(unsigned int weakened)
	{
		if (!scene.asymmetric && !weak(weakened))
			fence(rl::mo_seq_cst);
	}

	/* ring-producer.c */

	void publish()
	{
		if (!weak(HEAD_LATE))
			store_release(producer.head, sends.head);
		if (!weak(SEQUENCE_LATE))
			store(producer.sequence, sends.sequence);
		sends.published = sends.head;
		let_sleepers_see(PUBLISH_FENCE);
		if (weak(SEQUENCE_LATE))
			store(producer.sequence, sends.sequence);
		knock(cursor.gate, producer.turn, producer.queue, sends.head,
		      sends.sequence, sends.woken);
		if (weak(HEAD_LATE))
			store_release(producer.head, sends.head);
	}

	void hurry_consumer()
	{
		unsigned int woken = NOBODY;

		if (!weak(NO_HURRY))
			knock(cursor.gate, producer.turn, producer.queue,
			      sends.head + FAR, sends.sequence, woken);
	}

	void wait_for_room(unsigned int span)
	{
		unsigned int wanted = sends.head + span + RECORD_HEAD -
				      scene.data_bytes;

		if (is_reached('r', wanted, FAR))
			return;
		if (sends.published != sends.head && !weak(UNPUBLISHED))
			publish();
		if (weak(HURRY_EARLY))
			hurry_consumer();
		sleep('r', producer.gate, cursor.turn, cursor.queue, wanted,
		      FAR);
	}

	void produce()
	{
		for (unsigned int i = 0; i < scene.records; i++) {
			if (sends.head + scene.spans[i] + RECORD_HEAD -
			    sends.tail > scene.data_bytes)
				wait_for_room(scene.spans[i]);
			RL_ASSERT(sends.head + scene.spans[i] + RECORD_HEAD -
				  load(cursor.position) <= scene.data_bytes);
			sends.head += scene.spans[i];
			sends.sequence++;
			if (sends.sequence % scene.batch == 0 ||
			    sends.sequence == scene.records)
				publish();
		}
	}

	/* ring-consumer.c */

	void wait_for_more(unsigned int records)
	{
		if (!records || reads.sequence + records > scene.records)
			return;
		sleep('m', cursor.gate, producer.turn, producer.queue,
		      reads.position + scene.data_bytes / 2,
		      reads.sequence + records);
	}

	void peek(unsigned int throttle)
	{
		if (reads.position == load_acquire(producer.head)) {
			sleep('c', cursor.gate, producer.turn, producer.queue,
			      reads.position + 1, reads.sequence + FAR);
			wait_for_more(throttle);
		} else if (scene.puts_back) {
			wait_for_more(throttle);
		}
		RL_ASSERT(reads.position != load_acquire(producer.head));
		reads.position += scene.spans[reads.sequence++];
	}

	void give_back()
	{
		if (!weak(POSITION_LATE))
			store_release(cursor.position, reads.position);
		reads.done = reads.position;
		let_sleepers_see(GIVE_BACK_FENCE);
		knock(producer.gate, cursor.turn, cursor.queue, reads.position,
		      0, reads.woken);
		if (weak(POSITION_LATE))
			store_release(cursor.position, reads.position);
	}

	void consume()
	{
		if (scene.puts_back) {
			peek(scene.throttle);
			reads.position -= scene.spans[--reads.sequence];
			peek(scene.throttle + 1);
			give_back();
		}
		while (reads.sequence < scene.records) {
			peek(scene.throttle);
			give_back();
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

/* Room for one. */
static void one(void)
{
	scene = {};
	scene.data_bytes = 4;
	scene.records = 2;
	scene.spans[0] = scene.spans[1] = 2;
	scene.batch = 1;
}

static void four(void)
{
	one();
	scene.records = 4;
	scene.spans[2] = scene.spans[3] = 2;
}

static void batches(void)
{
	four();
	scene.data_bytes = 6;
	scene.batch = 4;
}

static void throttle(void)
{
	four();
	scene.data_bytes = 64;
	scene.throttle = 2;
}

static void puts_back(void)
{
	throttle();
	scene.records = 3;
	scene.puts_back = true;
}

/* One that is there, and one that has no room beside it. */
static void hurry(void)
{
	one();
	scene.data_bytes = 16;
	scene.spans[1] = 14;
	scene.throttle = 2;
}

static void asymmetric(void)
{
	one();
	scene.asymmetric = true;
}

static void asymmetric_four(void)
{
	four();
	scene.asymmetric = true;
}

static void asymmetric_throttle(void)
{
	throttle();
	scene.asymmetric = true;
}

static void asymmetric_hurry(void)
{
	hurry();
	scene.asymmetric = true;
}

static const struct search searches[] = {
	{ "all orders with up to 3 switches", rl::sched_bound, 3, 0,
	  rl::simulate<sleep_model>, one },
	{ "room for one of four", rl::sched_random, 0, 200000,
	  rl::simulate<sleep_model>, four },
	{ "batches", rl::sched_random, 0, 200000,
	  rl::simulate<sleep_model>, batches },
	{ "waiting for two", rl::sched_random, 0, 200000,
	  rl::simulate<sleep_model>, throttle },
	{ "waiting for two, then three", rl::sched_random, 0, 200000,
	  rl::simulate<sleep_model>, puts_back },
	{ "waiting for more than has room", rl::sched_random, 0, 200000,
	  rl::simulate<sleep_model>, hurry },
	{ "waiting for more than has room, all orders with up to 3 switches",
	  rl::sched_bound, 3, 0, rl::simulate<sleep_model>, hurry },
	{ "asymmetric, all orders with up to 3 switches", rl::sched_bound, 3, 0,
	  rl::simulate<sleep_model>, asymmetric },
	{ "asymmetric, room for one of four", rl::sched_random, 0, 200000,
	  rl::simulate<sleep_model>, asymmetric_four },
	{ "asymmetric, waiting for two", rl::sched_random, 0, 200000,
	  rl::simulate<sleep_model>, asymmetric_throttle },
	{ "asymmetric, waiting for more than has room", rl::sched_random, 0,
	  200000, rl::simulate<sleep_model>, asymmetric_hurry },
};

int main(int argc, char **argv)
{
	return run_model(argc, argv, "sleep", searches, COUNT(searches),
			 weakenings, COUNT(weakenings));
}

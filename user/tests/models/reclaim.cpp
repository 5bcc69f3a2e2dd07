// SPDX-License-Identifier: MIT
/*
 * A stream: the producer gives up the oldest records to make room, and asks
 * nobody. Readers read all the same, and find out afterwards: no record that was
 * overwritten is accepted, and those that were lost are counted one by one.
 *
 * Two producers, the second after the first: who has taken over must not be seen
 * to have given up what is not seen to have been sent.
 */
#include "model.hpp"

enum {
	HEAD_RELEASE = 1, HEAD_ACQUIRE, TAIL_LATE, RECLAIM_FENCE, TAIL_RELEASE,
	OVERTAKEN_FENCE, OVERTAKEN_EARLY, NEXT_WITHOUT_ROOM, NEXT_NOT_WRITTEN,
	HEAD_BEFORE_TAIL, DONE_STAYS, PUT_BACK,
	TAIL_PASSES_HEAD, SEQUENCE_BY_ITSELF, HEAD_IS_KEPT, BACK_BEFORE_TAIL,
};

static const char *const weakenings[] = {
	"the head is stored without release",
	"the head is loaded without acquire",
	"the tail is moved after the data was written",
	"there is no barrier between the tail and the data",
	"the tail is stored without release",
	"there is no barrier between what is read and the tail",
	"the tail is looked at before the data",
	"there is no room for what follows the last record",
	"what follows the last record is not written",
	"who was overtaken looks at the head before the tail",
	"who was overtaken still compares where it was before",
	"a record that is put back is where it was before one was overtaken",
	"the tail is moved beyond what was published",
	"the sequence number is that in the producer's page",
	"who went to the head does not go back to what is still there",
	"who goes back looks at the head before the tail",
};

enum { OK, AGAIN, OVERFLOW, BADMSG, MSGSIZE };

#define SLOTS_MAX 4
#define WORDS 2

static unsigned int slots, sends, batch, receives;
static bool small_buffers;

struct reclaim : rl::test_suite<reclaim, 3> {
	struct {
		word bytes, sequence, payload[WORDS];
	} data[SLOTS_MAX];
	word head, tail, sequence;
	/* Told from one producer to the next as the owner word does. */
	word turn;

	struct place {
		unsigned int position, sequence, lost;
	};
	struct reader {
		place at, done;
		unsigned int seen, laps, received, first;
	} reader;

	void before()
	{
		store(head, 0);
		store(tail, 0);
		store(sequence, 0);
		store(turn, 0);
		for (unsigned int i = 0; i < slots; i++) {
			store(data[i].bytes, 0);
			store(data[i].sequence, 0);
			for (unsigned int j = 0; j < WORDS; j++)
				store(data[i].payload[j], 0);
		}
	}

	/* A producer. */

	struct producer {
		unsigned int head, published, tail, sequence;
	};

	void resume(producer &ring)
	{
		ring.head = load_acquire(head);
		ring.published = ring.head;
		ring.tail = load(tail);
		RL_ASSERT(ring.head - ring.tail <= slots - 1);
		ring.sequence = load(data[ring.head % slots].sequence);
	}

	void publish(producer &ring)
	{
		store_as(head, ring.head, unless(HEAD_RELEASE, rl::mo_release));
		store(sequence, ring.sequence);
		ring.published = ring.head;
		fence(rl::mo_seq_cst);
	}

	bool has_room(const producer &ring)
	{
		unsigned int most = slots - !weak(NEXT_WITHOUT_ROOM);

		return ring.head + 1 - ring.tail <= most;
	}

	void make_room(producer &ring)
	{
		while (!has_room(ring))
			ring.tail++;
		/* Whoever comes to the tail finds a record there, or the head. */
		if (is_before(ring.published, ring.tail) &&
		    !weak(TAIL_PASSES_HEAD))
			publish(ring);
		if (weak(TAIL_LATE))
			return;
		store_as(tail, ring.tail, unless(TAIL_RELEASE, rl::mo_release));
		if (!weak(RECLAIM_FENCE))
			fence(rl::mo_release);
	}

	void send_later(producer &ring)
	{
		unsigned int at = ring.head % slots, next = (at + 1) % slots;

		if (!has_room(ring))
			make_room(ring);
		for (unsigned int i = 0; i < WORDS; i++)
			store(data[at].payload[i], ring.sequence + 100);
		store(data[at].bytes, 1);
		store(data[at].sequence, ring.sequence);
		ring.head++;
		ring.sequence++;
		if (!weak(NEXT_NOT_WRITTEN)) {
			store(data[next].bytes, 0);
			store(data[next].sequence, ring.sequence);
		}
		if (weak(TAIL_LATE)) {
			fence(rl::mo_release);
			store_release(tail, ring.tail);
		}
	}

	void produce(unsigned int index)
	{
		producer ring;

		if (index) {
			/* It is not this that is tried here. */
			if (load_acquire(turn) != index)
				return;
		}
		resume(ring);
		for (unsigned int i = 1; i <= sends; i++) {
			send_later(ring);
			if (i % batch == 0)
				publish(ring);
		}
		if (ring.published != ring.head)
			publish(ring);
		store_release(turn, index + 1);
	}

	/* A reader. */

	void find_place(const word &from, unsigned int &position,
			unsigned int &number)
	{
		do {
			position = load_acquire(from);
			number = load(data[position % slots].sequence);
		} while (was_overtaken(position));
		if (weak(SEQUENCE_BY_ITSELF))
			number = load(sequence);
	}

	void go_to(unsigned int position, unsigned int number)
	{
		reader.at = (place){ position, number, 0 };
		reader.done = reader.at;
		reader.seen = position;
		reader.first = number;
		reader.laps = 0;
		reader.received = 0;
	}

	bool go_back()
	{
		unsigned int to = load_acquire(tail);

		if (reader.laps < 2 || weak(HEAD_IS_KEPT))
			return false;
		reader.done.position = to;
		reader.at = reader.done;
		if (!weak(BACK_BEFORE_TAIL))
			reader.seen = load_acquire(head);
		return reader.at.position != reader.seen;
	}

	int wait_for_records()
	{
		if (reader.at.position != reader.seen)
			return OK;
		reader.seen = load_as(head,
				      unless(HEAD_ACQUIRE, rl::mo_acquire));
		if (reader.at.position != reader.seen || go_back())
			return OK;
		/* Who has caught up is not behind any more. */
		reader.laps = 0;
		return AGAIN;
	}

	int read_record(unsigned int &number)
	{
		unsigned int at = reader.at.position % slots;
		unsigned int available = reader.seen - reader.at.position;

		number = load(data[at].sequence);
		return load(data[at].bytes) != 1 || available > slots ?
			       BADMSG : OK;
	}

	bool was_overtaken(unsigned int position)
	{
		if (!weak(OVERTAKEN_FENCE))
			fence(rl::mo_acquire);
		return is_before(position, load(tail));
	}

	int skip()
	{
		bool peeked = reader.at.position != reader.done.position;
		unsigned int to, until;

		if (weak(HEAD_BEFORE_TAIL)) {
			until = load_acquire(head);
			to = load_acquire(tail);
		} else {
			to = load_acquire(tail);
			until = load_acquire(head);
		}
		if (++reader.laps != 1)
			to = until;
		if (!weak(DONE_STAYS))
			reader.done.position = to;
		reader.at = reader.done;
		reader.at.position = to;
		reader.seen = until;
		return peeked ? OVERFLOW : OK;
	}

	int peek(unsigned int &number)
	{
		int ret;

		for (;;) {
			ret = wait_for_records();
			if (ret)
				return ret;
			ret = read_record(number);
			if (!was_overtaken(reader.done.position))
				break;
			ret = skip();
			if (ret)
				return ret;
		}
		if (ret)
			return ret;
		reader.at.lost += number - reader.at.sequence;
		reader.at.sequence = number + 1;
		reader.at.position++;
		reader.laps = 0;
		return OK;
	}

	int release()
	{
		if (was_overtaken(reader.done.position))
			return skip();
		reader.done = reader.at;
		return OK;
	}

	int receive(bool is_too_small)
	{
		unsigned int number, position, payload[WORDS];
		struct place before;
		int ret;

		do {
			before = reader.at;
			ret = peek(number);
			if (ret == OVERFLOW)
				continue;
			if (ret)
				return ret;
			if (is_too_small) {
				/* Where it was may have gone meanwhile. */
				if (!weak(PUT_BACK) &&
				    is_before(before.position,
					      reader.done.position))
					before = reader.done;
				reader.at = before;
				return MSGSIZE;
			}
			position = reader.at.position - 1;
			if (weak(OVERTAKEN_EARLY)) {
				ret = release();
				if (ret == OVERFLOW)
					continue;
			}
			for (unsigned int i = 0; i < WORDS; i++)
				payload[i] = load(
					data[position % slots].payload[i]);
			if (!weak(OVERTAKEN_EARLY))
				ret = release();
		} while (ret == OVERFLOW);
		RL_ASSERT(position == number);
		for (unsigned int i = 0; i < WORDS; i++)
			RL_ASSERT(payload[i] == number + 100);
		reader.received++;
		RL_ASSERT(reader.received + reader.done.lost ==
			  reader.done.sequence - reader.first);
		return OK;
	}

	void consume()
	{
		unsigned int position, number;

		find_place(rl::rand(2) ? head : tail, position, number);
		/* All records have one size here, so we know. */
		RL_ASSERT(number == position);
		go_to(position, number);
		for (unsigned int i = 0; i < receives; i++)
			RL_ASSERT(receive(small_buffers && rl::rand(2)) !=
				  BADMSG);
	}

	void thread(unsigned int index)
	{
		if (index < 2)
			produce(index);
		else
			consume();
	}

	/*
	 * All that is still there comes, and all else was counted; also if no
	 * more is sent.
	 */
	void after()
	{
		unsigned int tries = 3 * slots;
		int ret = OK;

		while (ret != AGAIN && tries--) {
			ret = receive(false);
			RL_ASSERT(ret != BADMSG);
		}
		RL_ASSERT(ret == AGAIN);
		RL_ASSERT(reader.at.position == load(head));
		RL_ASSERT(reader.received + reader.done.lost ==
			  load(head) - reader.first);
	}
};

static void small(void)
{
	slots = 2;
	sends = 2;
	batch = 1;
	receives = 1;
	small_buffers = false;
}

static void medium(void)
{
	slots = 2;
	sends = 3;
	batch = 1;
	receives = 3;
	small_buffers = false;
}

static void large(void)
{
	slots = 3;
	sends = 5;
	batch = 1;
	receives = 4;
	small_buffers = false;
}

static void batches(void)
{
	slots = 3;
	sends = 6;
	batch = 4;
	receives = 3;
	small_buffers = false;
}

static void put_back(void)
{
	medium();
	receives = 5;
	small_buffers = true;
}

static const struct search searches[] = {
	{ "all orders with up to 2 switches", rl::sched_bound, 2, 0,
	  rl::simulate<reclaim>, small },
	{ "two slots at random", rl::sched_random, 0, 500000,
	  rl::simulate<reclaim>, medium },
	{ "three slots at random", rl::sched_random, 0, 300000,
	  rl::simulate<reclaim>, large },
	{ "batches at random", rl::sched_random, 0, 300000,
	  rl::simulate<reclaim>, batches },
	{ "buffers that are too small", rl::sched_random, 0, 300000,
	  rl::simulate<reclaim>, put_back },
};

int main(int argc, char **argv)
{
	return run_model(argc, argv, "reclaim", searches, COUNT(searches),
			 weakenings, COUNT(weakenings));
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Short records in queues, which have a path of their own (lib/ring-short.h), as have
 * those that are written and read in place: they are to be like all others, however
 * they are sent. On a memfd. TAP.
 */
#include <pthread.h>

#include "ring-pair.h"

#define PAGE 4096UL
#define GUARD 32
#define AT_ONCE 3
/* Numbers begin just before they go round. */
#define FIRST (-20ULL)

static const uint32_t kinds[] = {
	0,
	SHMDEV_RING_ASYMMETRIC,
	SHMDEV_RING_CLEARS,
	SHMDEV_RING_CLEARS | SHMDEV_RING_ASYMMETRIC,
	SHMDEV_RING_MANY,
	SHMDEV_RING_MANY | SHMDEV_RING_ASYMMETRIC,
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

static struct pair queue_of(uint32_t flags)
{
	return pair_of((struct shmdev_ring_options){
		.size = sizeof(struct shmdev_ring_options),
		.kind = SHMDEV_RING_IS_QUEUE,
		.flags = flags,
		.data_bytes = PAGE,
		.position = -4096ULL,
		.sequence = FIRST,
	});
}

/* Whether records are written and read in place. */
static bool in_place;

static int put(struct shmdev_ring *ring, const void *data, size_t bytes)
{
	void *room;
	int ret;

	if (!in_place)
		return shmdev_ring_send(ring, data, bytes, NOW);
	ret = shmdev_ring_reserve(ring, bytes, NOW, &room);
	if (ret < 0)
		return ret;
	memcpy(room, data, bytes);
	return shmdev_ring_commit(ring);
}

/* Into a buffer of @room bytes. */
static ssize_t get(struct shmdev_ring *ring, void *buffer, size_t room,
		   struct shmdev_ring_record *record)
{
	int ret;

	if (!in_place)
		return shmdev_ring_receive(ring, buffer, room, NOW, record);
	ret = shmdev_ring_peek(ring, NOW, record);
	if (ret < 0)
		return ret;
	if (record->bytes > room)
		return -EMSGSIZE;
	memcpy(buffer, record->data, record->bytes);
	record->data = buffer;
	ret = shmdev_ring_release(ring);
	return ret < 0 ? ret : (ssize_t)record->bytes;
}

static void fill(unsigned char *bytes, size_t count, unsigned int seed)
{
	for (size_t i = 0; i < count; i++)
		bytes[i] = (unsigned char)(seed * 31UL + i * 7 + 1);
}

static void receive_whole(struct shmdev_ring *consumer, size_t bytes,
			  unsigned int seed, uint64_t sequence)
{
	unsigned char sent[256], buffer[GUARD + 256 + GUARD];
	struct shmdev_ring_record record;
	bool guards_hold = true;

	fill(sent, bytes, seed);
	memset(buffer, 0xa5, sizeof(buffer));
	check(get(consumer, buffer + GUARD, bytes, &record) == (ssize_t)bytes);
	check(memcmp(buffer + GUARD, sent, bytes) == 0);
	for (size_t i = 0; i < GUARD; i++)
		guards_hold &= buffer[i] == 0xa5 &&
			       buffer[GUARD + bytes + i] == 0xa5;
	check(guards_hold);
	check(record.data == buffer + GUARD && record.bytes == bytes);
	check(record.sequence == sequence && record.lost == 0);
}

/*
 * Some records of about @bytes get there whole, and nothing around them is written.
 * The first one is looked for, of the others it is known that they are there.
 */
static void exchange(const struct pair *pair, size_t bytes, uint64_t sequence)
{
	unsigned char sent[256];

	for (unsigned int i = 0; i < AT_ONCE; i++) {
		fill(sent, bytes + i, i);
		check(put(pair->producer, sent, bytes + i) == 0);
	}
	for (unsigned int i = 0; i < AT_ONCE; i++)
		receive_whole(pair->consumer, bytes + i, i, sequence + i);
}

/* From the first record on, until a turn would be kept. */
static void exchange_until_kept(const struct pair *pair)
{
	uint64_t sequence = FIRST;

	for (unsigned int i = 0; i < 100; i++, sequence += AT_ONCE)
		exchange(pair, 8, sequence);
}

/* Of each size around those that are short, in each kind of queue, laps long. */
static void each_size_arrives_whole(void)
{
	for (unsigned int k = 0; k < KINDS; k++) {
		struct pair pair = queue_of(kinds[k]);
		uint64_t sequence = FIRST;

		for (unsigned int i = 0; i < 1000; i++, sequence += AT_ONCE)
			exchange(&pair, 1 + i % 140, sequence);
		for (unsigned int i = 0; i < 1000; i++, sequence += AT_ONCE)
			exchange(&pair, 1 + i * 37 % 140, sequence);
		pair_end(&pair);
	}
}

/* Who comes next goes on where the last one ended, on either side. */
static void next_party_goes_on(void)
{
	for (unsigned int k = 0; k < KINDS; k++) {
		struct pair pair = queue_of(kinds[k]);
		uint64_t sequence = FIRST;

		for (unsigned int i = 0; i < 100; i++, sequence += AT_ONCE) {
			exchange(&pair, 8 + i % 60, sequence);
			shmdev_ring_detach(pair.producer);
			shmdev_ring_detach(pair.consumer);
			pair.producer = attach(pair.fd, SHMDEV_RING_PRODUCER);
			pair.consumer = attach(pair.fd, SHMDEV_RING_CONSUMER);
		}
		pair_end(&pair);
	}
}

/* A full queue, to the byte: what has no room is refused, what has is not. */
static void full_is_full(void)
{
	for (unsigned int k = 0; k < KINDS; k++) {
		struct pair pair = queue_of(kinds[k]);
		struct shmdev_ring_record record;
		unsigned char bytes[64] = { };

		/* 56 of 72, and one of 48: but for the head behind it, all. */
		for (unsigned int i = 0; i < 56; i++)
			check(put(pair.producer, bytes, 64) == 0);
		check(put(pair.producer, bytes, 49) == -EAGAIN);
		check(put(pair.producer, bytes, 48) == 0);
		check(put(pair.producer, bytes, 8) == -EAGAIN);
		for (unsigned int i = 0; i < 57; i++)
			check(get(pair.consumer, bytes, 64, &record) ==
			      (i < 56 ? 64 : 48));
		check(get(pair.consumer, bytes, 64, &record) == -EAGAIN);
		pair_end(&pair);
	}
}

/* What a call refuses it leaves as it was. */
static void refused_leaves_all(void)
{
	for (unsigned int k = 0; k < KINDS; k++) {
		struct pair pair = queue_of(kinds[k]);
		unsigned char bytes[64] = { 1 };
		void *room;

		check(shmdev_ring_send(pair.consumer, bytes, 8, NOW) == -EBADF);
		check(shmdev_ring_send(pair.producer, NULL, 8, NOW) == -EINVAL);
		check(shmdev_ring_send(NULL, bytes, 8, NOW) == -EINVAL);
		check(shmdev_ring_reserve(pair.producer, 8, NOW, &room) == 0);
		check(shmdev_ring_send(pair.producer, bytes, 8, NOW) == -EBUSY);
		check(shmdev_ring_discard(pair.producer) == 0);

		for (unsigned int i = 0; i < 2; i++)
			check(shmdev_ring_send(pair.producer, bytes, 40, NOW) ==
			      0);
		check(shmdev_ring_receive(pair.consumer, bytes, 40, NOW,
					  NULL) == 40);
		check(shmdev_ring_receive(pair.producer, bytes, 64, NOW,
					  NULL) == -EBADF);
		check(shmdev_ring_receive(NULL, bytes, 64, NOW, NULL) ==
		      -EINVAL);
		check(shmdev_ring_receive(pair.consumer, NULL, 64, NOW, NULL) ==
		      -EINVAL);
		check(shmdev_ring_receive(pair.consumer, NULL, 0, NOW, NULL) ==
		      -EMSGSIZE);
		check(shmdev_ring_receive(pair.consumer, bytes, 39, NOW,
					  NULL) == -EMSGSIZE);
		check(shmdev_ring_receive(pair.consumer, bytes, 40, NOW,
					  NULL) == 40);
		check(bytes[0] == 1);
		pair_end(&pair);
	}
}

/* One that is sent ends the batch before it, and the turn that this was in. */
static void send_ends_a_batch(void)
{
	for (unsigned int k = 0; k < KINDS; k++) {
		struct pair pair = queue_of(kinds[k]);
		struct shmdev_ring *other;
		unsigned char bytes[64];
		void *room;

		exchange_until_kept(&pair);
		check(shmdev_ring_reserve(pair.producer, 9, NOW, &room) == 0);
		memset(room, 1, 9);
		check(shmdev_ring_commit_later(pair.producer) == 0);
		check(shmdev_ring_receive(pair.consumer, bytes, 64, NOW,
					  NULL) == -EAGAIN);
		check(shmdev_ring_send(pair.producer, "ten bytes", 10, NOW) ==
		      0);
		check(shmdev_ring_receive(pair.consumer, bytes, 64, NOW,
					  NULL) == 9);
		check(shmdev_ring_receive(pair.consumer, bytes, 64, NOW,
					  NULL) == 10);
		if (kinds[k] & SHMDEV_RING_MANY) {
			other = attach(pair.fd, SHMDEV_RING_PRODUCER);
			check(shmdev_ring_send(other, bytes, 11, NOW) == 0);
			check(shmdev_ring_send(pair.producer, bytes, 12, NOW) ==
			      0);
			check(shmdev_ring_receive(pair.consumer, bytes, 64, NOW,
						  NULL) == 11);
			check(shmdev_ring_receive(pair.consumer, bytes, 64, NOW,
						  NULL) == 12);
			shmdev_ring_detach(other);
		}
		pair_end(&pair);
	}
}

static unsigned char *map(int fd)
{
	void *mapped = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
			    fd, 0);

	if (mapped == MAP_FAILED)
		abort();
	return mapped;
}

/* A turn ends with the record that it was for, also if it is kept. */
static void others_may_send_at_once(void)
{
	for (unsigned int k = 0; k < KINDS; k++) {
		struct pair pair = queue_of(kinds[k]);
		struct shmdev_ring_record record;
		struct shmdev_ring *other;
		unsigned char bytes[64] = { };

		if (kinds[k] & SHMDEV_RING_MANY) {
			exchange_until_kept(&pair);
			other = attach(pair.fd, SHMDEV_RING_PRODUCER);
			check(put(other, bytes, 32) == 0);
			check(put(pair.producer, bytes, 33) == 0);
			check(get(pair.consumer, bytes, 64, &record) == 32);
			check(get(pair.consumer, bytes, 64, &record) == 33);
			shmdev_ring_detach(other);
		}
		pair_end(&pair);
	}
}

/* One that is wanted by somebody who ended before he took it is still one's own. */
static void wanted_is_not_taken(void)
{
	for (unsigned int k = 0; k < KINDS; k++) {
		struct pair pair = queue_of(kinds[k]);
		unsigned char bytes[64] = { }, *mapped = map(pair.fd);
		struct shmdev_ring_producer *producer =
			(void *)(mapped + PAGE);
		struct shmdev_ring_record record;

		exchange_until_kept(&pair);
		if (kinds[k] & SHMDEV_RING_MANY &&
		    kinds[k] & SHMDEV_RING_ASYMMETRIC) {
			check(producer->owner >> SHMDEV_RING_KEPT_SHIFT);
			producer->owner |= 1;
		}
		for (unsigned int i = 0; i < 3; i++) {
			check(put(pair.producer, bytes, 32) == 0);
			check(get(pair.consumer, bytes, 64, &record) == 32);
		}
		munmap(mapped, 4 * PAGE);
		pair_end(&pair);
	}
}

/* Nor is a turn kept in a ring that is damaged, to send in it all the same. */
static void damage_stays_found(void)
{
	for (unsigned int k = 0; k < KINDS; k++) {
		struct pair pair = queue_of(kinds[k]);
		unsigned char bytes[64] = { }, *mapped = map(pair.fd);
		struct shmdev_ring_cursor *cursor = (void *)(mapped + 2 * PAGE);
		struct shmdev_ring *other = NULL;

		cursor->position = 1;
		if (kinds[k] & SHMDEV_RING_MANY) {
			other = attach(pair.fd, SHMDEV_RING_PRODUCER);
			for (unsigned int i = 0; i < 200; i++)
				check(shmdev_ring_send(other, bytes, 8, NOW) ==
				      -EBADMSG);
		}
		shmdev_ring_detach(other);
		munmap(mapped, 4 * PAGE);
		pair_end(&pair);
	}
}

static void *receive_one(void *ring)
{
	unsigned char bytes[64];
	struct timespec soon = in_ms(5000);

	return (void *)shmdev_ring_receive(ring, bytes, 64, &soon, NULL);
}

static void *send_one(void *ring)
{
	unsigned char bytes[64] = { };
	struct timespec soon = in_ms(5000);

	return (void *)(intptr_t)shmdev_ring_send(ring, bytes, 64, &soon);
}

/* Somebody sleeps there, or is about to. */
static void wait_until_awaited(const struct shmdev_ring_gate *gate)
{
	for (unsigned int ms = 0; ms < 5000; ms++) {
		if (!(__atomic_load_n(&gate->position, __ATOMIC_ACQUIRE) &
		      SHMDEV_RING_NOBODY))
			return;
		usleep(1000);
	}
	check(!"somebody waits");
}

/* One record is enough for that; and the turn it is sent in ends all the same. */
static void consumer_is_woken(void)
{
	for (unsigned int k = 0; k < KINDS; k++) {
		struct pair pair = queue_of(kinds[k]);
		unsigned char bytes[64] = { }, *mapped = map(pair.fd);
		struct shmdev_ring_cursor *cursor = (void *)(mapped + 2 * PAGE);
		struct shmdev_ring *other;
		pthread_t thread;
		void *received;

		exchange_until_kept(&pair);
		shmdev_ring_set_spin(pair.consumer, 0);
		pthread_create(&thread, NULL, receive_one, pair.consumer);
		wait_until_awaited(&cursor->gate);
		check(shmdev_ring_send(pair.producer, bytes, 32, NOW) == 0);
		pthread_join(thread, &received);
		check(received == (void *)32);
		if (kinds[k] & SHMDEV_RING_MANY) {
			other = attach(pair.fd, SHMDEV_RING_PRODUCER);
			check(shmdev_ring_send(other, bytes, 32, NOW) == 0);
			shmdev_ring_detach(other);
		}
		munmap(mapped, 4 * PAGE);
		pair_end(&pair);
	}
}

/* One record is enough for that, of those that are known to be there. */
static void producer_is_woken(void)
{
	for (unsigned int k = 0; k < KINDS; k++) {
		struct pair pair = queue_of(kinds[k]);
		unsigned char bytes[64] = { }, *mapped = map(pair.fd);
		struct shmdev_ring_producer *producer =
			(void *)(mapped + PAGE);
		pthread_t thread;
		void *sent;

		while (shmdev_ring_send(pair.producer, bytes, 64, NOW) == 0)
			;
		check(shmdev_ring_receive(pair.consumer, bytes, 64, NOW,
					  NULL) == 64);
		check(shmdev_ring_send(pair.producer, bytes, 64, NOW) == 0);
		shmdev_ring_set_spin(pair.producer, 0);
		pthread_create(&thread, NULL, send_one, pair.producer);
		wait_until_awaited(&producer->gate);
		check(shmdev_ring_receive(pair.consumer, bytes, 64, NOW,
					  NULL) == 64);
		pthread_join(thread, &sent);
		check(!sent);
		munmap(mapped, 4 * PAGE);
		pair_end(&pair);
	}
}

static void *reserve_one(void *ring)
{
	struct timespec soon = in_ms(5000);
	void *room;

	return (void *)(intptr_t)shmdev_ring_reserve(ring, 64, &soon, &room);
}

/* A batch that has to wait for room is shown up to there; its turn does not end. */
static void batch_waits_in_its_turn(void)
{
	for (unsigned int k = 0; k < KINDS; k++) {
		struct pair pair = queue_of(kinds[k]);
		unsigned char bytes[64] = { }, *mapped = map(pair.fd);
		struct shmdev_ring_producer *producer =
			(void *)(mapped + PAGE);
		struct shmdev_ring *other;
		pthread_t thread;
		void *ret, *room;

		exchange_until_kept(&pair);
		if (kinds[k] & SHMDEV_RING_MANY &&
		    kinds[k] & SHMDEV_RING_ASYMMETRIC)
			check(producer->owner >> SHMDEV_RING_KEPT_SHIFT);
		for (unsigned int i = 0; i < (PAGE - 8) / 72; i++) {
			check(shmdev_ring_reserve(pair.producer, 64, NOW,
						  &room) == 0);
			check(shmdev_ring_commit_later(pair.producer) == 0);
		}
		shmdev_ring_set_spin(pair.producer, 0);
		pthread_create(&thread, NULL, reserve_one, pair.producer);
		wait_until_awaited(&producer->gate);
		for (unsigned int i = 0; i < 2; i++)
			check(shmdev_ring_receive(pair.consumer, bytes, 64, NOW,
						  NULL) == 64);
		pthread_join(thread, &ret);
		check(!ret);
		if (kinds[k] & SHMDEV_RING_MANY) {
			other = attach(pair.fd, SHMDEV_RING_PRODUCER);
			check(put(other, bytes, 8) == -EAGAIN);
			check(shmdev_ring_commit(pair.producer) == 0);
			check(put(other, bytes, 8) == 0);
			shmdev_ring_detach(other);
		}
		munmap(mapped, 4 * PAGE);
		pair_end(&pair);
	}
}

/*
 * What a lying producer says of a record is not believed, nor copied: neither of
 * the first one, nor of one that is known to be there, and not if asked again.
 */
static void lies_are_found(void)
{
	static const struct {
		uint32_t bytes;
		int64_t further;	/* head, than it is */
	} lies[] = {
		{ 0, 0 }, { 25, 0 }, { 64, 0 }, { 65, 0 }, { ~0U, 0 },
		{ 24, PAGE }, { 24, 4 }, { 24, -8 }, { 24, 1ULL << 62 },
	};

	for (unsigned int i = 0; i < 2 * sizeof(lies) / sizeof(*lies); i++) {
		struct pair pair = queue_of(SHMDEV_RING_ASYMMETRIC);
		struct shmdev_ring_record found;
		static const char truth[24] = "the truth";
		unsigned char bytes[64], *mapped = map(pair.fd);
		struct shmdev_ring_producer *producer =
			(void *)(mapped + PAGE);
		struct shmdev_record *record =
			(void *)(mapped + 3 * PAGE + i % 2 * 32UL);

		for (unsigned int sent = 0; sent <= i % 2; sent++)
			check(put(pair.producer, truth, 24) == 0);
		producer->head += lies[i / 2].further;
		if (i % 2 && !lies[i / 2].further)
			check(get(pair.consumer, bytes, 64, &found) == 24);
		memset(bytes, 0, sizeof(bytes));
		record->bytes = lies[i / 2].bytes;
		for (unsigned int times = 0; times < 2; times++)
			check(get(pair.consumer, bytes, 64, &found) ==
				      -EBADMSG ||
			      (i % 2 && lies[i / 2].further == -8));
		check(!bytes[0] || (i % 2 && lies[i / 2].further == -8));
		munmap(mapped, 4 * PAGE);
		pair_end(&pair);
	}
}

/* A number that is not the next one is told as it is. */
static void numbers_are_told(void)
{
	struct pair pair = queue_of(SHMDEV_RING_ASYMMETRIC);
	unsigned char bytes[64], *mapped = map(pair.fd);
	struct shmdev_record *record = (void *)(mapped + 3 * PAGE + 16);
	struct shmdev_ring_record received;

	for (unsigned int i = 0; i < 3; i++)
		check(put(pair.producer, bytes, 8) == 0);
	record->sequence += 5;
	for (unsigned int i = 0; i < 3; i++) {
		check(get(pair.consumer, bytes, 64, &received) == 8);
		check(received.sequence == FIRST + i + (i == 1 ? 5 : 0));
	}
	munmap(mapped, 4 * PAGE);
	pair_end(&pair);
}

/* Of which there is one record if it was reserved by itself, whatever was before. */
static void batches_are_what_they_are(void)
{
	for (unsigned int k = 0; k < KINDS; k++) {
		struct pair pair = queue_of(kinds[k]);
		struct shmdev_ring_record record;
		void *rooms[4], *room;
		unsigned char bytes[64];

		check(shmdev_ring_reserve_many(pair.producer, 8, 4, NOW,
					       rooms) == 4);
		for (unsigned int i = 0; i < 4; i++)
			memset(rooms[i], i, 8);
		check(shmdev_ring_commit_many(pair.producer, 3) == 0);
		check(shmdev_ring_reserve(pair.producer, 0, NOW, &room) ==
		      -EINVAL);
		check(shmdev_ring_reserve(pair.producer, 8, NOW, &room) == 0);
		check(shmdev_ring_reserve(pair.producer, 8, NOW, &room) ==
		      -EBUSY);
		check(shmdev_ring_commit_many(pair.producer, 2) == -EINVAL);
		memset(room, 3, 8);
		check(shmdev_ring_commit_many(pair.producer, 1) == 0);
		for (unsigned int i = 0; i < 4; i++) {
			check(get(pair.consumer, bytes, 64, &record) == 8);
			check(bytes[7] == i && record.sequence == FIRST + i);
		}
		check(get(pair.consumer, bytes, 64, &record) == -EAGAIN);
		pair_end(&pair);
	}
}

#define RUN_IN_PLACE(test) do { \
	in_place = true; \
	run(test, #test "_in_place"); \
	in_place = false; \
} while (0)

int main(void)
{
	world_begin();
	/* Who is not woken sleeps on. */
	calls_of_all = &strict_calls;
	RUN(each_size_arrives_whole);
	RUN(next_party_goes_on);
	RUN(full_is_full);
	RUN(refused_leaves_all);
	RUN(send_ends_a_batch);
	RUN(others_may_send_at_once);
	RUN(wanted_is_not_taken);
	RUN(damage_stays_found);
	RUN(consumer_is_woken);
	RUN(producer_is_woken);
	RUN(batch_waits_in_its_turn);
	RUN(lies_are_found);
	RUN(numbers_are_told);
	RUN_IN_PLACE(each_size_arrives_whole);
	RUN_IN_PLACE(next_party_goes_on);
	RUN_IN_PLACE(full_is_full);
	RUN_IN_PLACE(others_may_send_at_once);
	RUN_IN_PLACE(wanted_is_not_taken);
	RUN_IN_PLACE(lies_are_found);
	RUN_IN_PLACE(numbers_are_told);
	RUN(batches_are_what_they_are);
	printf("1..%u\n", cases);
	return failed;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many records through rings, each with its number and a pattern that follows of
 * it: none is lost, doubled, torn or out of order; in a stream, all that is
 * missing is counted. And nobody sleeps who should have been woken.
 *
 * $RECORDS: how many of each kind. Parties are processes, or with THREADS
 * threads that use one mapping, so that a thread sanitizer sees what they share.
 * TAP.
 */
#include <pthread.h>

#ifdef THREADS
#include "ring.h"
#endif
#include "ring-world.h"

#define PARTIES_MAX 8

#ifdef SEGMENT
static uint64_t records = 10000;
#else
static uint64_t records = 1000000;
#endif

struct kind {
	const char *name;
	struct shmdev_ring_options options;
	size_t least, most;	/* bytes of a record */
	unsigned int producers, consumers;
	unsigned int batch;
	bool sleepy;		/* never spins */
	uint64_t share;		/* slow: 1 of so many records, see count_of() */
	uint32_t throttle[3];
};

struct party {
	const struct kind *kind;
	enum shmdev_ring_role role;
	unsigned int index;
	struct shmdev_ring *ring;
	int fd;
};

/* As many as wanted, but where all sleep, or in an emulated machine. */
static uint64_t count_of(const struct kind *kind)
{
#ifdef SEGMENT
	const bool all = !kind->share;
#else
	const bool all = !kind->share || !kind->sleepy;
#endif
	uint64_t count = records / (all ? 1 : kind->share) / kind->producers;

	return count ?: 1;
}

/* Of each record, from its number: so the reader knows what to expect. */
static size_t size_of(const struct kind *kind, uint64_t number)
{
	uint64_t spread = kind->most - kind->least + 1;

	return kind->least + (number * 0x9e3779b97f4a7c15ULL >> 33) % spread;
}

#define NUMBER_BITS 40

static void *produce(void *argument)
{
	struct party *party = argument;
	const struct kind *kind = party->kind;
	uint64_t count = count_of(kind);
	void *record;
	int ret = 0;

	for (uint64_t i = 0; i < count; i++) {
		uint64_t number = (uint64_t)party->index << NUMBER_BITS | i;
		size_t bytes = size_of(kind, number);

		ret = shmdev_ring_reserve(party->ring, bytes, NULL, &record);
		check(ret == 0);
		if (ret)
			break;
		pattern_write(record, bytes, number);
		ret = (i + 1) % kind->batch && i + 1 < count ?
			      shmdev_ring_commit_later(party->ring) :
			      shmdev_ring_commit(party->ring);
		check(ret == 0);
	}
	return NULL;
}

/* Whether a record is what its number says, and comes after the one before. */
static bool is_expected(const struct kind *kind,
			const struct shmdev_ring_record *record,
			uint64_t next[PARTIES_MAX])
{
	uint64_t number, producer;

	if (!pattern_holds(record->data, record->bytes, &number))
		return false;
	producer = number >> NUMBER_BITS;
	if (producer >= kind->producers)
		return false;
	if (record->bytes != size_of(kind, number))
		return false;
	next[producer] += record->lost;
	return (number & ((1ULL << NUMBER_BITS) - 1)) == next[producer]++;
}

static void *consume(void *argument)
{
	struct party *party = argument;
	const struct kind *kind = party->kind;
	bool is_stream = kind->options.kind == SHMDEV_RING_IS_STREAM;
	uint64_t all = count_of(kind) * kind->producers, got = 0;
	uint64_t next[PARTIES_MAX] = { };
	struct shmdev_ring_record record;
	unsigned int held = 0;
	char *buffer = malloc(kind->most);
	ssize_t ret;

	shmdev_ring_throttle(party->ring, kind->throttle[0], kind->throttle[1],
			     kind->throttle[2]);
	while (got < all && !case_failed) {
		if (is_stream) {
			ret = shmdev_ring_receive(party->ring, buffer,
						  kind->most, NULL, &record);
		} else {
			ret = shmdev_ring_peek(party->ring, NULL, &record);
		}
		check(ret >= 0);
		check(ret < 0 || is_expected(kind, &record, next));
		got += 1 + record.lost;
		if (!is_stream && (++held == kind->batch || got == all)) {
			held = 0;
			check(shmdev_ring_release(party->ring) == 0);
		}
	}
	check(got == all);
	/* There is no more than was sent; and who sent it may have gone. */
	ret = shmdev_ring_receive(party->ring, buffer, kind->most, NOW, NULL);
	check(ret == -EAGAIN || ret == -EPIPE);
	free(buffer);
	return NULL;
}

static void *live(void *argument)
{
	struct party *party = argument;

	while (!__atomic_load_n(&world->begun, __ATOMIC_ACQUIRE))
		usleep(100);
	if (party->kind->sleepy)
		shmdev_ring_set_spin(party->ring, 0);
	return party->role == SHMDEV_RING_PRODUCER ? produce(party) :
						     consume(party);
}

#ifdef THREADS
/*
 * What one reads while it is attached, it reads in a mapping of its own: nobody
 * writes anything before that, or the sanitizer would miss who has seen it.
 */
static struct shmdev_ring *first;

static void begin(struct party *party, pthread_t *thread)
{
	struct shmdev_ring *ring = attach(party->fd, party->role);
	unsigned int id = party->index;

	(void)id;
	party->ring = ring;
	if (!first) {
		first = ring;
	} else {
		munmap(ring->base, ring->mapped);
		ring->base = first->base;
		ring->producer = first->producer;
		ring->cursor = cursor_of(first, ring->slot);
		ring->data = first->data;
	}
	mprotect(ring->base, ring->mapped, PROT_READ | PROT_WRITE);
	pthread_create(thread, NULL, live, party);
}

static void end(struct party *party, pthread_t thread)
{
	(void)party;
	pthread_join(thread, NULL);
}
#else
/* Each a process; the roles are taken before anybody begins. */
static void begin(struct party *party, pid_t *pid)
{
	int ready[2];
	char byte;

	check(pipe(ready) == 0);
	fflush(stdout);
	*pid = fork();
	if (!*pid) {
		party->ring = attach(party->fd, party->role);
		check(write(ready[1], "", 1) == 1);
		live(party);
		shmdev_ring_detach(party->ring);
		fflush(stdout);
		_exit(case_failed);
	}
	check(read(ready[0], &byte, 1) == 1);
	close(ready[0]);
	close(ready[1]);
}

static void end(struct party *party, pid_t pid)
{
	int status = -1;

	(void)party;
	check(waitpid(pid, &status, 0) == pid);
	check(status == 0);
}
#endif

static const struct kind *current;

static void all_arrive(void)
{
	const struct kind *kind = current;
	struct party parties[2 * PARTIES_MAX] = { };
#ifdef THREADS
	pthread_t handles[2 * PARTIES_MAX];
#else
	pid_t handles[2 * PARTIES_MAX];
#endif
	unsigned int count = kind->consumers + kind->producers;
	int fd = ring_new(&kind->options);

	world->late = 0;
	world->begun = false;
	for (unsigned int i = 0; i < count; i++) {
		parties[i] = (struct party){
			.kind = kind,
			.fd = fd,
			.role = i < kind->consumers ? SHMDEV_RING_CONSUMER :
						      SHMDEV_RING_PRODUCER,
			.index = i < kind->consumers ? i : i - kind->consumers,
		};
		begin(&parties[i], &handles[i]);
	}
	__atomic_store_n(&world->begun, true, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < count; i++)
		end(&parties[i], handles[i]);
#ifdef THREADS
	first = NULL;
#endif
	/* One could be due to a machine that stood still. */
	check(world->late < 2);
	close(fd);
	world_reset();
}

#define QUEUE(bytes, with) { \
	.size = sizeof(struct shmdev_ring_options), \
	.kind = SHMDEV_RING_IS_QUEUE, \
	.data_bytes = (bytes), .flags = (with), \
	.position = -4096ULL, .sequence = 0xfffffff0 }
#define STREAM(bytes) { \
	.size = sizeof(struct shmdev_ring_options), \
	.kind = SHMDEV_RING_IS_STREAM, \
	.data_bytes = (bytes), .position = 0xfffff000, .sequence = -16ULL }

#define KIND(name_of_it, ring, from, to, senders, readers, at_once, ...) { \
	.name = name_of_it, .options = ring, .least = from, .most = to, \
	.producers = senders, .consumers = readers, .batch = at_once, \
	__VA_ARGS__ }

static const struct kind kinds[] = {
	KIND("queue, small records", QUEUE(1 << 16, 0), 8, 8, 1, 1, 1),
	KIND("queue, mixed records", QUEUE(1 << 14, 0), 8, 1000, 1, 1, 1,
	     .share = 4),
	KIND("queue, records as large as the ring", QUEUE(1 << 12, 0), 8, 4080,
	     1, 1, 1, .share = 40),
	KIND("queue, in batches", QUEUE(1 << 16, 0), 8, 64, 1, 1, 16),
	KIND("queue, lines are cleared", QUEUE(1 << 16, SHMDEV_RING_CLEARS),
	     8, 300, 1, 1, 4),
	KIND("queue, asymmetric", QUEUE(1 << 16, SHMDEV_RING_ASYMMETRIC), 8, 300,
	     1, 1, 1, .share = 4),
	KIND("queue, asymmetric, everybody sleeps",
	     QUEUE(1 << 12, SHMDEV_RING_ASYMMETRIC), 8, 1000, 1, 1, 1,
	     .sleepy = true, .share = 20),
	KIND("queue, three producers", QUEUE(1 << 14, SHMDEV_RING_MANY), 8, 200,
	     3, 1, 1, .share = 20),
	KIND("queue, three sleepy producers", QUEUE(1 << 12, SHMDEV_RING_MANY),
	     8, 200, 3, 1, 1, .sleepy = true, .share = 100),
	KIND("queue, three asymmetric producers",
	     QUEUE(1 << 14, SHMDEV_RING_MANY | SHMDEV_RING_ASYMMETRIC), 8, 200,
	     3, 1, 1, .share = 20),
	KIND("queue, three asymmetric sleepy producers",
	     QUEUE(1 << 12, SHMDEV_RING_MANY | SHMDEV_RING_ASYMMETRIC), 8, 200,
	     3, 1, 1, .sleepy = true, .share = 100),
	KIND("queue, everybody sleeps", QUEUE(1 << 12, 0), 8, 1000, 1, 1, 1,
	     .sleepy = true, .share = 20),
	KIND("queue, rare wake-ups", QUEUE(1 << 14, 0), 8, 100, 1, 1, 1,
	     .sleepy = true, .share = 20, .throttle = { 20, 0, 0 }),
	KIND("queue, rare wake-ups by bytes", QUEUE(1 << 12, 0), 8, 4080, 1, 1,
	     1, .sleepy = true, .share = 20, .throttle = { 0, 1 << 30, 2000 }),
	KIND("stream, small records", STREAM(1 << 16), 8, 8, 1, 1, 1),
	KIND("stream, mixed records, three readers", STREAM(1 << 16), 8, 1000,
	     1, 3, 1, .share = 4),
	KIND("stream, little room", STREAM(1 << 12), 8, 2000, 1, 2, 1,
	     .share = 20),
	KIND("stream, everybody sleeps", STREAM(1 << 20), 8, 100, 1, 2, 1,
	     .sleepy = true, .share = 20),
};

int main(void)
{
	const char *wanted = getenv("RECORDS");

	if (wanted)
		records = strtoull(wanted, NULL, 0);
	world_begin();
	calls_of_all = &strict_calls;
	for (unsigned int i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		current = &kinds[i];
		run(all_arrive, current->name);
	}
	printf("1..%u\n", cases);
	return failed;
}

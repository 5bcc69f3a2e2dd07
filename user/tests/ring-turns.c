// SPDX-License-Identifier: GPL-2.0-only
/*
 * A producer that keeps its turn, and another: one of them is stopped after step k
 * of what it does, for each k until it gets to the end; the other acts; the first
 * one goes on. Each record that was sent arrives, once and whole, who would have to be
 * woken is by both, and at the end the turn is there for who wants it. On a memfd. TAP.
 */
#include <pthread.h>

#include "ring-steps.h"

#define PAGE 4096UL
#define RECORD 24	/* bytes */
#define STEPS_MAX 10000
/* More than there is room for. */
#define LONG_BATCH 200

#define STEPPED 1000
#define OTHERS 2000

struct scene {
	const char *name;
	uint32_t kind;
	bool stepped_keeps;	/* the turn, or else the other */
	bool to_sleeper;	/* so that both have to wake it */
	int (*stepped)(struct shmdev_ring *ring);
	/* How many records each sends; what it cannot send it does without. */
	int (*before)(struct shmdev_ring *ring);
	int (*meanwhile)(struct shmdev_ring *ring);
	int (*after)(struct shmdev_ring *ring);
};

static const struct scene *scene;

/* The next number of who sends. */
static uint64_t next;

/* What the stepped one has sent. */
static int *sent_stepped;

/* One record, or none. */
static int send_one(struct shmdev_ring *ring)
{
	char record[RECORD];

	pattern_write(record, RECORD, next);
	if (shmdev_ring_send(ring, record, RECORD, NOW))
		return 0;
	next++;
	return 1;
}

/* One that is written in place, and then committed in that way; or none. */
static int write_one(struct shmdev_ring *ring,
		     int (*commit)(struct shmdev_ring *ring))
{
	void *record;

	if (shmdev_ring_reserve(ring, RECORD, NOW, &record))
		return 0;
	pattern_write(record, RECORD, next++);
	check(commit(ring) == 0);
	return 1;
}

static int add_to_batch(struct shmdev_ring *ring)
{
	return write_one(ring, shmdev_ring_commit_later);
}

static int end_batch(struct shmdev_ring *ring)
{
	check(shmdev_ring_flush(ring) == 0);
	return 0;
}

static int send_batch(struct shmdev_ring *ring)
{
	int sent = add_to_batch(ring) + add_to_batch(ring);

	end_batch(ring);
	return sent;
}

static int send_in_place(struct shmdev_ring *ring)
{
	return write_one(ring, shmdev_ring_commit);
}

static int discard_and_send(struct shmdev_ring *ring)
{
	void *record;

	if (!shmdev_ring_reserve(ring, RECORD, NOW, &record)) {
		pattern_write(record, RECORD, 9999);
		check(shmdev_ring_discard(ring) == 0);
	}
	return send_one(ring);
}

/* Of which some is shown before it ends. */
static int add_much(struct shmdev_ring *ring)
{
	int sent = 0;

	for (int i = 0; i < LONG_BATCH; i++)
		sent += add_to_batch(ring);
	check(sent == LONG_BATCH);
	return sent;
}

/* One that waits for its turn, and sleeps if it has to. */
static struct {
	pthread_t thread;
	bool is_done;
} patient;

static void *send_patiently(void *ring)
{
	char record[RECORD];

	pattern_write(record, RECORD, next++);
	shmdev_ring_set_spin(ring, 0);
	check(shmdev_ring_send(ring, record, RECORD, NULL) == 0);
	__atomic_store_n(&patient.is_done, true, __ATOMIC_RELEASE);
	return NULL;
}

static int begin_to_send(struct shmdev_ring *ring)
{
	uint64_t sleeps = world->sleeps;

	patient.is_done = false;
	check(!pthread_create(&patient.thread, NULL, send_patiently, ring));
	while (!__atomic_load_n(&patient.is_done, __ATOMIC_ACQUIRE) &&
	       __atomic_load_n(&world->sleeps, __ATOMIC_RELAXED) == sleeps)
		sched_yield();
	return 0;
}

/* It was woken, if it had to be. */
static int end_to_send(struct shmdev_ring *ring)
{
	(void)ring;
	check(!pthread_join(patient.thread, NULL));
	return 1;
}

static int nothing(struct shmdev_ring *ring)
{
	(void)ring;
	return 0;
}

static bool is_kept(const struct shmdev_ring *ring)
{
	struct shmdev_ring_info info = { .size = sizeof(info) };

	check(shmdev_ring_info(ring, &info) == 0);
	return info.producer != 0;
}

static void keep_turn(struct shmdev_ring *ring)
{
	void *record;

	for (int i = 0; i < 1000 && !is_kept(ring); i++)
		if (!shmdev_ring_reserve(ring, RECORD, NOW, &record))
			shmdev_ring_discard(ring);
	check(is_kept(ring));
}

static pid_t begin_stepped(int fd)
{
	uint64_t id = new_party();
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		struct shmdev_ring *ring;

		if (attach_as(fd, id, SHMDEV_RING_PRODUCER, &ring))
			_exit(1);
		if (scene->stepped_keeps)
			keep_turn(ring);
		next = STEPPED;
		be_stepped();
		*sent_stepped = scene->stepped(ring);
		if (case_failed)
			*sent_stepped = -1;
		end_of_steps();
		_exit(1);
	}
	begin_steps(pid);
	return pid;
}

/* All of them, in the order of each sender; in a stream, the last ones. */
static void check_records(struct shmdev_ring *consumer, int of_stepped,
			  int of_other)
{
	uint64_t sequence = 0, number, stepped = STEPPED, other = OTHERS;
	uint64_t *sender;
	struct shmdev_ring_record record;
	char buffer[RECORD];

	while (shmdev_ring_receive(consumer, buffer, RECORD, NOW, &record) ==
	       RECORD) {
		check(pattern_holds(buffer, RECORD, &number));
		check(record.sequence == sequence + record.lost);
		sequence = record.sequence + 1;
		sender = number < OTHERS ? &stepped : &other;
		check(record.lost ? number >= *sender : number == *sender);
		*sender = number + 1;
	}
	check((int)sequence == of_stepped + of_other);
	check(stepped == (uint64_t)(STEPPED + of_stepped) ||
	      scene->kind == SHMDEV_RING_IS_STREAM);
	check(other == (uint64_t)(OTHERS + of_other));
}

/* True: it had done all before. */
static bool stops_at(unsigned int steps)
{
	const struct shmdev_ring_options options = {
		.size = sizeof(options),
		.kind = scene->kind,
		.flags = SHMDEV_RING_MANY | SHMDEV_RING_ASYMMETRIC,
		.data_bytes = PAGE,
	};
	int fd = ring_new(&options), sent;
	unsigned char *mapped = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE,
				     MAP_SHARED, fd, 0);
	struct shmdev_ring_producer *producer = (void *)(mapped + PAGE);
	struct shmdev_ring_cursor *cursor = (void *)(mapped + 2 * PAGE);
	struct shmdev_ring *consumer = attach(fd, SHMDEV_RING_CONSUMER);
	struct shmdev_ring *other = attach(fd, SHMDEV_RING_PRODUCER);
	bool finished = false;
	pid_t pid;

	if (!scene->stepped_keeps)
		keep_turn(other);
	next = OTHERS;
	*sent_stepped = 0;
	/* As if somebody slept until there is a record. */
	if (scene->to_sleeper)
		cursor->gate.position = RECORD;
	check(producer->turns[0] == 0);
	sent = scene->before(other);
	pid = begin_stepped(fd);
	while (steps-- && !finished)
		finished = step(pid);
	sent += scene->meanwhile(other);
	if (!finished)
		end_steps(pid);
	sent += scene->after(other);
	check(send_one(other) == 1);
	if (scene->to_sleeper)
		check(producer->turns[0] == 1U + (*sent_stepped > 0));
	check_records(consumer, *sent_stepped, sent + 1);
	kill_stepped(pid);
	munmap(mapped, 3 * PAGE);
	shmdev_ring_detach(other);
	shmdev_ring_detach(consumer);
	close(fd);
	world_reset();
	return finished;
}

static void stops_at_every_step(void)
{
	unsigned int steps = 0;
	bool finished;

	do {
		world->late = 0;
		finished = stops_at(steps);
		if (world->late) {
			/* Once could be a machine that stood still. */
			world->late = 0;
			stops_at(steps);
			check(!world->late);
		}
	} while (!finished && !case_failed && ++steps < STEPS_MAX);
	printf("# stopped after each of %u steps\n", steps);
	check(finished && steps > 10);
}

#define QUEUE SHMDEV_RING_IS_QUEUE
#define STREAM SHMDEV_RING_IS_STREAM

static const struct scene scenes[] = {
	{ "who keeps its turn sends; another sends", QUEUE, true, false,
	  send_one, nothing, send_one, nothing },
	{ "who keeps its turn sends to a sleeper; another sends", QUEUE, true,
	  true, send_one, nothing, send_one, nothing },
	{ "who keeps its turn sends; another begins a batch", QUEUE, true, false,
	  send_one, nothing, add_to_batch, end_batch },
	{ "who keeps its turn sends in place; another sends", QUEUE, true, false,
	  send_in_place, nothing, send_one, nothing },
	{ "who keeps its turn discards a record and sends; another sends", QUEUE,
	  true, false, discard_and_send, nothing, send_one, nothing },
	{ "who keeps its turn sends a batch to a sleeper; another sends", QUEUE,
	  true, true, send_batch, nothing, send_one, nothing },
	{ "who keeps its turn sends in a stream; another sends", STREAM, true,
	  false, send_one, nothing, send_one, nothing },
	{ "who keeps its turn sends; another waits for it", QUEUE, true, false,
	  send_one, nothing, begin_to_send, end_to_send },
	{ "who keeps its turn sends a batch; another waits for it", QUEUE, true,
	  false, send_batch, nothing, begin_to_send, end_to_send },
	{ "another sends; who keeps its turn sends", QUEUE, false, false,
	  send_one, nothing, send_one, nothing },
	{ "another sends to a sleeper; who keeps its turn sends", QUEUE, false,
	  true, send_one, nothing, send_one, nothing },
	{ "another sends; who keeps its turn begins a batch", QUEUE, false,
	  false, send_one, nothing, add_to_batch, end_batch },
	{ "another sends; who keeps its turn ends a batch", QUEUE, false, false,
	  send_one, add_to_batch, end_batch, nothing },
	{ "another sends; who keeps its turn shows a part of its batch", STREAM,
	  false, false, send_one, add_to_batch, add_much, end_batch },
};

int main(void)
{
#ifdef NO_STEPS
	printf("1..0 # SKIP " NO_STEPS "\n");
	return 0;
#endif
	stay_on_one_processor();
	/* Who is not woken sleeps on. */
	calls_of_all = &strict_calls;
	world_begin();
	sent_stepped = mmap(NULL, sizeof(*sent_stepped), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sent_stepped == MAP_FAILED)
		abort();
	for (unsigned int i = 0; i < sizeof(scenes) / sizeof(*scenes); i++) {
		scene = &scenes[i];
		run(stops_at_every_step, scene->name);
	}
	printf("1..%u\n", cases);
	return failed;
}

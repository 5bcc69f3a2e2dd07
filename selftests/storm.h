/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Storms: several threads and processes at the same thing at once, for a while.
 * What one of them sees that must not be ends the storm and is told.
 *
 * A storm lasts SHMDEV_SOAK times as long as usual, so one program serves a
 * quick check and a night.
 */
#ifndef SHMDEV_STORM_H
#define SHMDEV_STORM_H

#include <pthread.h>
#include <sched.h>

#include "shmdev_test.h"

/* For TEST_F_TIMEOUT: a storm that hangs is ended by itself, see below. */
#define STORM_TIMEOUT	(7 * 24 * 3600)

struct storm;

struct worker {
	struct storm *storm;
	void (*work)(struct worker *self);
	void *with;
	unsigned int seed;
	volatile unsigned long rounds;
	pthread_t thread;
	pid_t pid;
};

/* In memory that processes share. */
struct storm {
	__u64 end;
	bool over;
	bool faulty;
	char fault[240];
	unsigned int count;
	struct worker workers[16];
};

/* How much longer than usual a storm shall last. */
static inline unsigned int soak_factor(void)
{
	const char *factor = getenv("SHMDEV_SOAK");

	return factor && atoi(factor) > 0 ? atoi(factor) : 1;
}

static inline void *shared_memory(size_t bytes)
{
	return mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

/* If it is not over long after its time, the test is killed, and so fails. */
static inline struct storm *storm_begin(unsigned int usual_milliseconds)
{
	struct storm *storm = shared_memory(sizeof(*storm));
	__u64 length = (__u64)usual_milliseconds * soak_factor();

	storm->end = milliseconds() + length;
	alarm(length / 1000 + 60);
	return storm;
}

/* On a busy host a processor of the machine may stand still for a while. */
static inline bool everybody_had_a_turn(const struct storm *storm)
{
	unsigned int i;

	for (i = 0; i < storm->count; i++)
		if (storm->workers[i].rounds < 3)
			return false;
	return true;
}

static inline bool storm_goes_on(struct storm *storm)
{
	if (milliseconds() >= storm->end && everybody_had_a_turn(storm))
		__atomic_store_n(&storm->over, true, __ATOMIC_RELAXED);
	return !__atomic_load_n(&storm->over, __ATOMIC_RELAXED);
}

/* The head of a worker's loop. */
static inline bool next_round(struct worker *self)
{
	self->rounds++;
	return storm_goes_on(self->storm);
}

static inline unsigned int dice(struct worker *self, unsigned int sides)
{
	return rand_r(&self->seed) % sides;
}

static inline void storm_fault(struct storm *storm, int line, const char *what)
{
	if (!__atomic_exchange_n(&storm->faulty, true, __ATOMIC_ACQ_REL))
		snprintf(storm->fault, sizeof(storm->fault),
			 "line %d: %s (errno: %s)", line, what,
			 strerror(errno));
	__atomic_store_n(&storm->over, true, __ATOMIC_RELEASE);
}

/* In a function that a worker calls; ends that one only, and the storm. */
#define STORM_CHECK(storm, condition) do {				\
	if (!(condition)) {						\
		storm_fault(storm, __LINE__, #condition);		\
		return;							\
	}								\
} while (0)

static inline struct worker *storm_worker(struct storm *storm,
					  void (*work)(struct worker *self),
					  void *with)
{
	struct worker *worker = &storm->workers[storm->count++];

	worker->storm = storm;
	worker->work = work;
	worker->with = with;
	worker->seed = storm->count;
	return worker;
}

static inline void *storm_run_thread(void *arg)
{
	struct worker *worker = arg;

	worker->work(worker);
	return NULL;
}

static inline void storm_thread(struct storm *storm,
				void (*work)(struct worker *self), void *with)
{
	struct worker *worker = storm_worker(storm, work, with);

	if (pthread_create(&worker->thread, NULL, storm_run_thread, worker)) {
		storm_fault(storm, __LINE__, "no thread");
		worker->thread = 0;
	}
}

static inline void storm_process(struct storm *storm,
				 void (*work)(struct worker *self), void *with)
{
	struct worker *worker = storm_worker(storm, work, with);
	pid_t pid = fork_child();

	if (!pid) {
		worker->work(worker);
		_exit(0);
	}
	worker->pid = pid;
}

/* Waits for the end: nobody saw a fault. */
static inline void storm_end(struct __test_metadata *_metadata,
			     struct storm *storm)
{
	struct worker *worker = storm->workers;
	unsigned long rounds = 0;

	for (; worker < storm->workers + storm->count; worker++) {
		if (worker->thread)
			pthread_join(worker->thread, NULL);
		EXPECT_EQ(0, worker->pid ? reap(worker->pid) : 0);
		rounds += worker->rounds;
	}
	alarm(0);
	EXPECT_FALSE(storm->faulty) TH_LOG("%s", storm->fault);
	TH_LOG("%lu rounds", rounds);
	munmap(storm, sizeof(*storm));
}

#endif /* SHMDEV_STORM_H */

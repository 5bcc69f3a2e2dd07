// SPDX-License-Identifier: GPL-2.0
/*
 * What libc offers processes that share memory, living in a segment: it works
 * only where the kernel can tell the same futex in two address spaces, which
 * is not so for every kind of device memory.
 */
#include <pthread.h>
#include <semaphore.h>

#include "shmdev_test.h"

#define ROUNDS 2000

struct shared {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	sem_t ping, pong;
	int turn;
	long counter;
};

FIXTURE(sync) {
	struct target target;
	struct shared *shared;
	char *view;
	size_t bytes;
	int up[2];
};

FIXTURE_VARIANT(sync) {
	enum kind kind;
};

FIXTURE_VARIANT_ADD(sync, default_segment) { DOOR };
FIXTURE_VARIANT_ADD(sync, segment) { SEGMENT };

FIXTURE_SETUP(sync)
{
	self->bytes = 2 * page_bytes();
	ASSERT_EQ(0, target_open(&self->target, variant->kind, self->bytes,
				 NULL));
	self->view = map(self->target.fd, self->bytes,
			 PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, self->view);
	self->shared = (struct shared *)(self->view + page_bytes());
	ASSERT_EQ(0, pipe(self->up));
}

FIXTURE_TEARDOWN(sync)
{
	munmap(self->view, self->bytes);
	EXPECT_EQ(0, target_close(&self->target));
}

static int init_mutex(pthread_mutex_t *mutex, int protocol)
{
	pthread_mutexattr_t attr;

	return pthread_mutexattr_init(&attr) ||
	       pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED) ||
	       pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST) ||
	       pthread_mutexattr_setprotocol(&attr, protocol) ||
	       pthread_mutex_init(mutex, &attr);
}

/* A child's own mapping, at an address of its own. */
static struct shared *own_view(FIXTURE_DATA(sync) *self)
{
	char *view = map(self->target.fd, self->bytes,
			 PROT_READ | PROT_WRITE);

	CHILD_CHECK(view != MAP_FAILED && view != self->view);
	CHILD_CHECK(!munmap(self->view, self->bytes));
	return (struct shared *)(view + page_bytes());
}

static int add_often(struct shared *shared)
{
	int round;

	for (round = 0; round < ROUNDS; round++) {
		if (pthread_mutex_lock(&shared->mutex))
			return -1;
		/* Hold it for longer than a turn now and then. */
		if (!(round % 100))
			sched_yield();
		shared->counter++;
		if (pthread_mutex_unlock(&shared->mutex))
			return -1;
	}
	return 0;
}

static void contend(struct __test_metadata *_metadata,
		    FIXTURE_DATA(sync) *self, int protocol)
{
	pid_t pids[2];
	size_t i;

	ASSERT_EQ(0, init_mutex(&self->shared->mutex, protocol));
	self->shared->counter = 0;
	for (i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = fork_child();
		if (!pids[i]) {
			CHILD_CHECK(!add_often(own_view(self)));
			_exit(0);
		}
	}
	EXPECT_EQ(0, add_often(self->shared));
	for (i = 0; i < ARRAY_SIZE(pids); i++)
		EXPECT_EQ(0, reap(pids[i]));
	EXPECT_EQ(3 * ROUNDS, self->shared->counter);
}

/* "the device": locks of libc work between processes */
TEST_F(sync, contended_mutex_excludes)
{
	contend(_metadata, self, PTHREAD_PRIO_NONE);
}

/* "the device": ... with priority inheritance, too */
TEST_F(sync, contended_mutex_with_priority_inheritance_excludes)
{
	contend(_metadata, self, PTHREAD_PRIO_INHERIT);
}

/* "the device": the death of a lock's owner is told to who waits for it */
TEST_F(sync, robust_mutex_tells_of_its_owners_death)
{
	pthread_mutex_t *mutex = &self->shared->mutex;
	pid_t owner, waiter;
	char byte;

	ASSERT_EQ(0, init_mutex(mutex, PTHREAD_PRIO_NONE));
	owner = fork_child();
	if (!owner) {
		struct shared *shared = own_view(self);

		CHILD_CHECK(!pthread_mutex_lock(&shared->mutex));
		CHILD_CHECK(write(self->up[1], "!", 1) == 1);
		for (;;)
			pause();
	}
	ASSERT_EQ(1, read(self->up[0], &byte, 1));
	EXPECT_EQ(EBUSY, pthread_mutex_trylock(mutex));
	waiter = fork_child();
	if (!waiter) {
		struct shared *shared = own_view(self);

		CHILD_CHECK(write(self->up[1], "!", 1) == 1);
		CHILD_CHECK(pthread_mutex_lock(&shared->mutex) == EOWNERDEAD);
		CHILD_CHECK(!pthread_mutex_consistent(&shared->mutex));
		CHILD_CHECK(!pthread_mutex_unlock(&shared->mutex));
		_exit(0);
	}
	ASSERT_EQ(1, read(self->up[0], &byte, 1));
	usleep(20000);
	EXPECT_EQ(0, kill(owner, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, reap(owner));
	EXPECT_EQ(0, reap(waiter));
	EXPECT_EQ(0, pthread_mutex_lock(mutex));
	EXPECT_EQ(0, pthread_mutex_unlock(mutex));
}

/* "the device": ... and to who comes later */
TEST_F(sync, robust_mutex_tells_later_that_its_owner_died)
{
	pthread_mutex_t *mutex = &self->shared->mutex;
	pid_t pid;

	ASSERT_EQ(0, init_mutex(mutex, PTHREAD_PRIO_NONE));
	pid = fork_child();
	if (!pid) {
		struct shared *shared = own_view(self);

		CHILD_CHECK(!pthread_mutex_lock(&shared->mutex));
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(EOWNERDEAD, pthread_mutex_trylock(mutex));
	EXPECT_EQ(0, pthread_mutex_consistent(mutex));
	EXPECT_EQ(0, pthread_mutex_unlock(mutex));
	EXPECT_EQ(0, pthread_mutex_lock(mutex));
	EXPECT_EQ(0, pthread_mutex_unlock(mutex));
}

/* "the device": semaphores of libc work between processes */
TEST_F(sync, semaphores_take_turns)
{
	struct shared *shared = self->shared;
	int round;
	pid_t pid;

	ASSERT_EQ(0, sem_init(&shared->ping, 1, 0));
	ASSERT_EQ(0, sem_init(&shared->pong, 1, 0));
	shared->counter = 0;
	pid = fork_child();
	if (!pid) {
		shared = own_view(self);
		for (round = 0; round < ROUNDS / 4; round++) {
			CHILD_CHECK(!sem_wait(&shared->ping));
			CHILD_CHECK(shared->counter == 2 * round + 1);
			shared->counter++;
			CHILD_CHECK(!sem_post(&shared->pong));
		}
		_exit(0);
	}
	for (round = 0; round < ROUNDS / 4; round++) {
		ASSERT_EQ(2 * round, shared->counter);
		shared->counter++;
		ASSERT_EQ(0, sem_post(&shared->ping));
		ASSERT_EQ(0, sem_wait(&shared->pong));
	}
	EXPECT_EQ(0, reap(pid));
}

static int take_turns(struct shared *shared, int me)
{
	int round;

	for (round = 0; round < ROUNDS / 4; round++) {
		if (pthread_mutex_lock(&shared->mutex))
			return -1;
		while (shared->turn != me)
			if (pthread_cond_wait(&shared->changed,
					      &shared->mutex))
				return -1;
		shared->turn = !me;
		shared->counter++;
		if (pthread_cond_signal(&shared->changed) ||
		    pthread_mutex_unlock(&shared->mutex))
			return -1;
	}
	return 0;
}

/* "the device": condition variables of libc work between processes */
TEST_F(sync, condition_variable_wakes_the_other_process)
{
	struct shared *shared = self->shared;
	pthread_condattr_t attr;
	pid_t pid;

	ASSERT_EQ(0, init_mutex(&shared->mutex, PTHREAD_PRIO_NONE));
	ASSERT_EQ(0, pthread_condattr_init(&attr));
	ASSERT_EQ(0, pthread_condattr_setpshared(&attr,
						 PTHREAD_PROCESS_SHARED));
	ASSERT_EQ(0, pthread_cond_init(&shared->changed, &attr));
	shared->turn = 0;
	shared->counter = 0;
	pid = fork_child();
	if (!pid) {
		CHILD_CHECK(!take_turns(own_view(self), 1));
		_exit(0);
	}
	EXPECT_EQ(0, take_turns(shared, 0));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(2 * (ROUNDS / 4), shared->counter);
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: MIT
/*
 * Lesson 7: a producer and a consumer. What goes wrong without synchronisation,
 * and then right: with a semaphore, with a mutex and a condition variable, with
 * a mutex whose owner dies, and with a ring.
 */
#include <pthread.h>
#include <semaphore.h>
#include <time.h>

#include <shmdev-ring.h>

#include "lesson.h"

enum {
	UPDATES = 1000000,	/* of each, without a guard */
	GOODS = 1000,		/* that are handed over, each time */
	PLACES = 4,		/* in the store */
};

/* What both have mapped. */
struct store {
	int stock;			/* nothing guards this one */

	sem_t goods;			/* counts them itself */

	pthread_mutex_t mutex;		/* guards what follows */
	pthread_cond_t changed;
	int place[PLACES];
	int put, taken;
};

/*
 * It is read whole, and written whole; but what the other has written between the
 * two is lost.
 */
static void change_stock(struct store *store, int by, int times, bool slowly)
{
	int stock;

	while (times--) {
		stock = __atomic_load_n(&store->stock, __ATOMIC_RELAXED);
		if (slowly)
			usleep(1);
		__atomic_store_n(&store->stock, stock + by, __ATOMIC_RELAXED);
	}
}

static int unguarded(struct store *store, int times, bool slowly)
{
	pid_t producer;

	store->stock = 0;
	producer = fork_now();
	if (!producer) {
		change_stock(store, 1, times, slowly);
		_exit(EXIT_SUCCESS);
	}
	change_stock(store, -1, times, slowly);
	join_child(producer);
	return store->stock;
}

static void without(struct store *store)
{
	int tries, wrong = 0;

	step("The producer adds 1 to the stock %d times, the consumer takes 1 as\n"
	     "   often: 'stock = stock + 1' and 'stock = stock - 1', and no more.",
	     UPDATES);
	for (tries = 0; tries < 20 && !wrong; tries++)
		wrong = unguarded(store, UPDATES, false);
	if (wrong) {
		shows(wrong, "at attempt %d the stock is %d, not 0: updates are lost",
		      tries, wrong);
		return;
	}
	/* A single processor would have to be taken away just there. */
	printf("   -> %d attempts, and each time the stock is 0. That was luck.\n",
	       tries);
	step("Once more, 100 times; but both sleep for a moment between reading and\n"
	     "   writing, as they would if the processor went to others there.");
	for (tries = 0; tries < 100 && !wrong; tries++)
		wrong = unguarded(store, 100, true);
	shows(wrong, "the stock is %d, not 0: updates are lost", wrong);
}

static void by_semaphore(struct store *store)
{
	pid_t producer;
	int i, left;

	step("sem_init(), shared between processes: a number that loses nothing.\n"
	     "   sem_post() adds 1, sem_wait() takes 1, and waits if there is none.");
	must(sem_init(&store->goods, 1, 0));
	producer = fork_now();
	if (!producer) {
		for (i = 0; i < GOODS; i++)
			must(sem_post(&store->goods));
		_exit(EXIT_SUCCESS);
	}
	for (i = 0; i < GOODS; i++)
		must(sem_wait(&store->goods));
	join_child(producer);
	must(sem_getvalue(&store->goods, &left));
	shows(left == 0, "%d were posted, %d waited for: %d are left", GOODS, i,
	      left);
	must(sem_destroy(&store->goods));
}

/* Functions of pthread_ return an error, which is positive. */
#define must_0(call) must_do(-(call))

static void init_mutex(pthread_mutex_t *mutex, int robust)
{
	pthread_mutexattr_t how;

	must_0(pthread_mutexattr_init(&how));
	must_0(pthread_mutexattr_setpshared(&how, PTHREAD_PROCESS_SHARED));
	must_0(pthread_mutexattr_setrobust(&how, robust));
	must_0(pthread_mutex_init(mutex, &how));
	pthread_mutexattr_destroy(&how);
}

static void put(struct store *store, int what)
{
	must_0(pthread_mutex_lock(&store->mutex));
	while (store->put - store->taken == PLACES)
		must_0(pthread_cond_wait(&store->changed, &store->mutex));
	store->place[store->put++ % PLACES] = what;
	must_0(pthread_cond_signal(&store->changed));
	must_0(pthread_mutex_unlock(&store->mutex));
}

static int take(struct store *store)
{
	int what;

	must_0(pthread_mutex_lock(&store->mutex));
	while (store->put == store->taken)
		must_0(pthread_cond_wait(&store->changed, &store->mutex));
	what = store->place[store->taken++ % PLACES];
	must_0(pthread_cond_signal(&store->changed));
	must_0(pthread_mutex_unlock(&store->mutex));
	return what;
}

static void by_condition(struct store *store)
{
	pthread_condattr_t how;
	pid_t producer;
	int i, right = 0;

	init_mutex(&store->mutex, PTHREAD_MUTEX_STALLED);
	must_0(pthread_condattr_init(&how));
	must_0(pthread_condattr_setpshared(&how, PTHREAD_PROCESS_SHARED));
	must_0(pthread_cond_init(&store->changed, &how));
	store->put = 0;
	store->taken = 0;
	producer = fork_now();
	if (!producer) {
		for (i = 1; i <= GOODS; i++)
			put(store, i);
		_exit(EXIT_SUCCESS);
	}
	for (i = 1; i <= GOODS; i++)
		right += take(store) == i;
	join_child(producer);
	shows(right == GOODS, "%d numbers, each came once and in order", right);
	pthread_cond_destroy(&store->changed);
	pthread_mutex_destroy(&store->mutex);
}

/* The producer is killed half-way: one number is counted that is not there. */
static void kill_owner(struct store *store)
{
	pid_t producer = fork_now();

	if (!producer) {
		must_0(pthread_mutex_lock(&store->mutex));
		store->put++;
		raise(SIGKILL);
	}
	must(waitpid(producer, NULL, 0));
}

static void by_robust_mutex(struct store *store)
{
	int error;

	store->put = 0;
	store->taken = 0;
	init_mutex(&store->mutex, PTHREAD_MUTEX_ROBUST);
	kill_owner(store);
	error = pthread_mutex_lock(&store->mutex);
	shows(error == EOWNERDEAD && store->put == 1,
	      "the next one gets it, with the error '%s'", strerror(error));
	store->put = store->taken;
	must_0(pthread_mutex_consistent(&store->mutex));
	must_0(pthread_mutex_unlock(&store->mutex));
	error = pthread_mutex_lock(&store->mutex);
	shows(!error, "what was half done is mended, and after\n"
	      "      pthread_mutex_consistent() it is a mutex as before");
	must_0(pthread_mutex_unlock(&store->mutex));
	pthread_mutex_destroy(&store->mutex);
}

static void by_stalled_mutex(struct store *store)
{
	init_mutex(&store->mutex, PTHREAD_MUTEX_STALLED);
	kill_owner(store);
	shows(pthread_mutex_trylock(&store->mutex) == EBUSY,
	      "it is locked for ever, by nobody");
}

static void produce(const struct shmdev_device *device, const char *name)
{
	struct shmdev_segment *segment;
	struct shmdev_ring *ring;
	void *record;
	int i;

	must_do(shmdev_segment_open(device, name, O_RDWR, &segment));
	must_do(shmdev_ring_attach(segment, 0, SHMDEV_RING_PRODUCER, &ring));
	for (i = 1; i <= GOODS; i++)
		must_do(shmdev_ring_send(ring, &i, sizeof(i), NULL));
	must_do(shmdev_ring_reserve(ring, sizeof(i), NULL, &record));
	memcpy(record, &i, sizeof(i));
	raise(SIGKILL);
}

static void by_ring(const struct shmdev_device *device)
{
	struct shmdev_ring_options options = {
		.size = sizeof(options),
		.kind = SHMDEV_RING_IS_QUEUE,
		.data_bytes = 64 << 10,
	};
	struct shmdev_segment *segment;
	struct shmdev_ring_record record;
	struct shmdev_ring *ring;
	char name[SHMDEV_SEGMENT_NAME_SIZE];
	pid_t producer;
	int i, got, error, right = 0;

	snprintf(name, sizeof(name), "lesson-%d", getpid());
	must_do(shmdev_ring_create(device, name, NULL, &options, &segment));
	producer = fork_now();
	if (!producer) {
		produce(device, name);
		_exit(EXIT_FAILURE);
	}
	must_do(shmdev_ring_attach(segment, 0, SHMDEV_RING_CONSUMER, &ring));
	/* What one may write here: a page of its own, and nothing else. */
	draw(segment);
	for (i = 1; !(error = shmdev_ring_peek(ring, NULL, &record)); i++) {
		memcpy(&got, record.data, sizeof(got));
		right += record.bytes == sizeof(got) && got == i;
		must_do(shmdev_ring_release(ring));
	}
	must(waitpid(producer, NULL, 0));
	shows(right == GOODS && i == GOODS + 1,
	      "%d numbers, each came once and in order", right);
	shows(error == -EPIPE, "what was not committed never came, and instead of\n"
	      "      waiting for ever the consumer is told: '%s'",
	      shmdev_strerror(error));
	shmdev_ring_detach(ring);
	shmdev_segment_close(segment);
}

int main(void)
{
	const int rights = PROT_READ | PROT_WRITE;
	struct shmdev_device *device;
	struct shmdev_segment *segment;
	struct store *store;
	size_t page = sysconf(_SC_PAGESIZE);
	void *memory;

	store = must(mmap(NULL, sizeof(*store), rights,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	without(store);
	by_semaphore(store);
	step("A mutex and a condition variable, shared between processes: who finds\n"
	     "   the store full, or empty, sleeps until the other has changed that.");
	by_condition(store);
	step("A mutex whose owner is killed while it has it.");
	by_stalled_mutex(store);
	step("The same with a robust mutex, pthread_mutexattr_setrobust().");
	by_robust_mutex(store);
	must(munmap(store, sizeof(*store)));

	device = shmdev_half();
	step("All of that works in a segment, too: the condition variable, and the\n"
	     "   robust mutex.");
	must_do(shmdev_segment_create(device, NULL, page, NULL, &segment));
	must_do(shmdev_segment_map(segment, 0, 0, rights, &memory));
	store = memory;
	by_condition(store);
	by_robust_mutex(store);
	shmdev_segment_unmap(memory, page);
	shmdev_segment_close(segment);

	step("A ring in a segment: nothing to lock, and nothing to mend. The producer\n"
	     "   sends its numbers, and is killed while it writes one more.");
	by_ring(device);
	shmdev_device_close(device);
	return EXIT_SUCCESS;
}

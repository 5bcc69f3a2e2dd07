// SPDX-License-Identifier: MIT
/*
 * Lesson 7: a producer and a consumer. What goes wrong without synchronisation,
 * and then right: with a semaphore, with a mutex and a condition variable, with
 * a mutex whose owner dies, and with a ring.
 */
#include <pthread.h>
#include <semaphore.h>

#include <shmdev-ring.h>

#include "lesson.h"

#define PIECES 1000	/* from the producer to the consumer, each time */

/* What both have mapped. */
struct store {
	int count;		/* of pieces, by both */
	sem_t free;		/* 1 if nobody is counting, else 0 */

	pthread_mutex_t mutex;	/* who has it may look at what follows, */
	pthread_cond_t changed;	/* and says so here */
	bool is_full;		/* there is only one place, */
	int piece;		/* for this */
};

/*
 * store->count += 1 is a read and a write. The sleep is for all that may happen
 * between the two.
 */
static int both_count(struct store *store, bool one_at_a_time)
{
	pid_t producer = fork_now();
	int i, seen;

	/* Both processes do this. */
	for (i = 0; i < PIECES; i++) {
		if (one_at_a_time)
			must(sem_wait(&store->free));
		seen = store->count;
		usleep(1);
		store->count = seen + 1;
		if (one_at_a_time)
			must(sem_post(&store->free));
	}
	if (!producer)
		exit(EXIT_SUCCESS);
	join_child(producer);
	return store->count;
}

static void init_locks(struct store *store)
{
	pthread_mutexattr_t mutex;
	pthread_condattr_t condition;

	must_0(pthread_mutexattr_init(&mutex));
	must_0(pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED));
	must_0(pthread_mutexattr_setrobust(&mutex, PTHREAD_MUTEX_ROBUST));
	must_0(pthread_mutex_init(&store->mutex, &mutex));
	must_0(pthread_condattr_init(&condition));
	must_0(pthread_condattr_setpshared(&condition, PTHREAD_PROCESS_SHARED));
	must_0(pthread_cond_init(&store->changed, &condition));
	pthread_mutexattr_destroy(&mutex);
	pthread_condattr_destroy(&condition);
}

static void put(struct store *store, int piece)
{
	must_0(pthread_mutex_lock(&store->mutex));
	while (store->is_full)
		must_0(pthread_cond_wait(&store->changed, &store->mutex));
	store->piece = piece;
	store->is_full = true;
	must_0(pthread_cond_signal(&store->changed));
	must_0(pthread_mutex_unlock(&store->mutex));
}

static int take(struct store *store)
{
	int piece;

	must_0(pthread_mutex_lock(&store->mutex));
	while (!store->is_full)
		must_0(pthread_cond_wait(&store->changed, &store->mutex));
	piece = store->piece;
	store->is_full = false;
	must_0(pthread_cond_signal(&store->changed));
	must_0(pthread_mutex_unlock(&store->mutex));
	return piece;
}

/* Puts 1, 2, 3 ... there, and dies while it puts one more: it has the mutex. */
static void produce(struct store *store)
{
	int i;

	for (i = 1; i <= PIECES; i++)
		put(store, i);
	must_0(pthread_mutex_lock(&store->mutex));
	while (store->is_full)
		must_0(pthread_cond_wait(&store->changed, &store->mutex));
	store->is_full = true;
	raise(SIGKILL);
}

static void with_locks(struct store *store)
{
	pid_t producer;
	int i, error, right = 0;

	init_locks(store);
	producer = fork_now();
	if (!producer)
		produce(store);
	for (i = 1; i <= PIECES; i++)
		right += take(store) == i;
	shows(right == PIECES, "%d pieces, each came once and in order", right);
	must(waitpid(producer, NULL, 0));
	/* If it was not robust, nobody would ever get it again. */
	error = pthread_mutex_lock(&store->mutex);
	shows(error == EOWNERDEAD && store->is_full,
	      "then pthread_mutex_lock() says: %s", strerror(error));
	store->is_full = false;
	must_0(pthread_mutex_consistent(&store->mutex));
	must_0(pthread_mutex_unlock(&store->mutex));
	put(store, 7);
	shows(take(store) == 7, "what was half done is mended, and all goes on");
}

/* The same, with a ring. */
static void send_pieces(const struct shmdev_device *device, const char *name)
{
	struct shmdev_segment *segment;
	struct shmdev_ring *ring;
	void *record;
	int i;

	must_do(shmdev_segment_open(device, name, O_RDWR, &segment));
	must_do(shmdev_ring_attach(segment, 0, SHMDEV_RING_PRODUCER, &ring));
	for (i = 1; i <= PIECES; i++)
		must_do(shmdev_ring_send(ring, &i, sizeof(i), NULL));
	must_do(shmdev_ring_reserve(ring, sizeof(i), NULL, &record));
	memcpy(record, &i, sizeof(i)); /* which is never committed */
	raise(SIGKILL);
}

static void with_ring(const struct shmdev_device *device, const char *name)
{
	struct shmdev_ring_options options = {
		.size = sizeof(options),
		.kind = SHMDEV_RING_IS_QUEUE,
		.data_bytes = 64 << 10,
	};
	struct shmdev_segment *segment;
	struct shmdev_ring *ring;
	int got, right = 0;
	ssize_t length;

	must_do(shmdev_ring_create(device, name, NULL, &options, &segment));
	if (!fork_now())
		send_pieces(device, name);
	must_do(shmdev_ring_attach(segment, 0, SHMDEV_RING_CONSUMER, &ring));
	/* What one may write here: a page of its own, and nothing else. */
	draw(segment);
	while ((length = shmdev_ring_receive(ring, &got, sizeof(got), NULL,
					     NULL)) > 0)
		right += got == right + 1;
	shows(right == PIECES, "%d pieces, each came once and in order", right);
	shows(length == -EPIPE, "then shmdev_ring_receive() says: %s",
	      shmdev_strerror((int)length));
	must(wait(NULL));
	shmdev_ring_detach(ring);
	shmdev_segment_close(segment);
}

int main(void)
{
	struct shmdev_device *device;
	struct shmdev_segment *segment;
	struct store *store;
	void *memory;
	int count;

	store = must(mmap(NULL, sizeof(*store), READ_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	step("Producer and consumer count %d pieces each, with nothing between them.",
	     PIECES);
	count = both_count(store, false);
	shows(count < 2 * PIECES, "%d + %d = %d: updates are lost", PIECES,
	      PIECES, count);

	step("With a semaphore: sem_wait() takes 1 from it, but waits while it is 0;\n"
	     "   sem_post() adds 1. One who has taken it counts.");
	store->count = 0;
	must(sem_init(&store->free, 1, 1));
	count = both_count(store, true);
	shows(count == 2 * PIECES, "%d + %d = %d", PIECES, PIECES, count);

	step("With a mutex and a condition variable the consumer sleeps while there\n"
	     "   is nothing, the producer while there is no place. Then the producer\n"
	     "   is killed while it has the mutex, which is a robust one.");
	with_locks(store);
	must(munmap(store, sizeof(*store)));

	device = shmdev_half();
	step("All of that works in a segment, too.");
	must_do(shmdev_segment_create(device, NULL, A_PAGE, NULL, &segment));
	must_do(shmdev_segment_map(segment, 0, 0, READ_WRITE, &memory));
	with_locks(memory);
	shmdev_segment_unmap(memory, A_PAGE);
	shmdev_segment_close(segment);

	step("A ring in a segment: nothing to lock, and nothing to mend. The producer\n"
	     "   is killed while it writes one piece more.");
	with_ring(device, lesson_name(""));
	shmdev_device_close(device);
	return EXIT_SUCCESS;
}

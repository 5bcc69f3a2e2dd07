// SPDX-License-Identifier: GPL-2.0-only
/*
 * Death at every instruction: a party is stepped through an operation and killed
 * after step k, for each k until it gets to the end. The others go on: what
 * arrives is whole, at most the unfinished record is missing, sequence numbers
 * have no gap that is not told of, and all room comes back.
 *
 * In a machine, where a step takes a thousand times as long, it is killed only
 * where the shared memory has changed: all other steps leave the same behind. TAP.
 */
#include "ring-steps.h"

#define PAGE 4096UL
#define RECORD 24	/* bytes */
#define STEPS_MAX 10000
#define SURVEY STEPS_MAX

struct scene {
	const char *name;
	uint32_t kind;
	uint32_t flags;
	enum shmdev_ring_role dies;
	bool full;		/* the ring, before that */
	bool others_sleep;	/* so that it has to wake them */
	bool for_kernel;	/* it consumes, and answers by another ring */
	void (*act)(struct shmdev_ring *ring);
};

static const struct scene *scene;

/* Steps after which the shared memory is not what it was. */
static bool changes[STEPS_MAX + 1];

static void act_send(struct shmdev_ring *ring)
{
	char record[RECORD];

	pattern_write(record, RECORD, 1000);
	shmdev_ring_send(ring, record, RECORD, NOW);
}

static void act_discard(struct shmdev_ring *ring)
{
	void *record;

	if (!shmdev_ring_reserve(ring, RECORD, NOW, &record)) {
		pattern_write(record, RECORD, 999);
		shmdev_ring_discard(ring);
	}
	act_send(ring);
}

/* All or none: what is published at once. */
static void act_send_many(struct shmdev_ring *ring)
{
	void *rooms[2];

	if (shmdev_ring_reserve_many(ring, RECORD, 2, NOW, rooms) != 2)
		return;
	pattern_write(rooms[1], RECORD, 999);
	pattern_write(rooms[0], RECORD, 1000);
	shmdev_ring_commit_many(ring, 1);
}

/* The word that says whose turn it is. */
static uint64_t *turn_word;

static void keep_turn(int fd, struct shmdev_ring *ring)
{
	struct shmdev_ring_producer *producer =
		mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, PAGE);
	void *record;

	turn_word = (uint64_t *)&producer->owner;
	for (int i = 0; i < 1000 && !*turn_word; i++)
		if (!shmdev_ring_reserve(ring, RECORD, NOW, &record))
			shmdev_ring_discard(ring);
	if (!*turn_word)
		_exit(1);
}

/* As one who wants the turn, and dies before it looks further. */
static void want_turn(void)
{
	__atomic_or_fetch(turn_word, 1, __ATOMIC_SEQ_CST);
}

static void act_send_wanted(struct shmdev_ring *ring)
{
	want_turn();
	act_send(ring);
}

/* Another keeps the turn, and lives on. */
static void act_send_instead(struct shmdev_ring *ring)
{
	act_send(ring);
}

static void act_commit_wanted(struct shmdev_ring *ring)
{
	void *record;

	if (shmdev_ring_reserve(ring, RECORD, NOW, &record))
		return;
	pattern_write(record, RECORD, 1000);
	want_turn();
	shmdev_ring_commit(ring);
}

static void act_receive(struct shmdev_ring *ring)
{
	char record[RECORD];

	shmdev_ring_receive(ring, record, RECORD, NOW, NULL);
}

static void act_peek(struct shmdev_ring *ring)
{
	struct shmdev_ring_record record;

	shmdev_ring_peek(ring, NOW, &record);
	shmdev_ring_peek(ring, NOW, &record);
	shmdev_ring_release(ring);
}

/* Whether the memory is another than @before, which it then becomes. */
static bool changed(int fd, char before[16 * PAGE])
{
	static char now[16 * PAGE];
	ssize_t bytes = pread(fd, now, sizeof(now), 0);
	bool is_other = memcmp(before, now, sizeof(now));

	check(bytes > (ssize_t)(3 * PAGE));
	memcpy(before, now, sizeof(now));
	return is_other;
}

/* Lives until step @steps of the act, or until the end of it: then true. */
static bool die_at(int fd, uint64_t id, unsigned int steps)
{
	static char before[16 * PAGE];
	bool finished = false;
	unsigned int taken;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		struct shmdev_ring *ring;

		if (attach_as(fd, id, scene->dies, &ring))
			_exit(1);
		if (scene->flags & SHMDEV_RING_MANY &&
		    scene->flags & SHMDEV_RING_ASYMMETRIC &&
		    scene->act != act_send_instead)
			keep_turn(fd, ring);
		be_stepped();
		scene->act(ring);
		end_of_steps();
		_exit(1);
	}
	begin_steps(pid);
	if (steps == SURVEY)
		changed(fd, before);
	for (taken = 1; taken <= steps && !finished; taken++) {
		finished = step(pid);
		if (steps == SURVEY)
			changes[taken] = finished || changed(fd, before);
	}
	kill_stepped(pid);
	party_ends(id);
	return finished;
}

static int send_number(struct shmdev_ring *ring, uint64_t number)
{
	char record[RECORD];

	pattern_write(record, RECORD, number);
	return shmdev_ring_send(ring, record, RECORD, NOW);
}

/* The next record: its number, or -errno; it is whole, and numbered rightly. */
static int64_t receive_number(struct shmdev_ring *ring, uint64_t *sequence)
{
	struct shmdev_ring_record record;
	char buffer[RECORD];
	uint64_t number = 0;
	ssize_t ret = shmdev_ring_receive(ring, buffer, RECORD, NOW, &record);

	if (ret < 0)
		return ret;
	check(ret == RECORD && pattern_holds(buffer, RECORD, &number));
	if (*sequence != UINT64_MAX)
		check(record.sequence == *sequence + record.lost);
	*sequence = record.sequence + 1;
	return number;
}

/* How many fit: all room, whatever happened before. */
static void check_room(struct shmdev_ring *producer)
{
	int sent = 0;

	while (!send_number(producer, 5000))
		sent++;
	check(sent == (PAGE - 8) / (RECORD + 8));
}

/* Sleeps until there is what it waits for, or the test kills it. */
static pid_t sleeper(int fd, bool produces)
{
	int ready[2];
	pid_t pid;
	char byte;

	check(pipe(ready) == 0);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		struct shmdev_ring *ring = attach(fd, produces ?
				SHMDEV_RING_PRODUCER : SHMDEV_RING_CONSUMER);
		char record[RECORD];
		ssize_t ret;

		shmdev_ring_set_spin(ring, 0);
		pattern_write(record, RECORD, 3000);
		check(write(ready[1], "", 1) == 1);
		ret = produces ? shmdev_ring_send(ring, record, RECORD, NULL) :
				 shmdev_ring_receive(ring, record, RECORD, NULL,
						     NULL);
		_exit(ret < 0 || case_failed);
	}
	check(read(ready[0], &byte, 1) == 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

/* Within a second, whoever else may have died. */
static void check_awake(pid_t pid)
{
	int status = -1;

	for (int i = 0; i < 1000; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid) {
			check(status == 0);
			return;
		}
		usleep(1000);
	}
	check(!"it still sleeps");
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

static bool producer_dies(int fd, unsigned int step)
{
	struct shmdev_ring *producer = NULL, *consumer = NULL;
	uint64_t sleeps = world->sleeps, sequence = UINT64_MAX;
	bool finished;
	int64_t number;
	pid_t pid = 0;

	if (scene->act == act_send_instead) {
		producer = attach(fd, SHMDEV_RING_PRODUCER);
		keep_turn(fd, producer);
	}
	if (scene->others_sleep) {
		pid = sleeper(fd, false);
		wait_until_asleep(pid, sleeps);
	} else {
		consumer = attach(fd, SHMDEV_RING_CONSUMER);
	}
	finished = die_at(fd, new_party(), step);
	if (!producer)
		producer = attach(fd, SHMDEV_RING_PRODUCER);
	check(send_number(producer, 2000) == 0);
	if (pid) {
		check_awake(pid);
	} else {
		if (scene->full)
			shmdev_ring_seek_oldest(consumer);
		do {
			number = receive_number(consumer, &sequence);
		} while (number >= 0 && number < 1000);
		/* It was sent, as whole as it was. */
		check(!finished || number == 1000);
		if (number == 1000)
			number = receive_number(consumer, &sequence);
		check(number == 2000);
		check(receive_number(consumer, &sequence) == -EAGAIN);
		if (scene->kind == SHMDEV_RING_IS_QUEUE)
			check_room(producer);
	}
	shmdev_ring_detach(producer);
	shmdev_ring_detach(consumer);
	return finished;
}

static bool consumer_dies(int fd, unsigned int step)
{
	struct shmdev_ring *producer = NULL, *consumer;
	uint64_t sleeps = world->sleeps, sequence = UINT64_MAX;
	int64_t number, last = -1;
	bool finished;
	pid_t pid = 0;

	if (!scene->others_sleep) {
		producer = attach(fd, SHMDEV_RING_PRODUCER);
		for (int i = 0; i < 5; i++)
			check(send_number(producer, i) == 0);
	} else {
		producer = attach(fd, SHMDEV_RING_PRODUCER);
		for (int i = 0; !send_number(producer, i); i++)
			;
		shmdev_ring_detach(producer);
		producer = NULL;
		pid = sleeper(fd, true);
		wait_until_asleep(pid, sleeps);
	}
	finished = die_at(fd, new_party(), step);
	consumer = attach(fd, SHMDEV_RING_CONSUMER);
	if (scene->kind == SHMDEV_RING_IS_STREAM)
		shmdev_ring_seek_oldest(consumer);
	/* All that it had not given back, from one of them on. */
	while ((number = receive_number(consumer, &sequence)) >= 0) {
		check(last < 0 || number == last + 1 || number == 3000);
		last = number;
	}
	check(number == -EAGAIN || (pid && number == -EPIPE));
	if (pid)
		check_awake(pid);
	else if (scene->kind == SHMDEV_RING_IS_QUEUE)
		check_room(producer);
	shmdev_ring_detach(producer);
	shmdev_ring_detach(consumer);
	return finished;
}

#ifdef SEGMENT
#define HALF (4 * PAGE)

static bool echo_is_there(void)
{
	return !system("module=/lib/modules/$(uname -r)/extra/shmdev_echo.ko\n"
		       "[ -d /sys/module/shmdev_echo ] || insmod $module");
}

/* A segment that is served by driver/samples/shmdev_echo.c. */
static int echo_new(void)
{
	const struct shmdev_segment_options how = {
		.size = sizeof(how),
		.endpoint = "echo",
	};
	struct shmdev_device *device = NULL;
	struct shmdev_segment *segment = NULL;
	int fd;

	check(shmdev_device_open(NULL, O_RDWR, &device) == 0);
	check(shmdev_segment_create(device, NULL, 2 * HALF, &how, &segment) == 0);
	fd = fcntl(shmdev_segment_fd(segment), F_DUPFD_CLOEXEC, 0);
	shmdev_segment_close(segment);
	shmdev_device_close(device);
	return fd;
}

/* The kernel goes on, with whoever comes next. */
static bool producer_for_kernel_dies(int fd, unsigned int step)
{
	struct shmdev_segment *segment = NULL;
	struct shmdev_ring *producer, *answers = NULL;
	uint64_t sequence = UINT64_MAX;
	bool finished;
	int64_t number;
	int sent = 0, answered;

	check(shmdev_segment_from_fd(fcntl(fd, F_DUPFD_CLOEXEC, 0),
				     &segment) == 0);
	check(shmdev_ring_attach(segment, HALF, SHMDEV_RING_CONSUMER,
				 &answers) == 0);
	finished = die_at(fd, 0, step);
	producer = attach(fd, SHMDEV_RING_PRODUCER);
	check(send_number(producer, 2000) == 0);
	answered = shmdev_segment_kick(segment, 0);
	check(answered == 1 || answered == 2);
	number = receive_number(answers, &sequence);
	check(number == (answered == 2 ? 1000 : 2000));
	check(!finished || number == 1000);
	if (number == 1000)
		check(receive_number(answers, &sequence) == 2000);
	check(receive_number(answers, &sequence) == -EAGAIN);
	/* All room has come back. */
	while (!send_number(producer, 5000))
		sent++;
	check(sent == (PAGE - 8) / (RECORD + 8));
	check(shmdev_segment_kick(segment, 0) == sent);
	shmdev_ring_detach(producer);
	shmdev_ring_detach(answers);
	shmdev_segment_close(segment);
	return finished;
}
#else
static bool echo_is_there(void)
{
	return false;
}

static int echo_new(void)
{
	return -1;
}

static bool producer_for_kernel_dies(int fd, unsigned int step)
{
	(void)fd;
	(void)step;
	return true;
}
#endif

static bool dies_at(const struct shmdev_ring_options *options, unsigned int step)
{
	int fd = scene->for_kernel ? echo_new() : ring_new(options);
	bool finished;

	if (scene->full) {
		struct shmdev_ring *ring = attach(fd, SHMDEV_RING_PRODUCER);

		for (int i = 0; i < 300 && !send_number(ring, i); i++)
			;
		shmdev_ring_detach(ring);
	}
	if (scene->for_kernel)
		finished = producer_for_kernel_dies(fd, step);
	else
		finished = scene->dies == SHMDEV_RING_PRODUCER ?
				   producer_dies(fd, step) :
				   consumer_dies(fd, step);
	close(fd);
	world_reset();
	return finished;
}

static void dies_at_every_step(void)
{
	struct shmdev_ring_options options = {
		.size = sizeof(options),
		.kind = scene->kind,
		.flags = scene->flags,
		.data_bytes = PAGE,
		.position = -4000ULL & -8ULL,
		.sequence = 0xffffff80,
	};
	unsigned int step, deaths = 0;
	bool finished;

#ifdef SEGMENT
	memset(changes, 0, sizeof(changes));
	dies_at(&options, SURVEY);
#else
	memset(changes, 1, sizeof(changes));
#endif
	for (step = 1, finished = false;
	     !finished && step < STEPS_MAX && !case_failed; step++) {
		if (step > 1 && !changes[step])
			continue;
		finished = dies_at(&options, step);
		deaths++;
	}
	printf("# %u deaths in %u steps\n", deaths, step - 1);
	check(finished);
}

#define QUEUE SHMDEV_RING_IS_QUEUE
#define STREAM SHMDEV_RING_IS_STREAM
#define MANY SHMDEV_RING_MANY
#define CLEARS SHMDEV_RING_CLEARS
#define ASYMMETRIC SHMDEV_RING_ASYMMETRIC
#define SENDER SHMDEV_RING_PRODUCER
#define RECEIVER SHMDEV_RING_CONSUMER

static const struct scene scenes[] = {
	{ "queue, send", QUEUE, 0, SENDER, false, false, false, act_send },
	{ "queue, discard and send", QUEUE, 0, SENDER, false, false,
	  false, act_discard },
	{ "queue, send to who sleeps", QUEUE, 0, SENDER, false, true,
	  false, act_send },
	{ "queue, send one of many", QUEUE, 0, SENDER, false, false, false,
	  act_send_many },
	{ "queue of many, send", QUEUE, MANY, SENDER, false, false, false, act_send },
	{ "queue of many, discard and send", QUEUE, MANY, SENDER, false, false,
	  false, act_discard },
	{ "queue of many, send to who sleeps", QUEUE, MANY, SENDER, false, true,
	  false, act_send },
	{ "queue, receive", QUEUE, 0, RECEIVER, false, false, false, act_receive },
	{ "queue, peek and release", QUEUE, 0, RECEIVER, false, false,
	  false, act_peek },
	{ "queue with clearing, receive", QUEUE, CLEARS, RECEIVER, false, false,
	  false, act_peek },
	{ "queue, receive from who sleeps", QUEUE, 0, RECEIVER, false, true,
	  false, act_receive },
	{ "asymmetric queue, send to who sleeps", QUEUE, ASYMMETRIC, SENDER,
	  false, true, false, act_send },
	{ "asymmetric queue, receive from who sleeps", QUEUE, ASYMMETRIC,
	  RECEIVER, false, true, false, act_receive },
	{ "asymmetric queue of many, send", QUEUE, ASYMMETRIC | MANY, SENDER,
	  false, false, false, act_send },
	{ "asymmetric queue of many, discard and send", QUEUE,
	  ASYMMETRIC | MANY, SENDER, false, false, false, act_discard },
	{ "asymmetric queue of many, send while it is wanted", QUEUE,
	  ASYMMETRIC | MANY, SENDER, false, false, false, act_send_wanted },
	{ "asymmetric queue of many, commit while it is wanted", QUEUE,
	  ASYMMETRIC | MANY, SENDER, false, false, false, act_commit_wanted },
	{ "asymmetric queue of many, send while another keeps the turn",
	  QUEUE, ASYMMETRIC | MANY, SENDER, false, false, false,
	  act_send_instead },
	{ "asymmetric queue of many, send to who sleeps", QUEUE,
	  ASYMMETRIC | MANY, SENDER, false, true, false, act_send },
	{ "stream, send", STREAM, 0, SENDER, false, false, false, act_send },
	{ "stream, overwrite", STREAM, 0, SENDER, true, false, false, act_send },
	{ "stream, send to who sleeps", STREAM, 0, SENDER, false, true,
	  false, act_send },
	{ "stream, receive", STREAM, 0, RECEIVER, false, false, false, act_receive },
#ifdef SEGMENT
	{ "queue to the kernel, send", QUEUE, MANY, SENDER, false, false,
	  true, act_send },
	{ "queue to the kernel, discard and send", QUEUE, MANY, SENDER, false,
	  false, true, act_discard },
#endif
};

int main(void)
{
#ifdef NO_STEPS
	printf("1..0 # SKIP " NO_STEPS "\n");
	return 0;
#endif
	stay_on_one_processor();
	world_begin();
	for (unsigned int i = 0; i < sizeof(scenes) / sizeof(*scenes); i++) {
		scene = &scenes[i];
		if (scene->for_kernel && !echo_is_there())
			continue;
		run(dies_at_every_step, scene->name);
	}
	printf("1..%u\n", cases);
	return failed;
}

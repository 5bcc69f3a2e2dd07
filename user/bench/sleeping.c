// SPDX-License-Identifier: GPL-2.0-only
/*
 * There and back with both sides asleep until the other wakes them, and what
 * one costs that sleeps for long. Nobody spins: what is compared is the way
 * through the kernel, against an eventfd that does nothing else.
 */
#include <err.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "measure.h"
#include "memory-ring.h"

#define BYTES 8
#define COUNT 300
#define WARM_UP 20

struct sleeper {
	uint32_t flags;
	bool is_eventfd;
	int there, back;
	struct ring_counts *counts;
};

static void pass_eventfd(int fd, uint64_t *value, bool is_sent)
{
	ssize_t ret = is_sent ? write(fd, value, sizeof(*value)) :
				read(fd, value, sizeof(*value));

	if (ret != sizeof(*value))
		err(1, "eventfd");
}

static void pass_eventfds(const struct sleeper *job, unsigned int party,
			  unsigned int rounds)
{
	uint64_t value = 1;

	while (rounds--) {
		pass_eventfd(job->there, &value, !party);
		pass_eventfd(job->back, &value, party);
	}
}

static bool run_eventfds(struct pair *pair, unsigned int party,
			 const struct sleeper *job)
{
	pass_eventfds(job, party, WARM_UP);
	pair_begin(pair, party);
	pass_eventfds(job, party, COUNT);
	pair_end(pair, party);
	return true;
}

static bool pass_records(struct shmdev_ring *out, struct shmdev_ring *in,
			 unsigned int party, unsigned int rounds)
{
	uint64_t value = 0, got = 0;

	for (uint64_t i = 0; i < rounds; i++) {
		value = i;
		if (!party && shmdev_ring_send(out, &value, BYTES, NULL))
			return false;
		if (shmdev_ring_receive(in, &got, BYTES, NULL, NULL) != BYTES ||
		    got != i)
			return false;
		if (party && shmdev_ring_send(out, &value, BYTES, NULL))
			return false;
	}
	return true;
}

static bool run_rings(struct pair *pair, unsigned int party,
		      const struct sleeper *job)
{
	struct shmdev_ring *out, *in;
	bool is_right;

	out = memory_ring_attach(party ? job->back : job->there, 1 + party,
				 SHMDEV_RING_PRODUCER, job->counts);
	in = memory_ring_attach(party ? job->there : job->back, 3 + party,
				SHMDEV_RING_CONSUMER, job->counts);
	shmdev_ring_set_spin(out, 0);
	shmdev_ring_set_spin(in, 0);
	pair_meet(pair, party);
	is_right = pass_records(out, in, party, WARM_UP);
	pair_begin(pair, party);
	is_right = is_right && pass_records(out, in, party, COUNT);
	pair_end(pair, party);
	pair_meet(pair, party);
	shmdev_ring_detach(out);
	shmdev_ring_detach(in);
	return is_right;
}

static bool run(struct pair *pair, unsigned int party, void *context)
{
	const struct sleeper *job = context;

	return job->is_eventfd ? run_eventfds(pair, party, job) :
				 run_rings(pair, party, job);
}

static const struct pair *run_once(const char *who, struct sleeper job)
{
	const struct pair *pair;

	if (job.is_eventfd) {
		job.there = eventfd(0, EFD_CLOEXEC);
		job.back = eventfd(0, EFD_CLOEXEC);
		if (job.there < 0 || job.back < 0)
			err(1, "eventfd");
	} else {
		job.there = memory_ring_new(SHMDEV_RING_IS_QUEUE, job.flags, 1);
		job.back = memory_ring_new(SHMDEV_RING_IS_QUEUE, job.flags, 1);
		job.counts = shared_memory(sizeof(*job.counts));
	}
	pair = pair_run(run, &job, false, who);
	close(job.there);
	close(job.back);
	shared_memory_drop();
	return pair;
}

static void measure(const char *who, struct sleeper job)
{
	const char *what = "sleeping-round-trip";
	const struct pair *pair;
	uint64_t ns;

	if (!is_wanted(what, who))
		return;
	for (unsigned int i = 0; i < TRIES; i++) {
		pair = run_once(who, job);
		ns = pair->times[0].end - pair->times[0].begin;
		tell(what, who, BYTES, "ns", (double)ns / COUNT,
		     pair_mode(pair));
		if (pair_is_good(pair))
			break;
	}
}

void measure_sleeping(void)
{
	measure("kernel eventfd", (struct sleeper){ .is_eventfd = true });
	measure("shmdev isolated", (struct sleeper){ });
	measure("shmdev asymmetric",
		(struct sleeper){ .flags = SHMDEV_RING_ASYMMETRIC });
	measure("shmdev cleared",
		(struct sleeper){ .flags = SHMDEV_RING_CLEARS });
}

#define SETTLE_US 50000
#define IDLE_NS 300000000

static __attribute__((noreturn)) void read_for_ever(int fd,
						    struct ring_counts *counts)
{
	char record[BYTES];
	struct shmdev_ring *ring;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	ring = memory_ring_attach(fd, 1, SHMDEV_RING_CONSUMER, counts);
	shmdev_ring_receive(ring, record, sizeof(record), NULL, NULL);
	_exit(0);
}

static uint64_t cpu_of(pid_t pid)
{
	struct timespec used = { };
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &used))
		errx(1, "the time that a child used cannot be read");
	return (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
}

/* A reader to whom nobody writes, when it has found out so. */
void measure_idle(void)
{
	const double seconds = IDLE_NS / 1e9;
	const char *who = "shmdev isolated waiting";
	struct ring_counts *counts;
	uint64_t wake_ups, cpu;
	pid_t child;
	int fd;

	if (!is_wanted("idle", who))
		return;
	counts = shared_memory(sizeof(*counts));
	fd = memory_ring_new(SHMDEV_RING_IS_QUEUE, 0, 1);
	child = fork();
	if (child < 0)
		err(1, "fork");
	if (!child)
		read_for_ever(fd, counts);
	while (!__atomic_load_n(&counts->sleeps, __ATOMIC_ACQUIRE))
		usleep(1000);
	usleep(SETTLE_US);
	wake_ups = __atomic_load_n(&counts->wake_ups, __ATOMIC_ACQUIRE);
	cpu = cpu_of(child);
	nanosleep(&(struct timespec){ .tv_nsec = IDLE_NS }, NULL);
	wake_ups = __atomic_load_n(&counts->wake_ups, __ATOMIC_ACQUIRE) -
		   wake_ups;
	tell("idle", who, 0, "wake-ups/s", (double)wake_ups / seconds, "any");
	tell("idle-cpu", who, 0, "ns/s",
	     (double)(cpu_of(child) - cpu) / seconds, "any");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(fd);
	shared_memory_drop();
}

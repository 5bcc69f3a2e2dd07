/* SPDX-License-Identifier: GPL-2.0-only */
/* A process that another steps through what it does, instruction by instruction. */
#ifndef RING_STEPS_H
#define RING_STEPS_H

#include <sched.h>
#include <sys/ptrace.h>

#include "ring-world.h"

/* On machines where somebody can. */
#ifdef __ARM_FEATURE_LDREX
/* What is loaded exclusively is no longer so after a step. */
#define NO_STEPS "nobody steps through an atomic on this machine"
#endif

/* Stepping is many times faster where nobody else has to be woken. */
static void stay_on_one_processor(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
}

/* In the process: what follows is stepped through. */
static void be_stepped(void)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		_exit(1);
	raise(SIGSTOP);
}

/* In the process: it has done it. */
static void end_of_steps(void)
{
	raise(SIGUSR1);
}

/* Waits until @pid is to be stepped. */
static void begin_steps(pid_t pid)
{
	int status;

	check(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
}

/* One; a system call is one, too. True: it has done it, or is gone. */
static bool step(pid_t pid)
{
	int status = 0;

	check(!ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL));
	check(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
	return !WIFSTOPPED(status) || WSTOPSIG(status) == SIGUSR1;
}

/* All that is left to do, at once. */
static inline void end_steps(pid_t pid)
{
	int status = 0;

	check(!ptrace(PTRACE_CONT, pid, NULL, NULL));
	check(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status) &&
	      WSTOPSIG(status) == SIGUSR1);
}

static inline void kill_stepped(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	check(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
}

#endif /* RING_STEPS_H */

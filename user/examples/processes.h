/* SPDX-License-Identifier: MIT */
/*
 * Other processes, for a lesson to share its memory with.
 */
#ifndef PROCESSES_H
#define PROCESSES_H

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "story.h"

/*
 * fork(), after which nothing that was printed before is printed again. The
 * child does not outlive a lesson that fails.
 */
static inline pid_t fork_now(void)
{
	pid_t pid;

	fflush(stdout);
	pid = must(fork());
	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

/* Waits for a child, which has to end well. */
static inline void join_child(pid_t pid)
{
	int status;

	must(waitpid(pid, &status, 0));
	if (status)
		exit(EXIT_FAILURE);
}

/* A child does what the brackets say, and ends. It is waited for. */
#define in_child(...) do {						\
	pid_t child_ = fork_now();					\
									\
	if (!child_) {							\
		__VA_ARGS__;						\
		exit(EXIT_SUCCESS);					\
	}								\
	join_child(child_);						\
} while (0)

/* A child that is there, with what it has inherited, until it is killed. */
static inline pid_t idle_child(void)
{
	pid_t parent = getpid(), pid = fork_now();

	if (!pid) {
		while (getppid() == parent)
			pause();
		exit(EXIT_SUCCESS);
	}
	return pid;
}

static inline void kill_child(pid_t pid)
{
	must(kill(pid, SIGKILL));
	must(waitpid(pid, NULL, 0));
}

/*
 * This program once more, as if from a shell: exec() takes all memory away, and
 * the lessons' descriptors are O_CLOEXEC. Lists of processes call it "exe".
 */
static inline void run_again(const char *argument)
{
	in_child(must(execl("/proc/self/exe", program_invocation_name, argument,
			    NULL)));
}

/*
 * Calls @act when the lesson has ended, however it ended: a child that waits
 * for that does it.
 */
static inline void at_the_end(void (*act)(int argument), int argument)
{
	pid_t parent = getpid();
	sigset_t ended;
	int signal;

	if (fork_now())
		return;
	setsid(); /* Ctrl-C is for the lesson. */
	sigemptyset(&ended);
	sigaddset(&ended, SIGUSR1);
	sigprocmask(SIG_BLOCK, &ended, NULL);
	prctl(PR_SET_PDEATHSIG, SIGUSR1);
	if (getppid() == parent)
		sigwait(&ended, &signal);
	act(argument);
	_exit(EXIT_SUCCESS);
}

#endif /* PROCESSES_H */

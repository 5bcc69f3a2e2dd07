/* SPDX-License-Identifier: MIT */
/*
 * What the lessons share, so that each of them is about its subject only: they
 * tell a story, and nothing is told that was not seen to be so. To build one:
 *
 *	cc -D_GNU_SOURCE hello.c $(pkg-config --cflags --libs libshmdev)
 */
#ifndef LESSON_H
#define LESSON_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <shmdev.h>

/*
 * What comes next, in plain words, before it is done. Somebody at a terminal is
 * waited for.
 */
__attribute__((format(printf, 1, 2)))
static inline void step(const char *format, ...)
{
	static int steps;
	va_list arguments;

	if (steps++ && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)) {
		printf("  [Enter] ");
		while (getchar() != '\n' && !feof(stdin))
			;
	}
	printf("\n%d. ", steps);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	/* A child that is forked now must not print it again. */
	fflush(stdout);
}

/* What was seen. A lesson that is wrong ends: it must not be believed. */
#define shows(condition, ...) do {					\
	bool is_so_ = (condition);					\
									\
	printf("   %s ", is_so_ ? "->" : "NOT SO:");			\
	printf(__VA_ARGS__);						\
	printf("\n");							\
	fflush(stdout);							\
	if (!is_so_)							\
		exit(EXIT_FAILURE);					\
} while (0)

/* A call that says -1 or MAP_FAILED, and why in errno. Its value. */
#define must(call) ({							\
	__typeof__(call) result_ = (call);				\
									\
	if ((intptr_t)result_ == -1) {					\
		fprintf(stderr, "%s: %s\n", #call, strerror(errno));	\
		exit(EXIT_FAILURE);					\
	}								\
	result_;							\
})

/* A function of libshmdev, which returns -errno. Its value. */
#define must_do(call) ({						\
	int done_ = (call);						\
									\
	if (done_ < 0) {						\
		fprintf(stderr, "%s: %s\n", #call, strerror(-done_));	\
		exit(EXIT_FAILURE);					\
	}								\
	done_;								\
})

/*
 * The half of a lesson that needs the module begins here. Without one, the lesson
 * ends well: what it said so far holds on any Linux. "shmdev learn --device" sets
 * the variable.
 */
static inline struct shmdev_device *shmdev_half(void)
{
	const char *path = getenv("SHMDEV_DEVICE");
	struct shmdev_device *device;
	int ret = shmdev_device_open(path, O_RDWR, &device);

	if (!ret)
		return device;
	printf("\nWhat follows is about shmdev, and %s cannot be opened here:\n"
	       "%s. %s, then run this again;\n"
	       "or see it in a machine of its own: scripts/vm -- shmdev learn %s\n",
	       path ? path : "/dev/shmdev", strerror(-ret),
	       ret == -EACCES || ret == -EPERM ?
	       "Become root, or a member of group shmdev" :
	       "Load the module with 'sudo shmdev load'",
	       program_invocation_short_name);
	exit(EXIT_SUCCESS);
}

/*
 * fork(), after which nothing that was printed before is printed again. The child
 * does not outlive a lesson that fails.
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

/* Who has a segment mapped now, as "shmdev map" draws it. */
static inline void draw(const struct shmdev_segment *segment)
{
	/* Which "shmdev learn" sets. */
	const char *tool = getenv("SHMDEV_TOOL");
	int fd = shmdev_segment_fd(segment);
	pid_t pid = fork_now();
	char number[12];

	if (!pid) {
		snprintf(number, sizeof(number), "%d", fd);
		/* The tool is to inherit it. */
		must(fcntl(fd, F_SETFD, 0));
		execlp(tool ? tool : "shmdev", "shmdev", "map", "--fd", number,
		       NULL);
		printf("   (There would be a picture if shmdev was installed.)\n");
		exit(EXIT_SUCCESS);
	}
	join_child(pid);
}

#endif /* LESSON_H */

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The lessons are programs of their own, to be read and changed: user/examples/.
 * Here is what there is of them, where they lie, and what to read after them.
 */
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"

static const struct option options[] = {
	COMMON_OPTIONS
};

struct lesson {
	const char *name;
	const char *title;
	bool needs_module;	/* for all of it, and not for its second half */
	const char *next;	/* what to read */
};

static const struct lesson lessons[] = {
	{ "hello", "Hello through a mapping, answered by the kernel", true,
	  "mmap(2), shmdev(4)" },
	{ "file", "A file in memory: mmap() and msync()", false,
	  "msync(2), posix_fadvise(2)" },
	{ "family", "What fork() copies, and what it shares", false,
	  "fork(2), shmdev(7)" },
	{ "names", "Two strangers and one name: shm_open()", false,
	  "shm_overview(7), 'Lifetime' in shmdev(7)" },
	{ "kinds", "Four kinds of mapping: private or shared, of a file or not", false,
	  "mmap(2), memfd_create(2), shmdev(4)" },
	{ "sysv", "Shared memory of System V: shmget()", false,
	  "sysvipc(7), shmdev(7)" },
	{ "together", "A producer and a consumer: semaphore, mutex, ring", false,
	  "sem_overview(7), pthread_mutexattr_setrobust(3), shmdev-ring(3)" },
	{ "pages", "Virtual and physical memory: pages, faults, huge pages", false,
	  "madvise(2), getrusage(2), shmdev(4)" },
};

#define LESSON_COUNT (sizeof(lessons) / sizeof(*lessons))

/*
 * Where programs and sources lie, seen from the tool: as they were built, or as
 * they were installed.
 */
static const struct {
	const char *programs;
	const char *sources;
} places[] = {
	{ "examples", "examples" },
	{ LESSONS_FROM_TOOL, SOURCES_FROM_TOOL },
};

#define PLACE_COUNT (sizeof(places) / sizeof(*places))

/* NULL: it is not there. The caller frees it. */
static char *find_file(const char *folder, const char *name, const char *suffix)
{
	char *relative, *path;

	if (asprintf(&relative, "%s/%s%s", folder, name, suffix) < 0)
		return NULL;
	path = find_beside(relative);
	free(relative);
	return path;
}

static void print_lesson(const struct lesson *lesson)
{
	printf("  %zu  %-8s  %-11s  %s\n", lesson - lessons + 1, lesson->name,
	       lesson->needs_module ? "all" : "second half", lesson->title);
}

static int list_lessons(void)
{
	size_t i;

	printf("Lessons, each a program that runs step by step:\n\n"
	       "  N  NAME      MODULE FOR   TITLE\n");
	for (i = 0; i < LESSON_COUNT; i++)
		print_lesson(&lessons[i]);
	printf("\nTake one: shmdev learn 1\n");
	return STATUS_OK;
}

/* By number or name. */
static const struct lesson *find_lesson(const char *wanted)
{
	uint64_t number;
	size_t i;

	if (!parse_number(wanted, &number))
		return number >= 1 && number <= LESSON_COUNT ?
		       &lessons[number - 1] : NULL;
	for (i = 0; i < LESSON_COUNT; i++)
		if (!strcmp(lessons[i].name, wanted))
			return &lessons[i];
	return NULL;
}

static int no_lesson(const char *wanted)
{
	char *names = NULL;
	size_t size, i;
	FILE *to = open_memstream(&names, &size);

	for (i = 0; to && i < LESSON_COUNT; i++)
		fprintf(to, "%s%zu %s", i ? ", " : "", i + 1, lessons[i].name);
	if (to)
		fclose(to);
	usage_error("there is no lesson '%s', but there are: %s", wanted,
		    names ? names : "eight");
	free(names);
	return STATUS_USAGE;
}

static int not_run(const char *path, int error)
{
	say("cannot run %s: %s%s", path, strerror(error),
	    error == EACCES ? "; its administrator can allow it with 'chmod "
			      "a+rx'" : "");
	return error == EACCES ? STATUS_DENIED : STATUS_FAILED;
}

/* How a program that was waited for has ended; a status. */
static int judge(const struct lesson *lesson, int ended)
{
	if (WIFEXITED(ended) && !WEXITSTATUS(ended))
		return STATUS_OK;
	if (WIFSIGNALED(ended))
		say("lesson %s was ended by signal %d (%s)", lesson->name,
		    WTERMSIG(ended), strsignal(WTERMSIG(ended)));
	else
		say("lesson %s failed, as it says above", lesson->name);
	return STATUS_FAILED;
}

/* @arguments: begin with the one that is not the lesson's; end with NULL. */
static int run_program(const struct lesson *lesson, const char *path,
		       char **arguments)
{
	int ended;
	pid_t pid;
	int ret;

	/* Its messages begin with its own name. */
	*arguments = (char *)lesson->name;
	fflush(stdout);
	ret = posix_spawn(&pid, path, NULL, NULL, arguments, environ);
	if (ret)
		return not_run(path, ret);
	while (waitpid(pid, &ended, 0) < 0)
		if (errno != EINTR)
			return not_run(path, errno);
	return judge(lesson, ended);
}

static void print_next(const struct lesson *lesson, const char *source)
{
	const struct lesson *next = lesson + 1;

	printf("\nRead more: %s\n", lesson->next);
	if (source)
		printf("The program, to change and to build: %s\n", source);
	if (next < lessons + LESSON_COUNT)
		printf("Next: shmdev learn %s (%s)\n", next->name, next->title);
	else
		printf("That was the last one. Where to go from here: "
		       "shmdev(7)\n");
}

static int teach(const struct lesson *lesson, char **arguments)
{
	char *program = NULL, *source;
	int status;
	size_t i;

	for (i = 0; i < PLACE_COUNT; i++) {
		program = find_file(places[i].programs, lesson->name, "");
		if (program)
			break;
	}
	if (!program) {
		say("the program of lesson %s is not here; 'make' builds it "
		    "beside this tool, 'make install' installs it",
		    lesson->name);
		return STATUS_FAILED;
	}
	source = find_file(places[i].sources, lesson->name, ".c");
	printf("Lesson %zu: %s\n", lesson - lessons + 1, lesson->title);
	status = run_program(lesson, program, arguments);
	if (!status)
		print_next(lesson, source);
	free(source);
	free(program);
	return status;
}

static int run(int argc, char **argv)
{
	const struct lesson *lesson;
	char *tool;

	/* What follows the lesson is for its program. */
	next_option(argc, argv, "+", options);
	if (optind == argc)
		return list_lessons();
	lesson = find_lesson(argv[optind]);
	if (!lesson)
		return no_lesson(argv[optind]);
	/* lesson.h looks there, */
	if (strcmp(device_path(), DEVICE_PATH))
		setenv("SHMDEV_DEVICE", device_path(), 1);
	/* and draws with this. */
	tool = realpath("/proc/self/exe", NULL);
	if (tool)
		setenv("SHMDEV_TOOL", tool, 1);
	free(tool);
	return teach(lesson, argv + optind);
}

const struct verb verb_learn = {
	.name = "learn",
	.arguments = "[N|NAME [ARGUMENT]...]",
	.summary = "Learn how memory is shared, in lessons that run",
	.help = "Without an argument it lists the lessons. A lesson goes on when "
		"Enter is pressed,\n"
		"and needs the module for its second half, or for all of it.\n"
		"Lesson 'file' takes the name of a file.\n\n",
	.run = run,
};

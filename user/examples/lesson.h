/* SPDX-License-Identifier: MIT */
/*
 * What the lessons share, so that each of them is about its subject only. Here
 * is what has to do with shmdev, and with files; how a story is told, other
 * processes, and what can be measured are in the headers that it includes. To
 * build a lesson:
 *
 *	cc -D_GNU_SOURCE hello.c $(pkg-config --cflags --libs libshmdev)
 */
#ifndef LESSON_H
#define LESSON_H

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <shmdev.h>

#include "measure.h"
#include "processes.h"
#include "story.h"

/* What most mappings here may be used for. */
#define READ_WRITE (PROT_READ | PROT_WRITE)

/* A name that nobody else has. @begins: with "", or with "/" for shm_open(). */
static inline const char *lesson_name(const char *begins)
{
	static char name[SHMDEV_SEGMENT_NAME_SIZE];

	snprintf(name, sizeof(name), "%slesson-%d", begins, getpid());
	return name;
}

/* The path of the device, which "shmdev learn --device" sets. */
static inline const char *device_path(void)
{
	const char *path = getenv("SHMDEV_DEVICE");

	return path ? path : "/dev/shmdev";
}

/*
 * The half of a lesson that needs the module begins here. Without one, the
 * lesson ends well: what it said so far holds on any Linux.
 */
static inline struct shmdev_device *shmdev_half(void)
{
	struct shmdev_device *device;
	int ret = shmdev_device_open(device_path(), O_RDWR, &device);

	if (!ret)
		return device;
	printf("\nWhat follows is about shmdev, and %s cannot be opened here:\n"
	       "%s. %s, then run this again;\n"
	       "or see it in a machine of its own: scripts/vm -- shmdev learn %s\n",
	       device_path(), strerror(-ret),
	       ret == -EACCES || ret == -EPERM ?
	       "Become root, or a member of group shmdev" :
	       "Load the module with 'sudo shmdev load'",
	       program_invocation_short_name);
	exit(EXIT_SUCCESS);
}

/* The end of a lesson: what lesson 1 does step by step. */
static inline void clean_up(struct shmdev_device *device,
			    struct shmdev_segment *segment, void *memory)
{
	shmdev_segment_unmap(memory, shmdev_segment_bytes(segment));
	shmdev_segment_close(segment);
	shmdev_device_close(device);
}

/* How many mappings a segment has now, in all processes. */
static inline int mappings_of(const struct shmdev_segment *segment)
{
	struct shmdev_segment_info info = { .size = sizeof(info) };

	must_do(shmdev_segment_info(segment, &info));
	return info.mappings;
}

/* Whether a process has the segment mapped. */
static inline bool has_mapped(pid_t pid, const struct shmdev_segment *segment)
{
	struct shmdev_mapping_info mapping = { .size = sizeof(mapping) };
	struct shmdev_mapping_list *list;
	bool found = false;
	size_t i;

	must_do(shmdev_segment_mappings(segment, &list));
	for (i = 0; i < shmdev_mapping_list_count(list); i++) {
		must_do(shmdev_mapping_list_get(list, i, &mapping));
		found = found || mapping.pid == pid;
	}
	shmdev_mapping_list_free(list);
	return found;
}

/* What "shmdev VERB ARGUMENT" prints. @argument: NULL for none. */
static inline void run_shmdev(const char *verb, const char *argument)
{
	/* Which "shmdev learn" sets. */
	const char *tool = getenv("SHMDEV_TOOL");

	in_child(execlp(tool ? tool : "shmdev", "shmdev", verb, "--device",
			device_path(), argument, NULL);
		 tell("(shmdev %s would say more here, if it was installed.)",
		      verb));
}

/* Who has a segment mapped now, as "shmdev map" draws it. */
static inline void draw(const struct shmdev_segment *segment)
{
	int fd = shmdev_segment_fd(segment);
	char option[32];

	snprintf(option, sizeof(option), "--fd=%d", fd);
	/* The tool is to inherit it, though it is O_CLOEXEC. */
	must(fcntl(fd, F_SETFD, 0));
	run_shmdev("map", option);
	must(fcntl(fd, F_SETFD, FD_CLOEXEC));
}

/*
 * A new file with these bytes. It has no name, so it goes with the last who has
 * it, as a segment does.
 */
static inline int temporary_file(const char *bytes, size_t count)
{
	char on_disk[] = "/var/tmp/lesson-XXXXXX";
	char other[] = "/tmp/lesson-XXXXXX";
	char *path = access("/var/tmp", W_OK) ? other : on_disk;
	int fd = must(mkostemp(path, O_CLOEXEC));
	ssize_t done;

	must(unlink(path));
	for (; count; count -= done, bytes += done)
		done = must(write(fd, bytes, count));
	return fd;
}

/*
 * Opens a file that is to be mapped, which needs at least a byte. @name: NULL
 * for one of the lesson's own.
 */
static inline int open_file(const char *name)
{
	static const char own[] = "A file that is mapped is memory,\n"
				  "and memory can be a file.\n";
	struct stat file;
	int fd;

	if (!name)
		return temporary_file(own, strlen(own));
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		fprintf(stderr, "cannot open %s: %s\n", name, strerror(errno));
		exit(EXIT_FAILURE);
	}
	must(fstat(fd, &file));
	if (!S_ISREG(file.st_mode) || !file.st_size) {
		fprintf(stderr, "%s has no bytes to map; name a file that has some\n",
			name);
		exit(EXIT_FAILURE);
	}
	return fd;
}

#endif /* LESSON_H */

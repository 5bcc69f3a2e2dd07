// SPDX-License-Identifier: MIT
/*
 * Lesson 4: two strangers and one name. One program writes an integer, and
 * another, which knows nothing but the name, reads it: with shm_open(), and with
 * a named segment. "names posix NAME" and "names segment NAME" are the other one.
 */
#include "lesson.h"

static const int rights = PROT_READ | PROT_WRITE;

static void say_it(const int *number)
{
	shows(*number == 42, "the other program, process %d, reads %d", getpid(),
	      *number);
	exit(EXIT_SUCCESS);
}

static void read_posix(const char *name)
{
	int fd = must(shm_open(name, O_RDONLY, 0));

	say_it(must(mmap(NULL, sizeof(int), PROT_READ, MAP_SHARED, fd, 0)));
}

static void read_segment(const char *name)
{
	struct shmdev_device *device = shmdev_half();
	struct shmdev_segment *segment;
	void *memory;

	must_do(shmdev_segment_open(device, name, O_RDONLY, &segment));
	must_do(shmdev_segment_map(segment, 0, 0, PROT_READ, &memory));
	draw(segment);
	say_it(memory);
}

/* exec() takes all memory away, and what was opened here says O_CLOEXEC. */
static void run_the_other(const char *how, const char *name)
{
	pid_t pid = fork_now();

	if (!pid)
		must(execl("/proc/self/exe", "names", how, name, NULL));
	join_child(pid);
}

static void with_posix(void)
{
	struct stat file;
	int *number;
	char name[32];
	int fd;

	snprintf(name, sizeof(name), "/lesson-%d", getpid());
	step("shm_open() makes an object called %s. It is a file of 0 bytes,\n"
	     "   which ftruncate() makes longer and mmap() makes memory.", name);
	fd = must(shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600));
	must(ftruncate(fd, sizeof(*number)));
	number = must(mmap(NULL, sizeof(*number), rights, MAP_SHARED, fd, 0));
	*number = 42;
	shows(true, "this program, process %d, writes %d", getpid(), *number);

	step("Another program opens it by that name.");
	run_the_other("posix", name);

	step("munmap() and close() do not remove it: the name stays, with the memory,\n"
	     "   until somebody calls shm_unlink().");
	must(munmap(number, sizeof(*number)));
	must(close(fd));
	fd = must(shm_open(name, O_RDONLY, 0));
	must(fstat(fd, &file));
	must(close(fd));
	shows(file.st_size == sizeof(*number),
	      "nobody had it, and its %zu bytes are still there",
	      sizeof(*number));
	must(shm_unlink(name));
	shows(shm_open(name, O_RDONLY, 0) == -1 && errno == ENOENT,
	      "after shm_unlink() there is no %s", name);
}

static void with_segments(struct shmdev_device *device)
{
	struct shmdev_segment_options keep = {
		.size = sizeof(keep),
		.flags = SHMDEV_SEGMENT_KEEP,
	};
	struct shmdev_segment *segment, *again;
	char name[32];
	void *memory;

	snprintf(name, sizeof(name), "lesson-%d", getpid());
	step("A segment called %s has its size from the beginning, and its memory:\n"
	     "   there is no moment at which another could find it half made.",
	     name);
	must_do(shmdev_segment_create(device, name, sysconf(_SC_PAGESIZE), NULL,
				      &segment));
	must_do(shmdev_segment_map(segment, 0, 0, rights, &memory));
	*(int *)memory = 42;
	run_the_other("segment", name);

	step("That program has ended without any clean-up. Now munmap() and close():\n"
	     "   with its last mapping and descriptor the segment goes, and the name.");
	shmdev_segment_unmap(memory, shmdev_segment_bytes(segment));
	shmdev_segment_close(segment);
	shows(shmdev_segment_open(device, name, O_RDONLY, &again) == -ENOENT,
	      "there is no %s any more", name);

	step("SHMDEV_SEGMENT_KEEP makes it stay, as shm_open() does.");
	must_do(shmdev_segment_create(device, name, sysconf(_SC_PAGESIZE), &keep,
				      &segment));
	shmdev_segment_close(segment);
	must_do(shmdev_segment_open(device, name, O_RDONLY, &again));
	shows(true, "nobody had it, and it is still there");
	shmdev_segment_close(again);
	must_do(shmdev_segment_remove(device, name));
	shows(shmdev_segment_open(device, name, O_RDONLY, &again) == -ENOENT,
	      "after shmdev_segment_remove() there is no %s", name);
}

int main(int argc, char **argv)
{
	struct shmdev_device *device;

	if (argc == 3 && !strcmp(argv[1], "posix"))
		read_posix(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "segment"))
		read_segment(argv[2]);
	with_posix();
	device = shmdev_half();
	with_segments(device);
	shmdev_device_close(device);
	return EXIT_SUCCESS;
}

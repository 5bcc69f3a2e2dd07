// SPDX-License-Identifier: MIT
/*
 * Lesson 1: hello through a mapping. The kernel reads what this process writes
 * and answers in the same memory; and what is left behind by who does not clean
 * up.
 */
#include <dirent.h>
#include <linux/shmdev.h>
#include <sys/ioctl.h>

#include "lesson.h"

/* What the endpoint "hello" reads up to its first zero byte. */
static void write_request(struct shmdev_hello *hello, const char *text)
{
	memset(hello->request, 0, sizeof(hello->request));
	memcpy(hello->request, text, strlen(text));
}

/* Two of these, "." and "..", are none; one is the folder's own. */
static int descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int count = -3;

	if (!folder)
		return -1;
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

static int mappings(const struct shmdev_segment *segment)
{
	struct shmdev_segment_info info = { .size = sizeof(info) };

	must_do(shmdev_segment_info(segment, &info));
	return info.mappings;
}

static void with_classic_calls(int rights)
{
	struct shmdev_kick kick = { .size = sizeof(kick) };
	struct shmdev_hello *hello;
	int fd;

	step("Without any library: open() the device, mmap() it, and it is memory\n"
	     "   that the kernel uses too. What is written there, nobody copies.");
	fd = must(open("/dev/shmdev", O_RDWR | O_CLOEXEC));
	hello = must(mmap(NULL, sizeof(*hello), rights, MAP_SHARED, fd, 0));
	write_request(hello, "Hello from user space");
	shows(true, "written at %p: \"%s\"", (void *)hello, hello->request);

	step("The kernel cannot know that something is there until it is told:\n"
	     "   that is a kick, an ioctl() that returns when the kernel has looked.");
	must(ioctl(fd, SHMDEV_IOC_KICK, &kick));
	shows(!strcmp(hello->answer.text, "Hello from user space"),
	      "it read \"%s\", %u bytes, and wrote that down beside it",
	      hello->answer.text, hello->answer.length);

	step("The clean-up takes two calls, since a mapping outlives the descriptor\n"
	     "   that it was made from: munmap() and close().");
	must(munmap(hello, sizeof(*hello)));
	must(close(fd));
	shows(true, "both are gone");
}

/* All of it goes with the process, so only who runs for long has to care. */
static void forget(const struct shmdev_segment *segment)
{
	int before = mappings(segment), had = descriptors();
	void *memory;
	int i;

	for (i = 0; i < 10; i++) {
		must_do(shmdev_segment_map(segment, 0, 0, PROT_READ, &memory));
		must(dup(shmdev_segment_fd(segment)));
	}
	shows(mappings(segment) == before + 10,
	      "the segment had %d mappings, and now has %d", before,
	      mappings(segment));
	shows(descriptors() == had + 10,
	      "/proc/self/fd had %d descriptors, and now has %d", had,
	      descriptors());
	exit(EXIT_SUCCESS);
}

int main(void)
{
	struct shmdev_segment_options options = {
		.size = sizeof(options),
		.endpoint = SHMDEV_HELLO_ENDPOINT,
	};
	const int rights = PROT_READ | PROT_WRITE;
	struct shmdev_device *device = shmdev_half();
	struct shmdev_segment *segment, *again;
	struct shmdev_hello *hello;
	char name[32];
	void *memory;
	pid_t pid;

	with_classic_calls(rights);

	step("The same with the library, in a segment of this program's own, whose\n"
	     "   name anybody with the right to can open it by.");
	snprintf(name, sizeof(name), "lesson-%d", getpid());
	must_do(shmdev_segment_create(device, name, sysconf(_SC_PAGESIZE),
				      &options, &segment));
	must_do(shmdev_segment_map(segment, 0, 0, rights, &memory));
	hello = memory;
	shows(!strcmp(hello->greeting, SHMDEV_HELLO_GREETING),
	      "the kernel was there first: \"%s\"", hello->greeting);
	write_request(hello, "Hello again");
	must_do(shmdev_segment_kick(segment, 0));
	shows(!strcmp(hello->answer.text, "Hello again"),
	      "and answers: \"%s\"", hello->answer.text);
	draw(segment);

	step("Who does not clean up: a child maps the segment and duplicates its\n"
	     "   descriptor, ten times each, and forgets them.");
	pid = fork_now();
	if (!pid)
		forget(segment);
	join_child(pid);
	shows(mappings(segment) == 1,
	      "it has ended, and the kernel cleaned up: %d mapping",
	      mappings(segment));

	step("This process closes the segment, but forgets munmap().");
	shmdev_segment_close(segment);
	must_do(shmdev_segment_open(device, name, O_RDONLY, &again));
	shows(mappings(again) == 1,
	      "name and memory are still there: somebody has it mapped");
	shmdev_segment_close(again);
	shmdev_segment_unmap(memory, sysconf(_SC_PAGESIZE));
	shows(shmdev_segment_open(device, name, O_RDONLY, &again) == -ENOENT,
	      "after munmap() there is no segment %s any more", name);
	shmdev_device_close(device);
	return EXIT_SUCCESS;
}

// SPDX-License-Identifier: MIT
/*
 * Lesson 5: the four kinds of mapping, private or shared, of a file or of none,
 * and who sees what is written there. Each answer in the table is tried, and
 * then held against what such a mapping promises.
 */
#include "lesson.h"

static const int rights = PROT_READ | PROT_WRITE;
static size_t page;

/* A child maps the file itself; its exit status says what it has found. */
static bool stranger_sees(int fd, char byte)
{
	pid_t pid = fork_now();
	char *own_view;
	int status;

	if (!pid) {
		own_view = must(mmap(NULL, page, PROT_READ, MAP_SHARED, fd, 0));
		_exit(*own_view == byte);
	}
	must(waitpid(pid, &status, 0));
	return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

/* The child writes at the address that it has from its parent. */
static bool parent_sees_child(char *memory)
{
	pid_t pid = fork_now();

	if (!pid) {
		*memory = 'c';
		_exit(EXIT_SUCCESS);
	}
	join_child(pid);
	return *memory == 'c';
}

static bool file_has(int fd, char byte)
{
	char found;

	return must(pread(fd, &found, 1, 0)) == 1 && found == byte;
}

/* A row of the table: maps a page so, and finds out who sees what. */
static void try_kind(const char *name, int flags, int fd)
{
	bool is_shared = flags & MAP_SHARED;
	char *memory = must(mmap(NULL, page, rights, flags, fd, 0));
	bool child = parent_sees_child(memory), stranger, file;

	*memory = 'p';
	if (fd < 0) {
		shows(child == is_shared, "%-18s %-14s %-14s %s", name,
		      child ? "yes" : "no", "nobody can", "there is none");
	} else {
		stranger = stranger_sees(fd, 'p');
		file = file_has(fd, 'p');
		shows(child == is_shared && stranger == is_shared &&
		      file == is_shared, "%-18s %-14s %-14s %s", name,
		      child ? "yes" : "no", stranger ? "yes" : "no",
		      file ? "yes" : "no");
	}
	must(munmap(memory, page));
}

static void print_heads(void)
{
	printf("      written through    by a child:   by myself:     by myself:\n"
	       "      a mapping that is  do I see it?  do strangers?  does the file?\n");
}

int main(void)
{
	struct shmdev_device *device;
	struct shmdev_segment *segment;
	struct shmdev_mapping_list *list;
	struct shmdev_mapping_info mapping = { .size = sizeof(mapping) };
	char *private, *memory;
	void *address;
	size_t i;
	int fd;

	page = sysconf(_SC_PAGESIZE);
	step("mmap() has two questions: MAP_PRIVATE or MAP_SHARED, and a file or\n"
	     "   none (MAP_ANONYMOUS). Each answer with each, a page of 0 at first.");
	print_heads();
	fd = must(memfd_create("lesson", MFD_CLOEXEC));
	must(ftruncate(fd, page));
	try_kind("private, anonymous", MAP_PRIVATE | MAP_ANONYMOUS, -1);
	try_kind("shared, anonymous", MAP_SHARED | MAP_ANONYMOUS, -1);
	try_kind("private, of a file", MAP_PRIVATE, fd);
	try_kind("shared, of a file", MAP_SHARED, fd);
	printf("   So MAP_SHARED decides who sees it, the file who can come to it.\n");

	step("A private mapping is no picture of one moment: a page of it is\n"
	     "   copied when it is first written, and until then it is the file's.\n"
	     "   (So it is on Linux; POSIX leaves that open.)");
	private = must(mmap(NULL, page, rights, MAP_PRIVATE, fd, 0));
	must(pwrite(fd, "1", 1, 0));
	shows(private[0] == '1', "'1' is written to the file: I read '%c' there",
	      private[0]);
	private[1] = 'x';
	must(pwrite(fd, "2", 1, 0));
	shows(private[0] == '1', "I write the byte beside it, then '2' is\n"
	      "      written to the file: I still read '%c'", private[0]);
	must(munmap(private, page));
	close(fd);

	device = shmdev_half();
	step("A segment is mapped as a file is, by mmap() of its descriptor.");
	must_do(shmdev_segment_create(device, NULL, page, NULL, &segment));
	fd = shmdev_segment_fd(segment);
	print_heads();
	try_kind("private, a segment", MAP_PRIVATE, fd);
	try_kind("shared, a segment", MAP_SHARED, fd);

	step("shmdev_segment_map() is the shared one. Who has a segment mapped,\n"
	     "   and how, the kernel tells, as 'shmdev ps' does.");
	private = must(mmap(NULL, page, rights, MAP_PRIVATE, fd, 0));
	must_do(shmdev_segment_map(segment, 0, 0, rights, &address));
	memory = address;
	shows(*memory == 'p', "it has what was written through the shared one: '%c'",
	      *memory);
	must_do(shmdev_segment_mappings(segment, &list));
	shows(shmdev_mapping_list_count(list) == 2, "there are two mappings:");
	for (i = 0; i < 2; i++) {
		must_do(shmdev_mapping_list_get(list, i, &mapping));
		shows(mapping.pid == getpid(), "process %d (%s), %s", mapping.pid,
		      mapping.command, mapping.flags & SHMDEV_MAPPING_SHARED ?
		      "shared" : "private");
	}
	shmdev_mapping_list_free(list);
	draw(segment);
	must(munmap(private, page));
	shmdev_segment_unmap(memory, page);
	shmdev_segment_close(segment);
	shmdev_device_close(device);
	return EXIT_SUCCESS;
}

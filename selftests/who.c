// SPDX-License-Identifier: GPL-2.0
/* MAPPINGS: who has a segment mapped, and how. */
#include <pthread.h>
#include <sched.h>

#include "shmdev_test.h"

#define RIGHTS (SHMDEV_MAPPING_F_READ | SHMDEV_MAPPING_F_WRITE | \
		SHMDEV_MAPPING_F_SHARED)
#define MANY 1024

static struct shmdev_mapping entries[MANY];

FIXTURE(who) {
	int door;
	int segment;
	size_t page;
	size_t bytes;
	int up[2], down[2];
};

FIXTURE_SETUP(who)
{
	self->page = page_bytes();
	self->bytes = 64 * self->page;
	self->door = open_door();
	ASSERT_LE(0, self->door);
	self->segment = create_anonymous(self->door, self->bytes);
	ASSERT_LE(0, self->segment);
	ASSERT_EQ(0, pipe(self->up));
	ASSERT_EQ(0, pipe(self->down));
}

/* However it was mapped, in the end nobody has it. */
FIXTURE_TEARDOWN(who)
{
	EXPECT_EQ(0, mappings_total(self->segment));
	close(self->segment);
	close(self->door);
}

/* A child says that it is there, and stays until the other end is closed. */
static void report_and_stay(FIXTURE_DATA(who) *self)
{
	char byte;

	close(self->down[1]);
	CHILD_CHECK(write(self->up[1], "!", 1) == 1);
	CHILD_CHECK(read(self->down[0], &byte, 1) == 0);
}

static bool wait_for_child(FIXTURE_DATA(who) *self)
{
	char byte;

	return read(self->up[0], &byte, 1) == 1;
}

static int dismiss(FIXTURE_DATA(who) *self, pid_t pid)
{
	close(self->down[1]);
	return reap(pid);
}

static struct shmdev_mapping *entry_of(pid_t pid, int count)
{
	int i;

	for (i = 0; i < count; i++)
		if (entries[i].pid == pid)
			return &entries[i];
	return NULL;
}

/* MAPPINGS: an entry says what is mapped, and by whom */
TEST_F(who, entry_describes_the_mapping)
{
	char *view = mmap(NULL, 3 * self->page, PROT_READ | PROT_WRITE,
			  MAP_SHARED, self->segment, 2 * self->page);
	char comm[SHMDEV_COMM_SIZE] = "";
	__u32 total;

	ASSERT_NE(MAP_FAILED, view);
	prctl(PR_SET_NAME, "a selftest");
	prctl(PR_GET_NAME, comm);
	ASSERT_EQ(1, mappings(self->segment, entries, MANY, &total));
	EXPECT_EQ(1, total);
	EXPECT_EQ(2 * self->page, entries[0].offset);
	EXPECT_EQ(3 * self->page, entries[0].bytes);
	EXPECT_EQ(getpid(), entries[0].pid);
	EXPECT_EQ(RIGHTS, entries[0].flags);
	EXPECT_EQ(0, memcmp(comm, entries[0].comm, sizeof(comm)));
	EXPECT_STREQ("a selftest", entries[0].comm);
	munmap(view, 3 * self->page);
}

/* INFO @mappings: counts no further than 65536; MAPPINGS: then ENOMEM */
TEST_F_TIMEOUT(who, more_than_65536_are_not_listed, 120)
{
	const int each = 16400, children = 3;
	struct shmdev_info about;
	__u32 total;
	pid_t pid[3];
	char *start;
	int i;

	start = mmap(NULL, each * self->page, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT_NE(MAP_FAILED, start);
	/* Always the first page, so that no two of them are one mapping. */
	for (i = 0; i < each; i++)
		ASSERT_NE(MAP_FAILED,
			  mmap(start + i * self->page, self->page, PROT_READ,
			       MAP_SHARED | MAP_FIXED, self->segment, 0));
	EXPECT_EQ(each, mappings_total(self->segment));
	for (i = 0; i < children; i++) {
		pid[i] = fork_child();
		if (!pid[i]) {
			report_and_stay(self);
			_exit(0);
		}
		ASSERT_TRUE(wait_for_child(self));
	}
	EXPECT_ERRNO(ENOMEM, mappings(self->segment, entries, MANY, &total));
	EXPECT_EQ(0, info(self->segment, &about));
	EXPECT_EQ(65536, about.mappings);
	munmap(start, each * self->page);
	EXPECT_EQ(children * each, mappings_total(self->segment));
	close(self->down[1]);
	for (i = 0; i < children; i++)
		EXPECT_EQ(0, reap(pid[i]));
}

/* MAPPINGS @flags: READ, WRITE, SHARED */
TEST_F(who, flags_are_the_rights)
{
	static const struct {
		int prot, flags;
		__u32 expected;
	} cases[] = {
		{ PROT_READ, MAP_SHARED,
		  SHMDEV_MAPPING_F_READ | SHMDEV_MAPPING_F_SHARED },
		{ PROT_READ | PROT_WRITE, MAP_SHARED, RIGHTS },
		{ PROT_NONE, MAP_SHARED, SHMDEV_MAPPING_F_SHARED },
		{ PROT_READ, MAP_PRIVATE, SHMDEV_MAPPING_F_READ },
		{ PROT_READ | PROT_WRITE, MAP_PRIVATE,
		  SHMDEV_MAPPING_F_READ | SHMDEV_MAPPING_F_WRITE },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		char *view = mmap(NULL, self->page, cases[i].prot,
				  cases[i].flags, self->segment, 0);

		ASSERT_NE(MAP_FAILED, view);
		ASSERT_EQ(1, mappings(self->segment, entries, MANY, NULL));
		EXPECT_EQ(cases[i].expected, entries[0].flags);
		munmap(view, self->page);
	}
}

/* MAPPINGS: a read-only file's mapping can be read only */
TEST_F(who, read_only_mapping_of_a_read_only_file)
{
	int fd = reopen(self->segment, O_RDONLY);
	char *view = map(fd, self->page, PROT_READ);

	ASSERT_NE(MAP_FAILED, view);
	close(fd);
	ASSERT_EQ(1, mappings(self->segment, entries, MANY, NULL));
	EXPECT_EQ(SHMDEV_MAPPING_F_READ | SHMDEV_MAPPING_F_SHARED,
		  entries[0].flags);
	munmap(view, self->page);
}

/* MAPPINGS @count: 0 to only count */
TEST_F(who, counting_needs_no_array)
{
	char *view = map(self->segment, self->page, PROT_READ);
	struct shmdev_info about;
	__u32 total = 77;

	ASSERT_NE(MAP_FAILED, view);
	EXPECT_EQ(0, mappings(self->segment, NULL, 0, &total));
	EXPECT_EQ(1, total);
	ASSERT_EQ(0, info(self->segment, &about));
	EXPECT_EQ(1, about.mappings);
	munmap(view, self->page);
}

/* MAPPINGS @total: more than @count if the array was too small */
TEST_F(who, small_array_is_filled_and_no_more)
{
	char *view = map(self->segment, 9 * self->page,
			 PROT_READ | PROT_WRITE);
	__u32 total, room;
	int i;

	ASSERT_NE(MAP_FAILED, view);
	for (i = 1; i < 9; i += 2)
		ASSERT_EQ(0, munmap(view + i * self->page, self->page));
	for (room = 1; room <= 5; room++) {
		memset(entries, 0xff, sizeof(entries));
		EXPECT_EQ(room, mappings(self->segment, entries, room,
					 &total));
		EXPECT_EQ(5, total);
		EXPECT_EQ(getpid(), entries[room - 1].pid);
		EXPECT_TRUE(all_bytes(&entries[room], 0xff,
				      sizeof(entries[0])));
	}
	munmap(view, 9 * self->page);
}

/* MAPPINGS: what is left after a partial munmap() */
TEST_F(who, hole_makes_two_entries)
{
	char *view = map(self->segment, 5 * self->page, PROT_READ);
	int first;

	ASSERT_NE(MAP_FAILED, view);
	ASSERT_EQ(0, munmap(view + 2 * self->page, self->page));
	ASSERT_EQ(2, mappings(self->segment, entries, MANY, NULL));
	first = entries[0].offset ? 1 : 0;
	EXPECT_EQ(0, entries[first].offset);
	EXPECT_EQ(2 * self->page, entries[first].bytes);
	EXPECT_EQ(3 * self->page, entries[!first].offset);
	EXPECT_EQ(2 * self->page, entries[!first].bytes);
	munmap(view, 5 * self->page);
}

/* MAPPINGS: a mapping that is replaced by one of another segment */
TEST_F(who, mremap_over_another_segment_moves_the_entry)
{
	int other = create_anonymous(self->door, 2 * self->page);
	char *view = map(self->segment, 2 * self->page, PROT_READ);
	char *target = map(other, 2 * self->page, PROT_READ);

	ASSERT_NE(MAP_FAILED, target);
	EXPECT_EQ(1, mappings_total(other));
	ASSERT_EQ(target, mremap(view, 2 * self->page, 2 * self->page,
				 MREMAP_MAYMOVE | MREMAP_FIXED, target));
	EXPECT_EQ(0, mappings_total(other));
	EXPECT_EQ(1, mappings_total(self->segment));
	munmap(target, 2 * self->page);
	close(other);
}

/* MAPPINGS: a forked child has an entry of its own, until it ends */
TEST_F(who, forked_child_is_listed_until_it_exits)
{
	char *view = map(self->segment, self->page, PROT_READ);
	struct shmdev_mapping *entry;
	pid_t pid;

	ASSERT_NE(MAP_FAILED, view);
	pid = fork_child();
	if (!pid) {
		prctl(PR_SET_NAME, "the child");
		report_and_stay(self);
		_exit(0);
	}
	ASSERT_TRUE(wait_for_child(self));
	ASSERT_EQ(2, mappings(self->segment, entries, MANY, NULL));
	entry = entry_of(pid, 2);
	ASSERT_NE(NULL, entry);
	EXPECT_STREQ("the child", entry->comm);
	EXPECT_NE(NULL, entry_of(getpid(), 2));
	EXPECT_EQ(0, dismiss(self, pid));
	EXPECT_EQ(1, mappings_total(self->segment));
	munmap(view, self->page);
}

/* MAPPINGS: ... or until it is killed, reaped or not */
TEST_F(who, zombie_is_not_listed)
{
	char *view;
	siginfo_t end;
	pid_t pid = fork_child();

	if (!pid) {
		CHILD_CHECK(map(self->segment, self->page, PROT_READ) !=
			    MAP_FAILED);
		report_and_stay(self);
		_exit(0);
	}
	view = map(self->segment, self->page, PROT_READ);
	ASSERT_TRUE(wait_for_child(self));
	EXPECT_EQ(2, mappings_total(self->segment));
	EXPECT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(0, waitid(P_PID, pid, &end, WEXITED | WNOWAIT));
	EXPECT_EQ(1, mappings_total(self->segment));
	EXPECT_EQ(128 + SIGKILL, reap(pid));
	munmap(view, self->page);
}

/* MAPPINGS: exec() ends them too */
TEST_F(who, exec_ends_the_mapping)
{
	pid_t pid = fork_child();

	if (!pid) {
		CHILD_CHECK(map(self->segment, self->page, PROT_READ) !=
			    MAP_FAILED);
		CHILD_CHECK(mappings_total(self->segment) == 1);
		close(self->down[1]);
		CHILD_CHECK(dup2(self->down[0], 0) == 0);
		CHILD_CHECK(dup2(self->up[1], 1) == 1);
		execl("/bin/sh", "sh", "-c", "echo; read line", NULL);
		CHILD_CHECK(false);
	}
	ASSERT_TRUE(wait_for_child(self));
	EXPECT_EQ(0, mappings_total(self->segment));
	close(self->down[1]);
	reap(pid);
}

/* Lives in its parent's memory: no libc beyond what is thread-safe. */
static int share_memory(void *arg)
{
	FIXTURE_DATA(who) *self = arg;
	char byte;

	syscall(SYS_write, self->up[1], "!", 1);
	syscall(SYS_read, self->down[0], &byte, 1);
	syscall(SYS_exit, 0);
	return 0;
}

/* MAPPINGS: processes that share their memory have an entry each */
TEST_F(who, sharers_of_memory_are_listed_each)
{
	static char stack[1 << 16] __attribute__((aligned(16)));
	char *view = map(self->segment, self->page, PROT_READ);
	pid_t pid;

	ASSERT_NE(MAP_FAILED, view);
	pid = clone(share_memory, stack + sizeof(stack), CLONE_VM | SIGCHLD,
		    self);
	ASSERT_LT(0, pid);
	ASSERT_TRUE(wait_for_child(self));
	EXPECT_EQ(2, mappings(self->segment, entries, MANY, NULL));
	EXPECT_NE(NULL, entry_of(pid, 2));
	EXPECT_NE(NULL, entry_of(getpid(), 2));
	/* It has our files only as a copy: one byte lets it go. */
	EXPECT_EQ(1, write(self->down[1], "!", 1));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(1, mappings_total(self->segment));
	munmap(view, self->page);
}

/* MAPPINGS: ... of which a vfork() is one */
TEST_F(who, vforked_child_is_listed)
{
	char *view = map(self->segment, self->page, PROT_READ);
	volatile int total = 0;
	pid_t pid;

	ASSERT_NE(MAP_FAILED, view);
	pid = vfork();
	if (!pid) {
		total = mappings_total(self->segment);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(2, total);
	EXPECT_EQ(1, mappings_total(self->segment));
	munmap(view, self->page);
}

static void *idle(void *arg)
{
	FIXTURE_DATA(who) *self = arg;
	char byte;

	return read(self->down[0], &byte, 1) == 1 ? self : NULL;
}

/* MAPPINGS: threads are not processes */
TEST_F(who, threads_are_listed_once)
{
	char *view = map(self->segment, self->page, PROT_READ);
	pthread_t threads[3];
	void *result;
	size_t i;

	ASSERT_NE(MAP_FAILED, view);
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, idle, self));
	EXPECT_EQ(1, mappings(self->segment, entries, MANY, NULL));
	EXPECT_EQ(getpid(), entries[0].pid);
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		EXPECT_EQ(1, write(self->down[1], "!", 1));
	for (i = 0; i < ARRAY_SIZE(threads); i++) {
		EXPECT_EQ(0, pthread_join(threads[i], &result));
		EXPECT_EQ(self, result);
	}
	munmap(view, self->page);
}

static void *outlive_the_leader(void *self)
{
	report_and_stay(self);
	_exit(0);
}

/* MAPPINGS: a process is there as long as one of its threads is */
TEST_F(who, process_without_its_first_thread_is_listed)
{
	pid_t pid = fork_child();
	pthread_t thread;

	if (!pid) {
		CHILD_CHECK(map(self->segment, self->page, PROT_READ) !=
			    MAP_FAILED);
		CHILD_CHECK(!pthread_create(&thread, NULL, outlive_the_leader,
					    self));
		syscall(SYS_exit, 0);
	}
	ASSERT_TRUE(wait_for_child(self));
	/* It is a zombie soon after the other thread has reported. */
	usleep(100000);
	EXPECT_EQ(1, mappings(self->segment, entries, MANY, NULL));
	EXPECT_EQ(pid, entries[0].pid);
	EXPECT_EQ(0, dismiss(self, pid));
}

/* MAPPINGS: what a fork is copying is of no process yet, but is mapped */
TEST_F(who, mappings_of_a_fork_under_way_are_listed)
{
	enum { EACH = 500 };
	pid_t pid, child;
	int count, i, of_nobody = 0;

	pid = fork_child();
	if (!pid) {
		for (i = 0; i < EACH; i++)
			CHILD_CHECK(map(self->segment, self->page,
					PROT_READ) != MAP_FAILED);
		CHILD_CHECK(write(self->up[1], "!", 1) == 1);
		for (;;) {
			child = fork();
			if (!child)
				_exit(0);
			waitpid(child, NULL, 0);
		}
	}
	ASSERT_TRUE(wait_for_child(self));
	while (!of_nobody) {
		__u32 total = 0;

		count = mappings(self->segment, entries, MANY, &total);
		ASSERT_LE(EACH, count);
		EXPECT_EQ(total, count);
		for (i = 0; i < count; i++)
			of_nobody += !entries[i].pid;
	}
	EXPECT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, reap(pid));
	while (mappings_total(self->segment))
		usleep(1000);
}

/* MAPPINGS @pid: in the caller's pid namespace; 0 if not visible there */
TEST_F(who, pids_are_those_of_the_callers_namespace)
{
	char *view = map(self->segment, self->page, PROT_READ);
	pid_t pid;

	ASSERT_NE(MAP_FAILED, view);
	ASSERT_EQ(0, unshare(CLONE_NEWPID));
	pid = fork();
	if (!pid) {
		struct shmdev_mapping *own, *outer;

		CHILD_CHECK(getpid() == 1);
		CHILD_CHECK(mappings(self->segment, entries, MANY, NULL) == 2);
		own = entry_of(1, 2);
		outer = entry_of(0, 2);
		CHILD_CHECK(own && outer);
		CHILD_CHECK(own->comm[0]);
		CHILD_CHECK(all_bytes(outer->comm, 0, sizeof(outer->comm)));
		CHILD_CHECK(outer->bytes == self->page);
		report_and_stay(self);
		_exit(0);
	}
	ASSERT_TRUE(wait_for_child(self));
	ASSERT_EQ(2, mappings(self->segment, entries, MANY, NULL));
	EXPECT_NE(NULL, entry_of(pid, 2));
	EXPECT_NE(NULL, entry_of(getpid(), 2));
	EXPECT_EQ(0, dismiss(self, pid));
	munmap(view, self->page);
}

/* INFO @creator: in the caller's pid namespace, or 0 */
TEST_F(who, creator_is_translated_too)
{
	struct shmdev_info about;
	pid_t pid;

	ASSERT_EQ(0, unshare(CLONE_NEWPID));
	pid = fork();
	if (!pid) {
		int own;

		CHILD_CHECK(!info(self->segment, &about));
		CHILD_CHECK(about.creator == 0);
		own = create_anonymous(self->door, self->page);
		CHILD_CHECK(!info(own, &about));
		CHILD_CHECK(about.creator == 1);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	ASSERT_EQ(0, info(self->segment, &about));
	EXPECT_EQ(getpid(), about.creator);
}

static void *create_in_thread(void *door)
{
	return (void *)(long)create_anonymous(*(int *)door, page_bytes());
}

/* INFO @creator: a process, whichever of its threads it was */
TEST_F(who, creator_is_a_process)
{
	struct shmdev_info about;
	pthread_t thread;
	void *fd;

	ASSERT_EQ(0, pthread_create(&thread, NULL, create_in_thread,
				    &self->door));
	ASSERT_EQ(0, pthread_join(thread, &fd));
	ASSERT_LE(0, (long)fd);
	ASSERT_EQ(0, info((long)fd, &about));
	EXPECT_EQ(getpid(), about.creator);
	close((long)fd);
}

/* MAPPINGS: on /dev/shmdev, those of the default segment */
TEST_F(who, door_tells_about_the_default_segment)
{
	int before = mappings_total(self->door);
	char *view = map(self->door, 2 * self->page, PROT_READ);
	int count;

	ASSERT_NE(MAP_FAILED, view);
	count = mappings(self->door, entries, MANY, NULL);
	EXPECT_EQ(before + 1, count);
	ASSERT_NE(NULL, entry_of(getpid(), count));
	EXPECT_EQ(2 * self->page, entry_of(getpid(), count)->bytes);
	munmap(view, 2 * self->page);
	EXPECT_EQ(before, mappings_total(self->door));
}

/* One mapping in a comparable form. */
struct seen {
	__u64 offset, bytes;
	__u32 flags;
};

static int by_offset(const void *left, const void *right)
{
	return memcmp(left, right, sizeof(struct seen));
}

static int seen_in_maps(pid_t pid, __u64 inode, struct seen *seen)
{
	static char text[1 << 18];
	char path[32], *line, *rest;
	int count = 0;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	if (read_file(path, text, sizeof(text)) < 0)
		return -1;
	for (line = strtok_r(text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		unsigned long start, end, its_inode;
		unsigned long long offset;
		char rights[5];

		if (sscanf(line, "%lx-%lx %4s %llx %*s %lu", &start, &end,
			   rights, &offset, &its_inode) != 5 ||
		    its_inode != inode || !strstr(line, "/shmdev"))
			continue;
		if (count == MANY)
			return -1;
		memset(&seen[count], 0, sizeof(seen[count]));
		seen[count].offset = offset;
		seen[count].bytes = end - start;
		seen[count].flags =
			(rights[0] == 'r' ? SHMDEV_MAPPING_F_READ : 0) |
			(rights[1] == 'w' ? SHMDEV_MAPPING_F_WRITE : 0) |
			(rights[3] == 's' ? SHMDEV_MAPPING_F_SHARED : 0);
		count++;
	}
	qsort(seen, count, sizeof(*seen), by_offset);
	return count;
}

static int seen_by_driver(int segment, pid_t pid, struct seen *seen)
{
	int total = mappings(segment, entries, MANY, NULL);
	int count = 0, i;

	for (i = 0; i < total; i++) {
		if (entries[i].pid != pid)
			continue;
		memset(&seen[count], 0, sizeof(seen[count]));
		seen[count].offset = entries[i].offset;
		seen[count].bytes = entries[i].bytes;
		seen[count].flags = entries[i].flags;
		count++;
	}
	qsort(seen, count, sizeof(*seen), by_offset);
	return count;
}

static bool driver_agrees_with_maps(int segment, pid_t pid, __u64 inode)
{
	static struct seen ours[MANY], theirs[MANY];
	int our_count = seen_by_driver(segment, pid, ours);
	int their_count = seen_in_maps(pid, inode, theirs);

	return our_count == their_count &&
	       !memcmp(ours, theirs, our_count * sizeof(ours[0]));
}

#define ARENA_PAGES	96
#define STEPS		3000
#define CHILDREN	3

/*
 * MAPPINGS: what the memory manager holds, whatever was done to get there.
 * Ranges of an arena are mapped, unmapped, protected and moved at random, with
 * children that keep what there was when they were forked.
 */
TEST_F_TIMEOUT(who, list_equals_proc_maps_after_random_steps, 120)
{
	const int prots[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE };
	pid_t children[CHILDREN] = { 0 };
	unsigned int seed = getpid() * 2654435761U, step, most = 0;
	struct shmdev_info about;
	size_t page = self->page;
	char *arena;

	ASSERT_EQ(0, info(self->segment, &about));
	arena = mmap(NULL, ARENA_PAGES * page, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT_NE(MAP_FAILED, arena);
	TH_LOG("seed %u", seed);
	for (step = 0; step < STEPS; step++) {
		size_t at = rand_r(&seed) % ARENA_PAGES;
		size_t pages = 1 + rand_r(&seed) % 8;
		size_t to = rand_r(&seed) % (ARENA_PAGES - 8);
		int prot = prots[rand_r(&seed) % ARRAY_SIZE(prots)];
		int child = rand_r(&seed) % CHILDREN;

		if (pages > ARENA_PAGES - at)
			pages = ARENA_PAGES - at;
		switch (rand_r(&seed) % 16) {
		case 0 ... 5:
			ASSERT_NE(MAP_FAILED,
				  mmap(arena + at * page, pages * page, prot,
				       MAP_FIXED | (rand_r(&seed) % 4 ?
						    MAP_SHARED : MAP_PRIVATE),
				       self->segment,
				       rand_r(&seed) % (64 - pages) * page));
			break;
		case 6 ... 8:
			munmap(arena + at * page, pages * page);
			break;
		case 9 ... 11:
			mprotect(arena + at * page, pages * page, prot);
			break;
		case 12 ... 14:
			/* Fails where the source has holes: fine, too. */
			mremap(arena + at * page, pages * page, pages * page,
			       MREMAP_MAYMOVE | MREMAP_FIXED,
			       arena + to * page);
			break;
		default:
			if (rand_r(&seed) % 8)
				break;
			if (children[child]) {
				kill(children[child], SIGKILL);
				reap(children[child]);
			}
			children[child] = fork_child();
			if (!children[child])
				for (;;)
					pause();
		}
		if (step % 8)
			continue;
		ASSERT_TRUE(driver_agrees_with_maps(self->segment, getpid(),
						    about.inode))
			TH_LOG("at step %u", step);
		if (mappings_total(self->segment) > most)
			most = mappings_total(self->segment);
		if (step % 64)
			continue;
		for (child = 0; child < CHILDREN; child++) {
			pid_t pid = children[child];

			if (!pid)
				continue;
			ASSERT_TRUE(driver_agrees_with_maps(self->segment, pid,
							    about.inode))
				TH_LOG("child at step %u", step);
		}
	}
	for (step = 0; step < CHILDREN; step++) {
		if (children[step]) {
			kill(children[step], SIGKILL);
			reap(children[step]);
		}
	}
	EXPECT_LT(10, most);
	munmap(arena, ARENA_PAGES * page);
}

TEST_HARNESS_MAIN

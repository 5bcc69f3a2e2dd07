// SPDX-License-Identifier: GPL-2.0
/* Names: which there are, who holds one, where it is seen; and LIST. */
#include <sched.h>

#include "shmdev_test.h"

static int create_raw(int door, const char *name)
{
	struct shmdev_create arg = {
		.size = sizeof(arg),
		.bytes = page_bytes(),
		.mode = 0600,
	};

	memcpy(arg.name, name, sizeof(arg.name));
	return ioctl(door, SHMDEV_IOC_CREATE, &arg);
}

static int open_raw(int door, const char *name)
{
	struct shmdev_open arg = { .size = sizeof(arg) };

	memcpy(arg.name, name, sizeof(arg.name));
	return ioctl(door, SHMDEV_IOC_OPEN, &arg);
}

static int remove_raw(int door, const char *name)
{
	struct shmdev_remove arg = { .size = sizeof(arg) };

	memcpy(arg.name, name, sizeof(arg.name));
	return ioctl(door, SHMDEV_IOC_REMOVE, &arg);
}

FIXTURE(bad_name) {
	int door;
	char name[SHMDEV_NAME_SIZE];
	struct state before;
};

FIXTURE_VARIANT(bad_name) {
	const char *name;
	int error;
};

FIXTURE_VARIANT_ADD(bad_name, slash) { "a/b", EINVAL };
FIXTURE_VARIANT_ADD(bad_name, leading_slash) { "/a", EINVAL };
FIXTURE_VARIANT_ADD(bad_name, only_a_slash) { "/", EINVAL };
FIXTURE_VARIANT_ADD(bad_name, newline) { "a\nb", EINVAL };
FIXTURE_VARIANT_ADD(bad_name, escape) { "\033[2J", EINVAL };
FIXTURE_VARIANT_ADD(bad_name, byte_01) { "\001", EINVAL };
FIXTURE_VARIANT_ADD(bad_name, byte_1f) { "a\037", EINVAL };
FIXTURE_VARIANT_ADD(bad_name, del) { "a\177", EINVAL };
FIXTURE_VARIANT_ADD(bad_name, dot) { ".", EINVAL };
FIXTURE_VARIANT_ADD(bad_name, dot_dot) { "..", EINVAL };
FIXTURE_VARIANT_ADD(bad_name, unterminated) { NULL, ENAMETOOLONG };

FIXTURE_SETUP(bad_name)
{
	self->door = open_door();
	ASSERT_LE(0, self->door);
	if (variant->name)
		strcpy(self->name, variant->name);
	else
		memset(self->name, 'a', sizeof(self->name));
	self->before = take_state(self->door);
}

FIXTURE_TEARDOWN(bad_name)
{
	expect_unchanged(_metadata, self->door, &self->before);
	close(self->door);
}

/* CREATE @name: no '/', control character or DEL; not "." and ".." */
TEST_F(bad_name, is_refused_by_create)
{
	EXPECT_ERRNO(variant->error, create_raw(self->door, self->name));
}

/* OPEN: "errors", EINVAL: a name that has no meaning */
TEST_F(bad_name, is_refused_by_open)
{
	EXPECT_ERRNO(variant->error, open_raw(self->door, self->name));
}

/* REMOVE: "errors", EINVAL: a name that has no meaning */
TEST_F(bad_name, is_refused_by_remove)
{
	EXPECT_ERRNO(variant->error, remove_raw(self->door, self->name));
}

FIXTURE(names) {
	int door;
	char name[SHMDEV_NAME_SIZE];
	struct state before;
};

/* The id of the one segment of this name in another IPC namespace, or 0. */
static __u64 foreign_id(int door, const char *name)
{
	struct shmdev_info entries[64];
	struct stat ns;
	int count, i;

	if (stat("/proc/self/ns/ipc", &ns))
		return 0;
	count = list(door, SHMDEV_LIST_F_EVERYWHERE, 0, entries,
		     ARRAY_SIZE(entries));
	for (i = 0; i < count; i++)
		if (entries[i].ipc_ns != ns.st_ino &&
		    !strcmp(entries[i].name, name))
			return entries[i].id;
	return 0;
}

FIXTURE_SETUP(names)
{
	self->door = open_door();
	ASSERT_LE(0, self->door);
	make_name(self->name, "name");
	self->before = take_state(self->door);
}

FIXTURE_TEARDOWN(names)
{
	remove_named(self->door, self->name);
	remove_id(self->door, foreign_id(self->door, self->name));
	expect_unchanged(_metadata, self->door, &self->before);
	close(self->door);
}

/* OPEN, REMOVE: "errors", EINVAL: no name where one is needed */
TEST_F(names, empty_name_is_einval_where_one_is_needed)
{
	struct state before = take_state(self->door);

	EXPECT_ERRNO(EINVAL, open_named(self->door, "", O_RDWR));
	EXPECT_ERRNO(EINVAL, remove_named(self->door, ""));
	EXPECT_ERRNO(EINVAL, create_kept(self->door, "", page_bytes()));
	expect_unchanged(_metadata, self->door, &before);
}

/* CREATE @name: "Letters, digits and any other bytes" */
TEST_F(names, every_other_byte_is_allowed)
{
	char name[SHMDEV_NAME_SIZE] = "";
	struct shmdev_info about;
	int byte, segment;

	for (byte = ' '; byte < 256; byte++) {
		if (byte == '/' || byte == 0x7f)
			continue;
		snprintf(name, sizeof(name), "%.40s-%c", self->name, byte);
		segment = create_named(self->door, name, page_bytes());
		EXPECT_LE(0, segment)
			TH_LOG("byte 0x%02x: %s", byte, strerror(errno));
		EXPECT_EQ(0, info(segment, &about));
		EXPECT_STREQ(name, about.name);
		close(segment);
	}
}

/* CREATE @name: names that only look like those of directories */
TEST_F(names, more_than_two_dots_are_a_name)
{
	int segment = create_named(self->door, "...", page_bytes());

	EXPECT_LE(0, segment);
	close(segment);
	segment = create_named(self->door, ".hidden", page_bytes());
	EXPECT_LE(0, segment);
	close(segment);
}

/* SHMDEV_NAME_SIZE: bytes for a name with its terminating zero */
TEST_F(names, sixty_three_bytes_fit)
{
	char name[SHMDEV_NAME_SIZE];
	struct shmdev_info about;
	int segment, again;

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	segment = create_named(self->door, name, page_bytes());
	ASSERT_LE(0, segment);
	ASSERT_EQ(0, info(segment, &about));
	EXPECT_STREQ(name, about.name);
	again = open_named(self->door, name, O_RDWR);
	EXPECT_LE(0, again);
	EXPECT_EQ(id_of(segment), id_of(again));
	close(again);
	close(segment);
}

/* "structs": bytes behind the terminating zero are not part of a name */
TEST_F(names, what_follows_the_zero_does_not_come_back)
{
	char name[SHMDEV_NAME_SIZE];
	struct shmdev_info about;
	int segment;
	size_t length = strlen(self->name);

	memset(name, 'x', sizeof(name));
	strcpy(name, self->name);
	segment = create_raw(self->door, name);
	ASSERT_LE(0, segment);
	ASSERT_EQ(0, info(segment, &about));
	EXPECT_STREQ(self->name, about.name);
	EXPECT_TRUE(all_bytes(about.name + length, 0,
			      sizeof(about.name) - length));
	close(segment);
}

/* CREATE @endpoint: "errors", ENAMETOOLONG for its array too */
TEST_F(names, unterminated_endpoint_is_enametoolong)
{
	struct shmdev_create arg = {
		.size = sizeof(arg),
		.bytes = page_bytes(),
		.mode = 0600,
	};
	struct state before = take_state(self->door);

	memset(arg.endpoint, 'e', sizeof(arg.endpoint));
	EXPECT_ERRNO(ENAMETOOLONG, ioctl(self->door, SHMDEV_IOC_CREATE, &arg));
	expect_unchanged(_metadata, self->door, &before);
}

/* "errors", EEXIST: the name is taken */
TEST_F(names, taken_name_is_eexist)
{
	int segment = create_named(self->door, self->name, page_bytes());
	struct state before;

	ASSERT_LE(0, segment);
	ASSERT_EQ(4, pwrite(segment, "mine", 4, 0));
	before = take_state(self->door);
	EXPECT_ERRNO(EEXIST, create_named(self->door, self->name,
					  page_bytes()));
	EXPECT_ERRNO(EEXIST, create_kept(self->door, self->name,
					 2 * page_bytes()));
	expect_unchanged(_metadata, self->door, &before);
	close(segment);
}

/* "errors", ENOENT: there is no segment of this name */
TEST_F(names, unknown_name_is_enoent)
{
	char longer[SHMDEV_NAME_SIZE], shorter[SHMDEV_NAME_SIZE];
	int segment = create_named(self->door, self->name, page_bytes());
	struct state before = take_state(self->door);

	ASSERT_LE(0, segment);
	snprintf(longer, sizeof(longer), "%.40sx", self->name);
	strcpy(shorter, self->name);
	shorter[strlen(shorter) - 1] = '\0';
	EXPECT_ERRNO(ENOENT, open_named(self->door, longer, O_RDWR));
	EXPECT_ERRNO(ENOENT, open_named(self->door, shorter, O_RDWR));
	EXPECT_ERRNO(ENOENT, remove_named(self->door, longer));
	EXPECT_ERRNO(ENOENT, remove_named(self->door, shorter));
	self->name[0] ^= 0x20;
	EXPECT_ERRNO(ENOENT, open_named(self->door, self->name, O_RDWR));
	self->name[0] ^= 0x20;
	expect_unchanged(_metadata, self->door, &before);
	close(segment);
}

/* REMOVE: takes the name away, at once; it can be given to another segment */
TEST_F(names, removed_name_can_be_given_again)
{
	int first = create_named(self->door, self->name, page_bytes());
	char *view = map(first, page_bytes(), PROT_READ | PROT_WRITE);
	struct shmdev_info about;
	int second, opened;

	ASSERT_NE(MAP_FAILED, view);
	strcpy(view, "first");
	ASSERT_EQ(0, remove_named(self->door, self->name));
	EXPECT_ERRNO(ENOENT, open_named(self->door, self->name, O_RDWR));

	second = create_named(self->door, self->name, page_bytes());
	ASSERT_LE(0, second);
	ASSERT_EQ(7, pwrite(second, "second", 7, 0));
	opened = open_named(self->door, self->name, O_RDWR);
	EXPECT_EQ(id_of(second), id_of(opened));
	EXPECT_NE(id_of(first), id_of(second));
	EXPECT_STREQ("first", view);
	ASSERT_EQ(0, info(first, &about));
	EXPECT_STREQ("", about.name);

	/* The first one's end leaves the name with the second. */
	munmap(view, page_bytes());
	close(first);
	close(opened);
	opened = open_named(self->door, self->name, O_RDWR);
	EXPECT_EQ(id_of(second), id_of(opened));
	close(opened);
	close(second);
}

/* CREATE: the segment lives until the last file and mapping of it has gone */
TEST_F(names, name_is_free_when_its_segment_has_gone)
{
	int round, segment;

	for (round = 0; round < 20; round++) {
		segment = create_named(self->door, self->name, page_bytes());
		ASSERT_LE(0, segment);
		close(segment);
	}
	EXPECT_ERRNO(ENOENT, open_named(self->door, self->name, O_RDWR));
}

/* INFO @id: never used again while the driver is loaded */
TEST_F(names, ids_only_rise)
{
	__u64 last = 1;
	int round;

	for (round = 0; round < 20; round++) {
		int segment = create_anonymous(self->door, page_bytes());

		ASSERT_LT(last, id_of(segment));
		last = id_of(segment);
		close(segment);
	}
}

/* INFO @created: nanoseconds since the epoch */
TEST_F(names, created_is_now)
{
	struct timespec before, after;
	struct shmdev_info about;
	int segment;

	clock_gettime(CLOCK_REALTIME, &before);
	segment = create_anonymous(self->door, page_bytes());
	clock_gettime(CLOCK_REALTIME, &after);
	ASSERT_EQ(0, info(segment, &about));
	EXPECT_LE(before.tv_sec * 1000000000LL + before.tv_nsec,
		  (long long)about.created);
	EXPECT_GE(after.tv_sec * 1000000000LL + after.tv_nsec,
		  (long long)about.created);
	close(segment);
}

/* LIST: by ascending id, exactly once; give @after back to go on */
TEST_F(names, list_pages_show_each_segment_once)
{
	struct shmdev_list arg = { .size = sizeof(arg) };
	struct shmdev_info entries[2];
	int segments[5], seen[5] = { 0 };
	__u64 ids[5], last;
	__u32 room;
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(segments); i++) {
		segments[i] = create_anonymous(self->door, page_bytes());
		ids[i] = id_of(segments[i]);
		ASSERT_NE(0, ids[i]);
	}
	for (room = 1; room <= 2; room++) {
		last = 0;
		arg.after = 0;
		for (;;) {
			arg.entries = (uintptr_t)entries;
			arg.entry_size = sizeof(entries[0]);
			arg.count = room;
			ASSERT_EQ(0, ioctl(self->door, SHMDEV_IOC_LIST, &arg));
			ASSERT_GE(room, arg.count);
			if (!arg.count)
				break;
			for (i = 0; i < arg.count; i++) {
				EXPECT_LT(last, entries[i].id);
				last = entries[i].id;
				for (k = 0; k < ARRAY_SIZE(ids); k++)
					seen[k] += ids[k] == last;
			}
			EXPECT_LE(last, arg.after);
		}
		for (k = 0; k < ARRAY_SIZE(ids); k++)
			EXPECT_EQ(room, seen[k]);
	}
	for (i = 0; i < ARRAY_SIZE(segments); i++)
		close(segments[i]);
}

/* LIST @count: out: entries that were written, 0 at the end */
TEST_F(names, list_ends_with_nothing)
{
	struct shmdev_info entry;

	EXPECT_EQ(0, list(self->door, 0, ~0ULL, &entry, 1));
	EXPECT_EQ(0, list(self->door, 0, ~0ULL - 1, &entry, 1));
	EXPECT_EQ(0, list(self->door, 0, 1ULL << 32, &entry, 1));
}

/* LIST @count: more room than there are segments is no error */
TEST_F(names, list_fills_a_huge_array_as_far_as_it_goes)
{
	const __u32 room = 1 << 16;
	size_t bytes = room * sizeof(struct shmdev_info);
	struct shmdev_info *entries = mmap(NULL, bytes,
					   PROT_READ | PROT_WRITE,
					   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int segment = create_anonymous(self->door, page_bytes());
	int count;

	ASSERT_NE(MAP_FAILED, entries);
	count = list(self->door, 0, 0, entries, room);
	ASSERT_LE(2, count);
	EXPECT_EQ(id_of(segment), entries[count - 1].id);
	EXPECT_TRUE(all_bytes(&entries[count], 0, sizeof(*entries)));
	munmap(entries, bytes);
	close(segment);
}

/* LIST: the default segment among them */
TEST_F(names, list_begins_with_the_default_segment)
{
	struct shmdev_info entry;

	ASSERT_EQ(1, list(self->door, 0, 0, &entry, 1));
	EXPECT_EQ(1, entry.id);
	EXPECT_EQ(SHMDEV_INFO_F_DEFAULT, entry.flags);
	EXPECT_STREQ("hello", entry.endpoint);
	EXPECT_EQ(lseek(self->door, 0, SEEK_END), entry.bytes);
}

/* LIST: its entries are what INFO says */
TEST_F(names, list_and_info_agree)
{
	struct shmdev_info entry, about;
	int segment = create(self->door, self->name, 2 * page_bytes(), 0640,
			     SHMDEV_CREATE_F_KEEP, "hello");

	ASSERT_LE(0, segment);
	ASSERT_EQ(0, info(segment, &about));
	ASSERT_TRUE(listed(self->door, 0, about.id, &entry));
	EXPECT_EQ(0, memcmp(&entry, &about, sizeof(about)));
	EXPECT_STREQ(self->name, entry.name);
	EXPECT_EQ(SHMDEV_INFO_F_KEEP, entry.flags);
	EXPECT_EQ(0640, entry.mode);
	close(segment);
}

/*
 * A child in an IPC namespace of its own, with the same door. It tells when it
 * is there, and ends when it is told to.
 */
struct container {
	pid_t pid;
	int tell;
	int hear;
};

static void hello_from(int tell)
{
	CHILD_CHECK(write(tell, "!", 1) == 1);
}

static char wait_for(int hear)
{
	char byte = 0;

	return read(hear, &byte, 1) == 1 ? byte : 0;
}

static struct container contain(int door, const char *name)
{
	struct container container;
	struct shmdev_info about;
	struct stat ns;
	int up[2], down[2], segment;

	if (pipe(up) || pipe(down))
		return (struct container){ .pid = -1 };
	container.pid = fork_child();
	if (!container.pid) {
		CHILD_CHECK(!unshare(CLONE_NEWIPC));
		CHILD_CHECK(!stat("/proc/self/ns/ipc", &ns));
		segment = create_kept(door, name, page_bytes());
		CHILD_CHECK(segment >= 0);
		CHILD_CHECK(!info(segment, &about));
		CHILD_CHECK(about.ipc_ns == ns.st_ino);
		CHILD_CHECK(pwrite(segment, "inner", 5, 0) == 5);
		close(down[1]);
		hello_from(up[1]);
		wait_for(down[0]);
		_exit(0);
	}
	close(up[1]);
	close(down[0]);
	container.hear = up[0];
	container.tell = down[1];
	if (wait_for(container.hear) != '!')
		container.pid = -1;
	return container;
}

static int release(struct container *container)
{
	close(container->tell);
	close(container->hear);
	return reap(container->pid);
}

/* CREATE @name: unique in the caller's IPC namespace */
TEST_F(names, each_ipc_namespace_has_names_of_its_own)
{
	int outer = create_kept(self->door, self->name, page_bytes());
	struct container container;
	char text[6] = "";
	int opened;

	ASSERT_LE(0, outer);
	ASSERT_EQ(5, pwrite(outer, "outer", 5, 0));
	container = contain(self->door, self->name);
	ASSERT_LT(0, container.pid);
	opened = open_named(self->door, self->name, O_RDWR);
	EXPECT_EQ(id_of(outer), id_of(opened));
	EXPECT_EQ(5, pread(opened, text, 5, 0));
	EXPECT_STREQ("outer", text);
	close(opened);
	EXPECT_EQ(0, release(&container));
	close(outer);
}

/* "the device": a namespace ends when its last segment does */
TEST_F(names, dead_segments_hold_no_namespace)
{
	static const char path[] = "/proc/sys/user/max_ipc_namespaces";
	char saved[32];
	int round, status = 0;
	pid_t pid;

	ASSERT_LT(0, read_file(path, saved, sizeof(saved)));
	ASSERT_EQ(0, write_file(path, "8"));
	for (round = 0; round < 24 && !status; round++) {
		pid = fork_child();
		if (!pid) {
			int attempts = 0;

			/* The kernel frees them in its own time. */
			while (unshare(CLONE_NEWIPC)) {
				CHILD_CHECK(errno == ENOSPC);
				CHILD_CHECK(attempts++ < 100);
				usleep(50000);
			}
			CHILD_CHECK(create_anonymous(self->door,
						     page_bytes()) >= 0);
			_exit(0);
		}
		status = reap(pid);
	}
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, write_file(path, saved));
}

/* LIST: the segments of the caller's IPC namespace; F_EVERYWHERE: of all */
TEST_F(names, list_shows_other_namespaces_only_everywhere)
{
	struct container container;
	__u64 id;

	container = contain(self->door, self->name);
	ASSERT_LT(0, container.pid);
	id = foreign_id(self->door, self->name);
	ASSERT_NE(0, id);
	EXPECT_TRUE(listed(self->door, SHMDEV_LIST_F_EVERYWHERE, id, NULL));
	EXPECT_FALSE(listed(self->door, 0, id, NULL));
	EXPECT_EQ(0, release(&container));
}

/* REMOVE: an administrator frees what a container left behind */
TEST_F(names, what_a_dead_namespace_kept_can_be_removed_by_id)
{
	struct container container;
	__u64 id;

	container = contain(self->door, self->name);
	ASSERT_LT(0, container.pid);
	EXPECT_EQ(0, release(&container));
	id = foreign_id(self->door, self->name);
	ASSERT_NE(0, id);
	EXPECT_ERRNO(ENOENT, remove_named(self->door, self->name));
	EXPECT_EQ(0, remove_id(self->door, id));
	EXPECT_ERRNO(ENOENT, remove_id(self->door, id));
}

/* REMOVE: an id of another namespace is for CAP_SYS_ADMIN only */
TEST_F(names, foreign_ids_are_enoent_without_privilege)
{
	int segment = create_kept(self->door, self->name, page_bytes());
	__u64 id = id_of(segment);
	pid_t pid;

	ASSERT_LE(0, segment);
	ASSERT_EQ(0, fchown(segment, 1001, 1001));
	pid = fork_child();
	if (!pid) {
		CHILD_CHECK(!unshare(CLONE_NEWIPC));
		become(1001, 1001, 1001);
		CHILD_CHECK(remove_id(self->door, id) == -1);
		CHILD_CHECK(errno == ENOENT);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_TRUE(listed(self->door, 0, id, NULL));
	close(segment);
}

/* LIST: F_EVERYWHERE needs CAP_SYS_ADMIN */
TEST_F(names, list_everywhere_is_eperm_without_privilege)
{
	struct shmdev_info entry;
	pid_t pid = fork_child();

	if (!pid) {
		become(1001, 1001, 1001);
		CHILD_CHECK(list(self->door, SHMDEV_LIST_F_EVERYWHERE, 0,
				 &entry, 1) == -1);
		CHILD_CHECK(errno == EPERM);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));

	/* Nor is the root of a user namespace an administrator of ours. */
	pid = fork_child();
	if (!pid) {
		if (unshare(CLONE_NEWUSER))
			_exit(errno == ENOSYS || errno == EINVAL ? 4 : 1);
		CHILD_CHECK(list(self->door, SHMDEV_LIST_F_EVERYWHERE, 0,
				 &entry, 1) == -1);
		CHILD_CHECK(errno == EPERM);
		_exit(0);
	}
	switch (reap(pid)) {
	case 0:
		break;
	case 4:
		SKIP(return, "no user namespaces in this kernel");
	default:
		EXPECT_TRUE(false) TH_LOG("in a user namespace");
	}
}

/* INFO @ipc_ns: where the name belongs, for whoever was handed the file */
TEST_F(names, segment_keeps_its_namespace_wherever_its_file_goes)
{
	int segment = create_named(self->door, self->name, page_bytes());
	struct shmdev_info about;
	struct stat ns;
	pid_t pid;

	ASSERT_EQ(0, stat("/proc/self/ns/ipc", &ns));
	ASSERT_EQ(0, info(segment, &about));
	EXPECT_EQ(ns.st_ino, about.ipc_ns);
	pid = fork_child();
	if (!pid) {
		CHILD_CHECK(!unshare(CLONE_NEWIPC));
		CHILD_CHECK(!info(segment, &about));
		CHILD_CHECK(about.ipc_ns == ns.st_ino);
		CHILD_CHECK(open_named(self->door, self->name, O_RDWR) == -1);
		CHILD_CHECK(errno == ENOENT);
		CHILD_CHECK(!listed(self->door, 0, about.id, NULL));
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	close(segment);
}

TEST_HARNESS_MAIN

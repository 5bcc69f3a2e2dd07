// SPDX-License-Identifier: GPL-2.0
/* How long a segment lives, what holds it, and what holds the module. */
#include "shmdev_test.h"

FIXTURE(lifetime) {
	int door;
	char name[SHMDEV_NAME_SIZE];
	struct state before;
};

FIXTURE_SETUP(lifetime)
{
	self->door = open_door();
	ASSERT_LE(0, self->door);
	make_name(self->name, "life");
	self->before = take_state(self->door);
}

/* Whatever a test did, in the end everything is as it was. */
FIXTURE_TEARDOWN(lifetime)
{
	remove_named(self->door, self->name);
	expect_unchanged(_metadata, self->door, &self->before);
	close(self->door);
}

/* CREATE: the segment lives until the last file of it has gone */
TEST_F(lifetime, auto_segment_ends_with_its_last_file)
{
	int first = create_named(self->door, self->name, page_bytes());
	int second = open_named(self->door, self->name, O_RDONLY);
	int third = dup(first);
	__u64 id = id_of(first);

	ASSERT_LE(0, second);
	close(first);
	EXPECT_TRUE(listed(self->door, 0, id, NULL));
	close(third);
	EXPECT_TRUE(listed(self->door, 0, id, NULL));
	close(second);
	EXPECT_FALSE(listed(self->door, 0, id, NULL));
	EXPECT_ERRNO(ENOENT, open_named(self->door, self->name, O_RDONLY));
}

/* CREATE: ... and the last mapping */
TEST_F(lifetime, mapping_alone_holds_memory_and_name)
{
	int segment = create_named(self->door, self->name, page_bytes());
	char *view = map(segment, page_bytes(), PROT_READ | PROT_WRITE);
	char text[6] = "";

	ASSERT_NE(MAP_FAILED, view);
	close(segment);
	strcpy(view, "still");
	segment = open_named(self->door, self->name, O_RDWR);
	ASSERT_LE(0, segment);
	EXPECT_EQ(5, pread(segment, text, 5, 0));
	EXPECT_STREQ("still", text);
	close(segment);
	munmap(view, page_bytes());
	EXPECT_ERRNO(ENOENT, open_named(self->door, self->name, O_RDWR));
}

/* CREATE: F_KEEP makes its name hold it too, until REMOVE */
TEST_F(lifetime, kept_segment_waits_for_remove)
{
	int segment = create_kept(self->door, self->name, page_bytes());
	struct shmdev_info about;
	char text[5] = "";
	__u64 id = id_of(segment);

	ASSERT_EQ(4, pwrite(segment, "kept", 4, 0));
	close(segment);
	ASSERT_TRUE(listed(self->door, 0, id, &about));
	EXPECT_EQ(SHMDEV_INFO_F_KEEP, about.flags);
	EXPECT_EQ(0, about.files);
	segment = open_named(self->door, self->name, O_RDWR);
	ASSERT_LE(0, segment);
	EXPECT_EQ(id, id_of(segment));
	EXPECT_EQ(4, pread(segment, text, 4, 0));
	EXPECT_STREQ("kept", text);
	close(segment);
	EXPECT_EQ(0, remove_named(self->door, self->name));
	EXPECT_FALSE(listed(self->door, 0, id, NULL));
	EXPECT_ERRNO(ENOENT, remove_named(self->door, self->name));
}

/* CREATE: F_KEEP needs a name */
TEST_F(lifetime, keep_without_a_name_is_einval)
{
	EXPECT_ERRNO(EINVAL, create_kept(self->door, NULL, page_bytes()));
}

/* INFO @creator: 0 if it has ended */
TEST_F(lifetime, creator_is_forgotten_when_it_ends)
{
	struct shmdev_info about;
	int segment;
	pid_t pid = fork_child();

	if (!pid) {
		segment = create_kept(self->door, self->name, page_bytes());
		CHILD_CHECK(!info(segment, &about));
		CHILD_CHECK(about.creator == (__u32)getpid());
		_exit(0);
	}
	ASSERT_EQ(0, reap(pid));
	segment = open_named(self->door, self->name, O_RDONLY);
	ASSERT_EQ(0, info(segment, &about));
	EXPECT_EQ(0, about.creator);
	close(segment);
}

/* REMOVE: the memory goes with the last file and mapping */
TEST_F(lifetime, removed_segment_serves_those_who_have_it)
{
	int segment = create_kept(self->door, self->name, 2 * page_bytes());
	char *view = map(segment, page_bytes(), PROT_READ | PROT_WRITE);
	struct shmdev_info about;
	__u64 id = id_of(segment);

	ASSERT_NE(MAP_FAILED, view);
	ASSERT_EQ(0, remove_named(self->door, self->name));
	EXPECT_ERRNO(ENOENT, remove_named(self->door, self->name));
	ASSERT_EQ(0, info(segment, &about));
	EXPECT_STREQ("", about.name);
	EXPECT_EQ(0, about.flags);
	EXPECT_EQ(1, about.mappings);
	strcpy(view, "here");
	EXPECT_EQ(5, pwrite(segment, "there", 5, page_bytes()));
	close(segment);
	EXPECT_STREQ("here", view);
	EXPECT_TRUE(listed(self->door, 0, id, NULL));
	munmap(view, page_bytes());
	EXPECT_FALSE(listed(self->door, 0, id, NULL));
}

/* REMOVE: an automatic name can be taken away too */
TEST_F(lifetime, remove_takes_an_automatic_name)
{
	int segment = create_named(self->door, self->name, page_bytes());

	ASSERT_LE(0, segment);
	EXPECT_EQ(0, remove_named(self->door, self->name));
	EXPECT_ERRNO(ENOENT, open_named(self->door, self->name, O_RDWR));
	EXPECT_EQ(1, pwrite(segment, "x", 1, 0));
	close(segment);
}

/* REMOVE @id: a segment's id, if @name is empty; else 0 */
TEST_F(lifetime, remove_goes_by_id_too)
{
	struct shmdev_remove arg = { .size = sizeof(arg) };
	int segment = create_kept(self->door, self->name, page_bytes());
	__u64 id = id_of(segment);

	ASSERT_NE(0, id);
	close(segment);
	strcpy(arg.name, self->name);
	arg.id = id;
	EXPECT_ERRNO(EINVAL, ioctl(self->door, SHMDEV_IOC_REMOVE, &arg));
	EXPECT_ERRNO(ENOENT, remove_id(self->door, id + 1));
	EXPECT_ERRNO(ENOENT, remove_id(self->door, id + (1ULL << 32)));
	EXPECT_ERRNO(ENOENT, remove_id(self->door, ~0ULL));
	EXPECT_TRUE(listed(self->door, 0, id, NULL));
	EXPECT_EQ(0, remove_id(self->door, id));
	EXPECT_ERRNO(ENOENT, remove_id(self->door, id));
}

/* "the device": the default segment is made when the driver is loaded */
TEST_F(lifetime, default_segment_cannot_be_removed)
{
	EXPECT_EQ(-1, remove_id(self->door, 1));
	EXPECT_TRUE(errno == EPERM || errno == EINVAL || errno == ENOENT)
		TH_LOG("%s", strerror(errno));
	EXPECT_TRUE(listed(self->door, 0, 1, NULL));
}

/* "the device": any file and any mapping keeps the module in place */
TEST_F(lifetime, module_stays_while_only_a_mapping_is_left)
{
	int base = module_refcnt(), segment;
	char *view;

	if (base < 0)
		SKIP(return, "this kernel cannot unload modules");
	segment = create_anonymous(self->door, page_bytes());
	view = map(segment, page_bytes(), PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, view);
	close(segment);
	close(self->door);
	EXPECT_LE(1, module_refcnt());
	EXPECT_EQ(-1, syscall(SYS_delete_module, "shmdev", O_NONBLOCK));
	EXPECT_TRUE(errno == EWOULDBLOCK || errno == EBUSY)
		TH_LOG("%s", strerror(errno));
	EXPECT_EQ(0, touch_write(view));
	self->door = open_door();
	ASSERT_LE(0, self->door);
	munmap(view, page_bytes());
	EXPECT_EQ(base, module_refcnt());
}

/* "the device": a mapping of /dev/shmdev is one of the default segment */
TEST_F(lifetime, module_stays_while_only_the_default_is_mapped)
{
	int base = module_refcnt();
	char *view;

	if (base < 0)
		SKIP(return, "this kernel cannot unload modules");
	view = map(self->door, page_bytes(), PROT_READ);
	ASSERT_NE(MAP_FAILED, view);
	close(self->door);
	EXPECT_LE(1, module_refcnt());
	EXPECT_EQ(-1, syscall(SYS_delete_module, "shmdev", O_NONBLOCK));
	EXPECT_EQ(0, touch_read(view));
	self->door = open_door();
	ASSERT_LE(0, self->door);
	munmap(view, page_bytes());
	EXPECT_EQ(base, module_refcnt());
}

/* CREATE: the name of a kept segment holds it, and with it the module */
TEST_F(lifetime, kept_name_pins_the_module_until_removed)
{
	int base = module_refcnt();

	if (base < 0)
		SKIP(return, "this kernel cannot unload modules");
	close(create_kept(self->door, self->name, page_bytes()));
	EXPECT_EQ(base + 1, module_refcnt());
	close(self->door);
	EXPECT_LE(1, module_refcnt());
	EXPECT_EQ(-1, syscall(SYS_delete_module, "shmdev", O_NONBLOCK));
	EXPECT_TRUE(errno == EWOULDBLOCK || errno == EBUSY)
		TH_LOG("%s", strerror(errno));
	self->door = open_door();
	ASSERT_LE(0, self->door);
	EXPECT_EQ(0, remove_named(self->door, self->name));
	EXPECT_EQ(base, module_refcnt());
}

/* "the device": a segment file can be handed to another process */
TEST_F(lifetime, file_goes_through_a_socket)
{
	int segment = create_anonymous(self->door, page_bytes());
	__u64 id = id_of(segment);
	char text[8] = "";
	int ends[2];
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	pid = fork_child();
	if (!pid) {
		struct shmdev_info about;
		int fd;

		close(segment);
		close(self->door);
		fd = receive_fd(ends[1]);
		CHILD_CHECK(!info(fd, &about));
		CHILD_CHECK(about.id == id);
		CHILD_CHECK(pwrite(fd, "handed", 6, 0) == 6);
		_exit(0);
	}
	EXPECT_EQ(0, send_fd(ends[0], segment));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(6, pread(segment, text, 6, 0));
	EXPECT_STREQ("handed", text);
	close(ends[0]);
	close(ends[1]);
	close(segment);
}

/* CREATE: a file in flight is a file */
TEST_F(lifetime, file_in_flight_holds_the_segment)
{
	int segment = create_named(self->door, self->name, page_bytes());
	int base = module_refcnt(), ends[2], got;
	__u64 id = id_of(segment);
	char text[7] = "";

	ASSERT_EQ(6, pwrite(segment, "flying", 6, 0));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	ASSERT_EQ(0, send_fd(ends[0], segment));
	close(segment);
	EXPECT_TRUE(listed(self->door, 0, id, NULL));
	EXPECT_EQ(base, module_refcnt());
	got = receive_fd(ends[1]);
	ASSERT_LE(0, got);
	EXPECT_EQ(6, pread(got, text, 6, 0));
	EXPECT_STREQ("flying", text);

	/* And one that is never received goes with the socket. */
	ASSERT_EQ(0, send_fd(ends[0], got));
	close(got);
	close(ends[0]);
	close(ends[1]);
	EXPECT_FALSE(listed(self->door, 0, id, NULL));
}

/* CREATE: a child has the files and mappings of its parent */
TEST_F(lifetime, forked_child_holds_the_segment)
{
	int segment = create_named(self->door, self->name, page_bytes());
	char *view = map(segment, page_bytes(), PROT_READ | PROT_WRITE);
	__u64 id = id_of(segment);
	int go[2];
	pid_t pid;
	char byte;

	ASSERT_NE(MAP_FAILED, view);
	ASSERT_EQ(0, pipe(go));
	pid = fork_child();
	if (!pid) {
		close(go[1]);
		CHILD_CHECK(read(go[0], &byte, 1) == 0);
		CHILD_CHECK(!strcmp(view, "parent"));
		strcpy(view, "child");
		_exit(0);
	}
	strcpy(view, "parent");
	munmap(view, page_bytes());
	close(segment);
	EXPECT_TRUE(listed(self->door, 0, id, NULL));
	segment = open_named(self->door, self->name, O_RDONLY);
	EXPECT_LE(0, segment);
	close(go[1]);
	EXPECT_EQ(0, reap(pid));
	view = map(segment, page_bytes(), PROT_READ);
	ASSERT_NE(MAP_FAILED, view);
	EXPECT_STREQ("child", view);
	munmap(view, page_bytes());
	close(segment);
	close(go[0]);
	EXPECT_FALSE(listed(self->door, 0, id, NULL));
}

/* CREATE, OPEN: return a descriptor that is close-on-exec */
TEST_F(lifetime, files_are_closed_at_exec)
{
	int segment = create_named(self->door, self->name, page_bytes());
	int opened = open_named(self->door, self->name, O_RDONLY);
	int ends[2];
	__u64 id = id_of(segment);
	pid_t pid;

	EXPECT_EQ(FD_CLOEXEC, fcntl(segment, F_GETFD));
	EXPECT_EQ(FD_CLOEXEC, fcntl(opened, F_GETFD));
	close(opened);
	close(segment);

	/* The shell says when it runs, and ends when its input does. */
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	pid = fork_child();
	if (!pid) {
		close(ends[0]);
		segment = create_named(self->door, self->name, page_bytes());
		CHILD_CHECK(segment >= 0);
		CHILD_CHECK(map(segment, page_bytes(), PROT_READ) !=
			    MAP_FAILED);
		CHILD_CHECK(dup2(ends[1], 0) == 0 && dup2(ends[1], 1) == 1);
		close(ends[1]);
		execl("/bin/sh", "sh", "-c", "echo up; read line", NULL);
		CHILD_CHECK(false);
	}
	close(ends[1]);
	{
		char text[3] = "";

		EXPECT_EQ(3, read(ends[0], text, 3));
	}
	EXPECT_FALSE(listed(self->door, 0, id + 1, NULL));
	EXPECT_ERRNO(ENOENT, open_named(self->door, self->name, O_RDONLY));
	close(ends[0]);
	reap(pid);
}

/* CREATE: a process that is killed leaves nothing but what is kept */
TEST_F(lifetime, nothing_is_left_of_a_killed_process)
{
	int ready[2];
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(ready));
	pid = fork_child();
	if (!pid) {
		int segment = create_named(self->door, self->name,
					   16 * page_bytes());

		CHILD_CHECK(map(segment, page_bytes(), PROT_READ) !=
			    MAP_FAILED);
		CHILD_CHECK(create_anonymous(self->door, page_bytes()) >= 0);
		CHILD_CHECK(write(ready[1], "!", 1) == 1);
		for (;;)
			pause();
	}
	close(ready[1]);
	EXPECT_EQ(1, read(ready[0], &byte, 1));
	close(ready[0]);
	EXPECT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, reap(pid));
	EXPECT_ERRNO(ENOENT, open_named(self->door, self->name, O_RDONLY));
}

/* "the device": what is reopened through /proc is a segment file as well */
TEST_F(lifetime, file_reopened_through_proc_is_the_segment)
{
	int segment = create_named(self->door, self->name, page_bytes());
	int again = reopen(segment, O_RDWR);
	__u64 id = id_of(segment);
	struct shmdev_info about;

	ASSERT_LE(0, again);
	ASSERT_EQ(0, info(again, &about));
	EXPECT_EQ(id, about.id);
	EXPECT_EQ(2, about.files);
	close(segment);
	EXPECT_TRUE(listed(self->door, 0, id, NULL));
	EXPECT_EQ(EOPNOTSUPP, fallocate(again, 0, 0, page_bytes()) ? errno : 0);
	close(again);
	EXPECT_FALSE(listed(self->door, 0, id, NULL));
}

/* "the device": ... and so is one reached through its mapping */
TEST_F(lifetime, file_reopened_through_map_files_is_the_segment)
{
	int segment = create_named(self->door, self->name, page_bytes());
	char *view = map(segment, page_bytes(), PROT_READ | PROT_WRITE);
	__u64 id = id_of(segment);
	char path[80];
	int again;

	ASSERT_NE(MAP_FAILED, view);
	close(segment);
	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx",
		 (long)view, (long)view + page_bytes());
	again = open(path, O_RDWR);
	ASSERT_LE(0, again);
	munmap(view, page_bytes());
	EXPECT_EQ(id, id_of(again));
	EXPECT_TRUE(listed(self->door, 0, id, NULL));
	close(again);
}

/* "the device": a path that leads to a segment does not keep it alive */
TEST_F(lifetime, dead_segment_is_not_reached_through_a_path)
{
	int segment = create_anonymous(self->door, page_bytes());
	int path = reopen(segment, O_PATH);
	__u64 id = id_of(segment);
	int live;

	ASSERT_LE(0, path);
	ASSERT_EQ(6, pwrite(segment, "secret", 6, 0));
	live = reopen(path, O_RDWR);
	EXPECT_LE(0, live);
	EXPECT_EQ(id, id_of(live));
	close(live);
	close(segment);
	EXPECT_FALSE(listed(self->door, 0, id, NULL));

	EXPECT_ERRNO(EIO, reopen(path, O_RDWR));
	EXPECT_ERRNO(EIO, reopen(path, O_RDONLY));
	close(path);
}

/* INFO @files, @mappings: what holds the segment now */
TEST_F(lifetime, info_counts_files_and_mappings)
{
	int segment = create_named(self->door, self->name, page_bytes());
	int second = open_named(self->door, self->name, O_RDONLY);
	int third = dup(segment);
	char *view = map(segment, page_bytes(), PROT_READ);
	struct shmdev_info about;

	ASSERT_NE(MAP_FAILED, view);
	ASSERT_EQ(0, info(segment, &about));
	EXPECT_EQ(2, about.files);
	EXPECT_EQ(1, about.mappings);
	close(third);
	close(second);
	munmap(view, page_bytes());
	ASSERT_EQ(0, info(segment, &about));
	EXPECT_EQ(1, about.files);
	EXPECT_EQ(0, about.mappings);
	close(segment);
}

TEST_HARNESS_MAIN

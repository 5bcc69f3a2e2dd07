// SPDX-License-Identifier: GPL-2.0
/* poll(), select() and epoll, and LOOK, which ends what they report. */
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include "shmdev_test.h"

#define PATIENCE 5000	/* milliseconds that are never needed */

FIXTURE(poll) {
	struct target target;
	int fd;
	int other;
};

FIXTURE_VARIANT(poll) {
	enum kind kind;
};

FIXTURE_VARIANT_ADD(poll, door) { DOOR };
FIXTURE_VARIANT_ADD(poll, segment) { SEGMENT };

/* Another program may kick the default segment: the two files are our own. */
FIXTURE_SETUP(poll)
{
	ASSERT_EQ(0, target_open(&self->target, variant->kind, page_bytes(),
				 "hello"));
	self->fd = self->target.fd;
	self->other = reopen(self->fd, O_RDWR);
	ASSERT_LE(0, self->other);
}

FIXTURE_TEARDOWN(poll)
{
	close(self->other);
	EXPECT_EQ(0, target_close(&self->target));
}

/* LOOK: a file begins with everything looked at */
TEST_F(poll, new_file_is_not_readable)
{
	int late;

	EXPECT_FALSE(readable(self->fd, 0));
	ASSERT_EQ(0, kick(self->fd));
	late = reopen(self->fd, O_RDWR);
	EXPECT_FALSE(readable(late, 0));
	EXPECT_TRUE(readable(self->fd, 0));
	close(late);
}

/* LOOK: POLLIN from when something was made known until LOOK */
TEST_F(poll, kick_is_reported_until_looked_at)
{
	__u64 before = look(self->fd);

	ASSERT_EQ(0, kick(self->other));
	EXPECT_TRUE(readable(self->fd, 0));
	EXPECT_TRUE(readable(self->fd, 0));
	EXPECT_EQ(before + 1, look(self->fd));
	EXPECT_FALSE(readable(self->fd, 0));
	EXPECT_EQ(before + 1, look(self->fd));
}

/* "a call that fails changes nothing": who was not told has not looked */
TEST_F(poll, look_that_fails_is_no_look)
{
	struct shmdev_look *arg;

	arg = mmap(NULL, page_bytes(), PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, arg);
	arg->size = sizeof(*arg);
	ASSERT_EQ(0, mprotect(arg, page_bytes(), PROT_READ));
	ASSERT_EQ(0, kick(self->other));
	EXPECT_EQ(-1, ioctl(self->fd, SHMDEV_IOC_LOOK, arg));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_TRUE(readable(self->fd, 0));
	munmap(arg, page_bytes());
}

/* LOOK @events: several kicks are one report */
TEST_F(poll, one_look_ends_the_report_of_many_kicks)
{
	__u64 before = look(self->fd);
	struct shmdev_info about;
	int i;

	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, kick(self->other));
	EXPECT_TRUE(readable(self->fd, 0));
	EXPECT_EQ(before + 3, look(self->fd));
	EXPECT_FALSE(readable(self->fd, 0));
	ASSERT_EQ(0, info(self->fd, &about));
	EXPECT_EQ(before + 3, about.events);
}

/* LOOK: until LOOK on that same file */
TEST_F(poll, looking_is_each_files_own)
{
	int copy = dup(self->fd);

	ASSERT_EQ(0, kick(self->fd));
	EXPECT_TRUE(readable(self->fd, 0));
	EXPECT_TRUE(readable(self->other, 0));
	EXPECT_TRUE(readable(copy, 0));
	look(copy);
	EXPECT_FALSE(readable(self->fd, 0));
	EXPECT_FALSE(readable(copy, 0));
	EXPECT_TRUE(readable(self->other, 0));
	look(self->other);
	EXPECT_FALSE(readable(self->other, 0));
	close(copy);
}

/* LOOK: poll, LOOK, then read: reading alone ends nothing */
TEST_F(poll, reading_is_not_looking)
{
	char text[16];

	ASSERT_EQ(0, kick(self->other));
	EXPECT_EQ(sizeof(text), read(self->fd, text, sizeof(text)));
	EXPECT_TRUE(readable(self->fd, 0));
}

/* LOOK: for those who may only read, too */
TEST_F(poll, read_only_file_is_told_and_looks)
{
	int reader = reopen(self->fd, O_RDONLY);

	ASSERT_EQ(0, kick(self->fd));
	EXPECT_TRUE(readable(reader, 0));
	look(reader);
	EXPECT_FALSE(readable(reader, 0));
	close(reader);
}

/* poll(): POLLIN for files that can be read, POLLOUT for those to be written */
TEST_F(poll, rights_decide_what_is_reported)
{
	struct pollfd files[] = {
		{ .fd = reopen(self->fd, O_RDONLY), .events = POLLIN | POLLOUT },
		{ .fd = reopen(self->fd, O_WRONLY), .events = POLLIN | POLLOUT },
		{ .fd = reopen(self->fd, O_RDWR), .events = POLLIN | POLLOUT },
	};
	size_t i;

	ASSERT_EQ(0, kick(self->fd));
	EXPECT_EQ(3, poll(files, ARRAY_SIZE(files), 0));
	EXPECT_EQ(POLLIN, files[0].revents);
	EXPECT_EQ(POLLOUT, files[1].revents);
	EXPECT_EQ(POLLIN | POLLOUT, files[2].revents);
	for (i = 0; i < ARRAY_SIZE(files); i++)
		close(files[i].fd);
}

/* KICK: a kick that was not answered is not made known */
TEST_F(poll, refused_kick_is_not_reported)
{
	struct shmdev_kick arg = { .size = sizeof(arg), .argument = 1 };

	EXPECT_ERRNO(EINVAL, ioctl(self->fd, SHMDEV_IOC_KICK, &arg));
	EXPECT_FALSE(readable(self->fd, 0));
}

static void *kick_later(void *arg)
{
	int *fd = arg;

	usleep(20000);
	return kick(*fd) ? NULL : fd;
}

/* KICK: pollers of the segment are woken */
TEST_F(poll, sleeping_poller_is_woken)
{
	pthread_t thread;
	void *result;
	int round;

	for (round = 0; round < 5; round++) {
		ASSERT_EQ(0, pthread_create(&thread, NULL, kick_later,
					    &self->other));
		EXPECT_TRUE(readable(self->fd, PATIENCE));
		pthread_join(thread, &result);
		EXPECT_EQ(&self->other, result);
		look(self->fd);
	}
}

/* KICK: ... in whatever process they are */
TEST_F(poll, poller_in_another_process_is_woken)
{
	pid_t pid = fork_child();

	if (!pid) {
		CHILD_CHECK(readable(self->other, PATIENCE));
		_exit(0);
	}
	usleep(20000);
	ASSERT_EQ(0, kick(self->fd));
	EXPECT_EQ(0, reap(pid));
}

/* "the device": select() */
TEST_F(poll, select_reports_the_same)
{
	struct timeval now = { 0, 0 };
	fd_set set;

	FD_ZERO(&set);
	FD_SET(self->fd, &set);
	EXPECT_EQ(0, select(self->fd + 1, &set, NULL, NULL, &now));
	ASSERT_EQ(0, kick(self->other));
	FD_SET(self->fd, &set);
	EXPECT_EQ(1, select(self->fd + 1, &set, NULL, NULL, &now));
	EXPECT_TRUE(FD_ISSET(self->fd, &set));
}

/* "the device": epoll, level-triggered */
TEST_F(poll, level_triggered_epoll_repeats_until_looked_at)
{
	struct epoll_event event = { .events = EPOLLIN }, got;
	int set = epoll_create1(EPOLL_CLOEXEC);

	ASSERT_EQ(0, epoll_ctl(set, EPOLL_CTL_ADD, self->fd, &event));
	EXPECT_EQ(0, epoll_wait(set, &got, 1, 0));
	ASSERT_EQ(0, kick(self->other));
	EXPECT_EQ(1, epoll_wait(set, &got, 1, 0));
	EXPECT_EQ(1, epoll_wait(set, &got, 1, 0));
	EXPECT_EQ(EPOLLIN, got.events);
	look(self->fd);
	EXPECT_EQ(0, epoll_wait(set, &got, 1, 0));
	close(set);
}

/* "the device": epoll, edge-triggered */
TEST_F(poll, edge_triggered_epoll_reports_each_kick_once)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET }, got;
	int set = epoll_create1(EPOLL_CLOEXEC);
	int round;

	ASSERT_EQ(0, epoll_ctl(set, EPOLL_CTL_ADD, self->fd, &event));
	for (round = 0; round < 3; round++) {
		EXPECT_EQ(0, epoll_wait(set, &got, 1, 0));
		ASSERT_EQ(0, kick(self->other));
		EXPECT_EQ(1, epoll_wait(set, &got, 1, 0));
	}
	close(set);
}

/* "the device": an epoll set does not keep a closed file */
TEST_F(poll, closing_a_polled_file_leaves_the_set)
{
	struct epoll_event event = { .events = EPOLLIN }, got;
	int set = epoll_create1(EPOLL_CLOEXEC);
	int file = reopen(self->fd, O_RDWR);

	ASSERT_EQ(0, epoll_ctl(set, EPOLL_CTL_ADD, file, &event));
	ASSERT_EQ(0, kick(self->other));
	close(file);
	EXPECT_EQ(0, epoll_wait(set, &got, 1, 0));
	close(set);
}

/* KICK: without an endpoint nothing is ever made known */
TEST(segment_without_an_endpoint_is_never_readable)
{
	int door = open_door();
	int fd = create_anonymous(door, page_bytes());

	ASSERT_LE(0, fd);
	EXPECT_FALSE(readable(fd, 0));
	EXPECT_EQ(1, pwrite(fd, "x", 1, 0));
	EXPECT_FALSE(readable(fd, 20));
	EXPECT_EQ(0, look(fd));
	close(fd);
	close(door);
}

TEST_HARNESS_MAIN

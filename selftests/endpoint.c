// SPDX-License-Identifier: GPL-2.0
/*
 * Endpoints of other modules, and what is left of a segment when its endpoint
 * goes: with "sum" of driver/samples/shmdev_sum.c, which adds two words.
 */
#include <poll.h>
#include <pthread.h>

#include "module.h"

#define SAMPLE "shmdev_sum"

FIXTURE(endpoint) {
	int door;
	int fd;
	__u32 *word;
	bool there;
};

FIXTURE_SETUP(endpoint)
{
	self->door = open_door();
	ASSERT_LE(0, self->door);
	self->there = module_is_there(SAMPLE);
	if (!self->there)
		return;
	unload_module(SAMPLE);
	ASSERT_EQ(0, load_module(SAMPLE, "")) TH_LOG("%s", strerror(errno));
	self->fd = create(self->door, NULL, page_bytes(), 0600, 0, "sum");
	ASSERT_LE(0, self->fd);
	self->word = map(self->fd, page_bytes(), PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, self->word);
}

FIXTURE_TEARDOWN(endpoint)
{
	if (self->there) {
		munmap(self->word, page_bytes());
		close(self->fd);
		unload_module(SAMPLE);
	}
	close(self->door);
}

#define SKIP_WITHOUT_SAMPLE() do {					\
	if (!self->there)						\
		SKIP(return, SAMPLE ".ko is not in /lib/modules");	\
} while (0)

static bool has_shut_down(int fd)
{
	struct shmdev_info about;

	return !info(fd, &about) && about.flags & SHMDEV_INFO_F_SHUTDOWN;
}

/* CREATE @endpoint: any that a module has registered */
TEST_F(endpoint, of_another_module_answers)
{
	SKIP_WITHOUT_SAMPLE();
	self->word[0] = 19;
	self->word[1] = 23;
	EXPECT_EQ(0, kick(self->fd));
	EXPECT_EQ(42, self->word[2]);
	EXPECT_FALSE(has_shut_down(self->fd));
}

/* "errors", ESHUTDOWN: the endpoint has gone; the memory stays */
TEST_F(endpoint, that_has_gone_is_eshutdown)
{
	SKIP_WITHOUT_SAMPLE();
	self->word[0] = 5;
	self->word[1] = 6;
	EXPECT_EQ(0, kick(self->fd));
	ASSERT_EQ(0, unload_module(SAMPLE)) TH_LOG("%s", strerror(errno));
	EXPECT_TRUE(has_shut_down(self->fd));
	EXPECT_ERRNO(ESHUTDOWN, kick(self->fd));
	EXPECT_EQ(5, self->word[0]);
	EXPECT_EQ(11, self->word[2]);
	EXPECT_EQ(0, touch_write(self->word));
	EXPECT_ERRNO(ENOPROTOOPT, create(self->door, NULL, page_bytes(), 0600,
					 0, "sum"));
}

/* INFO, F_SHUTDOWN: an endpoint that comes back serves new segments only */
TEST_F(endpoint, that_comes_back_serves_new_segments_only)
{
	__u32 words[3] = { 1, 2, 0 };
	int fresh;

	SKIP_WITHOUT_SAMPLE();
	ASSERT_EQ(0, unload_module(SAMPLE));
	ASSERT_EQ(0, load_module(SAMPLE, ""));
	EXPECT_ERRNO(ESHUTDOWN, kick(self->fd));
	EXPECT_TRUE(has_shut_down(self->fd));
	fresh = create(self->door, NULL, page_bytes(), 0600, 0, "sum");
	ASSERT_LE(0, fresh);
	EXPECT_EQ(sizeof(words), pwrite(fresh, words, sizeof(words), 0));
	EXPECT_EQ(0, kick(fresh));
	EXPECT_EQ(sizeof(words), pread(fresh, words, sizeof(words), 0));
	EXPECT_EQ(3, words[2]);
	EXPECT_FALSE(has_shut_down(fresh));
	close(fresh);
}

struct kicker {
	int fd;
	unsigned int answered, shut_down, other;
};

static void *kick_until_it_has_gone(void *arg)
{
	struct kicker *kicker = arg;

	while (kicker->shut_down < 10 && !kicker->other) {
		if (!kick(kicker->fd))
			__atomic_fetch_add(&kicker->answered, 1,
					   __ATOMIC_RELAXED);
		else if (errno == ESHUTDOWN)
			kicker->shut_down++;
		else
			kicker->other = errno;
	}
	return NULL;
}

/* "errors", ESHUTDOWN: from one kick to the next, and for good */
TEST_F(endpoint, goes_between_two_kicks)
{
	struct kicker kicker = { .fd = self->fd };
	pthread_t thread;

	SKIP_WITHOUT_SAMPLE();
	ASSERT_EQ(0, pthread_create(&thread, NULL, kick_until_it_has_gone,
				    &kicker));
	while (__atomic_load_n(&kicker.answered, __ATOMIC_RELAXED) < 100)
		usleep(100);
	EXPECT_EQ(0, unload_module(SAMPLE));
	pthread_join(thread, NULL);
	EXPECT_EQ(10, kicker.shut_down);
	EXPECT_EQ(0, kicker.other) TH_LOG("%s", strerror(kicker.other));
}

/* "the device": a module that uses the driver keeps it in place */
TEST_F(endpoint, module_holds_the_driver)
{
	SKIP_WITHOUT_SAMPLE();
	EXPECT_EQ(-1, unload_module("shmdev"));
	EXPECT_TRUE(errno == EWOULDBLOCK || errno == EBUSY);
}

TEST_HARNESS_MAIN

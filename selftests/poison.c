// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that the machine finds to be broken, as MADV_HWPOISON has it say of good
 * memory, which it does not use any more then.
 */
#include "shmdev_test.h"

#define PAGES 4
/* In the middle, so that both its neighbours stay. */
#define BROKEN 1

/* Newer kernels tell who has it mapped, and would not be ignored. */
static void heard(int sig)
{
}

static bool break_page(char *page)
{
	const struct sigaction hear = { .sa_handler = heard };
	struct sigaction before;
	int ret;

	sigaction(SIGBUS, &hear, &before);
	ret = madvise(page, page_bytes(), MADV_HWPOISON);
	sigaction(SIGBUS, &before, NULL);
	return !ret;
}

FIXTURE(poison) {
	struct state before;
	int door, segment;
	char *view;
	bool is_broken;
};

FIXTURE_SETUP(poison)
{
	self->door = open_door();
	ASSERT_LE(0, self->door);
	self->before = take_state(self->door);
	self->segment = create_anonymous(self->door, PAGES * page_bytes());
	ASSERT_LE(0, self->segment);
	self->view = map(self->segment, PAGES * page_bytes(),
			 PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, self->view);
	memset(self->view, 0x5a, PAGES * page_bytes());
	self->is_broken = break_page(self->view + BROKEN * page_bytes());
}

FIXTURE_TEARDOWN(poison)
{
	munmap(self->view, PAGES * page_bytes());
	close(self->segment);
	close(self->door);
}

#define SKIP_UNLESS_BROKEN() do {					\
	if (!self->is_broken)						\
		SKIP(return, "the kernel breaks no memory");		\
} while (0)

/* WAIT, EIO: no word is read from memory that is broken */
TEST_F(poison, wait_does_not_read_it)
{
	__u64 at = BROKEN * page_bytes();

	SKIP_UNLESS_BROKEN();
	EXPECT_ERRNO(EIO, wait_word(self->segment, at, 0, 0));
	EXPECT_ERRNO(EIO, wait_word(self->segment, at, 0x5a5a5a5a, 0));
	EXPECT_ERRNO(ETIMEDOUT, wait_word(self->segment, at - 4, 0x5a5a5a5a, 0));
	EXPECT_ERRNO(EAGAIN, wait_word(self->segment, at - 4, 0, 0));
}

/* "Memory": access fails as it does for any file in memory; the rest stays */
TEST_F(poison, other_pages_stay)
{
	char *broken = self->view + BROKEN * page_bytes();
	char byte = 0;

	SKIP_UNLESS_BROKEN();
	EXPECT_EQ(SIGBUS, touch_read(broken));
	EXPECT_EQ(SIGBUS, touch_write(broken));
	EXPECT_ERRNO(EIO, pread(self->segment, &byte, 1, BROKEN * page_bytes()));
	EXPECT_EQ(0, touch_write(broken - 1));
	EXPECT_EQ(0, touch_write(broken + page_bytes()));
	EXPECT_EQ(1, pread(self->segment, &byte, 1, 0));
	EXPECT_EQ(0x5a, byte);
}

/* "Lifetime": a segment with broken memory ends as others do */
TEST_F(poison, segment_ends)
{
	SKIP_UNLESS_BROKEN();
	munmap(self->view, PAGES * page_bytes());
	close(self->segment);
	self->segment = -1;
	expect_unchanged(_metadata, self->door, &self->before);
}

TEST_HARNESS_MAIN

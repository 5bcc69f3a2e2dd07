// SPDX-License-Identifier: GPL-2.0
/* ISOLATE and CLAIM: pages that processes may not write, whatever they try. */
#include <linux/io_uring.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "shmdev_test.h"

#define OTHER	1001
#define READ_WRITE (PROT_READ | PROT_WRITE)

/*
 * A segment that others may read:
 *
 *	page 0		isolated
 *	page 1		for writers
 *	pages 2, 3	isolated, to be claimed
 *	pages 4 to 7	for writers
 */
#define PAGES	8
#define WRITERS	1
#define CLAIMS	2
#define CLAIMED	2

FIXTURE(isolate) {
	int door;
	int fd;
	size_t page;
	size_t bytes;
	char name[SHMDEV_NAME_SIZE];
};

FIXTURE_SETUP(isolate)
{
	self->page = page_bytes();
	self->bytes = PAGES * self->page;
	self->door = open_door();
	make_name(self->name, "isolate");
	self->fd = create(self->door, self->name, self->bytes, 0644, 0,
			  "hello");
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, isolate(self->fd, 0, self->page, 0));
	ASSERT_EQ(0, isolate(self->fd, CLAIMS * self->page,
			     CLAIMED * self->page, SHMDEV_ISOLATE_F_CLAIMABLE));
}

FIXTURE_TEARDOWN(isolate)
{
	close(self->fd);
	close(self->door);
}

static char *map_pages(int fd, size_t first, size_t count, int prot)
{
	return mmap(NULL, count * page_bytes(), prot, MAP_SHARED, fd,
		    first * page_bytes());
}

static int claim_any(int fd, __u64 *offset)
{
	*offset = CLAIMS * page_bytes();
	return claim(fd, offset);
}

static bool is_isolated(int fd)
{
	struct shmdev_info arg;

	return !info(fd, &arg) && arg.flags & SHMDEV_INFO_F_ISOLATED;
}

/* ISOLATE: "A shared mapping that reaches such a page can only be mapped ..." */
TEST_F(isolate, pages_are_not_mapped_for_writing)
{
	size_t first, count;
	bool may;
	char *view;

	for (first = 0; first < PAGES; first++)
		for (count = 1; first + count <= PAGES; count++) {
			may = first >= 4 || (first == WRITERS && count == 1);
			view = map_pages(self->fd, first, count, READ_WRITE);
			EXPECT_EQ(may, view != MAP_FAILED);
			if (may) {
				EXPECT_EQ(0, touch_write(view));
				munmap(view, count * self->page);
			} else {
				EXPECT_EQ(EACCES, errno);
			}
		}
	EXPECT_ERRNO(EACCES, map_pages(self->fd, 0, 1, PROT_WRITE));
	EXPECT_ERRNO(EACCES, map_pages(self->fd, 3, 1, PROT_WRITE));
	EXPECT_EQ(0, mappings_total(self->fd));
}

/* ISOLATE: "... for reading, and never be made writable" */
TEST_F(isolate, reading_is_not_widened_by_mprotect)
{
	char *view = map_pages(self->fd, 0, PAGES, PROT_READ);
	char *none = map_pages(self->fd, 2, 1, PROT_NONE);

	ASSERT_NE(MAP_FAILED, view);
	ASSERT_NE(MAP_FAILED, none);
	EXPECT_ERRNO(EACCES, mprotect(view, self->bytes, READ_WRITE));
	EXPECT_ERRNO(EACCES, mprotect(view, self->page, PROT_WRITE));
	EXPECT_ERRNO(EACCES, mprotect(none, self->page, READ_WRITE));
	EXPECT_EQ(0, touch_read(view));
	EXPECT_EQ(SIGSEGV, touch_write(view));
	EXPECT_EQ(0, mprotect(none, self->page, PROT_READ));
	EXPECT_EQ(SIGSEGV, touch_write(none));
	/* One that is split stays what it is. */
	EXPECT_EQ(0, mprotect(view, self->page, PROT_NONE));
	EXPECT_ERRNO(EACCES, mprotect(view, self->page, READ_WRITE));
	munmap(view, self->bytes);
	munmap(none, self->page);
}

/* ISOLATE: "Private mappings are as ever" */
TEST_F(isolate, private_mappings_are_free)
{
	char *view = mmap(NULL, self->bytes, READ_WRITE, MAP_PRIVATE, self->fd,
			  0);
	char *shared = map_pages(self->fd, 0, 1, PROT_READ);

	ASSERT_NE(MAP_FAILED, view);
	ASSERT_NE(MAP_FAILED, shared);
	view[self->page - 1] = 'x';
	EXPECT_EQ(0, shared[self->page - 1]);
	view = mremap(view, self->bytes, 2 * self->bytes, MREMAP_MAYMOVE);
	ASSERT_NE(MAP_FAILED, view);
	munmap(view, 2 * self->bytes);
	munmap(shared, self->page);
}

/* ISOLATE: "A shared mapping of other pages ... cannot grow" */
TEST_F(isolate, writing_is_not_widened_by_mremap)
{
	char *view = map_pages(self->fd, WRITERS, 1, READ_WRITE);
	char *all = map_pages(self->fd, 0, PAGES, PROT_READ);
	char *later = map_pages(self->fd, 4, 2, PROT_READ);
	char *moved;

	ASSERT_NE(MAP_FAILED, view);
	ASSERT_NE(MAP_FAILED, all);
	ASSERT_NE(MAP_FAILED, later);
	EXPECT_ERRNO(EFAULT, mremap(view, self->page, 2 * self->page,
				    MREMAP_MAYMOVE));
	/* Nothing becomes a copy that is as long as one likes. */
	EXPECT_ERRNO(EFAULT, mremap(view, 0, self->page, MREMAP_MAYMOVE));
	EXPECT_ERRNO(EFAULT, mremap(view, 0, 4 * self->page, MREMAP_MAYMOVE));
	/* That is so whether it can be written or could be made so. */
	EXPECT_ERRNO(EFAULT, mremap(later, 2 * self->page, 3 * self->page,
				    MREMAP_MAYMOVE));
	EXPECT_EQ(0, mprotect(later, 2 * self->page, READ_WRITE));
	EXPECT_ERRNO(EFAULT, mremap(later, 0, 3 * self->page, MREMAP_MAYMOVE));
	/* Moving is not growing. */
	moved = mremap(view, self->page, self->page,
		       MREMAP_MAYMOVE | MREMAP_FIXED, all);
	ASSERT_NE(MAP_FAILED, moved);
	EXPECT_EQ(0, touch_write(moved));
	EXPECT_ERRNO(EFAULT, mremap(moved, self->page, 2 * self->page,
				    MREMAP_MAYMOVE));
	EXPECT_EQ(SIGSEGV, touch_write(moved + self->page));
	/* What can be read can be copied, but the copy can be read only. */
	moved = mremap(all + self->page, 0, 4 * self->page, MREMAP_MAYMOVE);
	ASSERT_NE(MAP_FAILED, moved);
	EXPECT_ERRNO(EACCES, mprotect(moved, self->page, READ_WRITE));
	munmap(moved, 4 * self->page);
	munmap(all, self->bytes);
	munmap(later, 2 * self->page);
}

/* ISOLATE: remap_file_pages() is another mmap() */
TEST_F(isolate, writing_is_not_widened_by_remap_file_pages)
{
	char *view = map_pages(self->fd, 4, 2, READ_WRITE);

	ASSERT_NE(MAP_FAILED, view);
	if (remap_file_pages(view, self->page, 0, 6, 0)) {
		ASSERT_EQ(ENOSYS, errno);
		SKIP(return, "no remap_file_pages() in this kernel");
	}
	EXPECT_EQ(0, touch_write(view));
	EXPECT_ERRNO(EACCES, remap_file_pages(view, self->page, 0, 0, 0));
	munmap(view, 2 * self->page);
	view = map_pages(self->fd, 4, 2, READ_WRITE);
	ASSERT_NE(MAP_FAILED, view);
	EXPECT_ERRNO(EACCES, remap_file_pages(view + self->page, self->page, 0,
					      CLAIMS, 0));
	munmap(view, 2 * self->page);
}

/* ISOLATE: neighbours in memory are not taken for one mapping */
TEST_F(isolate, mappings_are_not_merged)
{
	char *base = mmap(NULL, self->bytes, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *writable = base + self->page, *next = base + 2 * self->page;

	ASSERT_NE(MAP_FAILED, base);
	ASSERT_EQ(writable, mmap(writable, self->page, READ_WRITE,
				 MAP_SHARED | MAP_FIXED, self->fd, self->page));
	/* What would be appended to a mapping that can be written. */
	EXPECT_ERRNO(EACCES, mmap(next, self->page, READ_WRITE,
				  MAP_SHARED | MAP_FIXED, self->fd,
				  2 * self->page));
	EXPECT_ERRNO(EACCES, mmap(base, self->page, READ_WRITE,
				  MAP_SHARED | MAP_FIXED, self->fd, 0));
	ASSERT_EQ(base, mmap(base, self->page, PROT_READ,
			     MAP_SHARED | MAP_FIXED, self->fd, 0));
	ASSERT_EQ(next, mmap(next, self->page, PROT_READ,
			     MAP_SHARED | MAP_FIXED, self->fd, 2 * self->page));
	/* With the same rights, for now. */
	EXPECT_EQ(0, mprotect(writable, self->page, PROT_READ));
	EXPECT_ERRNO(EACCES, mprotect(next, self->page, READ_WRITE));
	EXPECT_ERRNO(EACCES, mprotect(base, self->page, READ_WRITE));
	EXPECT_EQ(0, mprotect(writable, self->page, READ_WRITE));
	EXPECT_EQ(0, touch_write(writable));
	EXPECT_EQ(SIGSEGV, touch_write(next));
	EXPECT_EQ(SIGSEGV, touch_write(base));
	munmap(base, self->bytes);
}

/* ISOLATE: a debugger's ways around protection are none */
TEST_F(isolate, reading_is_not_widened_by_proc_mem)
{
	char *view = map_pages(self->fd, 0, PAGES, PROT_READ);
	int memory = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	struct iovec local = { "evil", 4 }, remote = { view, 4 };

	ASSERT_NE(MAP_FAILED, view);
	ASSERT_LE(0, memory);
	ASSERT_EQ((off64_t)(uintptr_t)view,
		  lseek64(memory, (uintptr_t)view, SEEK_SET));
	EXPECT_ERRNO(EIO, write(memory, "evil", 4));
	EXPECT_ERRNO(EFAULT, process_vm_writev(getpid(), &local, 1, &remote, 1,
					       0));
	EXPECT_ERRNO(EFAULT, read(self->fd, view, 1));
	close(memory);
	munmap(view, self->bytes);
}

/* ISOLATE: "write() is refused for the whole segment" */
TEST_F(isolate, writing_to_the_file_is_refused)
{
	struct iovec iov = { "evil", 4 };
	int ends[2], memory = memfd_create("selftest", MFD_CLOEXEC);
	off_t zero = 0;
	loff_t at = 4 * self->page;
	char text[4];

	ASSERT_EQ(0, pipe2(ends, O_CLOEXEC));
	ASSERT_EQ(4, write(ends[1], "evil", 4));
	ASSERT_EQ(4, write(memory, "evil", 4));
	EXPECT_ERRNO(EPERM, write(self->fd, "evil", 4));
	EXPECT_ERRNO(EPERM, pwrite(self->fd, "evil", 4, at));
	EXPECT_ERRNO(EPERM, writev(self->fd, &iov, 1));
	EXPECT_ERRNO(EPERM, pwritev2(self->fd, &iov, 1, self->page, 0));
	EXPECT_ERRNO(EPERM, splice(ends[0], NULL, self->fd, &at, 4, 0));
	EXPECT_ERRNO(EPERM, sendfile(self->fd, memory, &zero, 4));
	/* As without isolation: nothing, at the end, and by other calls. */
	EXPECT_EQ(0, write(self->fd, "", 0));
	EXPECT_ERRNO(ENOSPC, pwrite(self->fd, "evil", 4, self->bytes));
	EXPECT_ERRNO(EOPNOTSUPP, fallocate(self->fd, FALLOC_FL_PUNCH_HOLE |
					   FALLOC_FL_KEEP_SIZE, 0, self->page));
	EXPECT_ERRNO(EPERM, ftruncate(self->fd, 0));
	EXPECT_EQ(4, pread(self->fd, text, 4, at));
	EXPECT_TRUE(all_bytes(text, 0, 4));
	/* A refused write has left nothing behind that ISOLATE would mind. */
	EXPECT_EQ(0, isolate(self->fd, 7 * self->page, self->page, 0));
	close(memory);
	close(ends[0]);
	close(ends[1]);
}

/* ISOLATE: "whoever it is and however it opened the segment" */
TEST_F(isolate, opening_once_more_does_not_help)
{
	int named = open_named(self->door, self->name, O_RDWR);
	int again = reopen(self->fd, O_RDWR);

	ASSERT_LE(0, named);
	ASSERT_LE(0, again);
	EXPECT_ERRNO(EACCES, map_pages(named, 0, 1, READ_WRITE));
	EXPECT_ERRNO(EACCES, map_pages(again, CLAIMS, 1, READ_WRITE));
	EXPECT_ERRNO(EPERM, write(again, "evil", 4));
	close(named);
	close(again);
}

/* ISOLATE: a child has its parent's mappings, and no more rights */
TEST_F(isolate, fork_does_not_help)
{
	char *view = map_pages(self->fd, WRITERS, 1, READ_WRITE);
	char *all = map_pages(self->fd, 0, PAGES, PROT_READ);
	pid_t pid;

	ASSERT_NE(MAP_FAILED, view);
	ASSERT_NE(MAP_FAILED, all);
	pid = fork_child();
	if (!pid) {
		CHILD_CHECK(!touch_write(view));
		CHILD_CHECK(mremap(view, self->page, 2 * self->page,
				   MREMAP_MAYMOVE) == MAP_FAILED);
		CHILD_CHECK(mremap(view, 0, 2 * self->page,
				   MREMAP_MAYMOVE) == MAP_FAILED);
		CHILD_CHECK(mprotect(all, self->page, READ_WRITE) == -1);
		CHILD_CHECK(touch_write(all) == SIGSEGV);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	munmap(view, self->page);
	munmap(all, self->bytes);
}

/* ISOLATE: the kernel goes on writing */
TEST_F(isolate, kernel_writes_nevertheless)
{
	struct shmdev_hello *hello;
	char *view = map_pages(self->fd, 0, 1, PROT_READ);

	ASSERT_NE(MAP_FAILED, view);
	hello = (void *)view;
	EXPECT_STREQ(SHMDEV_HELLO_GREETING, hello->greeting);
	EXPECT_EQ(0, kick(self->fd));
	EXPECT_EQ(1, hello->answer.count);
	munmap(view, self->page);
}

/* ISOLATE: "As long as somebody has a shared mapping that can be written ..." */
TEST_F(isolate, is_refused_while_somebody_may_write)
{
	int fd = create_anonymous(self->door, self->bytes);
	int reader = reopen(fd, O_RDONLY);
	char *view = map_pages(fd, 4, 1, READ_WRITE);
	char *other;
	pid_t pid;

	ASSERT_NE(MAP_FAILED, view);
	EXPECT_ERRNO(EBUSY, isolate(fd, 0, self->page, 0));
	munmap(view, self->page);
	/* "... or could be made so" */
	view = map_pages(fd, 0, 1, PROT_READ);
	EXPECT_ERRNO(EBUSY, isolate(fd, 0, self->page, 0));
	/* A child has it too. */
	pid = fork_child();
	if (!pid) {
		pause();
		_exit(0);
	}
	munmap(view, self->page);
	EXPECT_ERRNO(EBUSY, isolate(fd, 0, self->page, 0));
	EXPECT_LE(0, kill_and_reap(pid));
	EXPECT_FALSE(is_isolated(fd));
	/* These never can. */
	view = map_pages(reader, 0, 1, PROT_READ);
	other = mmap(NULL, self->page, READ_WRITE, MAP_PRIVATE, fd, 0);
	ASSERT_NE(MAP_FAILED, view);
	ASSERT_NE(MAP_FAILED, other);
	EXPECT_EQ(0, isolate(fd, 0, self->page, 0));
	EXPECT_TRUE(is_isolated(fd));
	EXPECT_ERRNO(EACCES, mprotect(view, self->page, READ_WRITE));
	munmap(view, self->page);
	munmap(other, self->page);
	close(reader);
	close(fd);
}

/* ISOLATE: "Only the owner may, or CAP_FOWNER" */
TEST_F(isolate, is_for_the_owner)
{
	int fd = create(self->door, NULL, self->bytes, 0666, 0, NULL);
	int mine = create(self->door, NULL, self->bytes, 0600, 0, NULL);
	int reader = reopen(fd, O_RDONLY), writer = reopen(fd, O_WRONLY);
	pid_t pid;

	ASSERT_EQ(0, fchown(mine, OTHER, OTHER));
	pid = fork_child();
	if (!pid) {
		become(OTHER, OTHER, OTHER);
		CHILD_CHECK(isolate(fd, 0, self->page, 0) == -1 &&
			    errno == EPERM);
		CHILD_CHECK(!isolate(mine, 0, self->page, 0));
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_ERRNO(EBADF, isolate(reader, 0, self->page, 0));
	EXPECT_FALSE(is_isolated(fd));
	EXPECT_EQ(0, isolate(writer, 0, self->page, 0));
	EXPECT_EQ(0, isolate(mine, self->page, self->page, 0));
	close(fd);
	close(mine);
	close(reader);
	close(writer);
}

/* ISOLATE: "... and nobody with the default segment" */
TEST_F(isolate, is_not_for_the_default_segment)
{
	__u64 offset = 0;

	EXPECT_ERRNO(EPERM, isolate(self->door, 0, self->page, 0));
	EXPECT_ERRNO(ENXIO, claim(self->door, &offset));
	EXPECT_FALSE(is_isolated(self->door));
}

/* ISOLATE: what is no part, and how many there can be */
TEST_F(isolate, takes_whole_pages_that_are_there)
{
	size_t page = self->page;
	int fd = create_anonymous(self->door, 100 * page), i;

	EXPECT_ERRNO(EINVAL, isolate(fd, 0, 0, 0));
	EXPECT_ERRNO(EINVAL, isolate(fd, 1, page, 0));
	EXPECT_ERRNO(EINVAL, isolate(fd, 0, page + 1, 0));
	EXPECT_ERRNO(EINVAL, isolate(fd, 0, page, 2));
	EXPECT_ERRNO(EINVAL, isolate(fd, 0, 65 * page,
				     SHMDEV_ISOLATE_F_CLAIMABLE));
	EXPECT_ERRNO(ENXIO, isolate(fd, 100 * page, page, 0));
	EXPECT_ERRNO(ENXIO, isolate(fd, 99 * page, 2 * page, 0));
	EXPECT_ERRNO(ENXIO, isolate(fd, -(__u64)page, page, 0));
	EXPECT_ERRNO(ENXIO, isolate(fd, page, -(__u64)page, 0));
	EXPECT_FALSE(is_isolated(fd));
	EXPECT_EQ(0, isolate(fd, 10 * page, 64 * page,
			     SHMDEV_ISOLATE_F_CLAIMABLE));
	EXPECT_ERRNO(EEXIST, isolate(fd, 9 * page, 2 * page, 0));
	EXPECT_ERRNO(EEXIST, isolate(fd, 73 * page, page, 0));
	EXPECT_ERRNO(EEXIST, isolate(fd, 20 * page, page, 0));
	EXPECT_ERRNO(EEXIST, isolate(fd, 0, 100 * page, 0));
	EXPECT_EQ(0, isolate(fd, 9 * page, page, 0));
	EXPECT_EQ(0, isolate(fd, 74 * page, 26 * page, 0));
	for (i = 0; i < 5; i++)
		EXPECT_EQ(0, isolate(fd, i * page, page, 0));
	EXPECT_ERRNO(ENOSPC, isolate(fd, 5 * page, page, 0));
	EXPECT_NE(MAP_FAILED, map_pages(fd, 5, 4, READ_WRITE));
	close(fd);
}

/* CLAIM: "this page, and no other, can be mapped shared for writing" */
TEST_F(isolate, claim_lets_write_one_page)
{
	__u64 offset, other;
	int mine = claim_any(self->fd, &offset);
	int theirs = claim_any(self->fd, &other);
	size_t first, count, page;
	char *view, *seen;
	bool may;

	ASSERT_LE(0, mine);
	ASSERT_LE(0, theirs);
	page = offset / self->page;
	EXPECT_NE(offset, other);
	EXPECT_EQ(0, offset % self->page);
	EXPECT_TRUE(page >= CLAIMS && page < CLAIMS + CLAIMED);
	for (first = 0; first < PAGES; first++)
		for (count = 1; first + count <= PAGES; count++) {
			may = first == page && count == 1;
			view = map_pages(mine, first, count, READ_WRITE);
			EXPECT_EQ(may, view != MAP_FAILED);
			if (!may) {
				EXPECT_EQ(EACCES, errno);
				view = map_pages(mine, first, count, PROT_READ);
				ASSERT_NE(MAP_FAILED, view);
				EXPECT_ERRNO(EACCES, mprotect(view, self->page,
							      READ_WRITE));
				EXPECT_EQ(SIGSEGV, touch_write(view));
			}
			munmap(view, count * self->page);
		}
	view = map_pages(mine, page, 1, PROT_READ);
	seen = map_pages(self->fd, page, 1, PROT_READ);
	ASSERT_NE(MAP_FAILED, view);
	EXPECT_EQ(0, mprotect(view, self->page, READ_WRITE));
	strcpy(view, "mine");
	EXPECT_STREQ("mine", seen);
	EXPECT_ERRNO(EFAULT, mremap(view, self->page, 2 * self->page,
				    MREMAP_MAYMOVE));
	EXPECT_ERRNO(EFAULT, mremap(view, 0, self->page, MREMAP_MAYMOVE));
	EXPECT_EQ(-1, remap_file_pages(view, self->page, 0, 0, 0));
	EXPECT_TRUE(errno == EACCES || errno == ENOSYS);
	munmap(seen, self->page);
	close(mine);
	close(theirs);
}

/* CLAIM: "for which it is enough to be able to read the segment" */
TEST_F(isolate, claim_takes_who_may_read)
{
	int reader = reopen(self->fd, O_RDONLY);
	int writer = reopen(self->fd, O_WRONLY);
	__u64 offset;
	pid_t pid;
	int mine;

	EXPECT_ERRNO(EBADF, claim_any(writer, &offset));
	mine = claim_any(reader, &offset);
	ASSERT_LE(0, mine);
	EXPECT_EQ(FD_CLOEXEC, fcntl(mine, F_GETFD));
	close(mine);
	close(reader);
	pid = fork_child();
	if (!pid) {
		become(OTHER, OTHER, OTHER);
		CHILD_CHECK(open_named(self->door, self->name, O_RDWR) == -1);
		reader = open_named(self->door, self->name, O_RDONLY);
		mine = claim_any(reader, &offset);
		CHILD_CHECK(mine >= 0);
		CHILD_CHECK(map_pages(mine, offset / self->page, 1,
				      READ_WRITE) != MAP_FAILED);
		/* Once more, it is a file like others. */
		CHILD_CHECK(reopen(mine, O_RDWR) == -1 && errno == EACCES);
		CHILD_CHECK(reopen(mine, O_WRONLY) == -1 && errno == EACCES);
		mine = reopen(mine, O_RDONLY);
		CHILD_CHECK(mine >= 0);
		CHILD_CHECK(map_pages(mine, offset / self->page, 1,
				      READ_WRITE) == MAP_FAILED);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	close(writer);
}

/* CLAIM: "It is one for reading that has two rights more" */
TEST_F(isolate, claim_is_a_readers_otherwise)
{
	__u64 offset, other;
	int mine = claim_any(self->fd, &offset), again;
	struct shmdev_info arg;
	char path[64], text[512], line[64];
	char byte;

	ASSERT_LE(0, mine);
	EXPECT_EQ(1, pread(mine, &byte, 1, offset));
	EXPECT_ERRNO(EPERM, pwrite(mine, "evil", 4, offset));
	EXPECT_ERRNO(EBADF, kick(mine));
	EXPECT_ERRNO(EBADF, isolate(mine, 7 * self->page, self->page, 0));
	EXPECT_ERRNO(EOPNOTSUPP, fallocate(mine, 0, offset, self->page));
	EXPECT_EQ(0, wake_word(mine, self->page, 1));
	EXPECT_ERRNO(EAGAIN, wait_word(mine, offset, 1, 0));
	EXPECT_EQ(0, info(mine, &arg));
	EXPECT_TRUE(arg.flags & SHMDEV_INFO_F_ISOLATED);
	EXPECT_EQ(0, join(mine, "reader", NULL));
	EXPECT_EQ(0, leave(mine));
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", mine);
	ASSERT_LT(0, read_file(path, text, sizeof(text)));
	snprintf(line, sizeof(line), "shmdev-claim:\t%llu\n", offset);
	EXPECT_NE(NULL, strstr(text, line));
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", self->fd);
	ASSERT_LT(0, read_file(path, text, sizeof(text)));
	EXPECT_EQ(NULL, strstr(text, "shmdev-claim"));
	/* One more can be had through it, as through any that reads. */
	again = claim_any(mine, &other);
	EXPECT_LE(0, again);
	EXPECT_NE(offset, other);
	close(again);
	/* Opened once more, it has no claim, even if it may write. */
	again = reopen(mine, O_RDWR);
	ASSERT_LE(0, again);
	EXPECT_ERRNO(EACCES, map_pages(again, offset / self->page, 1,
				       READ_WRITE));
	EXPECT_EQ(0, kick(again));
	close(again);
	close(mine);
}

/* CLAIM: one whose page cannot be told is none (EFAULT) */
TEST_F(isolate, claim_that_is_not_told_is_none)
{
	struct shmdev_claim *arg = mmap(NULL, self->page, READ_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fds = count_fds(), i;
	__u64 offset;

	ASSERT_NE(MAP_FAILED, arg);
	arg->size = sizeof(*arg);
	arg->offset = CLAIMS * self->page;
	ASSERT_EQ(0, mprotect(arg, self->page, PROT_READ));
	EXPECT_ERRNO(EFAULT, ioctl(self->fd, SHMDEV_IOC_CLAIM, arg));
	EXPECT_EQ(fds, count_fds());
	for (i = 0; i < CLAIMED; i++)
		EXPECT_LE(0, claim_any(self->fd, &offset));
	munmap(arg, self->page);
}

/* CLAIM: "one page of that part", which must be there */
TEST_F(isolate, claim_is_of_claimable_pages)
{
	__u64 offset = 0;

	EXPECT_ERRNO(ENXIO, claim(self->fd, &offset));
	offset = WRITERS * self->page;
	EXPECT_ERRNO(ENXIO, claim(self->fd, &offset));
	offset = (CLAIMS + CLAIMED) * self->page;
	EXPECT_ERRNO(ENXIO, claim(self->fd, &offset));
	offset = self->bytes;
	EXPECT_ERRNO(ENXIO, claim(self->fd, &offset));
	offset = -(__u64)self->page;
	EXPECT_ERRNO(ENXIO, claim(self->fd, &offset));
	offset = CLAIMS * self->page + 1;
	EXPECT_ERRNO(EINVAL, claim(self->fd, &offset));
	/* Any page of the part tells which part is meant. */
	offset = (CLAIMS + 1) * self->page;
	EXPECT_LE(0, claim(self->fd, &offset));
}

/* CLAIM: "The page is the descriptor's until ..."; "What is in it stays" */
TEST_F(isolate, claim_ends_with_descriptor_and_mappings)
{
	__u64 offset, other, next;
	int mine = claim_any(self->fd, &offset);
	int theirs = claim_any(self->fd, &other), copy;
	char *view = map_pages(mine, offset / self->page, 1, READ_WRITE);

	ASSERT_NE(MAP_FAILED, view);
	EXPECT_ERRNO(EBUSY, claim_any(self->fd, &next));
	strcpy(view, "mine");
	copy = dup(mine);
	close(mine);
	EXPECT_ERRNO(EBUSY, claim_any(self->fd, &next));
	close(copy);
	EXPECT_ERRNO(EBUSY, claim_any(self->fd, &next));
	munmap(view, self->page);
	mine = claim_any(self->fd, &next);
	ASSERT_LE(0, mine);
	EXPECT_EQ(offset, next);
	view = map_pages(mine, next / self->page, 1, READ_WRITE);
	ASSERT_NE(MAP_FAILED, view);
	EXPECT_STREQ("mine", view);
	munmap(view, self->page);
	close(mine);
	close(theirs);
}

/* CLAIM: "... those of children included" */
TEST_F(isolate, claim_of_a_process_ends_with_it_and_its_children)
{
	__u64 offset, next;
	int theirs = claim_any(self->fd, &offset), ends[2];
	pid_t pid;
	char byte;

	ASSERT_EQ(0, pipe2(ends, O_CLOEXEC));
	pid = fork_child();
	if (!pid) {
		int mine = claim_any(self->fd, &offset);

		CHILD_CHECK(mine >= 0);
		CHILD_CHECK(map_pages(mine, offset / self->page, 1,
				      READ_WRITE) != MAP_FAILED);
		close(mine);
		if (fork()) {
			CHILD_CHECK(write(ends[1], "c", 1) == 1);
			pause();
		}
		/* The grandchild, until its parent ends and a while longer. */
		prctl(PR_SET_PDEATHSIG, SIGUSR1);
		pause();
		_exit(0);
	}
	EXPECT_EQ(1, read(ends[0], &byte, 1));
	usleep(100000);
	close(ends[1]);
	EXPECT_ERRNO(EBUSY, claim_any(self->fd, &next));
	EXPECT_LE(0, kill_and_reap(pid));
	/* End of file: the grandchild, who has the other end, has gone too. */
	EXPECT_EQ(0, read(ends[0], &byte, 1));
	for (int i = 0; i < 500; i++) {
		pid = claim_any(self->fd, &next);
		if (pid >= 0)
			break;
		usleep(10000);
	}
	EXPECT_LE(0, pid);
	close(pid);
	close(theirs);
	close(ends[0]);
}

static int pin(int ring, void *view, size_t bytes)
{
	struct iovec iov = { view, bytes };

	return syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS,
		       &iov, 1);
}

/* ISOLATE: "... or has left one of the pages pinned"; CLAIM: "It is not free" */
TEST_F(isolate, pinned_pages_are_written_without_a_mapping)
{
	struct io_uring_params params = { 0 };
	int ring = syscall(SYS_io_uring_setup, 4, &params);
	int fd = create_anonymous(self->door, self->bytes), mine, i;
	__u64 offset, next;
	char *view;

	if (ring < 0) {
		ASSERT_TRUE(errno == ENOSYS || errno == EPERM);
		SKIP(return, "no io_uring in this kernel");
	}
	view = map_pages(fd, 1, 1, READ_WRITE);
	ASSERT_NE(MAP_FAILED, view);
	ASSERT_EQ(0, pin(ring, view, self->page));
	munmap(view, self->page);
	EXPECT_ERRNO(EBUSY, isolate(fd, 0, self->bytes, 0));
	EXPECT_FALSE(is_isolated(fd));
	close(ring);
	close(fd);

	ring = syscall(SYS_io_uring_setup, 4, &params);
	mine = claim_any(self->fd, &offset);
	view = map_pages(mine, offset / self->page, 1, READ_WRITE);
	ASSERT_NE(MAP_FAILED, view);
	ASSERT_EQ(0, pin(ring, view, self->page));
	munmap(view, self->page);
	close(mine);
	mine = claim_any(self->fd, &next);
	EXPECT_LE(0, mine);
	EXPECT_NE(offset, next);
	EXPECT_ERRNO(EBUSY, claim_any(self->fd, &next));
	close(ring);
	/* io_uring goes in its own time. */
	for (i = 0, fd = -1; i < 500 && fd < 0; i++, usleep(10000))
		fd = claim_any(self->fd, &next);
	EXPECT_LE(0, fd);
	EXPECT_EQ(offset, next);
	close(mine);
	close(fd);
}

struct writer {
	int fd;
	void *from;
	ssize_t written;
};

static void *write_from(void *data)
{
	struct writer *writer = data;

	writer->written = pwrite(writer->fd, writer->from, 8, 0);
	return NULL;
}

/* ISOLATE: "As long as somebody ... is in a write()", for however long */
TEST_F(isolate, is_refused_while_a_write_is_frozen)
{
	struct uffdio_api api = { .api = UFFD_API };
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	struct writer writer = {
		.fd = create_anonymous(self->door, self->bytes),
		.from = mmap(NULL, self->page, READ_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
	};
	struct uffdio_register area = {
		.range = { (uintptr_t)writer.from, self->page },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	struct uffdio_zeropage page = { .range = area.range };
	struct pollfd fault = { .fd = uffd, .events = POLLIN };
	pthread_t thread;

	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api))
		SKIP(return, "no userfaultfd in this kernel");
	ASSERT_NE(MAP_FAILED, writer.from);
	ASSERT_EQ(0, ioctl(uffd, UFFDIO_REGISTER, &area));
	ASSERT_EQ(0, pthread_create(&thread, NULL, write_from, &writer));
	ASSERT_EQ(1, poll(&fault, 1, 10000));
	EXPECT_ERRNO(EBUSY, isolate(writer.fd, 4 * self->page, self->page, 0));
	EXPECT_FALSE(is_isolated(writer.fd));
	ASSERT_EQ(0, ioctl(uffd, UFFDIO_ZEROPAGE, &page));
	pthread_join(thread, NULL);
	EXPECT_EQ(8, writer.written);
	EXPECT_EQ(0, isolate(writer.fd, 4 * self->page, self->page, 0));
	munmap(writer.from, self->page);
	close(uffd);
	close(writer.fd);
}

struct mapper {
	int fd;
	bool stop;
	__u64 mapped;
};

/* Maps and writes while it can, in whatever way. */
static void *map_and_write(void *data)
{
	struct mapper *mapper = data;
	__u64 *view;

	while (!__atomic_load_n(&mapper->stop, __ATOMIC_RELAXED)) {
		view = map(mapper->fd, page_bytes(), READ_WRITE);
		if (view != MAP_FAILED) {
			*(volatile __u64 *)view = ++mapper->mapped;
			munmap(view, page_bytes());
		}
		if (pwrite(mapper->fd, &mapper->mapped, sizeof(__u64), 8) > 0)
			mapper->mapped++;
	}
	return NULL;
}

/* ISOLATE: "From now on, and for good, no process writes these pages" */
TEST_F(isolate, no_mapping_and_no_write_slips_through)
{
	struct mapper mapper = { .fd = -1 };
	pthread_t threads[2];
	char before[16], after[16];
	int round, i, tries;

	for (round = 0; round < 100; round++) {
		mapper.fd = create_anonymous(self->door, self->page);
		ASSERT_LE(0, mapper.fd);
		mapper.stop = false;
		for (i = 0; i < 2; i++)
			ASSERT_EQ(0, pthread_create(&threads[i], NULL,
						    map_and_write, &mapper));
		for (tries = 0; isolate(mapper.fd, 0, self->page, 0); tries++) {
			ASSERT_EQ(EBUSY, errno);
			if (tries % 64 == 63)
				usleep(100);
		}
		ASSERT_EQ(16, pread(mapper.fd, before, 16, 0));
		EXPECT_ERRNO(EACCES, map(mapper.fd, self->page, READ_WRITE));
		usleep(1000);
		ASSERT_EQ(16, pread(mapper.fd, after, 16, 0));
		EXPECT_EQ(0, memcmp(before, after, 16));
		__atomic_store_n(&mapper.stop, true, __ATOMIC_RELAXED);
		for (i = 0; i < 2; i++)
			pthread_join(threads[i], NULL);
		close(mapper.fd);
	}
}

#define CLAIMERS 4

static void *claim_and_write(void *data)
{
	int fd = *(int *)data, mine, i;
	__u64 *view, offset;
	long wrong = 0;

	for (i = 0; i < 200; i++) {
		mine = claim_any(fd, &offset);
		if (mine < 0) {
			wrong += errno != EBUSY;
			continue;
		}
		view = mmap(NULL, page_bytes(), READ_WRITE, MAP_SHARED, mine,
			    offset);
		close(mine);
		if (view == MAP_FAILED)
			return (void *)-1;
		/* Alone with it: what is written there is there. */
		*(volatile __u64 *)view = (uintptr_t)&mine + i;
		sched_yield();
		wrong += *(volatile __u64 *)view != (uintptr_t)&mine + i;
		munmap(view, page_bytes());
	}
	return (void *)wrong;
}

/* CLAIM: "one page of that part that nobody has" */
TEST_F(isolate, claims_exclude_each_other)
{
	pthread_t threads[CLAIMERS];
	void *wrong;
	int i;

	for (i = 0; i < CLAIMERS; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, claim_and_write,
					    &self->fd));
	for (i = 0; i < CLAIMERS; i++) {
		pthread_join(threads[i], &wrong);
		EXPECT_EQ(0, (long)wrong);
	}
}

TEST_HARNESS_MAIN

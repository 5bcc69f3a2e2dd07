// SPDX-License-Identifier: GPL-2.0
/*
 * What else a kernel can do with memory that a process maps. All of it works
 * on ordinary shared memory; here it must, too.
 */
#include <linux/io_uring.h>
#include <linux/mempolicy.h>
#include <linux/userfaultfd.h>
#include <sys/uio.h>

#include "shmdev_test.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT	21
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

#define PAGES 16

FIXTURE(interop) {
	struct target target;
	int fd;
	char *view;
	size_t page;
	size_t bytes;
};

FIXTURE_VARIANT(interop) {
	enum kind kind;
};

FIXTURE_VARIANT_ADD(interop, default_segment) { DOOR };
FIXTURE_VARIANT_ADD(interop, segment) { SEGMENT };

FIXTURE_SETUP(interop)
{
	size_t i;

	self->page = page_bytes();
	self->bytes = PAGES * self->page;
	ASSERT_EQ(0, target_open(&self->target, variant->kind, self->bytes,
				 "hello"));
	self->fd = self->target.fd;
	self->view = map(self->fd, self->bytes, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, self->view);
	for (i = self->page; i < self->bytes; i++)
		self->view[i] = 'a' + i % 26;
}

FIXTURE_TEARDOWN(interop)
{
	munmap(self->view, self->bytes);
	EXPECT_EQ(0, target_close(&self->target));
}

/* process_vm_readv() and _writev() reach into another process' mapping */
TEST_F(interop, process_vm_access_works)
{
	char *theirs = self->view + 2 * self->page;
	struct iovec remote = { theirs, 6 };
	char text[7] = "";
	struct iovec local = { text, 6 };
	int stay[2];
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(stay));
	memcpy(theirs, "theirs", 6);
	pid = fork_child();
	if (!pid) {
		close(stay[1]);
		CHILD_CHECK(read(stay[0], &byte, 1) == 0);
		_exit(memcmp(theirs, "caller", 6) != 0);
	}
	EXPECT_EQ(6, process_vm_readv(pid, &local, 1, &remote, 1, 0));
	EXPECT_STREQ("theirs", text);
	memcpy(text, "caller", 6);
	EXPECT_EQ(6, process_vm_writev(pid, &local, 1, &remote, 1, 0));
	close(stay[1]);
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(0, memcmp(theirs, "caller", 6));
	close(stay[0]);
}

/* vmsplice() puts pages of the segment into a pipe */
TEST_F(interop, vmsplice_takes_its_pages)
{
	struct iovec iov = { self->view + self->page, 2 * self->page };
	char *copy = malloc(2 * self->page);
	size_t done = 0;
	ssize_t part;
	int ends[2];

	ASSERT_NE(NULL, copy);
	ASSERT_EQ(0, pipe(ends));
	EXPECT_EQ(2 * self->page, vmsplice(ends[1], &iov, 1, 0));
	while (done < 2 * self->page) {
		part = read(ends[0], copy + done, 2 * self->page - done);
		ASSERT_LT(0, part);
		done += part;
	}
	EXPECT_EQ(0, memcmp(copy, self->view + self->page, 2 * self->page));
	free(copy);
	close(ends[0]);
	close(ends[1]);
}

/* O_DIRECT transfers between the segment and a file */
TEST_F(interop, direct_io_goes_both_ways)
{
	char path[] = "/tmp/selftest-direct-XXXXXX";
	int file = mkostemp(path, O_DIRECT);
	char *out = self->view + 2 * self->page;
	char *in = self->view + 8 * self->page;

	if (file < 0) {
		ASSERT_EQ(EINVAL, errno);
		unlink(path);
		SKIP(return, "the file system of /tmp has no O_DIRECT");
	}
	unlink(path);
	memset(out, 'd', self->page);
	EXPECT_EQ(self->page, pwrite(file, out, self->page, 0));
	EXPECT_EQ(self->page, pread(file, in, self->page, 0));
	EXPECT_TRUE(all_bytes(in, 'd', self->page));
	close(file);
}

/* A ring of one entry: submits it and returns its result. */
static int run_uring(struct io_uring_params *params, int ring,
		     const struct io_uring_sqe *wanted)
{
	size_t sq_bytes = params->sq_off.array +
			  params->sq_entries * sizeof(__u32);
	size_t cq_bytes = params->cq_off.cqes +
			  params->cq_entries * sizeof(struct io_uring_cqe);
	size_t sqe_bytes = params->sq_entries * sizeof(struct io_uring_sqe);
	char *sq = mmap(NULL, sq_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
			ring, IORING_OFF_SQ_RING);
	char *cq = mmap(NULL, cq_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
			ring, IORING_OFF_CQ_RING);
	struct io_uring_sqe *sqes = mmap(NULL, sqe_bytes,
					 PROT_READ | PROT_WRITE, MAP_SHARED,
					 ring, IORING_OFF_SQES);
	__u32 *sq_tail, *cq_head, mask, at;
	struct io_uring_cqe *cqes;
	int result = -EIO;

	if (sq == MAP_FAILED || cq == MAP_FAILED || sqes == MAP_FAILED)
		return -ENOMEM;
	sq_tail = (__u32 *)(sq + params->sq_off.tail);
	mask = *(__u32 *)(sq + params->sq_off.ring_mask);
	at = *sq_tail;
	sqes[at & mask] = *wanted;
	((__u32 *)(sq + params->sq_off.array))[at & mask] = at & mask;
	__atomic_store_n(sq_tail, at + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS,
		    NULL, 0) == 1) {
		cq_head = (__u32 *)(cq + params->cq_off.head);
		cqes = (struct io_uring_cqe *)(cq + params->cq_off.cqes);
		mask = *(__u32 *)(cq + params->cq_off.ring_mask);
		result = cqes[*cq_head & mask].res;
		__atomic_store_n(cq_head, *cq_head + 1, __ATOMIC_RELEASE);
	}
	munmap(sqes, sqe_bytes);
	munmap(cq, cq_bytes);
	munmap(sq, sq_bytes);
	return result;
}

/* io_uring: the mapping as a registered buffer, written from and read into */
TEST_F(interop, io_uring_fixed_buffers_work)
{
	struct io_uring_params params = { 0 };
	struct iovec iov = { self->view, self->bytes };
	struct io_uring_sqe entry = { 0 };
	int ring = syscall(SYS_io_uring_setup, 4, &params);
	int file = memfd_create("selftest", MFD_CLOEXEC);
	char *from = self->view + 3 * self->page;
	char *to = self->view + 9 * self->page;

	if (ring < 0) {
		ASSERT_TRUE(errno == ENOSYS || errno == EPERM);
		SKIP(return, "no io_uring in this kernel");
	}
	ASSERT_EQ(0, syscall(SYS_io_uring_register, ring,
			     IORING_REGISTER_BUFFERS, &iov, 1))
		TH_LOG("%s", strerror(errno));
	entry.opcode = IORING_OP_WRITE_FIXED;
	entry.fd = file;
	entry.addr = (uintptr_t)from;
	entry.len = self->page;
	EXPECT_EQ(self->page, run_uring(&params, ring, &entry));
	entry.opcode = IORING_OP_READ_FIXED;
	entry.addr = (uintptr_t)to;
	EXPECT_EQ(self->page, run_uring(&params, ring, &entry));
	EXPECT_EQ(0, memcmp(from, to, self->page));
	close(file);
	/* The mapping may go before the ring that holds its pages. */
	munmap(self->view, self->bytes);
	close(ring);
	self->view = map(self->fd, self->bytes, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, self->view);
	EXPECT_EQ(0, memcmp(self->view + 3 * self->page,
			    self->view + 9 * self->page, self->page));
}

/* io_uring: poll of a segment file, until a WAKE */
TEST_F(interop, io_uring_polls_the_file)
{
	struct io_uring_params params = { 0 };
	struct io_uring_sqe entry = { 0 };
	int ring = syscall(SYS_io_uring_setup, 4, &params);
	__u64 begin = milliseconds();
	pid_t pid;

	if (ring < 0) {
		ASSERT_TRUE(errno == ENOSYS || errno == EPERM);
		SKIP(return, "no io_uring in this kernel");
	}
	look(self->fd);
	pid = fork_child();
	if (!pid) {
		usleep(50000);
		_exit(wake_word(self->fd, 0, 0) ? 1 : 0);
	}
	entry.opcode = IORING_OP_POLL_ADD;
	entry.fd = self->fd;
	entry.poll32_events = POLLIN;
	EXPECT_EQ(POLLIN, run_uring(&params, ring, &entry) & POLLIN);
	EXPECT_LE(50, milliseconds() - begin);
	EXPECT_EQ(0, reap(pid));
	close(ring);
}

/* io_uring: reading a segment file */
TEST_F(interop, io_uring_reads_the_file)
{
	struct io_uring_params params = { 0 };
	struct io_uring_sqe entry = { 0 };
	int ring = syscall(SYS_io_uring_setup, 4, &params);
	char text[27] = "";

	if (ring < 0) {
		ASSERT_TRUE(errno == ENOSYS || errno == EPERM);
		SKIP(return, "no io_uring in this kernel");
	}
	entry.opcode = IORING_OP_READ;
	entry.fd = self->fd;
	entry.addr = (uintptr_t)text;
	entry.len = 26;
	entry.off = self->page;
	EXPECT_EQ(26, run_uring(&params, ring, &entry));
	EXPECT_EQ(0, memcmp(text, self->view + self->page, 26));
	close(ring);
}

static long locked_kilobytes(void)
{
	char text[4096], *line;

	if (read_file("/proc/self/status", text, sizeof(text)) < 0)
		return -1;
	line = strstr(text, "VmLck:");
	return line ? atol(line + 6) : -1;
}

/* mlock(): counts as locked, which it does not for special mappings */
TEST_F(interop, mlock_locks_its_pages)
{
	long before = locked_kilobytes();

	ASSERT_LE(0, before);
	EXPECT_EQ(0, mlock(self->view, self->bytes));
	EXPECT_EQ(before + (long)self->bytes / 1024, locked_kilobytes());
	EXPECT_EQ(0, munlock(self->view, self->bytes));
	EXPECT_EQ(before, locked_kilobytes());
}

/* userfaultfd: can watch the mapping as it can any shared memory */
TEST_F(interop, userfaultfd_registers_the_mapping)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range = { (uintptr_t)self->view, self->bytes },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (uffd < 0) {
		ASSERT_TRUE(errno == ENOSYS || errno == EPERM);
		SKIP(return, "no userfaultfd in this kernel");
	}
	ASSERT_EQ(0, ioctl(uffd, UFFDIO_API, &api));
	EXPECT_EQ(0, ioctl(uffd, UFFDIO_REGISTER, &range))
		TH_LOG("%s", strerror(errno));
	/* All memory is committed: nothing is missing, nobody is called. */
	EXPECT_EQ(0, touch_write(self->view + 4 * self->page));
	EXPECT_EQ('a' + 4 * self->page % 26, self->view[4 * self->page]);
	close(uffd);
}

/* mbind(), move_pages(): NUMA policy applies as to any shared memory */
TEST_F(interop, numa_policy_applies)
{
	unsigned long node = 1;
	void *pages[2] = { self->view + self->page,
			   self->view + 2 * self->page };
	int nodes[2] = { 0, 0 }, status[2] = { -1, -1 };

	if (syscall(SYS_mbind, self->view, self->bytes, MPOL_BIND, &node,
		    8 * sizeof(node), 0)) {
		ASSERT_EQ(ENOSYS, errno);
		SKIP(return, "no NUMA in this kernel");
	}
	EXPECT_EQ(0, touch_read(pages[0]));
	EXPECT_EQ(0, touch_read(pages[1]));
	EXPECT_LE(0, syscall(SYS_move_pages, 0, 2, pages, nodes, status,
			     2 /* MPOL_MF_MOVE */));
	EXPECT_EQ(0, status[0]);
	EXPECT_EQ(0, status[1]);
	EXPECT_EQ('a' + self->page % 26, self->view[self->page]);
}

/*
 * hello: both sides see the same bytes, whatever the memory manager does. In an
 * emulated arm64 that took more than half a minute once, it is not known why.
 */
TEST_F_TIMEOUT(interop, kernel_and_user_agree_after_memory_is_shuffled, 150)
{
	struct shmdev_hello *shared = (struct shmdev_hello *)self->view;
	const char *const files[] = {
		"/proc/sys/vm/drop_caches", "/proc/sys/vm/compact_memory",
	};
	const int advice[] = { MADV_PAGEOUT, MADV_COLLAPSE, MADV_DONTNEED };
	__u64 begin;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files) + ARRAY_SIZE(advice); i++) {
		char text[32];

		begin = milliseconds();
		/* Not every kernel knows, nor every size allows, all of it. */
		if (i < ARRAY_SIZE(files))
			write_file(files[i], "1");
		else
			madvise(self->view, self->bytes,
				advice[i - ARRAY_SIZE(files)]);
		if (milliseconds() - begin > 5000)
			TH_LOG("round %zu took %llu ms", i,
			       milliseconds() - begin);
		snprintf(text, sizeof(text), "round %zu", i);
		strcpy(shared->request, text);
		ASSERT_EQ(0, kick(self->fd));
		EXPECT_STREQ(text, shared->answer.text);
		EXPECT_EQ('a' + 5 * self->page % 26,
			  self->view[5 * self->page]);
	}
}

/* copy_file_range(): from segment to segment */
TEST(copy_file_range_copies_between_segments)
{
	int door = open_door();
	int from = create_anonymous(door, 2 * page_bytes());
	int to = create_anonymous(door, page_bytes());
	char text[7] = "";
	loff_t in = 10, out = 20;

	EXPECT_EQ(6, pwrite(from, "copied", 6, 10));
	EXPECT_EQ(6, copy_file_range(from, &in, to, &out, 6, 0));
	EXPECT_EQ(6, pread(to, text, 6, 20));
	EXPECT_STREQ("copied", text);
	out = page_bytes();
	EXPECT_EQ(-1, copy_file_range(from, &in, to, &out, 6, 0));
	EXPECT_EQ(page_bytes(), lseek(to, 0, SEEK_END));
	close(from);
	close(to);
	close(door);
}

TEST_HARNESS_MAIN

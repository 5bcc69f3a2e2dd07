// SPDX-License-Identifier: GPL-2.0
/* mmap() of both kinds of file, and what can be done to a mapping then. */
#include <sys/resource.h>

#include "shmdev_test.h"

#ifndef MADV_PAGEOUT
#define MADV_COLD	20
#define MADV_PAGEOUT	21
#endif

#define PAGES 64

FIXTURE(mapping) {
	struct target target;
	int fd;
	size_t page;
	size_t pages;
	size_t bytes;
};

FIXTURE_VARIANT(mapping) {
	enum kind kind;
};

FIXTURE_VARIANT_ADD(mapping, door) { DOOR };
FIXTURE_VARIANT_ADD(mapping, segment) { SEGMENT };

/* Each page begins with its own number, counted from 1. */
FIXTURE_SETUP(mapping)
{
	__u64 number;

	self->page = page_bytes();
	ASSERT_EQ(0, target_open(&self->target, variant->kind,
				 PAGES * self->page, NULL));
	self->fd = self->target.fd;
	self->bytes = self->target.bytes;
	self->pages = self->bytes / self->page;
	for (number = 1; number <= self->pages; number++)
		ASSERT_EQ(sizeof(number),
			  pwrite(self->fd, &number, sizeof(number),
				 (number - 1) * self->page));
}

FIXTURE_TEARDOWN(mapping)
{
	EXPECT_EQ(0, target_close(&self->target));
}

static __u64 number_at(const void *address)
{
	return *(const volatile __u64 *)address;
}

static __u64 number_in_file(int fd, size_t page)
{
	__u64 number = 0;

	if (pread(fd, &number, sizeof(number), page * page_bytes()) !=
	    sizeof(number))
		return 0;
	return number;
}

static void set_number(void *address, __u64 number)
{
	*(volatile __u64 *)address = number;
}

/* A hole in the address space to put mappings into. */
static char *reserve(size_t bytes)
{
	return mmap(NULL, bytes, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

static int open_map_files(const void *view, size_t bytes, int flags)
{
	char path[80];

	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx",
		 (long)view, (long)view + bytes);
	return open(path, flags | O_CLOEXEC);
}

/* "the device": a shared mapping is the segment */
TEST_F(mapping, shared_mapping_and_file_are_the_same_bytes)
{
	char *view = map(self->fd, self->bytes, PROT_READ | PROT_WRITE);
	char *other = map(self->fd, self->bytes, PROT_READ);
	__u64 number = 4711;

	ASSERT_NE(MAP_FAILED, view);
	ASSERT_NE(MAP_FAILED, other);
	set_number(view + 3 * self->page, 42);
	EXPECT_EQ(42, number_in_file(self->fd, 3));
	EXPECT_EQ(42, number_at(other + 3 * self->page));
	EXPECT_EQ(sizeof(number), pwrite(self->fd, &number, sizeof(number),
					 self->bytes - self->page));
	EXPECT_EQ(4711, number_at(view + self->bytes - self->page));
	munmap(view, self->bytes);
	munmap(other, self->bytes);
}

/* "the device": MAP_PRIVATE writes to a copy that nobody else sees */
TEST_F(mapping, private_mapping_is_copied_on_write)
{
	char *view = mmap(NULL, self->bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE, self->fd, 0);
	char *shared = map(self->fd, self->bytes, PROT_READ | PROT_WRITE);

	ASSERT_NE(MAP_FAILED, view);
	EXPECT_EQ(1, number_at(view));
	set_number(view, 99);
	EXPECT_EQ(1, number_at(shared));
	EXPECT_EQ(1, number_in_file(self->fd, 0));
	/* A page that was not written to follows the segment. */
	set_number(shared + self->page, 77);
	EXPECT_EQ(77, number_at(view + self->page));
	set_number(shared, 55);
	EXPECT_EQ(99, number_at(view));
	munmap(view, self->bytes);
	munmap(shared, self->bytes);
}

/* "the device": a read-only file may be copied, not written */
TEST_F(mapping, private_writable_mapping_of_a_read_only_file)
{
	int fd = reopen(self->fd, O_RDONLY);
	char *view = mmap(NULL, self->page, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE, fd, 0);

	ASSERT_NE(MAP_FAILED, view);
	set_number(view, 99);
	EXPECT_EQ(99, number_at(view));
	EXPECT_EQ(1, number_in_file(self->fd, 0));
	munmap(view, self->page);
	close(fd);
}

/* "the device": PROT_READ means it */
TEST_F(mapping, write_to_a_read_only_mapping_is_a_fault)
{
	char *view = map(self->fd, self->page, PROT_READ);

	ASSERT_NE(MAP_FAILED, view);
	EXPECT_EQ(0, touch_read(view));
	EXPECT_EQ(SIGSEGV, touch_write(view));
	EXPECT_EQ(0, mprotect(view, self->page, PROT_READ | PROT_WRITE));
	EXPECT_EQ(0, touch_write(view));
	munmap(view, self->page);
}

/* OPEN: one opened O_RDONLY can never be mapped writable, nor made so later */
TEST_F(mapping, read_only_file_is_never_mapped_writable)
{
	int fd = reopen(self->fd, O_RDONLY);
	char *view;

	ASSERT_LE(0, fd);
	EXPECT_ERRNO(EACCES, map(fd, self->page, PROT_READ | PROT_WRITE));
	EXPECT_ERRNO(EACCES, map(fd, self->page, PROT_WRITE));
	view = map(fd, self->page, PROT_READ);
	ASSERT_NE(MAP_FAILED, view);
	close(fd);
	EXPECT_ERRNO(EACCES, mprotect(view, self->page,
				      PROT_READ | PROT_WRITE));
	EXPECT_EQ(SIGSEGV, touch_write(view));
	munmap(view, self->page);
}

/* OPEN: a mapping can be read, so a file that cannot has none */
TEST_F(mapping, write_only_file_cannot_be_mapped)
{
	int fd = reopen(self->fd, O_WRONLY);

	ASSERT_LE(0, fd);
	EXPECT_ERRNO(EACCES, map(fd, self->page, PROT_WRITE));
	EXPECT_ERRNO(EACCES, map(fd, self->page, PROT_READ));
	close(fd);
}

/* "errors", EPERM: asked for what no segment allows (PROT_EXEC) */
TEST_F(mapping, code_is_refused)
{
	char *view;

	EXPECT_ERRNO(EPERM, map(self->fd, self->page, PROT_READ | PROT_EXEC));
	EXPECT_ERRNO(EPERM, mmap(NULL, self->page, PROT_READ | PROT_EXEC,
				 MAP_PRIVATE, self->fd, 0));
	view = map(self->fd, self->page, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, view);
	EXPECT_ERRNO(EACCES, mprotect(view, self->page,
				      PROT_READ | PROT_EXEC));
	munmap(view, self->page);
	view = mmap(NULL, self->page, PROT_READ, MAP_PRIVATE, self->fd, 0);
	ASSERT_NE(MAP_FAILED, view);
	EXPECT_ERRNO(EACCES, mprotect(view, self->page, PROT_EXEC));
	munmap(view, self->page);
}

/* The system call itself: libc would refuse some of what is to be refused. */
static char *map_pages(size_t length, int flags, int fd, unsigned long pgoff)
{
#ifdef SYS_mmap2
	return (char *)syscall(SYS_mmap2, 0, length, PROT_READ, flags, fd,
			       pgoff);
#else
	return (char *)syscall(SYS_mmap, 0, length, PROT_READ, flags, fd,
			       pgoff * page_bytes());
#endif
}

/* "errors", ENXIO: a mapping would reach past the end of the segment */
TEST_F(mapping, range_is_accepted_if_and_only_if_it_is_inside)
{
	const __u64 n = self->pages, page = self->page;
	const int bits = sizeof(long) == 8 ? 52 : 32;
	const __u64 last = (1ULL << bits) - 1;
	const __u64 offsets[] = {
		0, 1, 2, 3, n / 2, n - 2, n - 1, n, n + 1, n + 2, 2 * n,
		1ULL << 16, (1ULL << 20) - 1, 1ULL << 20, (1ULL << 20) + 1,
		1ULL << 24, 1ULL << 30, (1ULL << 31) - 1, 1ULL << 31,
		(1ULL << 31) + 1, (1ULL << 32) - n, (1ULL << 32) - 2,
		(1ULL << 32) - 1, 1ULL << 32, (1ULL << 32) + 1, 1ULL << 40,
		1ULL << 51, (1ULL << 51) + 1, last - n, last - n + 1,
		last - 1, last,
	};
	const __u64 lengths[] = {
		0, 1, page - 1, page, page + 1, 2 * page, n / 2 * page,
		(n - 1) * page, n * page - 1, n * page, n * page + 1,
		(n + 1) * page, 2 * n * page, 1ULL << 24, 1ULL << 30,
		(1ULL << 31) - page, 1ULL << 31, (1ULL << 32) - 2 * page,
		(1ULL << 32) - page, (1ULL << 32) - 1, 1ULL << 32,
		1ULL << 46, 1ULL << 47, 1ULL << 52, 1ULL << 63,
		~0ULL - page + 1, ~0ULL,
	};
	const int flags[] = { MAP_SHARED, MAP_PRIVATE };
	unsigned int accepted = 0, tried_offsets = 0, tried_lengths, pair = 0;
	size_t o, l, f;

	for (o = 0; o < ARRAY_SIZE(offsets); o++) {
		if (offsets[o] > last)
			continue;
		tried_offsets++;
		tried_lengths = 0;
		for (l = 0; l < ARRAY_SIZE(lengths); l++) {
			__u64 pages = lengths[l] / page + !!(lengths[l] % page);
			/* No sum here is above 2^53. */
			bool inside = pages && offsets[o] + pages <= n;

			if (lengths[l] > SIZE_MAX)
				continue;
			tried_lengths++;
			for (f = 0; f < ARRAY_SIZE(flags); f++) {
				char *view = map_pages(lengths[l], flags[f],
						       self->fd, offsets[o]);
				int error = errno;

				pair++;
				EXPECT_EQ(inside, view != MAP_FAILED)
					TH_LOG("offset %#llx length %#llx",
					       offsets[o], lengths[l]);
				if (view != MAP_FAILED) {
					accepted++;
					EXPECT_EQ(offsets[o] + 1,
						  number_at(view));
					EXPECT_EQ(offsets[o] + pages,
						  number_at(view + (pages - 1) *
							    page));
					munmap(view, lengths[l]);
				} else if (!lengths[l]) {
					EXPECT_EQ(EINVAL, error);
				} else if (offsets[o] <= 2 * n &&
					   pages <= 2 * n) {
					EXPECT_EQ(ENXIO, error);
				} else {
					EXPECT_TRUE(error == ENXIO ||
						    error == EOVERFLOW ||
						    error == ENOMEM)
						TH_LOG("%#llx %#llx: %s",
						       offsets[o], lengths[l],
						       strerror(error));
				}
			}
		}
		EXPECT_LE(16, tried_lengths);
	}
	EXPECT_LE(24, tried_offsets);
	EXPECT_LE(768, pair);
	EXPECT_LT(20, accepted);
}

/* "the device": touch of what is mapped, and of what is not */
TEST_F(mapping, nothing_beside_the_mapping_is_mapped)
{
	char *arena = reserve(8 * self->page);
	char *view;
	size_t i;

	ASSERT_NE(MAP_FAILED, arena);
	view = mmap(arena + 2 * self->page, 4 * self->page,
		    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, self->fd,
		    8 * self->page);
	ASSERT_EQ(arena + 2 * self->page, view);
	for (i = 0; i < 8; i++) {
		bool ours = i >= 2 && i < 6;

		EXPECT_EQ(ours ? 0 : SIGSEGV,
			  touch_write(arena + i * self->page));
		if (ours)
			EXPECT_EQ(i + 7, number_at(arena + i * self->page));
	}
	EXPECT_EQ(SIGSEGV, touch_read(view - 1));
	EXPECT_EQ(SIGSEGV, touch_read(view + 4 * self->page));
	munmap(arena, 8 * self->page);
}

/* "the device": growth past the end behaves as on any file */
TEST_F(mapping, mremap_past_the_end_gives_no_memory)
{
	char *view = map(self->fd, self->bytes, PROT_READ | PROT_WRITE);
	char *grown;

	ASSERT_NE(MAP_FAILED, view);
	grown = mremap(view, self->bytes, self->bytes + 2 * self->page,
		       MREMAP_MAYMOVE);
	ASSERT_NE(MAP_FAILED, grown);
	EXPECT_EQ(self->pages, number_at(grown + self->bytes - self->page));
	EXPECT_EQ(SIGBUS, touch_read(grown + self->bytes));
	EXPECT_EQ(SIGBUS, touch_write(grown + self->bytes + self->page));
	munmap(grown, self->bytes + 2 * self->page);
}

/* "the device": growth within the segment shows what is there */
TEST_F(mapping, mremap_within_the_segment_grows)
{
	char *view = map(self->fd, 2 * self->page, PROT_READ | PROT_WRITE);
	char *grown;

	ASSERT_NE(MAP_FAILED, view);
	grown = mremap(view, 2 * self->page, 6 * self->page, MREMAP_MAYMOVE);
	ASSERT_NE(MAP_FAILED, grown);
	EXPECT_EQ(6, number_at(grown + 5 * self->page));
	munmap(grown, 6 * self->page);
}

/* "the device": mremap() to fewer pages */
TEST_F(mapping, mremap_shrinks)
{
	char *view = map(self->fd, 4 * self->page, PROT_READ | PROT_WRITE);

	ASSERT_NE(MAP_FAILED, view);
	ASSERT_EQ(view, mremap(view, 4 * self->page, self->page, 0));
	EXPECT_EQ(1, number_at(view));
	EXPECT_EQ(SIGSEGV, touch_read(view + self->page));
	EXPECT_EQ(4, number_in_file(self->fd, 3));
	munmap(view, self->page);
}

/* "the device": mremap() to another place */
TEST_F(mapping, mremap_moves)
{
	char *arena = reserve(4 * self->page);
	char *view = map(self->fd, 4 * self->page, PROT_READ | PROT_WRITE);

	ASSERT_NE(MAP_FAILED, view);
	set_number(view + self->page, 22);
	ASSERT_EQ(arena, mremap(view, 4 * self->page, 4 * self->page,
				MREMAP_MAYMOVE | MREMAP_FIXED, arena));
	EXPECT_EQ(22, number_at(arena + self->page));
	EXPECT_EQ(SIGSEGV, touch_read(view));
	set_number(arena + self->page, 23);
	EXPECT_EQ(23, number_in_file(self->fd, 1));
	munmap(arena, 4 * self->page);
}

/* "the device": mremap() of nothing makes a second view */
TEST_F(mapping, mremap_of_length_zero_duplicates)
{
	char *view = map(self->fd, 4 * self->page, PROT_READ | PROT_WRITE);
	char *copy;

	ASSERT_NE(MAP_FAILED, view);
	copy = mremap(view + self->page, 0, 2 * self->page, MREMAP_MAYMOVE);
	ASSERT_NE(MAP_FAILED, copy);
	EXPECT_EQ(2, number_at(copy));
	set_number(view + 2 * self->page, 33);
	EXPECT_EQ(33, number_at(copy + self->page));
	EXPECT_EQ(2, mappings_total(self->fd));
	munmap(view, 4 * self->page);
	EXPECT_EQ(33, number_at(copy + self->page));
	munmap(copy, 2 * self->page);
	EXPECT_EQ(0, mappings_total(self->fd));
}

/* "the device": MREMAP_DONTUNMAP leaves the old view in place */
TEST_F(mapping, mremap_dontunmap_keeps_both)
{
	char *view = map(self->fd, 4 * self->page, PROT_READ | PROT_WRITE);
	char *moved;

	ASSERT_NE(MAP_FAILED, view);
	set_number(view, 11);
	moved = mremap(view, 4 * self->page, 4 * self->page,
		       MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
	ASSERT_NE(MAP_FAILED, moved);
	EXPECT_EQ(11, number_at(moved));
	EXPECT_EQ(11, number_at(view));
	set_number(view, 12);
	EXPECT_EQ(12, number_at(moved));
	munmap(view, 4 * self->page);
	munmap(moved, 4 * self->page);
}

/* "the device": a partial munmap() leaves two mappings */
TEST_F(mapping, munmap_in_the_middle_splits)
{
	char *view = map(self->fd, 5 * self->page, PROT_READ | PROT_WRITE);

	ASSERT_NE(MAP_FAILED, view);
	ASSERT_EQ(0, munmap(view + 2 * self->page, self->page));
	EXPECT_EQ(2, mappings_total(self->fd));
	EXPECT_EQ(2, number_at(view + self->page));
	EXPECT_EQ(SIGSEGV, touch_read(view + 2 * self->page));
	EXPECT_EQ(4, number_at(view + 3 * self->page));
	set_number(view + 4 * self->page, 50);
	EXPECT_EQ(50, number_in_file(self->fd, 4));
	munmap(view, 5 * self->page);
	EXPECT_EQ(0, mappings_total(self->fd));
}

/* "the device": rights can differ within a mapping */
TEST_F(mapping, mprotect_of_a_part)
{
	char *view = map(self->fd, 5 * self->page, PROT_READ | PROT_WRITE);

	ASSERT_NE(MAP_FAILED, view);
	ASSERT_EQ(0, mprotect(view + self->page, self->page, PROT_READ));
	ASSERT_EQ(0, mprotect(view + 3 * self->page, self->page, PROT_NONE));
	EXPECT_EQ(0, touch_write(view));
	EXPECT_EQ(SIGSEGV, touch_write(view + self->page));
	EXPECT_EQ(2, number_at(view + self->page));
	EXPECT_EQ(SIGSEGV, touch_read(view + 3 * self->page));
	EXPECT_EQ(0, touch_write(view + 4 * self->page));
	ASSERT_EQ(0, mprotect(view, 5 * self->page, PROT_READ | PROT_WRITE));
	EXPECT_EQ(0, touch_write(view + 3 * self->page));
	EXPECT_EQ(4, number_at(view + 3 * self->page));
	munmap(view, 5 * self->page);
}

/* "the device": two adjacent mappings make a ring without a seam */
TEST_F(mapping, mirrored_mappings_are_adjacent_views_of_one_range)
{
	const size_t span = 4 * self->page;
	char *arena = reserve(2 * span);
	const char text[] = "across the seam";

	ASSERT_NE(MAP_FAILED, arena);
	ASSERT_EQ(arena, mmap(arena, span, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_FIXED, self->fd, span));
	ASSERT_EQ(arena + span, mmap(arena + span, span,
				     PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_FIXED, self->fd, span));
	memcpy(arena + span - 6, text, sizeof(text));
	EXPECT_EQ(0, memcmp(arena, text + 6, sizeof(text) - 6));
	EXPECT_EQ(0, memcmp(arena + 2 * span - 6, text, 6));
	munmap(arena, 2 * span);
}

/* "the device": a child has its parent's mappings */
TEST_F(mapping, forked_child_sees_and_writes_the_segment)
{
	char *view = map(self->fd, self->page, PROT_READ | PROT_WRITE);
	pid_t pid;

	ASSERT_NE(MAP_FAILED, view);
	pid = fork_child();
	if (!pid) {
		CHILD_CHECK(number_at(view) == 1);
		set_number(view, 1001);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(1001, number_at(view));
	munmap(view, self->page);
}

/* "the device": ... unless the parent says otherwise */
TEST_F(mapping, dontfork_mapping_is_not_in_the_child)
{
	char *view = map(self->fd, 2 * self->page, PROT_READ | PROT_WRITE);
	pid_t pid;

	ASSERT_NE(MAP_FAILED, view);
	ASSERT_EQ(0, madvise(view + self->page, self->page, MADV_DONTFORK));
	pid = fork_child();
	if (!pid) {
		CHILD_CHECK(!touch_write(view));
		CHILD_CHECK(touch_read(view + self->page) == SIGSEGV);
		CHILD_CHECK(mappings_total(self->fd) == 3);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	ASSERT_EQ(0, madvise(view, 2 * self->page, MADV_DOFORK));
	pid = fork_child();
	if (!pid) {
		CHILD_CHECK(!touch_write(view + self->page));
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	munmap(view, 2 * self->page);
	EXPECT_EQ(0, mappings_total(self->fd));
}

/* "the device": no hole can be punched into it (EOPNOTSUPP) */
TEST_F(mapping, hole_punching_is_refused_on_every_way)
{
	const int modes[] = {
		0, FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_ZERO_RANGE, FALLOC_FL_COLLAPSE_RANGE,
		FALLOC_FL_INSERT_RANGE,
	};
	char *view = map(self->fd, self->bytes, PROT_READ | PROT_WRITE);
	int again = reopen(self->fd, O_RDWR);
	int mapped = open_map_files(view, self->bytes, O_RDWR);
	/* fallocate() asks no driver about a character device. */
	int error = variant->kind == DOOR ? ENODEV : EOPNOTSUPP;
	size_t i;

	ASSERT_NE(MAP_FAILED, view);
	ASSERT_LE(0, again);
	ASSERT_LE(0, mapped);
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		EXPECT_ERRNO(error, fallocate(self->fd, modes[i], 0,
					      self->page));
		EXPECT_ERRNO(error, fallocate(again, modes[i], 0, self->page));
		EXPECT_ERRNO(EOPNOTSUPP, fallocate(mapped, modes[i], 0,
						   self->page));
	}
	EXPECT_ERRNO(EOPNOTSUPP, madvise(view, self->page, MADV_REMOVE));
	EXPECT_EQ(1, number_at(view));
	EXPECT_EQ(1, number_in_file(self->fd, 0));
	munmap(view, self->bytes);
	close(again);
	close(mapped);
}

/* "the device": its size cannot change (EPERM) */
TEST_F(mapping, size_is_fixed_on_every_way)
{
	const off_t sizes[] = {
		0, 1, self->bytes - 1, self->bytes - self->page,
		self->bytes + 1, self->bytes + self->page, 1LL << 40,
	};
	char *view = map(self->fd, self->bytes, PROT_READ | PROT_WRITE);
	int again = reopen(self->fd, O_RDWR);
	int mapped = open_map_files(view, self->bytes, O_RDWR);
	int error = variant->kind == DOOR ? EINVAL : EPERM;
	size_t i;

	ASSERT_NE(MAP_FAILED, view);
	ASSERT_LE(0, mapped);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		EXPECT_ERRNO(error, ftruncate(self->fd, sizes[i]));
		EXPECT_ERRNO(error, ftruncate(again, sizes[i]));
		EXPECT_ERRNO(EPERM, ftruncate(mapped, sizes[i]));
	}
	EXPECT_EQ(self->pages, number_at(view + self->bytes - self->page));
	EXPECT_EQ(self->bytes, bytes_of(mapped));
	/* Truncation when a file is opened is one, too. */
	if (variant->kind == SEGMENT)
		EXPECT_ERRNO(EPERM, reopen(self->fd, O_RDWR | O_TRUNC));
	EXPECT_ERRNO(EPERM, open_map_files(view, self->bytes,
					   O_RDWR | O_TRUNC));
	EXPECT_EQ(1, number_at(view));
	munmap(view, self->bytes);
	close(again);
	close(mapped);
}

/* "the device": nobody can freeze a segment for the others */
TEST_F(mapping, seals_are_refused)
{
	const int seals[] = {
		F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE,
		F_SEAL_FUTURE_WRITE,
	};
	char *view = map(self->fd, self->page, PROT_READ | PROT_WRITE);
	int mapped = open_map_files(view, self->page, O_RDWR);
	int error = variant->kind == DOOR ? EINVAL : EPERM;
	size_t i;

	ASSERT_LE(0, mapped);
	munmap(view, self->page);
	for (i = 0; i < ARRAY_SIZE(seals); i++) {
		EXPECT_ERRNO(error, fcntl(self->fd, F_ADD_SEALS, seals[i]));
		EXPECT_ERRNO(EPERM, fcntl(mapped, F_ADD_SEALS, seals[i]));
	}
	view = map(self->fd, self->page, PROT_READ | PROT_WRITE);
	EXPECT_NE(MAP_FAILED, view);
	munmap(view, self->page);
	close(mapped);
}

/* "the device": what madvise() forgets or writes out comes back as it was */
TEST_F(mapping, advice_loses_no_byte)
{
	const int advice[] = {
		MADV_DONTNEED, MADV_COLD, MADV_PAGEOUT, MADV_WILLNEED,
		MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_DONTDUMP,
		MADV_DODUMP,
	};
	char *view = map(self->fd, self->bytes, PROT_READ | PROT_WRITE);
	size_t i, k;

	ASSERT_NE(MAP_FAILED, view);
	for (i = 0; i < ARRAY_SIZE(advice); i++) {
		EXPECT_EQ(0, madvise(view, self->bytes, advice[i]))
			TH_LOG("advice %d: %s", advice[i], strerror(errno));
		for (k = 0; k < self->pages; k++)
			ASSERT_EQ(k + 1, number_at(view + k * self->page));
	}
	munmap(view, self->bytes);
}

/* "the device": MADV_FREE is for memory that nobody shares */
TEST_F(mapping, advice_to_free_is_einval)
{
	char *view = map(self->fd, self->page, PROT_READ | PROT_WRITE);

	ASSERT_NE(MAP_FAILED, view);
	EXPECT_ERRNO(EINVAL, madvise(view, self->page, MADV_FREE));
	EXPECT_EQ(1, number_at(view));
	munmap(view, self->page);
}

/* "the device": msync(), mlock(), mincore() as on any file */
TEST_F(mapping, sync_lock_and_residency)
{
	const int flags[] = { MS_SYNC, MS_ASYNC, MS_SYNC | MS_INVALIDATE };
	char *view = map(self->fd, self->bytes, PROT_READ | PROT_WRITE);
	unsigned char *resident = malloc(self->pages);
	size_t i;

	ASSERT_NE(MAP_FAILED, view);
	for (i = 0; i < ARRAY_SIZE(flags); i++)
		EXPECT_EQ(0, msync(view, self->bytes, flags[i]));
	EXPECT_EQ(0, mlock(view, self->bytes));
	EXPECT_EQ(0, mincore(view, self->bytes, resident));
	for (i = 0; i < self->pages; i++)
		EXPECT_EQ(1, resident[i] & 1);
	EXPECT_ERRNO(EBUSY, msync(view, self->bytes, MS_INVALIDATE));
	EXPECT_EQ(0, munlock(view, self->bytes));
	free(resident);
	munmap(view, self->bytes);
}

/* "the device": a locked or populated mapping is made in one go */
TEST_F(mapping, populate_and_lock_at_once)
{
	const int flags[] = { MAP_POPULATE, MAP_LOCKED, MAP_NORESERVE };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		char *view = mmap(NULL, self->bytes, PROT_READ | PROT_WRITE,
				  MAP_SHARED | flags[i], self->fd, 0);

		ASSERT_NE(MAP_FAILED, view);
		EXPECT_EQ(self->pages,
			  number_at(view + self->bytes - self->page));
		munmap(view, self->bytes);
	}
	EXPECT_ERRNO(EOPNOTSUPP, mmap(NULL, self->page, PROT_READ,
				      MAP_SHARED_VALIDATE | MAP_SYNC,
				      self->fd, 0));
}

/* "the device": remap_file_pages() rearranges a view of the segment */
TEST_F(mapping, remap_file_pages_shows_another_page)
{
	char *view = map(self->fd, 4 * self->page, PROT_READ | PROT_WRITE);

	ASSERT_NE(MAP_FAILED, view);
	if (remap_file_pages(view + self->page, self->page, 0, 3, 0)) {
		ASSERT_EQ(ENOSYS, errno);
		SKIP(return, "no remap_file_pages() in this kernel");
	}
	EXPECT_EQ(1, number_at(view));
	EXPECT_EQ(4, number_at(view + self->page));
	EXPECT_EQ(3, number_at(view + 2 * self->page));
	EXPECT_ERRNO(ENXIO, remap_file_pages(view, self->page, 0, self->pages,
					     0));
	set_number(view + self->page, 44);
	EXPECT_EQ(44, number_in_file(self->fd, 3));
	munmap(view, 4 * self->page);
	EXPECT_EQ(0, mappings_total(self->fd));
}

/* "the device": smaps knows it as plain shared memory */
TEST_F(mapping, mapping_is_not_special)
{
	static char text[1 << 17];
	char *view = map(self->fd, self->page, PROT_READ | PROT_WRITE);
	char start[24], *entry, *flags, *end;

	ASSERT_NE(MAP_FAILED, view);
	ASSERT_LT(0, read_file("/proc/self/smaps", text, sizeof(text)));
	snprintf(start, sizeof(start), "%lx-%lx ", (long)view,
		 (long)view + self->page);
	entry = strstr(text, start);
	ASSERT_NE(NULL, entry);
	flags = strstr(entry, "VmFlags:");
	ASSERT_NE(NULL, flags);
	end = strchr(flags, '\n');
	ASSERT_NE(NULL, end);
	*end = '\0';
	EXPECT_EQ(NULL, strstr(flags, " io"));
	EXPECT_EQ(NULL, strstr(flags, " pf"));
	EXPECT_EQ(NULL, strstr(flags, " de"));
	EXPECT_EQ(NULL, strstr(flags, " mm"));
	EXPECT_NE(NULL, strstr(flags, " sh"));
	munmap(view, self->page);
}

static bool huge_pages_are_off(void)
{
	const char *top = "/sys/kernel/mm/transparent_hugepage/";
	char path[80], text[128];

	snprintf(path, sizeof(path), "%senabled", top);
	if (read_file(path, text, sizeof(text)) < 0 || strstr(text, "[never]"))
		return true;
	snprintf(path, sizeof(path), "%sshmem_enabled", top);
	return read_file(path, text, sizeof(text)) < 0 ||
	       strstr(text, "[deny]");
}

/* "the device": huge pages where the size allows */
TEST(big_segments_are_of_huge_pages)
{
	const size_t bytes = 8 * MIB;
	int door = open_door();
	int segment = create_anonymous(door, bytes);
	struct rusage before, after;
	char *view;
	size_t at;

	if (huge_pages_are_off())
		SKIP(return, "transparent huge pages are off in this kernel");
	ASSERT_LE(0, segment);
	view = map(segment, bytes, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, view);
	getrusage(RUSAGE_SELF, &before);
	for (at = 0; at < bytes; at += page_bytes())
		*(volatile char *)(view + at) = 1;
	getrusage(RUSAGE_SELF, &after);
	EXPECT_GE(64, after.ru_minflt - before.ru_minflt)
		TH_LOG("%ld faults for 8 MiB",
		       after.ru_minflt - before.ru_minflt);
	munmap(view, bytes);
	close(segment);
	close(door);
}

/* "the device": ... and mappings where huge pages can be, of either kind */
TEST_F(mapping, big_mapping_is_where_huge_pages_suit)
{
	const size_t huge = 2 * MIB;
	size_t bytes = bytes_of(self->target.door);
	int fd = variant->kind == DOOR ? open_door() :
		 create_anonymous(self->target.door, bytes);
	char *view = map(fd, bytes, PROT_READ);

	ASSERT_NE(MAP_FAILED, view);
	if (bytes >= huge && !huge_pages_are_off())
		EXPECT_EQ(0, (uintptr_t)view % huge);
	munmap(view, bytes);
	close(fd);
}

/* CREATE: the memory reads as zero, in every view */
TEST(new_memory_is_zero)
{
	const size_t bytes = 3 * MIB + page_bytes();
	char *block = malloc(bytes);
	int door = open_door();
	int round;

	ASSERT_NE(NULL, block);
	for (round = 0; round < 4; round++) {
		int segment = create_anonymous(door, bytes);
		char *view = map(segment, bytes, PROT_READ | PROT_WRITE);

		ASSERT_NE(MAP_FAILED, view);
		EXPECT_TRUE(all_bytes(view, 0, bytes));
		memset(block, 0xa5, bytes);
		EXPECT_EQ(bytes, pread(segment, block, bytes, 0));
		EXPECT_TRUE(all_bytes(block, 0, bytes));
		memset(view, 0x5a, bytes);
		munmap(view, bytes);
		close(segment);
	}
	free(block);
	close(door);
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0
/*
 * Segments as files: read, write, seek, splice, sync and what /proc says.
 * /dev/shmdev is the file of the default segment; a segment file behaves the
 * same, so most of this runs on both.
 */
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "shmdev_test.h"

#define SEGMENT_PAGES 16

FIXTURE(content) {
	struct target target;
	int fd;
	off_t end;
	size_t page;
};

FIXTURE_VARIANT(content) {
	enum kind kind;
};

FIXTURE_VARIANT_ADD(content, door) { DOOR };
FIXTURE_VARIANT_ADD(content, segment) { SEGMENT };

FIXTURE_SETUP(content)
{
	self->page = page_bytes();
	ASSERT_EQ(0, target_open(&self->target, variant->kind,
				 SEGMENT_PAGES * self->page, NULL));
	self->fd = self->target.fd;
	self->end = self->target.bytes;
}

FIXTURE_TEARDOWN(content)
{
	EXPECT_EQ(0, target_close(&self->target));
}

/* "the device": lseek(SEEK_END) is the size */
TEST_F(content, seek_end_is_the_size)
{
	EXPECT_EQ(self->end, lseek(self->fd, 0, SEEK_END));
	EXPECT_EQ(self->end - 10, lseek(self->fd, -10, SEEK_END));
	EXPECT_EQ(self->end - 4, lseek(self->fd, 6, SEEK_CUR));
	EXPECT_EQ(0, lseek(self->fd, 0, SEEK_SET));
	EXPECT_ERRNO(EINVAL, lseek(self->fd, -1, SEEK_SET));
	EXPECT_ERRNO(EINVAL, lseek(self->fd, -self->end - 1, SEEK_END));
	EXPECT_ERRNO(EINVAL, lseek(self->fd, 0, 99));
	EXPECT_EQ(0, lseek(self->fd, 0, SEEK_CUR));
}

/* "the device": what is called a hole has no bytes in it */
TEST_F(content, seek_hole_never_skips_what_was_written)
{
	char *view = map(self->fd, self->end, PROT_READ | PROT_WRITE);
	const off_t written = 3 * self->page, mapped = 5 * self->page;
	off_t at;

	ASSERT_NE(MAP_FAILED, view);
	EXPECT_EQ(1, pwrite(self->fd, "x", 1, written));
	view[mapped] = 'x';
	munmap(view, self->end);
	at = lseek(self->fd, 0, SEEK_DATA);
	if (at == -1) {
		/* Not knowing holes is allowed, as to any file system. */
		EXPECT_EQ(EINVAL, errno);
		EXPECT_ERRNO(EINVAL, lseek(self->fd, 0, SEEK_HOLE));
		return;
	}
	EXPECT_GE(written, at);
	EXPECT_EQ(written, lseek(self->fd, written, SEEK_DATA));
	EXPECT_EQ(mapped, lseek(self->fd, mapped, SEEK_DATA));
	EXPECT_LT(written, lseek(self->fd, written, SEEK_HOLE));
	EXPECT_LT(mapped, lseek(self->fd, mapped, SEEK_HOLE));
	EXPECT_ERRNO(ENXIO, lseek(self->fd, self->end, SEEK_DATA));
	EXPECT_ERRNO(ENXIO, lseek(self->fd, self->end, SEEK_HOLE));
}

/* "the device": write() and read() move the position */
TEST_F(content, write_then_read_back)
{
	char text[12] = "";

	EXPECT_EQ(100, lseek(self->fd, 100, SEEK_SET));
	EXPECT_EQ(5, write(self->fd, "hello", 5));
	EXPECT_EQ(6, write(self->fd, " world", 6));
	EXPECT_EQ(111, lseek(self->fd, 0, SEEK_CUR));
	EXPECT_EQ(100, lseek(self->fd, 100, SEEK_SET));
	EXPECT_EQ(11, read(self->fd, text, 11));
	EXPECT_STREQ("hello world", text);
	EXPECT_EQ(111, lseek(self->fd, 0, SEEK_CUR));
}

/* "the device": pread() and pwrite() do not */
TEST_F(content, pread_and_pwrite_leave_the_position)
{
	char text[5] = "";

	EXPECT_EQ(4, pwrite(self->fd, "here", 4, self->page - 2));
	EXPECT_EQ(4, pread(self->fd, text, 4, self->page - 2));
	EXPECT_STREQ("here", text);
	EXPECT_EQ(0, lseek(self->fd, 0, SEEK_CUR));
}

/* "the device": readv() and writev() */
TEST_F(content, vectors_are_written_and_read_in_order)
{
	char one[4] = "", two[4] = "";
	const struct iovec out[] = { { "abc", 3 }, { "def", 3 } };
	const struct iovec in[] = { { one, 3 }, { two, 3 } };

	EXPECT_EQ(6, pwritev(self->fd, out, 2, self->page - 3));
	EXPECT_EQ(6, preadv(self->fd, in, 2, self->page - 3));
	EXPECT_STREQ("abc", one);
	EXPECT_STREQ("def", two);
}

/* "the device": what is written is in every mapping at once */
TEST_F(content, written_bytes_are_in_the_mapping)
{
	char *view = map(self->fd, self->end, PROT_READ | PROT_WRITE);
	char text[5] = "";

	ASSERT_NE(MAP_FAILED, view);
	EXPECT_EQ(4, pwrite(self->fd, "file", 4, 3 * self->page - 2));
	EXPECT_EQ(0, memcmp(view + 3 * self->page - 2, "file", 4));
	memcpy(view + self->end - 4, "view", 4);
	EXPECT_EQ(4, pread(self->fd, text, 4, self->end - 4));
	EXPECT_STREQ("view", text);
	munmap(view, self->end);
}

/* "the device": reading ends at the end */
TEST_F(content, read_at_the_end_is_nothing)
{
	char text[16];

	EXPECT_EQ(6, pread(self->fd, text, sizeof(text), self->end - 6));
	EXPECT_EQ(0, pread(self->fd, text, sizeof(text), self->end));
	EXPECT_EQ(0, pread(self->fd, text, sizeof(text), self->end + 1));
	EXPECT_EQ(0, pread(self->fd, text, sizeof(text), 1LL << 40));
	EXPECT_ERRNO(EINVAL, pread(self->fd, text, sizeof(text), -1));
	EXPECT_EQ(self->end, lseek(self->fd, 0, SEEK_END));
	EXPECT_EQ(0, read(self->fd, text, sizeof(text)));
}

/* "the device": a write past its end fails with ENOSPC, up to it is short */
TEST_F(content, write_past_the_end_is_enospc)
{
	char block[64];

	memset(block, 'x', sizeof(block));
	EXPECT_EQ(10, pwrite(self->fd, block, sizeof(block), self->end - 10));
	EXPECT_ERRNO(ENOSPC, pwrite(self->fd, block, 1, self->end));
	EXPECT_ERRNO(ENOSPC, pwrite(self->fd, block, 64, self->end + 1));
	EXPECT_ERRNO(ENOSPC, pwrite(self->fd, block, 64, 1LL << 40));
	EXPECT_ERRNO(EINVAL, pwrite(self->fd, block, 1, -1));
	EXPECT_EQ(0, pwrite(self->fd, block, 0, 0));
	EXPECT_EQ(self->end, lseek(self->fd, 0, SEEK_END));
	EXPECT_ERRNO(ENOSPC, write(self->fd, block, 1));
	EXPECT_EQ(self->end, lseek(self->fd, 0, SEEK_CUR));
	EXPECT_EQ(self->end - 6, lseek(self->fd, -6, SEEK_END));
	EXPECT_EQ(6, write(self->fd, block, sizeof(block)));
	EXPECT_EQ(self->end, lseek(self->fd, 0, SEEK_CUR));
	EXPECT_EQ(self->end, lseek(self->fd, 0, SEEK_END));
}

/* "the device": appending would be writing past the end */
TEST_F(content, append_is_enospc)
{
	int fd = reopen(self->fd, O_WRONLY | O_APPEND);

	ASSERT_LE(0, fd);
	EXPECT_ERRNO(ENOSPC, write(fd, "x", 1));
	EXPECT_EQ(0, write(fd, "x", 0));
	close(fd);
	EXPECT_EQ(0, fcntl(self->fd, F_SETFL, O_APPEND));
	EXPECT_ERRNO(ENOSPC, write(self->fd, "x", 1));
	EXPECT_EQ(0, fcntl(self->fd, F_SETFL, 0));
	EXPECT_EQ(self->end, lseek(self->fd, 0, SEEK_END));
}

/* preadv2(), pwritev2(): RWF_NOWAIT reads what is there and never writes */
TEST_F(content, nowait_reads_and_does_not_write)
{
	char text[8] = "before";
	struct iovec what = { text, sizeof(text) };

	ASSERT_EQ(sizeof(text), pwrite(self->fd, text, sizeof(text), 4096));
	strcpy(text, "after");
	EXPECT_ERRNO(EAGAIN, pwritev2(self->fd, &what, 1, 4096, RWF_NOWAIT));
	EXPECT_EQ(sizeof(text), preadv2(self->fd, &what, 1, 4096, RWF_NOWAIT));
	EXPECT_STREQ("before", text);
}

/* "errors", EBADF and EFAULT, as of any file */
TEST_F(content, wrong_files_and_pointers_change_nothing)
{
	int reader = reopen(self->fd, O_RDONLY);
	int writer = reopen(self->fd, O_WRONLY);
	void *volatile nowhere = (void *)8;
	char before[64], after[64];

	ASSERT_LE(0, reader);
	ASSERT_LE(0, writer);
	EXPECT_EQ(64, pread(self->fd, before, 64, 0));
	EXPECT_ERRNO(EBADF, pwrite(reader, "x", 1, 0));
	EXPECT_ERRNO(EBADF, pread(writer, after, 1, 0));
	EXPECT_ERRNO(EFAULT, pwrite(self->fd, nowhere, 64, 0));
	EXPECT_ERRNO(EFAULT, pread(self->fd, nowhere, 64, 0));
	EXPECT_EQ(64, pread(self->fd, after, 64, 0));
	EXPECT_EQ(0, memcmp(before, after, 64));
	close(reader);
	close(writer);
}

/* "the device": each open file has a position of its own, a dup() has not */
TEST_F(content, positions_belong_to_open_files)
{
	int again = reopen(self->fd, O_RDWR);
	int copy = dup(self->fd);

	ASSERT_LE(0, again);
	EXPECT_EQ(123, lseek(self->fd, 123, SEEK_SET));
	EXPECT_EQ(0, lseek(again, 0, SEEK_CUR));
	EXPECT_EQ(123, lseek(copy, 0, SEEK_CUR));
	close(copy);
	close(again);
}

/* "the device": dd reads the whole of it, and then the end */
TEST_F(content, reading_to_the_end_gives_every_byte)
{
	char block[5000];
	ssize_t done;
	off_t sum = 0;

	while ((done = read(self->fd, block, sizeof(block))) > 0)
		sum += done;
	EXPECT_EQ(0, done);
	EXPECT_EQ(self->end, sum);
}

/* "the device": splice() out of it and into it */
TEST_F(content, splice_goes_both_ways)
{
	loff_t from = self->page, to = self->end - 8;
	char text[9] = "";
	int ends[2];

	ASSERT_EQ(0, pipe(ends));
	EXPECT_EQ(8, pwrite(self->fd, "spliced!", 8, from));
	EXPECT_EQ(8, splice(self->fd, &from, ends[1], NULL, 8, 0));
	EXPECT_EQ(8, splice(ends[0], NULL, self->fd, &to, 8, 0));
	EXPECT_EQ(8, pread(self->fd, text, 8, self->end - 8));
	EXPECT_STREQ("spliced!", text);

	/* Past the end there is no room here either. */
	EXPECT_EQ(8, write(ends[1], "too late", 8));
	to = self->end;
	EXPECT_ERRNO(ENOSPC, splice(ends[0], NULL, self->fd, &to, 8, 0));
	EXPECT_EQ(self->end, lseek(self->fd, 0, SEEK_END));
	close(ends[0]);
	close(ends[1]);
}

/* "the device": sendfile() out of it and into it */
TEST_F(content, sendfile_goes_both_ways)
{
	int file = memfd_create("selftest", MFD_CLOEXEC);
	off_t from = 0;
	char text[7] = "";

	ASSERT_LE(0, file);
	EXPECT_EQ(6, pwrite(self->fd, "outward", 6, 0));
	EXPECT_EQ(6, sendfile(file, self->fd, &from, 6));
	EXPECT_EQ(6, pread(file, text, 6, 0));
	EXPECT_STREQ("outwar", text);
	EXPECT_EQ(6, pwrite(file, "inward", 6, 0));
	from = 0;
	EXPECT_EQ(10, lseek(self->fd, 10, SEEK_SET));
	EXPECT_EQ(6, sendfile(self->fd, file, &from, 6));
	EXPECT_EQ(6, pread(self->fd, text, 6, 10));
	EXPECT_STREQ("inward", text);
	close(file);
}

/* "the device": there is nothing to write out, which is no error */
TEST_F(content, sync_succeeds)
{
	EXPECT_EQ(0, fsync(self->fd));
	EXPECT_EQ(0, fdatasync(self->fd));
}

/* "the device": the buffer of a read() may be a mapping of the same segment */
TEST_F(content, reads_into_its_own_untouched_mapping)
{
	char *view = map(self->fd, self->end, PROT_READ | PROT_WRITE);
	char text[5] = "";

	ASSERT_NE(MAP_FAILED, view);
	EXPECT_EQ(4, pwrite(self->fd, "self", 4, 0));
	EXPECT_EQ(4, pread(self->fd, view + 4 * self->page, 4, 0));
	EXPECT_EQ(4, pwrite(self->fd, view + 4 * self->page, 4,
			    6 * self->page));
	EXPECT_EQ(4, pread(self->fd, text, 4, 6 * self->page));
	EXPECT_STREQ("self", text);
	/* The same page as source and destination. */
	EXPECT_EQ(4, pread(self->fd, view + 8, 4, 0));
	EXPECT_EQ(0, memcmp(view + 8, "self", 4));
	munmap(view, self->end);
}

/* fdinfo: id, size, name and endpoint of the segment */
TEST_F(content, fdinfo_describes_the_segment)
{
	char path[40], text[1024], line[80];
	struct shmdev_info about;

	ASSERT_EQ(0, info(self->fd, &about));
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", self->fd);
	ASSERT_LT(0, read_file(path, text, sizeof(text)));
	snprintf(line, sizeof(line), "\nshmdev-id:\t%llu\n",
		 (unsigned long long)about.id);
	EXPECT_NE(NULL, strstr(text, line)) TH_LOG("in %s", text);
	snprintf(line, sizeof(line), "\nshmdev-bytes:\t%llu\n",
		 (unsigned long long)about.bytes);
	EXPECT_NE(NULL, strstr(text, line)) TH_LOG("in %s", text);
	EXPECT_NE(NULL, strstr(text, "\nshmdev-name:"));
	EXPECT_NE(NULL, strstr(text, "\nshmdev-endpoint:"));
}

/* The line of /proc/self/maps that begins at @view. */
static const char *maps_line(const void *view)
{
	static char text[1 << 16];
	char start[20], *line, *end;

	if (read_file("/proc/self/maps", text, sizeof(text)) < 0)
		return "";
	snprintf(start, sizeof(start), "%lx-", (long)view);
	line = strstr(text, start);
	if (!line)
		return "";
	end = strchr(line, '\n');
	if (end)
		*end = '\0';
	return line;
}

static unsigned long maps_inode(const void *view)
{
	unsigned long inode;

	if (sscanf(maps_line(view), "%*s %*s %*s %*s %lu", &inode) != 1)
		return 0;
	return inode;
}

static bool ends_with(const char *text, const char *tail)
{
	size_t length = strlen(text), tail_length = strlen(tail);

	return length >= tail_length &&
	       !strcmp(text + length - tail_length, tail);
}

/* /proc/PID/maps: a mapping shows whose it is */
TEST(maps_show_the_names)
{
	int door = open_door(), anonymous, named;
	char name[SHMDEV_NAME_SIZE], expected[SHMDEV_NAME_SIZE + 32];
	struct shmdev_info about;
	char *view;

	ASSERT_LE(0, door);
	view = map(door, page_bytes(), PROT_READ);
	ASSERT_NE(MAP_FAILED, view);
	EXPECT_TRUE(ends_with(maps_line(view), " /dev/shmdev (deleted)"))
		TH_LOG("%s", maps_line(view));
	ASSERT_EQ(0, info(door, &about));
	EXPECT_EQ(about.inode, maps_inode(view));
	munmap(view, page_bytes());

	anonymous = create_anonymous(door, page_bytes());
	view = map(anonymous, page_bytes(), PROT_READ);
	ASSERT_NE(MAP_FAILED, view);
	EXPECT_TRUE(ends_with(maps_line(view), " /shmdev (deleted)"))
		TH_LOG("%s", maps_line(view));
	munmap(view, page_bytes());

	make_name(name, "maps");
	named = create_named(door, name, page_bytes());
	view = map(named, page_bytes(), PROT_READ);
	ASSERT_NE(MAP_FAILED, view);
	snprintf(expected, sizeof(expected), " /shmdev:%s (deleted)", name);
	EXPECT_TRUE(ends_with(maps_line(view), expected))
		TH_LOG("%s", maps_line(view));
	ASSERT_EQ(0, info(named, &about));
	EXPECT_EQ(about.inode, maps_inode(view));
	munmap(view, page_bytes());
	close(named);
	close(anonymous);
	close(door);
}

/* fdinfo: names as INFO has them */
TEST(fdinfo_shows_name_and_endpoint)
{
	int door = open_door(), segment;
	char name[SHMDEV_NAME_SIZE], path[40], text[1024], line[100];

	make_name(name, "fdinfo");
	segment = create(door, name, page_bytes(), 0600, 0, "hello");
	ASSERT_LE(0, segment);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", segment);
	ASSERT_LT(0, read_file(path, text, sizeof(text)));
	snprintf(line, sizeof(line), "\nshmdev-name:\t%s\n", name);
	EXPECT_NE(NULL, strstr(text, line)) TH_LOG("in %s", text);
	EXPECT_NE(NULL, strstr(text, "\nshmdev-endpoint:\thello\n"));
	/* No line can be forged by a name, for no name has a newline. */
	close(segment);
	close(door);
}

/* parameter size: bytes of the default segment */
TEST(default_segment_is_as_big_as_the_parameter_says)
{
	struct shmdev_version version = { .size = sizeof(version) };
	int door = open_door();
	struct shmdev_info about;
	struct stat st;
	char text[32];

	ASSERT_LT(0, read_file(PARAMETERS "size", text, sizeof(text)));
	ASSERT_EQ(0, info(door, &about));
	ASSERT_EQ(0, ioctl(door, SHMDEV_IOC_VERSION, &version));
	EXPECT_EQ(strtoull(text, NULL, 0), about.bytes);
	EXPECT_EQ(about.bytes, version.default_bytes);
	/* It is of no use to change it later. */
	ASSERT_EQ(0, stat(PARAMETERS "size", &st));
	EXPECT_EQ(0, st.st_mode & 0222);
	close(door);
}

/* "the device": the default segment outlives those who used it */
TEST(default_segment_keeps_its_bytes_between_opens)
{
	struct target target;
	char text[6] = "";
	int door;

	ASSERT_EQ(0, target_open(&target, DOOR, 0, NULL));
	door = open_door();
	EXPECT_EQ(5, pwrite(door, "stays", 5, target.bytes - 5));
	close(door);
	door = open_door();
	EXPECT_EQ(5, pread(door, text, 5, target.bytes - 5));
	EXPECT_STREQ("stays", text);
	close(door);
	EXPECT_EQ(0, target_close(&target));
}

TEST_HARNESS_MAIN

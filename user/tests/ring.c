// SPDX-License-Identifier: GPL-2.0-only
/* The contract of rings (shmdev-ring.h), on a memfd. TAP. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>

#include "ring-pair.h"

#define PAGE 4096UL

/* Where it begins: nowhere special, and just before each number goes round. */
static const uint64_t starts[] = { 0, 0xfffffff0, 1ULL << 63, -16ULL };

static struct shmdev_ring_options queue_options(void)
{
	return (struct shmdev_ring_options){
		.size = sizeof(struct shmdev_ring_options),
		.kind = SHMDEV_RING_IS_QUEUE,
		.data_bytes = PAGE,
	};
}

static struct shmdev_ring_options stream_options(void)
{
	struct shmdev_ring_options options = queue_options();

	options.kind = SHMDEV_RING_IS_STREAM;
	return options;
}

static int send_number(struct shmdev_ring *ring, uint64_t number, size_t bytes)
{
	char record[PAGE];

	pattern_write(record, bytes, number);
	return shmdev_ring_send(ring, record, bytes, NOW);
}

/* Receives number @expected, whole, or says why not. */
static int receive_number(struct shmdev_ring *ring, uint64_t expected,
			  uint64_t lost)
{
	struct shmdev_ring_record record;
	char buffer[PAGE];
	uint64_t number = ~expected;
	ssize_t ret = shmdev_ring_receive(ring, buffer, sizeof(buffer), NOW,
					  &record);

	if (ret < 0)
		return (int)ret;
	check(pattern_holds(buffer, ret, &number));
	check(number == expected);
	check(record.lost == lost);
	check(record.bytes == (size_t)ret);
	return number == expected && record.lost == lost ? 0 : 1;
}

/* Options that make no sense: -EINVAL, and nothing is made. */
static void options_are_checked(void)
{
	struct shmdev_ring_options good = queue_options(), bad;
	uint64_t bytes;

#define BAD(change) \
	do { \
		bad = good; \
		bad.change; \
		check(shmdev_ring_bytes(&bad, &bytes) == -EINVAL); \
		check(shmdev_ring_format(-1, 0, &bad) == -EINVAL); \
	} while (0)
	BAD(size = 1);
	BAD(kind = 0);
	BAD(kind = 3);
	BAD(flags = 8);
	BAD(data_bytes = 0);
	BAD(data_bytes = PAGE / 2);
	BAD(data_bytes = 3 * PAGE);
	BAD(data_bytes = 1ULL << 63);
	BAD(readers = 2);
	BAD(reserved = 1);
	BAD(position = 4);
	good = stream_options();
	BAD(readers = SHMDEV_RING_CURSORS_MAX + 1);
	BAD(flags = SHMDEV_RING_CLEARS);
	check(shmdev_ring_bytes(NULL, &bytes) == -EINVAL);
	check(shmdev_ring_bytes(&good, NULL) == -EINVAL);
	check(shmdev_ring_bytes(&good, &bytes) == 0);
	check(bytes == (2 + 8 + 1) * PAGE);
	check(shmdev_ring_format(-1, 0, &good) == -EBADF);
}

/* To the end of this process. */
static void forbid_membarrier(int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { sizeof(code) / sizeof(*code), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
		_exit(2);
}

/*
 * Asymmetric: a party that cannot make barriers for others is none; and one that
 * may not do so any more does not sleep, since nobody would wake it.
 */
static void asymmetric_ring_needs_membarrier(void)
{
	static const int errors[] = { EPERM, EINVAL };
	struct shmdev_ring_options options = queue_options();
	struct shmdev_ring_info info = { .size = sizeof(info) };
	struct shmdev_ring *ring;
	struct timespec soon;
	struct pair pair;
	int status;

	options.flags = SHMDEV_RING_ASYMMETRIC;
	pair = pair_of(options);
	check(shmdev_ring_info(pair.producer, &info) == 0);
	check(info.flags == SHMDEV_RING_ASYMMETRIC);
	check(send_number(pair.producer, 0, 8) == 0);
	check(receive_number(pair.consumer, 0, 0) == 0);
	shmdev_ring_detach(pair.consumer);
	for (unsigned int i = 0; i < 2; i++) {
		if (!fork()) {
			forbid_membarrier(errors[i]);
			case_failed = false;
			check(attach_as(pair.fd, new_party(),
					SHMDEV_RING_CONSUMER, &ring) ==
			      -EOPNOTSUPP);
			check(attach_as(pair.fd, new_party(),
					SHMDEV_RING_OBSERVER, &ring) == 0);
			_exit(case_failed);
		}
		check(wait(&status) > 0 && status == 0);
		if (!fork()) {
			case_failed = false;
			ring = attach(pair.fd, SHMDEV_RING_CONSUMER);
			forbid_membarrier(errors[i]);
			clock_gettime(CLOCK_MONOTONIC, &soon);
			soon.tv_sec += 2;
			check(shmdev_ring_receive(ring, &status, sizeof(status),
						  &soon, NULL) == -errors[i]);
			shmdev_ring_detach(ring);
			_exit(case_failed);
		}
		check(wait(&status) > 0 && status == 0);
	}
	pair.consumer = attach(pair.fd, SHMDEV_RING_CONSUMER);
	pair_end(&pair);
}

/* How attaching to the ring fails; its header is @good again then. */
static int refused(int fd, struct shmdev_ring_header *header,
		   const struct shmdev_ring_header *good)
{
	struct shmdev_ring *ring;
	int ret = attach_as(fd, new_party(), SHMDEV_RING_CONSUMER, &ring);

	*header = *good;
	return ret;
}

/* No ring, another version, a damaged header, a file that is too short. */
static void damaged_header_is_refused(void)
{
	struct shmdev_ring_options options = stream_options();
	int fd = ring_new(&options);
	struct shmdev_ring_header *header =
		mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	const struct shmdev_ring_header good = *header;
	struct shmdev_ring *ring;

	header->magic = 0;
	check(refused(fd, header, &good) == -ENODATA);
	header->magic++;
	check(refused(fd, header, &good) == -ENODATA);
	header->version++;
	check(refused(fd, header, &good) == -EPROTO);
	header->flags = 1U << 31;
	check(refused(fd, header, &good) == -EPROTO);
	header->page_bytes *= 2;
	check(refused(fd, header, &good) == -EPROTO);
	header->kind = 3;
	check(refused(fd, header, &good) == -EBADMSG);
	header->kind = SHMDEV_RING_QUEUE;
	check(refused(fd, header, &good) == -EBADMSG);
	header->flags = SHMDEV_RING_F_CLEARS;
	check(refused(fd, header, &good) == -EBADMSG);
	header->position = 4;
	check(refused(fd, header, &good) == -EBADMSG);
	header->cursors = 0;
	check(refused(fd, header, &good) == -EBADMSG);
	header->cursors = ~0U;
	check(refused(fd, header, &good) == -EBADMSG);
	header->cursors++;
	check(refused(fd, header, &good) == -EBADMSG);
	header->data_bytes = 0;
	check(refused(fd, header, &good) == -EBADMSG);
	header->data_bytes--;
	check(refused(fd, header, &good) == -EBADMSG);
	header->data_bytes *= 2;
	check(refused(fd, header, &good) == -EBADMSG);
	header->data_bytes = 1ULL << 63;
	check(refused(fd, header, &good) == -EBADMSG);
	check(ftruncate(fd, PAGE) == 0);
	check(refused(fd, header, &good) == -EBADMSG);
	/* Not even a header: looking for one must not end the process. */
	munmap(header, PAGE);
	for (int bytes = 0; bytes < 2; bytes++) {
		check(ftruncate(fd, bytes * (PAGE - 1)) == 0);
		check(attach_as(fd, new_party(), SHMDEV_RING_CONSUMER, &ring) ==
		      -ENODATA);
	}
	close(fd);
}

/* Each role once; and again when the one that had it has left or ended. */
static void role_is_taken_once(void)
{
	struct pair pair = pair_of(queue_options());
	struct shmdev_ring *other;
	uint64_t id = new_party(), next = new_party();

	check(attach_as(pair.fd, id, SHMDEV_RING_PRODUCER, &other) == -EBUSY);
	check(attach_as(pair.fd, id, SHMDEV_RING_CONSUMER, &other) == -EBUSY);
	check(attach_as(pair.fd, id, SHMDEV_RING_OBSERVER, &other) == 0);
	shmdev_ring_detach(other);
	shmdev_ring_detach(pair.producer);
	check(attach_as(pair.fd, id, SHMDEV_RING_PRODUCER, &other) == 0);
	abandon(other, id);
	check(attach_as(pair.fd, next, SHMDEV_RING_PRODUCER, &pair.producer) ==
	      0);
	check(send_number(pair.producer, 1, 8) == 0);
	check(receive_number(pair.consumer, 1, 0) == 0);
	pair_end(&pair);
	check(attach_as(-1, id, SHMDEV_RING_PRODUCER, &other) == -EBADF);
	check(attach_as(pair.fd, 0, SHMDEV_RING_PRODUCER, &other) == -EINVAL);
}

/* What a role may not do: -EBADF. */
static void roles_are_kept_to(void)
{
	struct pair pair = pair_of(queue_options());
	struct shmdev_ring *observer = attach(pair.fd, SHMDEV_RING_OBSERVER);
	struct shmdev_ring_record record;
	char bytes[8] = "";
	void *room;

	check(shmdev_ring_send(pair.consumer, bytes, 8, NOW) == -EBADF);
	check(shmdev_ring_reserve(pair.consumer, 8, NOW, &room) == -EBADF);
	check(shmdev_ring_flush(pair.consumer) == -EBADF);
	check(shmdev_ring_peek(pair.producer, NOW, &record) == -EBADF);
	check(shmdev_ring_release(pair.producer) == -EBADF);
	check(shmdev_ring_receive(observer, bytes, 8, NOW, NULL) == -EBADF);
	check(shmdev_ring_send(observer, bytes, 8, NOW) == -EBADF);
	check(shmdev_ring_seek_oldest(pair.consumer) == -EBADF);
	check(shmdev_ring_arm(pair.consumer) == -EBADF);
	shmdev_ring_detach(observer);
	pair_end(&pair);
}

/* A record of nothing, of too much, and the largest one. */
static void sizes_are_checked(void)
{
	struct pair pair = pair_of(queue_options());
	size_t most = shmdev_ring_record_max(pair.producer);
	struct shmdev_ring_record record;
	void *room;

	check(most == PAGE - 16);
	check(shmdev_ring_reserve(pair.producer, 0, NOW, &room) == -EINVAL);
	check(shmdev_ring_reserve(pair.producer, most + 1, NOW, &room) ==
	      -EMSGSIZE);
	check(shmdev_ring_reserve(pair.producer, SIZE_MAX, NOW, &room) ==
	      -EMSGSIZE);
	check(shmdev_ring_commit(pair.producer) == -EINVAL);
	check(shmdev_ring_discard(pair.producer) == -EINVAL);
	for (int i = 0; i < 3; i++) {
		check(send_number(pair.producer, i, most) == 0);
		check(send_number(pair.producer, i, 8) == -EAGAIN);
		check(receive_number(pair.consumer, i, 0) == 0);
	}
	check(shmdev_ring_reserve(pair.producer, 8, NOW, &room) == 0);
	check(shmdev_ring_reserve(pair.producer, 8, NOW, &room) == -EBUSY);
	check(shmdev_ring_discard(pair.producer) == 0);
	check(shmdev_ring_peek(pair.consumer, NOW, &record) == -EAGAIN);
	pair_end(&pair);
}

/* All that is sent is received, once and in order, wherever numbers begin. */
static void queue_keeps_order(void)
{
	struct shmdev_ring_options options = queue_options();
	struct pair pair;

	for (unsigned int s = 0; s < sizeof(starts) / sizeof(*starts); s++) {
		uint64_t sent = 0, received = 0;
		unsigned int seed = 1;

		options.position = starts[s];
		options.sequence = starts[s];
		pair = pair_of(options);
		while (received < 3000) {
			size_t bytes = 8 + rand_r(&seed) % 700;
			int ret = 0;

			while (!ret && rand_r(&seed) % 8) {
				ret = send_number(pair.producer, sent, bytes);
				sent += !ret;
			}
			check(!ret || ret == -EAGAIN);
			for (ret = 0; !ret && rand_r(&seed) % 8;) {
				ret = receive_number(pair.consumer, received, 0);
				received += !ret;
			}
			check(!ret || ret == -EAGAIN);
			if (case_failed)
				break;
		}
		check(received <= sent);
		pair_end(&pair);
	}
}

/* A full queue holds what it promises: the data but for one record's head. */
static void queue_is_filled(void)
{
	struct pair pair = pair_of(queue_options());
	int sent = 0;

	while (!send_number(pair.producer, sent, 8))
		sent++;
	check(sent == (PAGE - 8) / 16);
	for (int i = 0; i < sent; i++)
		check(receive_number(pair.consumer, i, 0) == 0);
	check(receive_number(pair.consumer, 0, 0) == -EAGAIN);
	pair_end(&pair);
}

/* Committed later: seen with the flush, or if the ring is full. */
static void batch_is_published_at_once(void)
{
	struct pair pair = pair_of(queue_options());
	struct iovec records[4];
	char buffers[4][16];
	uint64_t number;
	void *room;

	for (int i = 0; i < 3; i++) {
		check(shmdev_ring_reserve(pair.producer, 8, NOW, &room) == 0);
		pattern_write(room, 8, i);
		check(shmdev_ring_commit_later(pair.producer) == 0);
		check(receive_number(pair.consumer, 0, 0) == -EAGAIN);
	}
	check(shmdev_ring_flush(pair.producer) == 0);
	check(shmdev_ring_flush(pair.producer) == 0);
	for (int i = 0; i < 4; i++)
		records[i] = (struct iovec){ buffers[i], sizeof(buffers[i]) };
	check(shmdev_ring_receive_many(pair.consumer, records, 4, NOW) == 3);
	for (int i = 0; i < 3; i++) {
		check(records[i].iov_len == 8);
		check(pattern_holds(buffers[i], 8, &number) &&
		      number == (uint64_t)i);
	}
	check(shmdev_ring_receive_many(pair.consumer, records, 4, NOW) ==
	      -EAGAIN);
	check(shmdev_ring_send_many(pair.producer, records, 3, NOW) == 3);
	records[1].iov_len = 0;
	check(shmdev_ring_send_many(pair.producer, records, 3, NOW) == 1);
	check(shmdev_ring_send_many(pair.producer, records + 1, 1, NOW) ==
	      -EINVAL);
	while (shmdev_ring_reserve(pair.producer, 8, NOW, &room) == 0)
		check(shmdev_ring_commit_later(pair.producer) == 0);
	records[1].iov_len = 16;
	check(shmdev_ring_receive_many(pair.consumer, records, 4, NOW) == 4);
	pair_end(&pair);
}

/* One that does not fit ends a batch, and is the first of the next. */
static void batch_ends_before_what_does_not_fit(void)
{
	struct pair pair = pair_of(queue_options());
	struct iovec records[3];
	char buffers[3][16];

	check(send_number(pair.producer, 0, 8) == 0);
	check(send_number(pair.producer, 1, 100) == 0);
	for (int i = 0; i < 3; i++)
		records[i] = (struct iovec){ buffers[i], sizeof(buffers[i]) };
	check(shmdev_ring_receive_many(pair.consumer, records, 3, NOW) == 1);
	records[0].iov_len = sizeof(buffers[0]);
	check(shmdev_ring_receive_many(pair.consumer, records, 3, NOW) ==
	      -EMSGSIZE);
	records[0].iov_base = NULL;
	check(shmdev_ring_receive_many(pair.consumer, records, 3, NOW) ==
	      -EINVAL);
	check(receive_number(pair.consumer, 1, 0) == 0);
	pair_end(&pair);
}

/* Peeked at: stays, one after the other, until all are released. */
static void peek_gives_nothing_back(void)
{
	struct pair pair = pair_of(queue_options());
	struct shmdev_ring_record record;
	uint64_t number;
	char little[4];
	int sent = 0;

	while (!send_number(pair.producer, sent, 8))
		sent++;
	check(shmdev_ring_receive(pair.consumer, little, 4, NOW, &record) ==
	      -EMSGSIZE);
	check(record.bytes == 8);
	check(shmdev_ring_receive(pair.consumer, NULL, 0, NOW, &record) ==
	      -EMSGSIZE);
	for (int i = 0; i < 10; i++) {
		check(shmdev_ring_peek(pair.consumer, NOW, &record) == 0);
		check(pattern_holds(record.data, record.bytes, &number));
		check(number == (uint64_t)i && record.sequence == number);
		check(send_number(pair.producer, sent, 8) == -EAGAIN);
	}
	check(shmdev_ring_release(pair.consumer) == 0);
	check(shmdev_ring_release(pair.consumer) == 0);
	for (int i = 0; i < 10; i++)
		check(send_number(pair.producer, sent++, 8) == 0);
	check(send_number(pair.producer, sent, 8) == -EAGAIN);
	for (int i = 10; i < sent; i++)
		check(receive_number(pair.consumer, i, 0) == 0);
	pair_end(&pair);
}

/* Many are peeked at like one after the other: those that are there. */
static void peek_at_many_waits_for_the_first(void)
{
	struct pair pair = pair_of(queue_options());
	struct shmdev_ring_record records[4];
	uint64_t number;
	int next = 0, sent = 0, peeked;

	check(shmdev_ring_peek_many(pair.consumer, records, 0, NOW) == 0);
	check(shmdev_ring_peek_many(pair.consumer, NULL, 1, NOW) == -EINVAL);
	check(shmdev_ring_peek_many(NULL, records, 4, NOW) == -EINVAL);
	check(shmdev_ring_peek_many(pair.producer, records, 4, NOW) == -EBADF);
	check(shmdev_ring_peek_many(pair.consumer, records, 4, NOW) ==
	      -EAGAIN);
	while (!send_number(pair.producer, sent, 8 + sent % 3 * 8))
		sent++;
	while (next < sent) {
		peeked = shmdev_ring_peek_many(pair.consumer, records, 4, NOW);
		check(peeked == (sent - next < 4 ? sent - next : 4));
		for (int i = 0; i < peeked; i++, next++) {
			check(records[i].bytes == 8U + next % 3 * 8);
			check(pattern_holds(records[i].data, records[i].bytes,
					    &number));
			check(number == (uint64_t)next);
			check(records[i].sequence == number);
			check(records[i].lost == 0);
		}
		check(send_number(pair.producer, sent, 8 + sent % 3 * 8) ==
		      -EAGAIN);
	}
	check(shmdev_ring_release(pair.consumer) == 0);
	check(send_number(pair.producer, sent, 8) == 0);
	check(receive_number(pair.consumer, sent, 0) == 0);
	pair_end(&pair);
}

/* Reserving many is like reserving the first, and as many more as have room. */
static void many_are_reserved_for_which_there_is_room(void)
{
	struct ring_of_each {
		struct shmdev_ring_options options;
		int most;	/* of 100 bytes, at once */
	} const rings[] = {
		{ queue_options(), (PAGE - 8) / 112 },
		{ stream_options(), (PAGE - 8) / 112 },
	};
	void *rooms[64];
	int sent, received, got;

	for (int i = 0; i < 2; i++) {
		struct pair pair = pair_of(rings[i].options);
		struct shmdev_ring *producer = pair.producer;

		check(shmdev_ring_reserve_many(NULL, 8, 4, NOW, rooms) ==
		      -EINVAL);
		check(shmdev_ring_reserve_many(producer, 8, 4, NOW, NULL) ==
		      -EINVAL);
		check(shmdev_ring_reserve_many(producer, 0, 4, NOW, rooms) ==
		      -EINVAL);
		check(shmdev_ring_reserve_many(producer, PAGE, 4, NOW, rooms) ==
		      -EMSGSIZE);
		check(shmdev_ring_reserve_many(pair.consumer, 8, 4, NOW,
					       rooms) == -EBADF);
		check(shmdev_ring_reserve_many(producer, 8, 0, NOW, rooms) == 0);
		check(shmdev_ring_commit_many(NULL, 1) == -EINVAL);
		check(shmdev_ring_commit_many(producer, 0) == -EINVAL);

		/* Fewer than were reserved, none, and one by itself. */
		check(shmdev_ring_reserve_many(producer, 8, 4, NOW, rooms) == 4);
		check(shmdev_ring_reserve_many(producer, 8, 4, NOW, rooms) ==
		      -EBUSY);
		check(shmdev_ring_commit_many(producer, 5) == -EINVAL);
		for (int j = 0; j < 4; j++)
			pattern_write(rooms[j], 8, j);
		check(receive_number(pair.consumer, 0, 0) == -EAGAIN);
		check(shmdev_ring_commit_many(producer, 3) == 0);
		check(shmdev_ring_commit_many(producer, 1) == -EINVAL);
		check(shmdev_ring_reserve_many(producer, 8, 4, NOW, rooms) == 4);
		check(shmdev_ring_commit_many(producer, 0) == 0);
		check(shmdev_ring_reserve_many(producer, 8, 4, NOW, rooms) == 4);
		pattern_write(rooms[0], 8, 3);
		check(shmdev_ring_commit(producer) == 0);
		check(shmdev_ring_reserve(producer, 8, NOW, &rooms[0]) == 0);
		pattern_write(rooms[0], 8, 4);
		check(shmdev_ring_commit_many(producer, 2) == -EINVAL);
		check(shmdev_ring_commit_many(producer, 1) == 0);
		for (int j = 0; j < 5; j++)
			check(receive_number(pair.consumer, j, 0) == 0);
		check(receive_number(pair.consumer, 5, 0) == -EAGAIN);

		/* Many times round. */
		for (sent = received = 0; sent < 10000; ) {
			got = shmdev_ring_reserve_many(producer, 100,
						       1 + sent % 20, NOW,
						       rooms);
			check(got == 1 + sent % 20);
			for (int j = 0; j < got; j++)
				pattern_write(rooms[j], 100, sent++);
			check(shmdev_ring_commit_many(producer, got) == 0);
			while (received < sent)
				check(receive_number(pair.consumer, received++,
						     0) == 0);
		}

		/* Not more than fit. */
		got = shmdev_ring_reserve_many(producer, 100, 64, NOW, rooms);
		check(got == rings[i].most);
		for (int j = 0; j < got; j++)
			pattern_write(rooms[j], 100, j);
		check(shmdev_ring_commit_many(producer, got) == 0);
		if (i) {
			/* The oldest of a stream give way. */
			check(shmdev_ring_reserve_many(producer, 100, 10, NOW,
						       rooms) == 10);
			for (int j = 0; j < 10; j++)
				pattern_write(rooms[j], 100, got + j);
			check(shmdev_ring_commit_many(producer, 10) == 0);
			check(receive_number(pair.consumer, 10, 10) == 0);
		} else {
			check(shmdev_ring_reserve_many(producer, 100, 10, NOW,
						       rooms) == -EAGAIN);
			for (int j = 0; j < 3; j++)
				check(receive_number(pair.consumer, j, 0) == 0);
			check(shmdev_ring_reserve_many(producer, 100, 10, NOW,
						       rooms) == 3);
			check(shmdev_ring_discard(producer) == 0);
		}
		pair_end(&pair);
	}
}

/* What a consumer had not given back when it ended is the next one's. */
static void next_consumer_goes_on(void)
{
	struct shmdev_ring_options options = queue_options();
	int fd = ring_new(&options);
	struct shmdev_ring *producer = attach(fd, SHMDEV_RING_PRODUCER);
	struct shmdev_ring *consumer, *next;
	struct shmdev_ring_record record;
	uint64_t id = new_party();

	check(attach_as(fd, id, SHMDEV_RING_CONSUMER, &consumer) == 0);
	for (int i = 0; i < 5; i++)
		check(send_number(producer, i, 8) == 0);
	check(receive_number(consumer, 0, 0) == 0);
	check(shmdev_ring_peek(consumer, NOW, &record) == 0);
	abandon(consumer, id);
	next = attach(fd, SHMDEV_RING_CONSUMER);
	for (int i = 1; i < 5; i++)
		check(receive_number(next, i, 0) == 0);
	check(receive_number(next, 0, 0) == -EAGAIN);
	shmdev_ring_detach(next);
	shmdev_ring_detach(producer);
	close(fd);
}

/* A record that its producer did not commit was never there. */
static void next_producer_goes_on(void)
{
	for (int many = 0; many < 2; many++) {
		struct shmdev_ring_options options = queue_options();
		struct shmdev_ring *producer, *next, *consumer;
		uint64_t id = new_party();
		void *room;
		int fd;

		options.flags = many ? SHMDEV_RING_MANY : 0;
		options.sequence = 0xffffffff;
		fd = ring_new(&options);
		consumer = attach(fd, SHMDEV_RING_CONSUMER);
		check(attach_as(fd, id, SHMDEV_RING_PRODUCER, &producer) == 0);
		check(send_number(producer, 1, 100) == 0);
		check(shmdev_ring_reserve(producer, 200, NOW, &room) == 0);
		memset(room, 0xff, 200);
		check(shmdev_ring_commit_later(producer) == 0);
		check(shmdev_ring_reserve(producer, 200, NOW, &room) == 0);
		memset(room, 0xff, 200);
		abandon(producer, id);
		next = attach(fd, SHMDEV_RING_PRODUCER);
		check(send_number(next, 2, 100) == 0);
		check(receive_number(consumer, 1, 0) == 0);
		check(receive_number(consumer, 2, 0) == 0);
		check(receive_number(consumer, 2, 0) == -EAGAIN);
		shmdev_ring_detach(next);
		shmdev_ring_detach(consumer);
		close(fd);
	}
}

/* Many producers take turns: who has reserved keeps the others out. */
static void producers_exclude_each_other(void)
{
	struct shmdev_ring_options options = queue_options();
	struct shmdev_ring *one, *other, *consumer;
	struct timespec soon;
	void *room;
	int fd;

	options.flags = SHMDEV_RING_MANY;
	fd = ring_new(&options);
	one = attach(fd, SHMDEV_RING_PRODUCER);
	other = attach(fd, SHMDEV_RING_PRODUCER);
	consumer = attach(fd, SHMDEV_RING_CONSUMER);
	check(shmdev_ring_reserve(one, 8, NOW, &room) == 0);
	check(send_number(other, 2, 8) == -EAGAIN);
	soon = in_ms(10);
	check(shmdev_ring_send(other, "two", 4, &soon) == -ETIMEDOUT);
	pattern_write(room, 8, 1);
	check(shmdev_ring_commit(one) == 0);
	check(send_number(other, 2, 8) == 0);
	check(shmdev_ring_reserve(one, 8, NOW, &room) == 0);
	check(shmdev_ring_discard(one) == 0);
	check(send_number(other, 3, 8) == 0);
	for (int i = 1; i < 4; i++)
		check(receive_number(consumer, i, 0) == 0);
	shmdev_ring_detach(one);
	shmdev_ring_detach(other);
	shmdev_ring_detach(consumer);
	close(fd);
}

static uint64_t who_produces(const struct shmdev_ring *ring)
{
	struct shmdev_ring_info info = { .size = sizeof(info) };

	check(shmdev_ring_info(ring, &info) == 0);
	return info.producer;
}

/* Sends and receives as often as a producer has to be alone, to keep its turn. */
static void send_until_kept(struct shmdev_ring *producer,
			    struct shmdev_ring *consumer)
{
	int turns = 0;

	do {
		check(send_number(producer, 7, 8) == 0);
		check(receive_number(consumer, 7, 0) == 0);
	} while (!who_produces(consumer) && ++turns < 10000);
	check(who_produces(consumer) != 0);
}

/* Who was long alone keeps its turn, until another wants it. */
static void turn_is_kept_until_others_want_it(void)
{
	struct shmdev_ring_options options = queue_options();
	struct shmdev_ring *one, *other, *consumer;
	struct timespec soon;
	uint64_t id = new_party();
	void *room;
	int fd;

	options.flags = SHMDEV_RING_MANY | SHMDEV_RING_ASYMMETRIC;
	fd = ring_new(&options);
	consumer = attach(fd, SHMDEV_RING_CONSUMER);
	check(attach_as(fd, id, SHMDEV_RING_PRODUCER, &one) == 0);
	other = attach(fd, SHMDEV_RING_PRODUCER);

	/* Idle: it is simply taken. */
	send_until_kept(one, consumer);
	check(who_produces(consumer) == id);
	check(send_number(other, 1, 8) == 0);
	check(who_produces(consumer) == 0);
	check(send_number(one, 2, 8) == 0);
	check(who_produces(consumer) == 0);

	/* Busy: it is given back at the end, for good. */
	check(receive_number(consumer, 1, 0) == 0);
	check(receive_number(consumer, 2, 0) == 0);
	send_until_kept(one, consumer);
	check(shmdev_ring_reserve(one, 8, NOW, &room) == 0);
	check(send_number(other, 4, 8) == -EAGAIN);
	soon = in_ms(10);
	check(shmdev_ring_send(other, "four", 5, &soon) == -ETIMEDOUT);
	pattern_write(room, 8, 3);
	check(shmdev_ring_commit(one) == 0);
	check(who_produces(consumer) == 0);
	check(send_number(other, 4, 8) == 0);
	check(receive_number(consumer, 3, 0) == 0);
	check(receive_number(consumer, 4, 0) == 0);

	/* Gone, and dead. */
	send_until_kept(one, consumer);
	shmdev_ring_detach(one);
	check(who_produces(consumer) == 0);
	check(attach_as(fd, id, SHMDEV_RING_PRODUCER, &one) == 0);
	send_until_kept(one, consumer);
	check(shmdev_ring_reserve(one, 8, NOW, &room) == 0);
	abandon(one, id);
	check(send_number(other, 5, 8) == 0);
	check(receive_number(consumer, 5, 0) == 0);
	shmdev_ring_detach(other);
	shmdev_ring_detach(consumer);
	close(fd);
}

/* What a keeper was busy with when it died, the next one that has its place is not. */
static void dead_keeper_is_not_busy(void)
{
	struct shmdev_ring_options options = queue_options();
	struct shmdev_ring *one, *other, *consumer;
	uint64_t id = new_party();
	void *room;
	int fd;

	options.flags = SHMDEV_RING_MANY | SHMDEV_RING_ASYMMETRIC;
	fd = ring_new(&options);
	consumer = attach(fd, SHMDEV_RING_CONSUMER);
	check(attach_as(fd, id, SHMDEV_RING_PRODUCER, &one) == 0);
	send_until_kept(one, consumer);
	check(shmdev_ring_reserve(one, 8, NOW, &room) == 0);
	abandon(one, id);
	one = attach(fd, SHMDEV_RING_PRODUCER);
	/* Nothing is sent meanwhile that would tell that it is no longer. */
	do {
		check(shmdev_ring_reserve(one, 8, NOW, &room) == 0);
		check(shmdev_ring_discard(one) == 0);
	} while (!who_produces(consumer) && !case_failed);
	other = attach(fd, SHMDEV_RING_PRODUCER);
	check(send_number(other, 1, 8) == 0);
	check(receive_number(consumer, 1, 0) == 0);
	shmdev_ring_detach(one);
	shmdev_ring_detach(other);
	shmdev_ring_detach(consumer);
	close(fd);
}

/*
 * Who may not make barriers any more does not take a turn that is kept, with an
 * error; but it is given back, since it was asked for.
 */
static void kept_turn_needs_membarrier(void)
{
	struct shmdev_ring_options options = queue_options();
	struct shmdev_ring *keeper, *other, *consumer;
	struct timespec soon;
	int fd, status;

	options.flags = SHMDEV_RING_MANY | SHMDEV_RING_ASYMMETRIC;
	fd = ring_new(&options);
	consumer = attach(fd, SHMDEV_RING_CONSUMER);
	keeper = attach(fd, SHMDEV_RING_PRODUCER);
	send_until_kept(keeper, consumer);
	if (!fork()) {
		case_failed = false;
		other = attach(fd, SHMDEV_RING_PRODUCER);
		forbid_membarrier(EPERM);
		check(send_number(other, 1, 8) == -EPERM);
		soon = in_ms(10);
		check(shmdev_ring_send(other, "one", 4, &soon) == -EPERM);
		shmdev_ring_detach(other);
		_exit(case_failed);
	}
	check(wait(&status) > 0 && status == 0);
	check(send_number(keeper, 2, 8) == 0);
	check(who_produces(consumer) == 0);
	other = attach(fd, SHMDEV_RING_PRODUCER);
	check(send_number(other, 3, 8) == 0);
	check(receive_number(consumer, 2, 0) == 0);
	check(receive_number(consumer, 3, 0) == 0);
	shmdev_ring_detach(other);
	shmdev_ring_detach(keeper);
	shmdev_ring_detach(consumer);
	close(fd);
}

/* A turn that is kept is one like others: a batch, a discarded record, no room. */
static void kept_turn_is_like_others(void)
{
	struct shmdev_ring_options options = queue_options();
	struct shmdev_ring *producer, *other, *consumer;
	int fd, sent, received;
	void *room;

	options.flags = SHMDEV_RING_MANY | SHMDEV_RING_ASYMMETRIC;
	fd = ring_new(&options);
	consumer = attach(fd, SHMDEV_RING_CONSUMER);
	producer = attach(fd, SHMDEV_RING_PRODUCER);
	other = attach(fd, SHMDEV_RING_PRODUCER);
	send_until_kept(producer, consumer);
	check(shmdev_ring_reserve(producer, 8, NOW, &room) == 0);
	check(shmdev_ring_discard(producer) == 0);
	for (sent = 0; sent < 3; sent++) {
		check(shmdev_ring_reserve(producer, 8, NOW, &room) == 0);
		pattern_write(room, 8, sent);
		check(shmdev_ring_commit_later(producer) == 0);
	}
	check(send_number(other, 0, 8) == -EAGAIN);
	check(shmdev_ring_flush(producer) == 0);
	for (received = 0; received < sent; received++)
		check(receive_number(consumer, received, 0) == 0);
	send_until_kept(producer, consumer);
	for (sent = 0; !send_number(producer, sent, 100); sent++)
		;
	check(sent == (PAGE - 8) / 112);
	/* Who has no room is not busy. */
	check(who_produces(consumer) != 0);
	check(receive_number(consumer, 0, 0) == 0);
	check(send_number(other, sent, 100) == 0);
	for (received = 1; received <= sent; received++)
		check(receive_number(consumer, received, 0) == 0);
	shmdev_ring_detach(producer);
	shmdev_ring_detach(other);
	shmdev_ring_detach(consumer);
	close(fd);
}

/* More producers than can keep their turns: each gets it, and it is one's. */
static void more_producers_than_keepers(void)
{
	struct shmdev_ring *producers[SHMDEV_RING_KEEPERS + 2], *consumer;
	const int count = sizeof(producers) / sizeof(*producers);
	struct shmdev_ring_options options = queue_options();
	int fd;

	options.flags = SHMDEV_RING_MANY | SHMDEV_RING_ASYMMETRIC;
	fd = ring_new(&options);
	consumer = attach(fd, SHMDEV_RING_CONSUMER);
	for (int i = 0; i < count; i++)
		producers[i] = attach(fd, SHMDEV_RING_PRODUCER);
	for (int i = 0; i < SHMDEV_RING_KEEPERS; i++)
		send_until_kept(producers[i], consumer);
	for (int i = 0; i < 1000; i++) {
		check(send_number(producers[count - 1], i, 8) == 0);
		check(receive_number(consumer, i, 0) == 0);
		check(who_produces(consumer) == 0);
	}
	/* What one leaves, the next has. */
	shmdev_ring_detach(producers[0]);
	send_until_kept(producers[count - 1], consumer);
	for (int i = 1; i < count; i++)
		shmdev_ring_detach(producers[i]);
	check(who_produces(consumer) == 0);
	shmdev_ring_detach(consumer);
	close(fd);
}

/* One of many producers knows of old how far the consumer is: that is enough. */
static void producer_comes_back_after_many_laps(void)
{
	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		struct shmdev_ring_options options = queue_options();
		struct shmdev_ring *rare, *busy, *consumer;
		int fd, sent = 0, received = 0;

		options.flags = SHMDEV_RING_MANY;
		options.position = starts[i];
		fd = ring_new(&options);
		consumer = attach(fd, SHMDEV_RING_CONSUMER);
		rare = attach(fd, SHMDEV_RING_PRODUCER);
		busy = attach(fd, SHMDEV_RING_PRODUCER);
		for (int turn = 1; turn <= 4; turn++) {
			/* Several times round, and full at last. */
			while (sent < 1000 * turn) {
				if (!send_number(busy, sent, 50))
					sent++;
				else
					check(receive_number(consumer,
							     received++,
							     0) == 0);
			}
			while (!send_number(busy, sent, 50))
				sent++;
			check(send_number(rare, sent, 50) == -EAGAIN);
			check(receive_number(consumer, received++, 0) == 0);
			check(send_number(rare, sent++, 50) == 0);
			check(send_number(rare, sent, 50) == -EAGAIN);
		}
		while (received < sent)
			check(receive_number(consumer, received++, 0) == 0);
		shmdev_ring_detach(rare);
		shmdev_ring_detach(busy);
		shmdev_ring_detach(consumer);
		close(fd);
	}
}

/* A reader begins with what is sent next, or with what is there. */
static void stream_begins_where_it_is_asked_to(void)
{
	struct pair pair = pair_of(stream_options());
	struct shmdev_ring *late;

	for (int i = 0; i < 10; i++)
		check(send_number(pair.producer, i, 8) == 0);
	late = attach(pair.fd, SHMDEV_RING_CONSUMER);
	check(receive_number(late, 0, 0) == -EAGAIN);
	check(send_number(pair.producer, 10, 8) == 0);
	check(receive_number(late, 10, 0) == 0);
	check(shmdev_ring_seek_oldest(late) == 0);
	check(receive_number(late, 0, 0) == 0);
	check(shmdev_ring_seek(late, 7) == 0);
	check(receive_number(late, 7, 0) == 0);
	check(shmdev_ring_seek(late, 12) == -ERANGE);
	check(receive_number(late, 8, 0) == 0);
	check(shmdev_ring_seek(late, 11) == 0);
	check(receive_number(late, 11, 0) == -EAGAIN);
	check(shmdev_ring_seek_now(late) == 0);
	check(send_number(pair.producer, 11, 8) == 0);
	check(receive_number(late, 11, 0) == 0);
	for (int i = 0; i < 12; i++)
		check(receive_number(pair.consumer, i, 0) == 0);
	shmdev_ring_detach(late);
	pair_end(&pair);
}

/* A reader that was overtaken is told how many it lost, and goes on. */
static void stream_counts_losses(void)
{
	struct shmdev_ring_options options = stream_options();

	for (unsigned int s = 0; s < sizeof(starts) / sizeof(*starts); s++) {
		struct pair pair;
		uint64_t gone = 0, first;

		options.position = starts[s];
		options.sequence = starts[s];
		pair = pair_of(options);
		check(send_number(pair.producer, 0, 8) == 0);
		check(receive_number(pair.consumer, 0, 0) == 0);
		for (uint64_t i = 1; i <= 1000; i++)
			check(send_number(pair.producer, i, 8) == 0);
		/* As many as fit are there still. */
		first = 1000 - (PAGE - 8) / 16 + 1;
		gone = first - 1;
		check(receive_number(pair.consumer, first, gone) == 0);
		for (uint64_t i = first + 1; i <= 1000; i++)
			check(receive_number(pair.consumer, i, 0) == 0);
		check(receive_number(pair.consumer, 0, 0) == -EAGAIN);
		/* From a record on that has gone. */
		check(shmdev_ring_seek(pair.consumer, starts[s] + 10) == 0);
		check(receive_number(pair.consumer, first, first - 10) == 0);
		pair_end(&pair);
	}
}

/* Peeked at, and overwritten: release says so, and it counts as lost. */
static void stream_tells_what_was_overwritten(void)
{
	struct pair pair = pair_of(stream_options());
	struct shmdev_ring_record record;
	uint64_t first;

	check(send_number(pair.producer, 0, 8) == 0);
	check(send_number(pair.producer, 1, 8) == 0);
	check(shmdev_ring_peek(pair.consumer, NOW, &record) == 0);
	check(shmdev_ring_release(pair.consumer) == 0);
	check(shmdev_ring_peek(pair.consumer, NOW, &record) == 0);
	for (uint64_t i = 2; i <= 1000; i++)
		check(send_number(pair.producer, i, 8) == 0);
	check(shmdev_ring_release(pair.consumer) == -EOVERFLOW);
	first = 1000 - (PAGE - 8) / 16 + 1;
	check(receive_number(pair.consumer, first, first - 1) == 0);
	/* The largest record leaves nothing else, and is there. */
	check(send_number(pair.producer, 1001, PAGE - 16) == 0);
	check(receive_number(pair.consumer, 1001, 1000 - first) == 0);
	pair_end(&pair);
}

/* Of many that are peeked at, the first tells what is missing before it. */
static void stream_is_peeked_at_by_many(void)
{
	struct pair pair = pair_of(stream_options());
	const uint64_t first = 1000 - (PAGE - 8) / 16 + 1;
	struct shmdev_ring_record records[4];
	uint64_t number;

	for (uint64_t i = 0; i <= 1000; i++)
		check(send_number(pair.producer, i, 8) == 0);
	check(shmdev_ring_peek_many(pair.consumer, records, 4, NOW) == 4);
	for (unsigned int i = 0; i < 4; i++) {
		check(pattern_holds(records[i].data, 8, &number));
		check(number == first + i && records[i].sequence == number);
		check(records[i].lost == (i ? 0 : first));
	}
	/* Those are lost, and somebody has seen them. */
	for (uint64_t i = 1001; i <= 2000; i++)
		check(send_number(pair.producer, i, 8) == 0);
	check(shmdev_ring_peek_many(pair.consumer, records, 4, NOW) ==
	      -EOVERFLOW);
	check(shmdev_ring_peek_many(pair.consumer, records, 4, NOW) == 4);
	check(records[0].sequence == first + 1000);
	check(records[0].lost == first + 1000);
	check(shmdev_ring_release(pair.consumer) == 0);
	pair_end(&pair);
}

/* A batch that is longer than the stream leaves it in order all the time. */
static void stream_outlives_a_long_batch(void)
{
	struct shmdev_ring_options options = stream_options();
	int fd = ring_new(&options);
	struct shmdev_ring *consumer = attach(fd, SHMDEV_RING_CONSUMER);
	struct shmdev_ring *producer;
	uint64_t id = new_party();
	void *room;

	check(attach_as(fd, id, SHMDEV_RING_PRODUCER, &producer) == 0);
	for (uint64_t i = 0; i < 1000; i++) {
		check(shmdev_ring_reserve(producer, 8, NOW, &room) == 0);
		pattern_write(room, 8, i);
		check(shmdev_ring_commit_later(producer) == 0);
	}
	abandon(producer, id);
	producer = attach(fd, SHMDEV_RING_PRODUCER);
	check(send_number(producer, 1000, 8) == 0);
	check(shmdev_ring_seek_now(consumer) == 0);
	check(send_number(producer, 1001, 8) == 0);
	check(receive_number(consumer, 1001, 0) == 0);
	shmdev_ring_detach(producer);
	shmdev_ring_detach(consumer);
	close(fd);
}

/* A reader who is overtaken between any two looks gets what is there, each time. */
static void stream_is_read_once_a_lap(void)
{
	struct pair pair = pair_of(stream_options());
	struct shmdev_ring_record record;
	uint64_t next = 0, seen = 0, sent = 0;

	check(send_number(pair.producer, sent++, 8) == 0);
	check(shmdev_ring_peek(pair.consumer, NOW, &record) == 0);
	for (int lap = 0; lap < 1200; lap++) {
		for (int i = 0; i < 300; i++)
			check(send_number(pair.producer, sent++, 8) == 0);
		if (!lap) {
			check(shmdev_ring_release(pair.consumer) == -EOVERFLOW);
			continue;
		}
		check(shmdev_ring_receive(pair.consumer, &seen, 8, NOW,
					  &record) == 8);
		check(seen == next + record.lost);
		next = seen + 1;
		check(seen >= (uint64_t)lap * 300);
	}
	pair_end(&pair);
}

/* A record that needs more room stays, or is lost like others. */
static void stream_keeps_what_has_no_room(void)
{
	struct pair pair = pair_of(stream_options());
	struct shmdev_ring_record record;
	char little[8];

	check(send_number(pair.producer, 0, 24) == 0);
	for (int i = 1; i < 4; i++)
		check(send_number(pair.producer, i, 1000) == 0);
	check(send_number(pair.producer, 4, 1100) == 0);
	check(shmdev_ring_receive(pair.consumer, little, 8, NOW, &record) ==
	      -EMSGSIZE);
	check(record.bytes == 1000);
	check(receive_number(pair.consumer, 2, 2) == 0);
	check(receive_number(pair.consumer, 3, 0) == 0);
	pair_end(&pair);
}

/* A stream's producer that dies leaves numbers without a gap. */
static void stream_goes_on_after_death(void)
{
	struct shmdev_ring_options options = stream_options();
	int fd = ring_new(&options);
	struct shmdev_ring *producer, *consumer;
	void *room;

	consumer = attach(fd, SHMDEV_RING_CONSUMER);
	for (uint64_t i = 0; i < 50; i++) {
		uint64_t id = new_party();

		check(attach_as(fd, id, SHMDEV_RING_PRODUCER, &producer) == 0);
		check(send_number(producer, i, 100 + i) == 0);
		check(shmdev_ring_reserve(producer, 1000, NOW, &room) == 0);
		memset(room, 0xff, 1000);
		abandon(producer, id);
	}
	producer = attach(fd, SHMDEV_RING_PRODUCER);
	check(send_number(producer, 50, 8) == 0);
	check(shmdev_ring_seek(consumer, 49) == 0);
	check(receive_number(consumer, 49, 0) == 0);
	check(receive_number(consumer, 50, 0) == 0);
	shmdev_ring_detach(producer);
	shmdev_ring_detach(consumer);
	close(fd);
}

static int slow_wait(void *context, uint64_t offset, const uint32_t *word,
		     uint32_t expected, uint32_t ends,
		     const struct timespec *deadline)
{
	int ret = strict_wait(context, offset, word, expected, ends, deadline);

	usleep(200000);
	return ret;
}

static void *receive_two(void *ring)
{
	for (int i = 0; i < 2; i++)
		check(shmdev_ring_receive(ring, (char[PAGE]) { }, PAGE, NULL,
					  NULL) > 0);
	return NULL;
}

/* A consumer that wants more than there is does not while a producer needs room. */
static void waiting_for_more_ends_for_who_waits_for_room(void)
{
	const struct shmdev_ring_calls calls = {
		.wait = slow_wait,
		.wake = world_wake,
		.has_ended = world_has_ended,
	};
	const struct shmdev_ring_calls *others = calls_of_all;
	struct pair pair;
	pthread_t thread;

	calls_of_all = &calls;
	pair = pair_of(queue_options());
	calls_of_all = others;
	world->late = 0;
	shmdev_ring_set_spin(pair.consumer, 0);
	shmdev_ring_throttle(pair.consumer, 4, 0, 0);
	check(!pthread_create(&thread, NULL, receive_two, pair.consumer));
	usleep(100000);
	check(shmdev_ring_send(pair.producer, (char[100]) { }, 100, NULL) == 0);
	check(shmdev_ring_send(pair.producer, (char[4000]) { }, 4000, NULL) == 0);
	pthread_join(thread, NULL);
	check(world->late == 0);
	pair_end(&pair);
}

/* Deadlines, and the end of all producers. */
static void waiting_ends(void)
{
	struct pair pair = pair_of(queue_options());
	struct timespec soon = in_ms(20);
	char byte[8];

	check(shmdev_ring_receive(pair.consumer, byte, 8, &soon, NULL) ==
	      -ETIMEDOUT);
	soon = in_ms(20);
	while (!send_number(pair.producer, 0, 1000))
		;
	check(shmdev_ring_send(pair.producer, byte, 8, &soon) == 0);
	while (!shmdev_ring_send(pair.producer, byte, 8, &soon))
		;
	check(shmdev_ring_send(pair.producer, byte, 8, &soon) == -ETIMEDOUT);
	world->has_producers = true;
	world->producers = 0;
	for (int i = 0; i < 4; i++)
		check(receive_number(pair.consumer, 0, 0) == 0);
	while (shmdev_ring_receive(pair.consumer, byte, 8, NOW, NULL) == 8)
		;
	check(shmdev_ring_receive(pair.consumer, byte, 8, NOW, NULL) == -EPIPE);
	check(shmdev_ring_receive(pair.consumer, byte, 8, NULL, NULL) ==
	      -EPIPE);
	world->has_producers = false;
	pair_end(&pair);
}

/* What can be known of a ring without taking part. */
static void observer_sees(void)
{
	struct pair pair = pair_of(queue_options());
	struct shmdev_ring *observer = attach(pair.fd, SHMDEV_RING_OBSERVER);
	struct shmdev_ring_info info = { .size = sizeof(info) };
	struct shmdev_ring_cursor_info cursor;

	check(send_number(pair.producer, 0, 8) == 0);
	check(send_number(pair.producer, 1, 8) == 0);
	check(receive_number(pair.consumer, 0, 0) == 0);
	check(shmdev_ring_info(observer, &info) == 0);
	check(info.kind == SHMDEV_RING_IS_QUEUE && info.data_bytes == PAGE);
	check(info.head == 32 && info.tail == 16 && info.sequence == 2);
	check(info.producer && info.readers == 1);
	check(shmdev_ring_cursor_info(observer, 0, &cursor) == 0);
	check(cursor.id && cursor.position == 16 && !cursor.lost);
	check(shmdev_ring_cursor_info(observer, 1, &cursor) == -ERANGE);
	shmdev_ring_detach(observer);
	pair_end(&pair);
}

int main(void)
{
	world_begin();
	RUN(options_are_checked);
	RUN(asymmetric_ring_needs_membarrier);
	RUN(damaged_header_is_refused);
	RUN(role_is_taken_once);
	RUN(roles_are_kept_to);
	RUN(sizes_are_checked);
	RUN(queue_keeps_order);
	RUN(queue_is_filled);
	RUN(batch_is_published_at_once);
	RUN(batch_ends_before_what_does_not_fit);
	RUN(peek_gives_nothing_back);
	RUN(peek_at_many_waits_for_the_first);
	RUN(many_are_reserved_for_which_there_is_room);
	RUN(next_consumer_goes_on);
	RUN(next_producer_goes_on);
	RUN(producers_exclude_each_other);
	RUN(turn_is_kept_until_others_want_it);
	RUN(kept_turn_needs_membarrier);
	RUN(kept_turn_is_like_others);
	RUN(dead_keeper_is_not_busy);
	RUN(more_producers_than_keepers);
	RUN(producer_comes_back_after_many_laps);
	RUN(stream_begins_where_it_is_asked_to);
	RUN(stream_counts_losses);
	RUN(stream_tells_what_was_overwritten);
	RUN(stream_is_peeked_at_by_many);
	RUN(stream_outlives_a_long_batch);
	RUN(stream_is_read_once_a_lap);
	RUN(stream_keeps_what_has_no_room);
	RUN(stream_goes_on_after_death);
	RUN(waiting_for_more_ends_for_who_waits_for_room);
	RUN(waiting_ends);
	RUN(observer_sees);
	printf("1..%u\n", cases);
	return failed;
}

/* SPDX-License-Identifier: MIT */
/*
 * libshmdev: rings. Records from producers to consumers through shared memory,
 * without a copy that nobody asked for, without a system call while both sides
 * are busy, and without a stale lock when one of them is killed. See
 * <linux/shmdev_ring.h> for what lies in the memory, and shmdev-ring(3).
 *
 * Conventions are those of shmdev.h. A ring object belongs to one process, and
 * to one thread at a time; it is of no use in a child after fork(). Different
 * parties have different objects, also in one process.
 *
 * Deadlines are times of CLOCK_MONOTONIC. NULL: wait for ever.
 * SHMDEV_RING_NOW: do not wait, -EAGAIN says that one would have to.
 *
 * Errors of many functions: -EBADF: this role may not do that. -EBADMSG: what is
 * in the memory contradicts itself; another party did that, and the ring has to
 * be made anew. -EPIPE: there is nothing to wait for, since all producers have
 * gone. -EINTR, -ETIMEDOUT: as shmdev_segment_wait_until() has it.
 */
#ifndef SHMDEV_RING_H
#define SHMDEV_RING_H

#include <sys/uio.h>

#include "shmdev.h"

#ifdef __cplusplus
extern "C" {
#endif

struct shmdev_ring;

enum shmdev_ring_kind {
	SHMDEV_RING_IS_QUEUE = 1,	/* each record to one, none lost */
	SHMDEV_RING_IS_STREAM = 2,	/* each record to all, losses counted */
};

enum shmdev_ring_role {
	SHMDEV_RING_OBSERVER,		/* looks only; any number */
	SHMDEV_RING_PRODUCER,		/* one, or many if so made */
	SHMDEV_RING_CONSUMER,		/* of a queue one, of a stream many */
};

/* Many producers, in turn; each needs an id of its own. */
#define SHMDEV_RING_MANY	(1U << 0)
/*
 * The consumer may write the data. It then clears a word of each cache line
 * when it gives it back, which on some processors spares the producer from
 * fetching the line in a slow way (on AMD's Zen 4, not on Intel's Sapphire
 * Rapids). For parties that trust each other: such a ring is not isolated.
 */
#define SHMDEV_RING_CLEARS	(1U << 1)
/*
 * For a ring that is mostly busy: to send and to receive need no memory barrier,
 * which can take most of their time, since who is about to sleep lets the kernel
 * make one for all, by membarrier(2). So to sleep takes some microseconds more,
 * and interrupts what runs just then of those that have such rings. One of many
 * producers that is alone for a while keeps its turn, until others want it, which
 * costs those as much. Attaching fails with -EOPNOTSUPP where that system call is
 * not to be had.
 */
#define SHMDEV_RING_ASYMMETRIC	(1U << 2)

struct shmdev_ring_options {
	size_t size;		/* sizeof(struct shmdev_ring_options) */
	uint32_t kind;		/* enum shmdev_ring_kind */
	uint32_t flags;		/* SHMDEV_RING_MANY, CLEARS, ASYMMETRIC */
	uint64_t data_bytes;	/* a power of two, at least a page */
	uint32_t readers;	/* at a time; 0: 1 in a queue, 8 in a stream */
	uint32_t reserved;
	uint64_t position;	/* the first one, a multiple of 8; mostly 0 */
	uint64_t sequence;	/* number of the first record; mostly 0 */
};

/*
 * What a ring asks of its surroundings, where they are not a segment. Each
 * returns a value or -errno. @word is the word in this process' mapping, and
 * @offset where it is in the file.
 */
struct shmdev_ring_calls {
	/*
	 * Sleep if *@word is @expected, and until woken, until @deadline, or
	 * until a party ends of which @ends does not know. May return 0 at any
	 * time. -EAGAIN: no reason to sleep.
	 */
	int (*wait)(void *context, uint64_t offset, const uint32_t *word,
		    uint32_t expected, uint32_t ends,
		    const struct timespec *deadline);
	/* Wake @count of those who sleep on the word. */
	int (*wake)(void *context, uint64_t offset, uint32_t *word,
		    unsigned int count);
	/*
	 * How many parties have ended so far, for wait. May be NULL, if ends
	 * wake nobody.
	 */
	int (*ends)(void *context, uint32_t *ends);
	/* 1 if party @id has ended, else 0. */
	int (*has_ended)(void *context, uint64_t id);
	/* How many producers there are now. May be NULL: never -EPIPE. */
	int (*producers)(void *context);
};

struct shmdev_ring_memory {
	size_t size;		/* sizeof(struct shmdev_ring_memory) */
	int fd;			/* what mmap() is called on, here only */
	uint64_t offset;	/* where the ring begins: a multiple of a page */
	uint64_t id;		/* this party: 1 to 2^39 - 1, never used again */
	const struct shmdev_ring_calls *calls;
	void *context;		/* handed to them */
};

/* How large the memory of such a ring has to be. */
int shmdev_ring_bytes(const struct shmdev_ring_options *options,
		      uint64_t *bytes);

/*
 * Makes a ring in memory that nobody else uses yet: @fd, from @offset on, has to
 * be mappable for writing. -EINVAL: the options make no sense.
 */
int shmdev_ring_format(int fd, uint64_t offset,
		       const struct shmdev_ring_options *options);

/*
 * Makes a segment with a ring at its beginning. @name and @how are those of
 * shmdev_segment_create(). The segment has its name before it has its ring, and
 * mode 0600 until then: whoever can open it already gets -ENODATA below.
 *
 * Unless SHMDEV_RING_CLEARS is set, the ring is isolated: who reads can write its
 * own cursor, and nobody else can, see shmdev_segment_isolate(). -EBUSY: somebody
 * opened the segment, and may be writing it.
 */
int shmdev_ring_create(const struct shmdev_device *device, const char *name,
		       const struct shmdev_segment_options *how,
		       const struct shmdev_ring_options *options,
		       struct shmdev_segment **segment);

/*
 * Takes a role in the ring at @offset of a segment. @segment has to be open for
 * reading and writing, but for an observer and for a consumer of an isolated ring
 * for reading only, and to stay open. The process becomes a peer through it, until
 * it gives the role back: parties need to open the segment each for itself, also in
 * one process.
 *
 * -EALREADY: the process is a peer through this descriptor already. -EBUSY: the
 * role is taken. -EACCES: it is the kernel's, or the segment is not open as the
 * role needs it. -ENODATA: there is no ring. -EPROTO: it is one of another
 * version, or of pages of another size.
 */
int shmdev_ring_attach(const struct shmdev_segment *segment, uint64_t offset,
		       enum shmdev_ring_role role, struct shmdev_ring **ring);
int shmdev_ring_attach_memory(const struct shmdev_ring_memory *memory,
			      enum shmdev_ring_role role,
			      struct shmdev_ring **ring);
/* Gives the role back; what was not committed is dropped. */
void shmdev_ring_detach(struct shmdev_ring *ring);

/*
 * Has all of the ring in memory, and mapped for this party. Else a page is made when
 * it is first written to, and each party waits some microseconds when it first gets
 * there: in the first lap, once for every few records. For programs to which that
 * is too long, at any time, by each party for itself. It takes as long as it takes to
 * make and to map so much memory, and may be swapped out again: see mlock(2).
 *
 * -ENOMEM, -EFAULT: there is not so much memory; some of it may have been made.
 * -EINVAL: NULL, or a kernel before 5.14, which cannot do so.
 */
int shmdev_ring_populate(const struct shmdev_ring *ring);

/* How large a record can be. */
size_t shmdev_ring_record_max(const struct shmdev_ring *ring);

/*
 * How long to look again and again before going to sleep, at most; 50 us, if
 * nothing else is said. The ring finds out by itself how long is useful: not at
 * all where nothing comes for long. 0: never, as on a machine with one processor.
 * Likewise, a consumer that has read all lets up to 3.2 us pass before it looks for
 * more, if it finds that records come faster then; and a producer with little room
 * as much, if the consumer is making more just then. Who is not to wait lets no more
 * than 0.4 us pass, which is what a look or two take. With 0 nobody does.
 */
void shmdev_ring_set_spin(struct shmdev_ring *ring, unsigned int nanoseconds);

/* A deadline for those who do not want to wait. */
const struct timespec *shmdev_ring_now(void);
#define SHMDEV_RING_NOW (shmdev_ring_now())

/*
 * Producer: room for a record of @bytes, to be written at *@record and then
 * either committed or discarded. With many producers, the others wait meanwhile.
 * If the process dies, nobody ever sees the record.
 *
 * -EINVAL: 0 bytes. -EMSGSIZE: more than fits. -EBUSY: one is reserved already.
 */
int shmdev_ring_reserve(struct shmdev_ring *ring, size_t bytes,
			const struct timespec *deadline, void **record);
/* -EINVAL: none is reserved. */
int shmdev_ring_commit(struct shmdev_ring *ring);
int shmdev_ring_discard(struct shmdev_ring *ring);
/*
 * In batches: as commit, but others see the record only with the next commit or
 * flush, or when the ring is full. With many producers, the others wait until
 * then.
 */
int shmdev_ring_commit_later(struct shmdev_ring *ring);
int shmdev_ring_flush(struct shmdev_ring *ring);
/*
 * Room for up to @count records of @bytes each: @records tells where. Returns for
 * how many, which are fewer if there is no more room; waits for the first only.
 * To commit the first @count of them drops the others, and publishes at once.
 * -EINVAL: there are not so many. From about 200 bytes on, to reserve one after
 * the other and commit_later is faster: it fetches memory for those to come.
 */
int shmdev_ring_reserve_many(struct shmdev_ring *ring, size_t bytes,
			     unsigned int count,
			     const struct timespec *deadline, void **records);
int shmdev_ring_commit_many(struct shmdev_ring *ring, unsigned int count);

/* Reserve, copy, commit. Of up to 64 bytes, this is the fastest way. */
int shmdev_ring_send(struct shmdev_ring *ring, const void *data, size_t bytes,
		     const struct timespec *deadline);
/*
 * Sends @count records at once. Returns how many, which are fewer only if the
 * deadline came or a signal, or if a record cannot be sent; an error if none.
 */
int shmdev_ring_send_many(struct shmdev_ring *ring, const struct iovec *records,
			  unsigned int count, const struct timespec *deadline);

/* A record in the ring. */
struct shmdev_ring_record {
	const void *data;
	size_t bytes;
	uint64_t sequence;	/* each has that of the one before it, plus 1 */
	uint64_t lost;		/* stream: so many are missing right before it */
};

/*
 * Consumer: the next record, in place. Called again, the one after it. Nothing
 * is given back before shmdev_ring_release(), which gives back all: in a queue,
 * a consumer that dies before leaves them to the next consumer.
 *
 * In a stream the producer does not wait, so the data may change while it is
 * read: it is valid only if shmdev_ring_release() says so.
 */
int shmdev_ring_peek(struct shmdev_ring *ring, const struct timespec *deadline,
		     struct shmdev_ring_record *record);
/*
 * Peeks at up to @count records. Waits for the first one only. Returns how many;
 * an error if none.
 */
int shmdev_ring_peek_many(struct shmdev_ring *ring,
			  struct shmdev_ring_record *records,
			  unsigned int count, const struct timespec *deadline);
/*
 * -EOVERFLOW (also of peek): stream: the records since the last release were
 * overwritten, at least in part. They are lost, and counted so with the next one.
 */
int shmdev_ring_release(struct shmdev_ring *ring);

/*
 * Peek, copy, release; in a stream, again if it was overwritten. Returns the
 * record's length. @record (which may be NULL) tells the rest; its data is
 * @buffer. -EMSGSIZE: it needs more than @room; it stays, and @record tells how
 * much.
 */
ssize_t shmdev_ring_receive(struct shmdev_ring *ring, void *buffer, size_t room,
			    const struct timespec *deadline,
			    struct shmdev_ring_record *record);
/*
 * Receives up to @count records into @records, which have @count buffers; their
 * lengths become those of the records. Waits for the first one only. Returns how
 * many; an error if none. In a queue they are given back all at once, when they
 * have been copied.
 */
int shmdev_ring_receive_many(struct shmdev_ring *ring, struct iovec *records,
			     unsigned int count,
			     const struct timespec *deadline);

/* A reader of a stream begins with the next record that is sent, or: */
int shmdev_ring_seek_oldest(struct shmdev_ring *ring);
int shmdev_ring_seek_now(struct shmdev_ring *ring);
/*
 * From the record with this number on: if it is not there any more, from the
 * oldest, the others being lost. -ERANGE: it was not sent yet.
 */
int shmdev_ring_seek(struct shmdev_ring *ring, uint64_t sequence);

/*
 * Rarer wake-ups: once there is a record, sleep until so many have come, or so
 * many bytes, or this time has passed, whatever is first. 0: that one does not
 * matter; all 0: be woken by each record.
 */
void shmdev_ring_throttle(struct shmdev_ring *ring, uint32_t records,
			  uint64_t bytes, uint32_t microseconds);

/*
 * For programs that poll: what wakes poll() on the segment file from now on is
 * a record. Returns 1 if there is one now, so that there is no need to poll.
 */
int shmdev_ring_arm(struct shmdev_ring *ring);

struct shmdev_ring_cursor_info {
	uint64_t id;		/* of the party, 0: free */
	uint64_t position;
	uint64_t lost;
};

struct shmdev_ring_info {
	size_t size;		/* sizeof(struct shmdev_ring_info) */
	uint32_t kind;
	uint32_t flags;
	uint64_t data_bytes;
	uint64_t producer;	/* id of who produces now, 0: nobody */
	uint64_t head;		/* bytes that were sent, and 8 for each record */
	uint64_t tail;		/* of them, those that are gone */
	uint64_t sequence;	/* records that were sent */
	uint32_t readers;	/* cursors */
	uint32_t reserved;
};

/* What another party says, as it is: not to be relied upon. */
int shmdev_ring_info(const struct shmdev_ring *ring,
		     struct shmdev_ring_info *info);
/* -ERANGE: @index is not below @readers. */
int shmdev_ring_cursor_info(const struct shmdev_ring *ring, unsigned int index,
			    struct shmdev_ring_cursor_info *info);

#ifdef __cplusplus
}
#endif

#endif /* SHMDEV_RING_H */

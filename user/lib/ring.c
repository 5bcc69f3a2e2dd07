// SPDX-License-Identifier: MIT
/* Rings: making one, and being a party of it. */
#include <assert.h>
#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ring.h"

/*
 * To be woken takes some 20 us on a virtual machine, where that is dearest. Two
 * who answer each other go on without sleep, once both spin for that long.
 */
#define SPIN_MAX 50000
#define SPIN_FIRST 5000
#define STREAM_READERS 8

/* The library's words are those of the layout. */
#define SAME(ours, layouts) static_assert((ours) == (layouts), #ours)

SAME(SHMDEV_RING_IS_QUEUE, SHMDEV_RING_QUEUE);
SAME(SHMDEV_RING_IS_STREAM, SHMDEV_RING_STREAM);
SAME(SHMDEV_RING_MANY, SHMDEV_RING_F_MANY);
SAME(SHMDEV_RING_CLEARS, SHMDEV_RING_F_CLEARS);
SAME(SHMDEV_RING_ASYMMETRIC, SHMDEV_RING_F_ASYMMETRIC);

/* All but the version: what a maker asks for, or finds in memory. */
static bool makes_sense(const struct shmdev_ring_header *header)
{
	bool is_stream = header->kind == SHMDEV_RING_STREAM;

	if (!is_stream && header->kind != SHMDEV_RING_QUEUE)
		return false;
	/* Nobody could clear what others have not read yet. */
	if (is_stream && header->flags & SHMDEV_RING_F_CLEARS)
		return false;
	if (!header->cursors ||
	    header->cursors > (is_stream ? SHMDEV_RING_CURSORS_MAX : 1))
		return false;
	return header->data_bytes >= header->page_bytes &&
	       header->data_bytes <= SHMDEV_RING_DATA_MAX &&
	       !(header->data_bytes & (header->data_bytes - 1)) &&
	       header->position % SHMDEV_RECORD_ALIGN == 0;
}

/* The header, as options ask for it. */
static int options_to_header(const struct shmdev_ring_options *from,
			     struct shmdev_ring_header *header)
{
	struct shmdev_ring_options options;
	int ret;

	if (!from)
		return -EINVAL;
	ret = shmdev_struct_import(&options, sizeof(options), from,
				   sizeof(options));
	if (ret < 0)
		return ret;
	if (options.flags & ~SHMDEV_RING_F_ALL || options.reserved)
		return -EINVAL;
	if (!options.readers)
		options.readers =
			options.kind == SHMDEV_RING_QUEUE ? 1 : STREAM_READERS;

	*header = (struct shmdev_ring_header){
		.magic = SHMDEV_RING_MAGIC,
		.version = SHMDEV_RING_VERSION,
		.kind = options.kind,
		.flags = options.flags,
		.page_bytes = sysconf(_SC_PAGESIZE),
		.cursors = options.readers,
		.data_bytes = options.data_bytes,
		.position = options.position,
		.sequence = options.sequence,
	};
	return makes_sense(header) ? 0 : -EINVAL;
}

/* With what follows the last record. */
static size_t record_max(uint64_t data_bytes)
{
	uint64_t most = data_bytes - 2 * RECORD_HEAD;

	return most < UINT32_MAX ? most : UINT32_MAX & -SHMDEV_RECORD_ALIGN;
}

static uint64_t data_offset(const struct shmdev_ring_header *header)
{
	return (2ULL + header->cursors) * header->page_bytes;
}

SHMDEV_API int shmdev_ring_bytes(const struct shmdev_ring_options *options,
				 uint64_t *bytes)
{
	struct shmdev_ring_header header;
	int ret = options_to_header(options, &header);

	if (!bytes)
		return -EINVAL;
	if (!ret)
		*bytes = data_offset(&header) + header.data_bytes;
	return ret;
}

static int map(void *at, size_t bytes, int protection, int flags, int fd,
	       uint64_t offset, void **mapped)
{
	int saved = errno;
	int ret = 0;

	*mapped = mmap(at, bytes, protection, flags, fd, offset);
	if (*mapped == MAP_FAILED) {
		ret = -errno;
		errno = saved;
	}
	return ret;
}

SHMDEV_API int shmdev_ring_format(int fd, uint64_t offset,
				  const struct shmdev_ring_options *options)
{
	struct shmdev_ring_header header, *to;
	struct shmdev_ring_producer *producer;
	struct shmdev_ring_cursor *cursor;
	struct shmdev_record *record;
	void *mapped;
	size_t bytes;
	int ret;

	ret = options_to_header(options, &header);
	if (ret < 0)
		return ret;
	bytes = data_offset(&header) + header.data_bytes;
	if (bytes != data_offset(&header) + header.data_bytes)
		return -ENOMEM;
	ret = map(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset,
		  &mapped);
	if (ret < 0)
		return ret;
	to = mapped;
	store(&to->magic, 0);
	memset((char *)mapped + sizeof(*to), 0,
	       data_offset(&header) - sizeof(*to));

	producer = (void *)((char *)mapped + header.page_bytes);
	producer->head = header.position;
	producer->tail = header.position;
	producer->sequence = header.sequence;
	producer->gate.position = SHMDEV_RING_NOBODY;
	for (uint32_t i = 0; i < header.cursors; i++) {
		cursor = (void *)((char *)mapped +
				  (2 + i) * (size_t)header.page_bytes);
		cursor->position = header.position;
		cursor->clearing = header.position;
		cursor->gate.position = SHMDEV_RING_NOBODY;
	}
	record = (void *)((char *)mapped + data_offset(&header) +
			  (header.position & (header.data_bytes - 1)));
	record->bytes = 0;
	record->sequence = header.sequence;

	/* Whoever sees the magic number sees all the rest. */
	header.magic = 0;
	*to = header;
	store_release(&to->magic, SHMDEV_RING_MAGIC);
	munmap(mapped, bytes);
	return 0;
}

/* How long the file is from where the ring begins. */
static int file_length(const struct shmdev_ring_memory *memory,
		       uint64_t *length)
{
	int saved = errno;
	struct stat file;
	int ret = fstat(memory->fd, &file);

	if (ret) {
		ret = -errno;
		errno = saved;
		return ret;
	}
	*length = (uint64_t)file.st_size < memory->offset ?
			  0 : file.st_size - memory->offset;
	return 0;
}

/*
 * Reads the header once: what has been checked is what is used. Nothing is mapped
 * past the end of the file: that would be a SIGBUS.
 */
static int read_header(const struct shmdev_ring_memory *memory,
		       struct shmdev_ring_header *header)
{
	size_t page = sysconf(_SC_PAGESIZE);
	const struct shmdev_ring_header *from;
	uint64_t length = 0;
	void *mapped;
	uint32_t magic;
	int ret;

	ret = file_length(memory, &length);
	if (ret < 0)
		return ret;
	if (length < page)
		return -ENODATA;
	ret = map(NULL, page, PROT_READ, MAP_SHARED, memory->fd, memory->offset,
		  &mapped);
	if (ret < 0)
		return ret;
	from = mapped;
	magic = load_acquire(&from->magic);
	header->version = load(&from->version);
	header->kind = load(&from->kind);
	header->flags = load(&from->flags);
	header->page_bytes = load(&from->page_bytes);
	header->cursors = load(&from->cursors);
	header->data_bytes = load(&from->data_bytes);
	header->position = load(&from->position);
	header->sequence = load(&from->sequence);
	munmap(mapped, page);

	if (magic != SHMDEV_RING_MAGIC)
		return -ENODATA;
	if (header->version != SHMDEV_RING_VERSION ||
	    header->flags & ~SHMDEV_RING_F_ALL || header->page_bytes != page)
		return -EPROTO;
	return makes_sense(header) &&
	       data_offset(header) + header->data_bytes <= length ?
		       0 : -EBADMSG;
}

/* One's own cursor, where only it can be mapped for writing. */
static int map_claimed(struct shmdev_ring *ring)
{
	size_t at = (2 + ring->slot) * ring->page_bytes;
	void *mapped;

	return map(ring->base + at, ring->page_bytes, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_FIXED, shmdev_segment_fd(ring->claimed),
		   ring->memory.offset + at, &mapped);
}

static bool writes_data(enum shmdev_ring_role role, uint32_t flags)
{
	return role == SHMDEV_RING_PRODUCER ||
	       (role == SHMDEV_RING_CONSUMER && flags & SHMDEV_RING_F_CLEARS);
}

/* Each page with the rights that the role needs, and no more. */
static int map_ring(struct shmdev_ring *ring,
		    const struct shmdev_ring_header *header)
{
	const struct shmdev_ring_memory *memory = &ring->memory;
	size_t data_at = data_offset(header);
	size_t page = ring->page_bytes;
	const int rw = PROT_READ | PROT_WRITE;
	bool produces = ring->role == SHMDEV_RING_PRODUCER;
	bool consumes = ring->role == SHMDEV_RING_CONSUMER;
	int of_data = writes_data(ring->role, header->flags) ? rw : PROT_READ;
	const struct {
		size_t at;
		uint64_t from;
		size_t bytes;
		int protection;
	} pieces[] = {
		{ 0, 0, page, PROT_READ },
		{ page, page, page, produces ? rw : PROT_READ },
		/* Of the cursors, only one's own stays writable. */
		{ 2 * page, 2 * page, data_at - 2 * page,
		  consumes && !ring->claimed ? rw : PROT_READ },
		{ data_at, data_at, header->data_bytes, of_data },
		{ data_at + header->data_bytes, data_at, header->data_bytes,
		  of_data },
	};
	void *mapped;
	int ret;

	ring->mapped = data_at + 2 * (size_t)header->data_bytes;
	if (ring->mapped != data_at + 2 * header->data_bytes)
		return -ENOMEM;
	ret = map(NULL, ring->mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
		  MAP_NORESERVE, -1, 0, &mapped);
	if (ret < 0)
		return ret;
	ring->base = mapped;
	for (unsigned int i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		ret = map(ring->base + pieces[i].at, pieces[i].bytes,
			  pieces[i].protection, MAP_SHARED | MAP_FIXED,
			  memory->fd, memory->offset + pieces[i].from, &mapped);
		if (ret < 0)
			return ret;
	}
	ring->producer = (void *)(ring->base + page);
	ring->cursor = cursor_of(ring, ring->slot);
	ring->data = ring->base + data_at;
	return ring->claimed ? map_claimed(ring) : 0;
}

static int become_producer(struct shmdev_ring *ring)
{
	int ret;

	ring->bytes_max = record_max(ring->data_bytes);
	for (uint32_t i = 0; i < SHMDEV_RING_CURSORS_MAX; i++)
		ring->woken[i] = SHMDEV_RING_NOBODY;
	ring->paused = NO_TURN;
	/* The consumer only goes on from there. */
	if (ring->kind == SHMDEV_RING_QUEUE)
		ring->tail = load_acquire(&ring->cursor->position);
	if (ring->flags & SHMDEV_RING_F_MANY)
		return 0;
	ret = shmdev_ring_own(ring, &ring->producer->owner, SHMDEV_RING_NOW);
	if (ret < 0)
		return ret;
	ret = shmdev_ring_resume(ring);
	if (ret < 0)
		shmdev_ring_disown(ring, &ring->producer->owner);
	else
		ring->is_owner = true;
	return ret;
}

/* Makes the pages of other readers what they are for others. */
static int keep_own_cursor(struct shmdev_ring *ring)
{
	int saved = errno;
	int ret = 0;

	for (uint32_t i = 0; i < ring->cursors; i++)
		if (i != ring->slot &&
		    mprotect(cursor_of(ring, i), ring->page_bytes, PROT_READ)) {
			ret = -errno;
			errno = saved;
		}
	return ret;
}

/* Nobody else can have it, whatever is written there. */
static int become_claimer(struct shmdev_ring *ring)
{
	store(&ring->cursor->owner, ring->memory.id << 1);
	ring->is_owner = true;
	return shmdev_ring_begin(ring);
}

static int become_consumer(struct shmdev_ring *ring)
{
	int ret = -EBUSY;

	if (ring->claimed)
		return become_claimer(ring);
	for (ring->slot = 0; ring->slot < ring->cursors; ring->slot++) {
		ring->cursor = cursor_of(ring, ring->slot);
		ret = shmdev_ring_own(ring, &ring->cursor->owner,
				      SHMDEV_RING_NOW);
		if (ret != -EBUSY)
			break;
	}
	if (ret < 0)
		return ret;
	ret = keep_own_cursor(ring);
	if (ret < 0) {
		shmdev_ring_disown(ring, &ring->cursor->owner);
		return ret;
	}
	ring->is_owner = true;
	return shmdev_ring_begin(ring);
}

static int check_memory(const struct shmdev_ring_memory *memory)
{
	const struct shmdev_ring_calls *calls = memory->calls;

	if (!calls || !calls->wait || !calls->wake || !calls->has_ended)
		return -EINVAL;
	if (!memory->id || memory->id >> 39 ||
	    memory->offset % sysconf(_SC_PAGESIZE))
		return -EINVAL;
	return 0;
}

int shmdev_ring_attach_claiming(const struct shmdev_ring_memory *memory,
				enum shmdev_ring_role role,
				shmdev_ring_claim_fn *claim,
				struct shmdev_ring **ring)
{
	struct shmdev_ring_header header = { };
	struct shmdev_ring *new;
	int ret;

	if (!memory || !ring || (unsigned int)role > SHMDEV_RING_CONSUMER)
		return -EINVAL;
	new = aligned_alloc(alignof(struct shmdev_ring), sizeof(*new));
	if (!new)
		return -ENOMEM;
	memset(new, 0, sizeof(*new));
	new->role = role;
	ret = shmdev_struct_import(&new->memory, sizeof(new->memory), memory,
				   sizeof(new->memory));
	ret = ret ?: check_memory(&new->memory);
	ret = ret ?: read_header(&new->memory, &header);
	if (ret < 0)
		goto failed;
	new->kind = header.kind;
	new->flags = header.flags;
	new->cursors = header.cursors;
	new->page_bytes = header.page_bytes;
	new->data_bytes = header.data_bytes;
	new->first_position = header.position;
	/* Who spins on the only processor keeps away whom it waits for. */
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1) {
		new->spin_max = SPIN_MAX;
		new->spin = SPIN_FIRST;
		shmdev_ring_linger_begin(&new->linger);
	}
	if (role != SHMDEV_RING_OBSERVER)
		ret = shmdev_ring_register(new);
	if (!ret && claim)
		ret = claim(new);
	ret = ret ?: map_ring(new, &header);
	if (!ret && role == SHMDEV_RING_PRODUCER)
		ret = become_producer(new);
	else if (!ret && role == SHMDEV_RING_CONSUMER)
		ret = become_consumer(new);
	if (ret < 0)
		goto failed;
	new->send_short = shmdev_ring_sender(new);
	new->receive = shmdev_ring_receiver(new);
	*ring = new;
	return 0;

failed:
	shmdev_ring_detach(new);
	return ret;
}

SHMDEV_API int
shmdev_ring_attach_memory(const struct shmdev_ring_memory *memory,
			  enum shmdev_ring_role role, struct shmdev_ring **ring)
{
	return shmdev_ring_attach_claiming(memory, role, NULL, ring);
}

static int populate(void *at, size_t bytes, bool to_write)
{
	int saved = errno, ret = 0;

	if (madvise(at, bytes,
		    to_write ? MADV_POPULATE_WRITE : MADV_POPULATE_READ))
		ret = -errno;
	errno = saved;
	return ret;
}

SHMDEV_API int shmdev_ring_populate(const struct shmdev_ring *ring)
{
	int ret;

	if (!ring)
		return -EINVAL;
	/* Of the other pages, who attaches has written to what it may write. */
	ret = populate(ring->base, ring->data - ring->base, false);
	return ret ?: populate(ring->data, 2 * (size_t)ring->data_bytes,
			       writes_data(ring->role, ring->flags));
}

SHMDEV_API void shmdev_ring_detach(struct shmdev_ring *ring)
{
	if (!ring)
		return;
	if (ring->base && ring->role == SHMDEV_RING_PRODUCER) {
		shmdev_ring_leave_turns(ring);
	} else if (ring->is_owner) {
		store(&ring->cursor->gate.position, SHMDEV_RING_NOBODY);
		shmdev_ring_disown(ring, &ring->cursor->owner);
	}
	if (ring->joined)
		shmdev_segment_leave(ring->joined);
	if (ring->base)
		munmap(ring->base, ring->mapped);
	shmdev_segment_close(ring->claimed);
	free(ring);
}

SHMDEV_API size_t shmdev_ring_record_max(const struct shmdev_ring *ring)
{
	return ring ? record_max(ring->data_bytes) : 0;
}

SHMDEV_API int shmdev_ring_info(const struct shmdev_ring *ring,
				struct shmdev_ring_info *info)
{
	struct shmdev_ring_info now = { .size = sizeof(now) };

	if (!ring || !info)
		return -EINVAL;
	now.kind = ring->kind;
	now.flags = ring->flags;
	now.data_bytes = ring->data_bytes;
	now.readers = ring->cursors;
	now.producer = shmdev_ring_id_of(load(&ring->producer->owner));
	now.tail = ring->kind == SHMDEV_RING_QUEUE ?
			   load(&ring->cursor->position) :
			   load(&ring->producer->tail);
	now.head = load(&ring->producer->head);
	now.sequence = load(&ring->producer->sequence);
	return shmdev_struct_export(info, &now, sizeof(now), sizeof(now));
}

SHMDEV_API int shmdev_ring_cursor_info(const struct shmdev_ring *ring,
				       unsigned int index,
				       struct shmdev_ring_cursor_info *info)
{
	const struct shmdev_ring_cursor *cursor;

	if (!ring || !info)
		return -EINVAL;
	if (index >= ring->cursors)
		return -ERANGE;
	cursor = cursor_of(ring, index);
	*info = (struct shmdev_ring_cursor_info){
		.id = load(&cursor->owner) >> 1,
		.position = load(&cursor->position),
		.lost = load(&cursor->lost),
	};
	return 0;
}

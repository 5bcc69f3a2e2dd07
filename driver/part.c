// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parts: pages of a segment that segment files may not write. What they are for
 * is the business of those who isolate them; a ring's readers have a page each.
 *
 * A part is only ever added, and never changes. Whoever maps or writes looks at
 * the parts without a lock, after it has been counted in i_mmap_writable: mmap()
 * is by the kernel, in mmap_region(), before it asks us (so in 6.1 and in 7.2),
 * and a write() is by us. ISOLATE adds a part only while it keeps that count from
 * rising from 0. So who writes either was counted before, and then there is no
 * part, or is counted after, and then sees it.
 *
 * What the kernel can do to a mapping later without asking us must not let it
 * write more: one that may write does not grow (VM_DONTEXPAND, which also keeps
 * it from being merged and from being duplicated by mremap()), and one that may
 * not write never may (no VM_MAYWRITE, so neither mprotect() nor /proc/PID/mem).
 */
#include <linux/bitops.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>

#include "shmdev.h"
#include "trace.h"

/**
 * shmdev_parts_init() - let a new segment have parts
 * @segment: one that nobody else knows
 *
 * Context: any.
 */
void shmdev_parts_init(struct shmdev_segment *segment)
{
	mutex_init(&segment->parts_lock);
}

static u32 parts_count(const struct shmdev_segment *segment)
{
	/* With what was written to the table before, see part_add_locked(). */
	return smp_load_acquire(&segment->parts_count);
}

/**
 * shmdev_parts_any() - has the segment isolated pages?
 * @segment: a referenced one
 *
 * Context: any. Once it has, it has.
 */
bool shmdev_parts_any(const struct shmdev_segment *segment)
{
	return parts_count(segment);
}

static bool overlaps(const struct shmdev_part *part, pgoff_t first, pgoff_t end)
{
	return first < part->end && part->first < end;
}

static bool overlaps_any(const struct shmdev_segment *segment, pgoff_t first,
			 pgoff_t end)
{
	u32 i, count = parts_count(segment);

	for (i = 0; i < count; i++)
		if (overlaps(&segment->parts[i], first, end))
			return true;
	return false;
}

/**
 * shmdev_part_check_mapping() - what a mapping may become
 * @segment: a referenced one
 * @claim: offset of the page that the file has claimed, or SHMDEV_NO_CLAIM
 * @first: first page
 * @pages: how many
 * @flags: of the VMA
 *
 * Context: any; the mapping is counted in i_mmap_writable if it may write.
 * Return: SHMDEV_MAPS_*, or -EACCES
 */
int shmdev_part_check_mapping(const struct shmdev_segment *segment, u64 claim,
			      pgoff_t first, pgoff_t pages, unsigned long flags)
{
	bool may_write;

	/* A private mapping, or a file that cannot be written to. */
	if (!(flags & VM_SHARED) || !shmdev_parts_any(segment))
		return SHMDEV_MAPS_FREELY;
	if (claim == SHMDEV_NO_CLAIM)
		may_write = !overlaps_any(segment, first, first + pages);
	else
		may_write = first == claim >> PAGE_SHIFT && pages == 1;
	if (may_write)
		return SHMDEV_MAPS_NO_MORE;
	return flags & VM_WRITE ? -EACCES : SHMDEV_MAPS_TO_READ;
}

/**
 * shmdev_part_begin_write() - a write() begins
 * @segment: a referenced one
 *
 * It may last, as it touches user memory: ISOLATE does not wait for it, but
 * refuses, as it does when there is a mapping that may write.
 *
 * Context: any.
 * Return: 0 if shmdev_part_end_write() is to follow, or -EPERM
 */
int shmdev_part_begin_write(struct shmdev_segment *segment)
{
	int ret = mapping_map_writable(segment->inner->f_mapping);

	if (!ret && shmdev_parts_any(segment)) {
		shmdev_part_end_write(segment);
		ret = -EPERM;
	}
	return ret;
}

/**
 * shmdev_part_end_write() - a write() has ended
 * @segment: as it was to shmdev_part_begin_write()
 *
 * Context: any.
 */
void shmdev_part_end_write(struct shmdev_segment *segment)
{
	mapping_unmap_writable(segment->inner->f_mapping);
}

static int part_check_locked(const struct shmdev_segment *segment, u64 offset,
			     u64 bytes, bool claimable)
{
	lockdep_assert_held(&segment->parts_lock);
	if (!bytes || !PAGE_ALIGNED(offset) || !PAGE_ALIGNED(bytes) ||
	    (claimable && bytes >> PAGE_SHIFT > SHMDEV_CLAIMS_MAX))
		return -EINVAL;
	if (offset > segment->bytes || bytes > segment->bytes - offset)
		return -ENXIO;
	if (overlaps_any(segment, offset >> PAGE_SHIFT,
			 (offset + bytes) >> PAGE_SHIFT))
		return -EEXIST;
	return segment->parts_count < ARRAY_SIZE(segment->parts) ? 0 : -ENOSPC;
}

static void part_add_locked(struct shmdev_segment *segment, u64 offset,
			    u64 bytes, bool claimable)
{
	struct shmdev_part *part = &segment->parts[segment->parts_count];

	lockdep_assert_held(&segment->parts_lock);
	part->first = offset >> PAGE_SHIFT;
	part->end = (offset + bytes) >> PAGE_SHIFT;
	part->claimable = claimable;
	/* With what is above, see parts_count(). */
	smp_store_release(&segment->parts_count, segment->parts_count + 1);
	trace_shmdev_isolate(segment, offset, bytes, claimable);
}

/*
 * A page that was mapped may still be written by a device, or by io_uring, on
 * behalf of whoever had it mapped. Nobody has now, so none can become pinned.
 */
static int check_pins(const struct shmdev_segment *segment, u64 offset,
		      u64 bytes)
{
	pgoff_t i, end = (offset + bytes) >> PAGE_SHIFT;

	for (i = offset >> PAGE_SHIFT; i < end; i++) {
		if (shmdev_backing_is_pinned(segment, i))
			return -EBUSY;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

/**
 * shmdev_part_isolate() - carry out ISOLATE
 * @segment: a referenced one
 * @offset: of the part, in bytes
 * @bytes: its size
 * @claimable: whether its pages can be claimed
 *
 * Context: may sleep.
 * Return: 0, -EBUSY if somebody may be writing, -EEXIST, -EINTR, -EINVAL,
 * -ENOSPC, -ENXIO
 */
int shmdev_part_isolate(struct shmdev_segment *segment, u64 offset, u64 bytes,
			bool claimable)
{
	struct address_space *mapping = segment->inner->f_mapping;
	int ret;

	if (mutex_lock_killable(&segment->parts_lock))
		return -EINTR;
	ret = part_check_locked(segment, offset, bytes, claimable) ?:
	      mapping_deny_writable(mapping);
	if (!ret) {
		ret = check_pins(segment, offset, bytes);
		if (!ret)
			part_add_locked(segment, offset, bytes, claimable);
		/* Whoever is counted from here on sees the part. */
		smp_mb__before_atomic();
		mapping_allow_writable(mapping);
	}
	mutex_unlock(&segment->parts_lock);
	return ret;
}

/**
 * shmdev_segment_isolate() - keep processes from writing some pages
 * @segment: one that is being attached to the calling endpoint
 * @offset: of the pages, in bytes
 * @bytes: how much
 * @claimable: a process that may read can have one of them for itself, by
 *             CLAIM
 *
 * For good. The kernel goes on writing them.
 *
 * Context: within the endpoint's attach, as no process has the segment then.
 * Return: 0, -EEXIST if some are isolated already, -EINVAL if these are no
 * whole pages or too many to be claimed, -ENOSPC if the segment has too many
 * such parts, -ENXIO if they lie outside
 */
int shmdev_segment_isolate(struct shmdev_segment *segment, size_t offset,
			   size_t bytes, bool claimable)
{
	int ret;

	mutex_lock(&segment->parts_lock);
	ret = part_check_locked(segment, offset, bytes, claimable);
	if (!ret)
		part_add_locked(segment, offset, bytes, claimable);
	mutex_unlock(&segment->parts_lock);
	return ret;
}
EXPORT_SYMBOL_GPL(shmdev_segment_isolate);

/* The claimable part that a page belongs to, or NULL. */
static struct shmdev_part *find_claimable(struct shmdev_segment *segment,
					  pgoff_t page)
{
	u32 i, count = parts_count(segment);

	for (i = 0; i < count; i++)
		if (segment->parts[i].claimable &&
		    overlaps(&segment->parts[i], page, page + 1))
			return &segment->parts[i];
	return NULL;
}

/**
 * shmdev_part_claim() - take a page that nobody has
 * @segment: a referenced one
 * @offset: in: of a page of the part; out: of the page that was taken
 *
 * One that its last holder has left pinned is not free yet. One that had no
 * holder is: whoever pinned another page of the same folio is no reason.
 *
 * Context: may sleep.
 * Return: 0 if shmdev_part_unclaim() is to follow, -EBUSY if none is free,
 * -EINVAL if @offset is no page's, -ENXIO if there is no such part
 */
int shmdev_part_claim(struct shmdev_segment *segment, u64 *offset)
{
	struct shmdev_part *part;
	pgoff_t i;

	if (!PAGE_ALIGNED(*offset))
		return -EINVAL;
	if (*offset >= segment->bytes)
		return -ENXIO;
	part = find_claimable(segment, *offset >> PAGE_SHIFT);
	if (!part)
		return -ENXIO;
	for (i = 0; i < part->end - part->first; i++) {
		if (test_and_set_bit_lock(i, part->claimed))
			continue;
		if (!test_and_set_bit(i, part->used) ||
		    !shmdev_backing_is_pinned(segment, part->first + i)) {
			*offset = (u64)(part->first + i) << PAGE_SHIFT;
			trace_shmdev_claim(segment, *offset);
			return 0;
		}
		clear_bit_unlock(i, part->claimed);
	}
	return -EBUSY;
}

/**
 * shmdev_part_claimed() - which pages of a part are claimed, now and later
 * @segment: a referenced one
 * @offset: of a page of a claimable part, in bytes
 *
 * Context: any.
 * Return: the bitmap, counted from the first page of the part; to be read at once
 */
const unsigned long *shmdev_part_claimed(struct shmdev_segment *segment,
					 u64 offset)
{
	return find_claimable(segment, offset >> PAGE_SHIFT)->claimed;
}

/**
 * shmdev_part_unclaim() - give a page back
 * @segment: a referenced one
 * @offset: as shmdev_part_claim() told it; nobody has it mapped through the
 *          claim any more
 *
 * Context: any.
 */
void shmdev_part_unclaim(struct shmdev_segment *segment, u64 offset)
{
	struct shmdev_part *part = find_claimable(segment, offset >> PAGE_SHIFT);

	clear_bit_unlock((offset >> PAGE_SHIFT) - part->first, part->claimed);
}

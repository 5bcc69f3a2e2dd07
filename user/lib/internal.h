/* SPDX-License-Identifier: MIT */
/*
 * What the files of the library share. Structs of the kernel's header stay on
 * this side of the public one.
 */
#ifndef SHMDEV_INTERNAL_H
#define SHMDEV_INTERNAL_H

#include <linux/shmdev.h>

#include "shmdev.h"

#define SHMDEV_API __attribute__((visibility("default")))

/* The value or -errno, with errno as it was. */
int shmdev_ioctl(int fd, unsigned long command, void *argument);

/*
 * A duplicate of @fd that is closed on exec, or -errno; errno stays as it was.
 */
int shmdev_dup(int fd);

/* Closes @fd; errno stays as it was. */
void shmdev_close(int fd);

/*
 * Hands the struct @from of @bytes bytes to a caller, whose struct @to begins
 * with the size that the caller knows it by. @minimum is the size that it had
 * in its first release: for a struct that has grown, offsetof(the first member
 * that came later).
 */
int shmdev_struct_export(void *to, const void *from, size_t bytes,
			 size_t minimum);

/*
 * The other way round: @to becomes what the caller set. -E2BIG if the caller
 * set members that this library does not know.
 */
int shmdev_struct_import(void *to, size_t bytes, const void *from,
			 size_t minimum);

/*
 * Copies @text with its terminating zero into the @size bytes at @to, which are
 * zero so far; NULL is the empty text. -ENAMETOOLONG if it does not fit.
 */
int shmdev_copy_name(char *to, size_t size, const char *text);

/*
 * Has the driver write to @entries: @count is how many there is room for, then
 * how many were written; @total, how many there are. 0 or -errno.
 */
typedef int shmdev_read_fn(int fd, void *entries, uint32_t *count,
			   uint32_t *total);

/*
 * Makes @list, for the caller to free(): @head bytes for the caller to fill,
 * then all entries, of @entry bytes each, however many come while they are
 * read. @count: how many they are.
 */
int shmdev_read_entries(const struct shmdev_segment *segment,
			shmdev_read_fn *read, size_t head, size_t entry,
			void **list, size_t *count);

/* The seam: what the kernel said, in the library's words. */
int shmdev_info_export(struct shmdev_segment_info *to,
		       const struct shmdev_info *from);

#endif /* SHMDEV_INTERNAL_H */

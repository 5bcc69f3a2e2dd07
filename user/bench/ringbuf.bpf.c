// SPDX-License-Identifier: GPL-2.0-only
/*
 * What BPF offers for records between the kernel and a process: its ring buffer,
 * the buffer of perf, and the ring buffer in the other direction. Each program
 * moves as many records as it is told to: how often, how long, with which flags.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define RING_BYTES	(256 * 1024)
#define RECORD_MAX	4096
#define TIMES_MAX	64

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_BYTES);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, RING_BYTES);
} requests SEC(".maps");

char record[RECORD_MAX];
__u64 drained;

/* What the others do around what they do: the cost of the loop. */
SEC("raw_tp")
int nothing(struct bpf_raw_tracepoint_args *args)
{
	__u64 times = args->args[0];

	for (__u64 i = 0; i < TIMES_MAX && i < times; i++)
		__sync_fetch_and_add(&drained, 1);
	return 0;
}

SEC("raw_tp")
int output(struct bpf_raw_tracepoint_args *args)
{
	__u64 times = args->args[0], bytes = args->args[1];
	__u64 flags = args->args[2];

	if (bytes > RECORD_MAX)
		return 0;
	for (__u64 i = 0; i < TIMES_MAX && i < times; i++)
		bpf_ringbuf_output(&ring, record, bytes, flags);
	return 0;
}

/* Room is reserved of a length that the verifier knows. */
#define RESERVE(bytes)							\
SEC("raw_tp")								\
int reserve_##bytes(struct bpf_raw_tracepoint_args *args)		\
{									\
	__u64 times = args->args[0], flags = args->args[2];		\
	__u64 *reserved;						\
									\
	for (__u64 i = 0; i < TIMES_MAX && i < times; i++) {		\
		reserved = bpf_ringbuf_reserve(&ring, bytes, 0);	\
		if (!reserved)						\
			return 0;					\
		*reserved = i;						\
		bpf_ringbuf_submit(reserved, flags);			\
	}								\
	return 0;							\
}

RESERVE(8)
RESERVE(64)
RESERVE(256)
RESERVE(1024)
RESERVE(4096)

SEC("raw_tp")
int perf(struct bpf_raw_tracepoint_args *args)
{
	__u64 times = args->args[0], bytes = args->args[1];

	if (bytes > RECORD_MAX)
		return 0;
	for (__u64 i = 0; i < TIMES_MAX && i < times; i++)
		bpf_perf_event_output(args, &events, BPF_F_CURRENT_CPU, record,
				      bytes);
	return 0;
}

static long take(struct bpf_dynptr *dynptr, void *bytes)
{
	__u32 length = *(__u32 *)bytes;

	if (length <= RECORD_MAX)
		bpf_dynptr_read(record, length, dynptr, 0, 0);
	return 0;
}

SEC("raw_tp")
int drain(struct bpf_raw_tracepoint_args *args)
{
	__u32 bytes = args->args[1];

	bpf_user_ringbuf_drain(&requests, take, &bytes, BPF_RB_NO_WAKEUP);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";

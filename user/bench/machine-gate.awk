# SPDX-License-Identifier: GPL-2.0-only
#
# usage: awk -f machine-gate.awk FILE
#
# From what `machine` prints, what is ours: what our own code costs, and how that
# compares with others in the same machine. What only the kernel does differs from
# one of its releases to the next. A figure is the smallest of its repetitions.

BEGIN {
	FS = OFS = "\t"
	split("8 64 256 1024 4096", lengths, " ")
}

$7 ~ /^[0-9]+$/ {
	key = $1 FS $2 FS $3 FS $4
	if (!(key in figures))
		order[++count] = key
	if (!(key in figures) || $5 < figures[key])
		figures[key] = $5
}

function figure(what, who, bytes, unit,		key) {
	key = what FS who FS bytes FS (unit == "" ? "instructions" : unit)
	if (!(key in figures)) {
		print "machine-gate: there is no " key >"/dev/stderr"
		failed = 1
		exit 1
	}
	return figures[key]
}

function put(what, who, bytes, unit, value) {
	printf "%s\t%s\t%s\t%s\t%.3f\n", what, who, bytes, unit, value
}

function ratio(what, who, peer, bytes, unit) {
	return figure(what, who, bytes, unit) / figure(what, peer, bytes, unit)
}

function put_ratio(what, who, peer, bytes, unit) {
	put(what, who, bytes, "of " peer, ratio(what, who, peer, bytes, unit))
}

# Kernel to user.
function both(who, bytes, how) {
	return figure("kernel-produces" how, who, bytes) + \
	       figure("user-drains" how, who, bytes)
}

function put_both(bytes, how) {
	put("produced and drained" how, "shmdev queue", bytes,
	    "of BPF ring NO_WAKEUP", both("shmdev queue", bytes, how) / \
	    both("BPF ring NO_WAKEUP", bytes, how))
}

function print_gate(	i, field, bytes, size) {
	for (i = 1; i <= count; i++) {
		split(order[i], field, FS)
		if (field[2] ~ /^shmdev/ && (field[4] == "count" || \
		    field[1] ~ /-(produces|consumes|drains)|^one by one/))
			put(field[1], field[2], field[3], field[4],
			    figures[order[i]])
		else if (field[1] == "over a null ioctl" &&
			 field[2] !~ /eventfd/)
			put(field[1], field[2], field[3], field[4],
			    figures[order[i]])
	}
	for (i = 1; i in lengths; i++) {
		put_both(lengths[i], "")
		put_both(lengths[i], " in place")
	}
	put_ratio("round trip", "shmdev WAIT and WAKE", "eventfd", 8)
	put_ratio("round trip", "shmdev ring", "eventfd", 8)
	put_ratio("make, map, touch, give back", "shmdev", "memfd", 4096)
	put_ratio("make, map, touch, give back", "shmdev", "SysV shm", 4096)
	for (size = 4096; size <= 1048576; size *= 16) {
		put_ratio("read()", "shmdev", "tmpfs", size)
		put_ratio("write()", "shmdev", "tmpfs", size)
	}
	for (size = 8388608; size <= 67108864; size *= 8)
		put_ratio("first touch", "shmdev", "hugetlbfs", size, "faults")
	put("CREATE", "shmdev", 4096, "as number 10000, of number 100",
	    figure("CREATE", "shmdev, as number 10000", 4096) / \
	    figure("CREATE", "shmdev, as number 100", 4096))
}

END {
	if (failed)
		exit 1
	print_gate()
}

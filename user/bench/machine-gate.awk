# SPDX-License-Identifier: GPL-2.0-only
#
# usage: awk -f machine-gate.awk [-v targets=1] FILE
#
# From what `machine` prints, what is ours: what our own code costs, and how that
# compares with others in the same machine. What only the kernel does differs from
# one of its releases to the next. A figure is the smallest of its repetitions.
# With targets, a line for each: name, figure, target, and whether that is met.

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

# Produced and consumed: kernel to user, by default.
function both(who, bytes, how,		from, to) {
	return figure("kernel-produces" how, who, bytes) + \
	       figure("user-consumes" how, who, bytes)
}

function target(name, value, sign, limit,	met) {
	met = (sign == "<=" ? value <= limit : value >= limit) ? "met" : "not met"
	printf "%s\t%.3f\t%s %s\t%s\n", name, value, sign, limit, met
}

function print_gate(	i, field, bytes, size) {
	for (i = 1; i <= count; i++) {
		split(order[i], field, FS)
		if (field[2] ~ /^shmdev/ && (field[4] == "count" || \
		    field[1] ~ /-(produces|consumes)|^one by one/))
			put(field[1], field[2], field[3], field[4],
			    figures[order[i]])
		else if (field[1] == "over a null ioctl" &&
			 field[2] !~ /eventfd/)
			put(field[1], field[2], field[3], field[4],
			    figures[order[i]])
	}
	for (i = 1; i in lengths; i++)
		put("produced and consumed", "shmdev queue", lengths[i],
		    "of BPF ring NO_WAKEUP", both("shmdev queue", lengths[i]) / \
		    both("BPF ring NO_WAKEUP", lengths[i]))
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

function print_targets(		i, n, size, ring) {
	ring = "BPF ring NO_WAKEUP"
	for (i = 1; i in lengths; i++) {
		n = lengths[i]
		target("kernel to user, " n " bytes, of " ring,
		       both("shmdev queue", n) / both(ring, n), "<=", 1)
		target("the same, produced only",
		       ratio("kernel-produces", "shmdev queue", ring, n), "<=",
		       1)
		target("the same, stream",
		       both("shmdev stream", n) / both(ring, n), "<=",
		       1)
	}
	target("wake-ups by records that are polled",
	       figure("wake-ups by polled records", "shmdev queue", 0, "count") + \
	       figure("wake-ups by polled records", "shmdev stream", 0,
		      "count"), "<=", 0)
	target("KICK over a null ioctl",
	       figure("over a null ioctl", "KICK, endpoint does nothing", 0),
	       "<=", 150)
	target("sleeping round trip of a ring, of eventfd",
	       ratio("round trip", "shmdev ring", "eventfd", 8), "<=", 1.05)
	target("sleeping round trip by WAIT and WAKE, of eventfd",
	       ratio("round trip", "shmdev WAIT and WAKE", "eventfd", 8), "<=",
	       1.05)
	for (size = 4096; size <= 1048576; size *= 16) {
		target("read() of " size " bytes, as fast as tmpfs",
		       ratio("read()", "tmpfs", "shmdev", size), ">=", 0.95)
		target("write() of " size " bytes, as fast as tmpfs",
		       ratio("write()", "tmpfs", "shmdev", size), ">=", 0.95)
	}
	for (size = 8388608; size <= 67108864; size *= 8)
		target("faults to touch " size " bytes, of hugetlbfs",
		       ratio("first touch", "shmdev", "hugetlbfs", size,
			     "faults"), "<=", 1)
	for (i = 1; i in memory_steps; i++)
		target(memory_steps[i] " mapped, as fast as anonymous memory",
		       ratio(memory_steps[i], "anonymous", "shmdev", 1048576),
		       ">=", 0.98)
}

END {
	if (failed)
		exit 1
	memory_steps[1] = "user reads words"
	memory_steps[2] = "user writes words"
	memory_steps[3] = "user copies to it"
	if (targets)
		print_targets()
	else
		print_gate()
}

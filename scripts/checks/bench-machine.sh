# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # scripts/check shares its variables
# What calls and records cost, in instructions, which are the same on every host.

stock+=(machine-instructions)
before machine-instructions prepare_machine_instructions

prepare_machine_instructions() {
	scripts/setup bench-machine
	scripts/kernel 6.1
}

# Against user/bench/machine.tsv: within 3 %, for other compilers, or by two
# instructions; where nothing is counted in them, exactly. What has become cheaper
# is told as well, so that the table says what is.
check_machine_instructions() {
	{
		flock 8
		scripts/module 6.1 && make -s user
	} 8>"$scratch/lock" >/dev/null
	scripts/bench-machine --gate >"$scratch/machine-instructions"
	awk -F '\t' '
	/^#/ { next }
	{ key = $1 ", " $2 ", " $3 " bytes, " $4 }
	NR == FNR { wanted[key] = $5; next }
	!(key in wanted) { print key ": not in the table"; bad = 1; next }
	{
		off = $5 - wanted[key]
		off = off < 0 ? -off : off
		slack = wanted[key] * 0.03
		if ($4 == "instructions" && slack < 2)
			slack = 2
		if ($4 == "count" ? off : off > slack) {
			print key ": " $5 " instead of " wanted[key]
			bad = 1
		}
		delete wanted[key]
	}
	END {
		for (key in wanted) {
			print key ": not measured"
			bad = 1
		}
		if (bad)
			print "if it is meant to be so: scripts/bench-machine --update"
		exit bad
	}' user/bench/machine.tsv "$scratch/machine-instructions"
}

# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # scripts/check shares its variables
# What of the benchmark is the same each time: instructions, and calls into the
# kernel.

stock+=(instructions)
before instructions scripts/setup instructions

check_instructions() {
	make -s -C user/bench O="$build/bench" "$build/bench/counted"
	user/bench/instructions "$build/bench" >"$scratch/instructions"
}

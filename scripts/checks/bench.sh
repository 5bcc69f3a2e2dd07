# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # scripts/check shares its variables
# What of the benchmark is the same each time: instructions, and calls into the
# kernel; and whether the rest of it runs, whatever it says.

stock+=(instructions bench-runs)
alone+=(bench-runs)
before instructions scripts/setup instructions
before bench-runs scripts/setup bench instructions

check_instructions() {
	make -s -C user/bench O="$build/bench" "$build/bench/counted"
	user/bench/instructions "$build/bench" >"$scratch/instructions"
}

# Records arrive whole, by each contender that is here; and who waits for nothing
# does not wake up. All else depends on what else runs here.
bench_runs() {
	local figures=$scratch/native.tsv
	make -s -C user/bench O="$build/bench" &&
		"$build/bench/native" --reps 1 --sizes 64,1024 --out "$figures" &&
		"$build/bench/report" "$figures" user/bench/instructions.tsv &&
		"$build/bench/report" --table targets --json "$figures" |
		jq -e '.targets[] | select(.target | test("idle")).verdict == "met"'
}

suite_bench_runs() {
	if [ "$(nproc)" = 1 ]; then
		echo "ok - bench-runs # SKIP on one processor nobody can spin"
	elif bench_runs >"$log" 2>&1; then
		echo "ok - bench-runs"
	else
		result "not ok - bench-runs" <"$log"
	fi
}

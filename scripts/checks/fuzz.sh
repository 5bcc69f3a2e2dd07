# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # scripts/check shares its variables
# Random programs of system calls, guided by what of the driver they reach.

debug+=(fuzz)
soak+=(fuzz-long)
before fuzz scripts/kernel debug
before fuzz-long scripts/kernel debug

# fuzz_machine NAME KERNEL SECONDS SCRIPT: in SCRIPT, `fuzz CASE SUFFIX OPTION...`
# runs the program of selftests$SUFFIX as a program called CASE. A kernel that
# dies repeats all it has logged, each program with it.
fuzz_machine() {
	# shellcheck disable=SC2016 # for the machine to expand
	in_machine "$1" "$2" "$3" --append panic_print=32 \
		--copy selftests/corpus:/opt/shmdev/corpus sh -c '
		fuzz() {
			echo "# program $1"
			program=/opt/shmdev/selftests$2/fuzz
			shift 2
			$program --corpus /opt/shmdev/corpus "$@" || failed=1
		}
		'"$4"'
		exit $failed'
}

suite_fuzz() {
	fuzz_machine fuzz debug 300 '
		fuzz programs "" --seconds 30
		fuzz programs-32-bit -m32 --count 20
		fuzz ioctls "" --ioctls 10000
		fuzz ioctls-32-bit -m32 --ioctls 3000'
}

suite_fuzz_long() {
	local seed
	seed=$(date +%s)
	fuzz_machine fuzz-long debug 86400 "
		fuzz programs '' --seconds $((18 * soak_factor)) --seed $seed
		fuzz ioctls '' --ioctls $((1500 * soak_factor)) --seed $seed"
	for kernel in "${kernels[@]}"; do
		fuzz_machine "fuzz-long-$kernel" "$kernel" 86400 "
			fuzz programs '' --seconds $((6 * soak_factor)) --seed $seed
			fuzz programs-32-bit -m32 --seconds $((3 * soak_factor)) --seed $seed
			fuzz ioctls '' --ioctls $((5000 * soak_factor)) --seed $seed
			fuzz ioctls-32-bit -m32 --ioctls $((1500 * soak_factor)) --seed $seed"
	done
}

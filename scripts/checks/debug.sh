# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # scripts/check shares its variables
# What only a kernel that watches itself can show: the same tests as on stock
# kernels, every failure injected once, and random lives.

debug+=(machine-debug-64 machine-debug-32 lives-debug failnth machine-kcsan
	lives-kcsan coverage)
alone+=(coverage)
soak+=(lives-soak storms-soak)
for name in machine-debug-64 machine-debug-32 lives-debug failnth coverage \
	lives-soak storms-soak; do
	before "$name" scripts/kernel debug
done
# It is built while those before it leave a processor idle, as machines do.
for name in machine-kcsan lives-kcsan; do
	meanwhile "$name" scripts/kernel kcsan
done

suite_failnth() {
	in_machine failnth debug 1800 sh /opt/shmdev/selftests/run.sh failnth
}

# lives NAME KERNEL SECONDS OPTION...
lives() {
	in_machine "$1" "$2" "$3" sh -c '
		echo "# program lives"
		exec /opt/shmdev/selftests/lives "$@"' sh "${@:4}"
}

# The seeds of one begin where those of the other end.
suite_lives_kcsan() {
	lives lives-kcsan kcsan 1800 --count 250 --length 30
}

suite_lives_debug() {
	lives lives-debug debug 1800 --seed 251 --count 250 --length 30
}

suite_lives_soak() {
	lives lives-soak debug 86400 --seed "$(date +%s)" \
		--count $((50 * soak_factor))
}

suite_storms_soak() {
	local kernel options
	for kernel in debug kcsan "${kernels[@]}"; do
		options=()
		# Twenty times as many accesses are watched as in a check.
		[ "$kernel" != kcsan ] || options=(--append kcsan.skip_watch=5)
		in_machine "storms-soak-$kernel" "$kernel" 86400 "${options[@]}" \
			env SHMDEV_SOAK="$soak_factor" \
			sh /opt/shmdev/selftests/run.sh races wakeups unload endpoint
	done
}

# Of all machines that ran before it.
suite_coverage() {
	if scripts/coverage >"$log" 2>&1; then
		sed 's/^/# /' "$log"
		echo "ok - coverage: $(grep -E '^(lines|branches):' "$log" | paste -sd ' ')"
	else
		result "not ok - coverage" <"$log"
	fi
}

# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # scripts/check shares its variables
# What only a kernel that watches itself can show: the same tests as on stock
# kernels, every failure injected once, and random lives.

debug+=(machine-debug machine-kcsan failnth lives coverage)
soak+=(lives-soak)
for name in machine-debug failnth lives coverage; do
	before "$name" scripts/kernel debug
done
before machine-kcsan scripts/kernel kcsan
before lives-soak scripts/kernel debug

suite_failnth() {
	in_machine failnth debug 1800 sh /opt/shmdev/selftests/run.sh failnth
}

suite_lives() {
	in_machine lives debug 1800 sh -c '
		echo "# program lives"
		/opt/shmdev/selftests/lives --count 500'
}

suite_lives_soak() {
	in_machine lives-soak debug 86400 sh -c "
		echo '# program lives'
		/opt/shmdev/selftests/lives --count 10000 --seed $(date +%s)"
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

# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# For tests in shell, here and in user/tests. A case is a line (or a few) that
# begins with "check NAME COMMAND...", so that the plan can be counted.
plan=$(grep -c '^check ' "$0")
cases=0
failed=0
tmp=$(mktemp -d) || exit

# A script that ends early has failed, whatever it said.
finish() {
	rm -rf "$tmp"
	[ "$cases" = "$plan" ] && [ "$failed" = 0 ] || exit 1
}
trap finish EXIT

echo "1..$plan"

# check NAME COMMAND...: COMMAND succeeds.
check() {
	check_name=$1
	shift
	cases=$((cases + 1))
	: >"$tmp/said"
	if "$@" >>"$tmp/said" 2>&1; then
		echo "ok $cases - $check_name"
	else
		sed 's/^/# /' "$tmp/said"
		echo "not ok $cases - $check_name"
		failed=1
	fi
}

# expect STATUS PATTERN COMMAND...: COMMAND ends with STATUS, and what it says
# matches the extended regular expression PATTERN; '' is to say nothing.
expect() {
	expect_status=$1
	expect_pattern=$2
	shift 2
	expect_got=0
	"$@" >"$tmp/output" 2>&1 </dev/null || expect_got=$?
	if [ "$expect_got" != "$expect_status" ]; then
		echo "exit status $expect_got, not $expect_status: $*"
		cat "$tmp/output"
		return 1
	fi
	if [ -z "$expect_pattern" ] && [ -s "$tmp/output" ]; then
		echo "it is not silent: $*"
		cat "$tmp/output"
		return 1
	fi
	if [ "$expect_pattern" ] &&
		! grep -Eq -e "$expect_pattern" "$tmp/output"; then
		echo "nothing matches '$expect_pattern': $*"
		cat "$tmp/output"
		return 1
	fi
}

# A command line for the shell, where a case needs pipes.
shell() {
	sh -euc "$1"
}

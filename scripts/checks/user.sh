# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # scripts/check shares its variables
# The library, the tool and what is installed of them.

stock+=(user)

suite_user() {
	make -s -C user SANITIZE=1 O="$build/user-asan" all >"$log" 2>&1 || {
		result "not ok - user: does not build" <"$log"
		return
	}
	make -s -C user SANITIZE=1 O="$build/user-asan" check 2>&1 |
		sed -E 's/^# (library|tool|package|ring[-.a-z]*)$/# program \1/' |
		tee "$log" | cases user
	judge user "${PIPESTATUS[0]}"
}

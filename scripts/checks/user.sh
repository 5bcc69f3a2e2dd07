# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # scripts/check shares its variables
# The library, the tool and what is installed of them, and models of what the
# library does with memory that others write.

stock+=(user models)
# Two processes that spin for each other.
alone+=(user)
debug+=(ring-fuzz)
soak+=(ring-fuzz-long)

suite_user() {
	make -s -C user SANITIZE=1 O="$build/user-asan" all >"$log" 2>&1 || {
		result "not ok - user: does not build" <"$log"
		return
	}
	make -s -C user SANITIZE=1 O="$build/user-asan" check 2>&1 |
		sed -E 's/^# (library|tool|lessons|package|ring[-.a-z]*)$/# program \1/' |
		tee "$log" | cases user
	judge user "${PIPESTATUS[0]}"
}

suite_models() {
	local lkmm
	need "to run models of the ring" g++:g++ \
		relacy-dev:/usr/include/relacy/relacy.hpp >"$log" 2>&1 || {
		result "not ok - models: Relacy is missing" <"$log"
		return
	}
	# Of a kernel that was fetched anyway. Which one does not matter: what
	# they say about barriers has not changed.
	lkmm=$(compgen -G "$cache/kernels/*/build/tools/memory-model" | head -n 1)
	LKMM=$lkmm user/tests/models/run 2>&1 | tee "$log" | cases models
	judge models "${PIPESTATUS[0]}"
}

# fuzz_rings SECONDS
fuzz_rings() {
	local version runtime
	need "to fuzz rings" clang:clang
	version=$(clang -dumpversion)
	runtime=$(clang -print-runtime-dir)/libclang_rt.fuzzer-$(uname -m).a
	need "to fuzz rings" "libclang-rt-${version%%.*}-dev:$runtime"
	mkdir -p "$scratch/rings" "$build"
	clang "${user_flags[@]}" -g -O1 -Wall -Wextra -Werror \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		-o "$scratch/rings/fuzz" user/tests/ring-fuzz.c user/lib/*.c
	"$scratch/rings/fuzz" -max_total_time="$1" -max_len=512 -timeout=20 \
		-artifact_prefix="$build/" 2>&1
}

check_ring_fuzz() {
	fuzz_rings 60
}

check_ring_fuzz_long() {
	fuzz_rings $((9 * soak_factor))
}

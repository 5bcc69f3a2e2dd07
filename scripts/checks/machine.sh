# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # scripts/check shares its variables
# What runs in a machine of its own.

stock+=(vm languages)
# What is built for them, or how long they take, is not to depend on others.
alone+=(vm languages)
before vm scripts/kernel "${kernels[0]}"
before languages scripts/kernel "${kernels[0]}"
for kernel in "${kernels[@]}"; do
	stock+=("readme-$kernel")
	alone+=("readme-$kernel")
	before "readme-$kernel" scripts/kernel "$kernel"
done
# These take the longest, and a processor each for most of the time.
for kernel in "${kernels[@]}"; do
	stock+=("machine-$kernel" "poison-$kernel")
	before "machine-$kernel" scripts/kernel "$kernel"
	before "poison-$kernel" scripts/kernel "$kernel"
done

# The machine brings back what its command said, left and ended with, and tells
# when it was not the command that failed.
check_vm() {
	local out=$scratch/out limit=120
	expect() {
		local status=$1 got=0
		shift
		scripts/vm --kernel "${kernels[0]}" --no-build --no-load --timeout $limit \
			--out "$out" -- "$@" >"$scratch/said" 2>"$scratch/why" || got=$?
		[ "$got" = "$status" ] || {
			echo "status $got instead of $status: $*"
			cat "$scratch/why"
			return 1
		}
	}
	# shellcheck disable=SC2016 # for the machine to expand
	expect 3 sh -c 'echo "$1"; echo left >/out/file; exit 3' sh "it's  said"
	diff - "$scratch/said" <<<"it's  said"
	diff - "$out/file" <<<left
	expect 120 sh -c 'echo "<4>WARNING: made up" >/dev/kmsg'
	expect 120 sh -c 'echo c >/proc/sysrq-trigger; sleep 60'
	expect 122 sh -c 'reboot -f; sleep 60'
	limit=20
	expect 121 sleep 60
}

# The N-th piece of C in the README.
readme_code() {
	awk -v n="$1" '/^```/ { inside = 0 } inside == n { print } /^```c$/ { inside = ++i }' \
		README.md
}

# The README's program and module, built as it says from what make install
# installs, understand one another.
check_readme() {
	local kernel_dir release dir=$scratch/readme root=$scratch/readme/root
	kernel_dir=$(scripts/kernel "$1")
	release=$(<"$kernel_dir/release")
	scripts/module "$1"
	mkdir -p "$dir/sum"
	make -s -C user O="$build/user" DESTDIR="$root" PREFIX=/usr install
	make -s install-driver release="$release" DESTDIR="$root" PREFIX=/usr

	readme_code 1 >"$dir/program.c"
	PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_PATH=$root/usr/lib/pkgconfig \
		pkg-config --cflags --libs libshmdev >"$dir/flags"
	xargs -a "$dir/flags" gcc -Wall -Wextra -Werror -o "$dir/program" "$dir/program.c"

	readme_code 2 >"$dir/sum/sum.c"
	printf 'obj-m := sum.o\nccflags-y := -I%s/usr/include/shmdev\n' "$root" \
		>"$dir/sum/Kbuild"
	make -s -C "$kernel_dir/build" M="$dir/sum" W=1 modules \
		KBUILD_EXTRA_SYMBOLS="$root/usr/include/shmdev/$release/Module.symvers"

	LD_LIBRARY_PATH=$root/usr/lib scripts/vm --kernel "$1" --no-build \
		--copy "$dir/program" --copy "$dir/sum/sum.ko" -- \
		sh -c 'insmod sum.ko && ./program' >"$dir/output"
	diff - "$dir/output" <<<42

	make -s uninstall release="$release" DESTDIR="$root" PREFIX=/usr
	if find "$root" -not -type d | grep .; then
		echo "make uninstall left these"
		return 1
	fi
}

# page_code LANGUAGE: what shmdev(4) has to show in it.
page_code() {
	sed -n "/^From $1/,/^\.Ed/ { /^\.Bd/,/^\.Ed/ { /^\.[BE]d/! p } }" \
		user/man/shmdev.4 | sed 's|\\e|\\|g'
}

# The device needs no library of ours: what its page shows in other languages
# works.
check_languages() {
	local dir=$scratch/languages python
	need "to try the manual's examples" python3:/usr/bin/python3 rustc:rustc
	mkdir -p "$dir/python"
	page_code Rust >"$dir/rust.rs"
	rustc --edition 2021 -D warnings -o "$dir/rust" "$dir/rust.rs"
	page_code Python >"$dir/python.py"
	python=$(/usr/bin/python3 -c 'import os; print(os.path.dirname(os.__file__))')
	cp -r "$python"/{*.py,collections,encodings,lib-dynload} "$dir/python"
	scripts/vm --kernel "${kernels[0]}" --no-build --copy "$dir/rust" \
		--copy "$dir/python.py" --copy "$(readlink -f /usr/bin/python3):/usr/bin/python3" \
		--copy "$dir/python:$python" -- \
		sh -c './rust && python3 python.py' >"$dir/output"
	printf 'Hello from kernel space\nMoin\n%.0s' 1 2 | diff - "$dir/output"
}

# in_machine NAME KERNEL SECONDS [OPTION]... COMMAND...: runs test programs by
# scripts/vm in a machine that overwrites freed pages. If it counts what it executes, scripts/coverage finds
# the counts in $build/coverage/NAME.
in_machine() {
	local name=$1 kernel=$2 limit=$3
	shift 3
	# Two at a time would build the same.
	{
		flock 8
		scripts/module "$kernel" && make -s user selftests
	} 8>"$scratch/lock" >"$log" 2>&1 || {
		result "not ok - $name: does not build" <"$log"
		return
	}
	rm -rf "$build/coverage/$name"
	scripts/vm --kernel "$kernel" --no-build --timeout "$limit" --mem 2G \
		--append page_poison=1 --out "$build/coverage/$name" \
		"$@" 2>"$log" | cases "$name"
	judge "$name" "${PIPESTATUS[0]}"
}

# suite_machine KERNEL[-BITS]: all tests, as 64- and as 32-bit programs or as one.
suite_machine() {
	local kernel=$1 bits=(64 32) name=$ARCH-$1 long=ring_death
	case $1 in
	# Single steps take too long in a kernel that watches itself.
	debug* | kcsan*) long= ;;
	esac
	case $1 in
	*-64 | *-32) kernel=${1%-*} bits=("${1##*-}") ;;
	esac
	# shellcheck disable=SC2016 # for the machine to expand
	in_machine "${name#x86-}" "$kernel" 1800 sh -c '
		long=$1
		shift
		for bits; do
			echo "# bits $bits"
			tests=selftests
			[ $bits = 64 ] || tests=selftests-m$bits
			sh /opt/shmdev/$tests/run.sh || failed=1
			[ -z "$long" ] ||
				sh /opt/shmdev/$tests/run.sh $long || failed=1
		done
		exit $failed' sh "$long" "${bits[@]}"
}

# In a machine of its own, whose memory is less then, and which logs it.
suite_poison() {
	in_machine "poison-$1" "$1" 300 sh /opt/shmdev/selftests/run.sh poison
}

# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # scripts/check shares its variables
# The module, built for each kernel.

for kernel in "${kernels[@]}" 7.2-tree; do
	stock+=("build-$kernel" "sparse-$kernel")
	before "build-$kernel" scripts/kernel "$kernel"
	before "sparse-$kernel" scripts/kernel "$kernel"
done

check_build() {
	scripts/module "$1"
}

check_sparse() {
	# C=2 looks at every source, built anew or not.
	scripts/module "$1" C=2 CF=-D__CHECK_ENDIAN__
}

stock+=(nospec)
before nospec scripts/kernel "${kernels[0]}"

# Indices that no process chooses, since they count up to a bound of the driver's
# own, or that cannot lead out: some bits of a hash, an offset in a page.
own_indices='->(pages|waiters|parts)\[i\]|found\[(i|low)\]'
own_indices+='|->entries\[(result->count\+\+|listing->total - 1)\]'
own_indices+='|->parts\[segment->parts_count\]'
own_indices+='|->waiters\[hash_long\(|words\[offset_in_page\('
own_indices+='|->(turns|woken)\[i\]|->changed\[fickle->count\]'
own_indices+='|samples\[head % ADC_BY_HAND_SAMPLES\]|total \+= READ_ONCE\(words\[i\]'

# Whatever else is an index into an array of the driver goes through
# array_index_nospec(), or a processor that guesses reads beyond the array; and
# the compiler has left the mask, which no test can see, in the code.
check_nospec() {
	local kernel_dir object
	if grep -nE '[])a-zA-Z0-9_]\[[^]]*[a-z][^]]*\]' driver/*.[ch] driver/samples/*.c |
		grep -vE '\[(array_index_nospec|sizeof_field)\(|:[[:space:]]*/?\*' |
		grep -vE -- "$own_indices"; then
		echo "these indices are neither masked nor known as the driver's own"
		return 1
	fi
	kernel_dir=$(scripts/kernel "${kernels[0]}")
	scripts/module "${kernels[0]}"
	object=$build/driver/$(<"$kernel_dir/release")/driver/ioctl.o
	objdump -d --no-show-raw-insn --disassemble=shmdev_ioctl "$object" |
		grep -E 'sbb +%([a-z0-9]+),%\1$'
}

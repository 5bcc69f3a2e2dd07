# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # scripts/check shares its variables
# The tests themselves: do they see a driver that is broken?

stock+=(mutants-apply)
debug+=(mutants)
alone+=(mutants mutants-all)
soak+=(mutants-all)
before mutants scripts/kernel 6.1
before mutants-all scripts/kernel debug

# A change of the driver that a fault does not fit any more is noticed at once.
check_mutants_apply() {
	scripts/mutate --check
}

# As many as there is time for: each takes some 20 seconds of a processor.
suite_mutants() {
	mutate --kernel 6.1 --sample 50
}

# All of them in a night: 1000 are more than there are.
suite_mutants_all() {
	mutate --sample $((5 * soak_factor))
}

mutate() {
	scripts/mutate "$@" 2>"$log"
	judge mutants $?
}

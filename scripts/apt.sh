# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared
# Packages to unpack, not to install: found in the user's own apt sources, else
# in other Debian suites on the same mirror, through lists of our own. The
# user's sources stay as they are. To be sourced after common.sh.

# In the order in which they are asked; "own" is the user's configuration.
suites=(own bookworm bookworm-backports trixie-backports)

# The user's lists do not know what another architecture has.
in_users_lists() {
	[ "$1" = own ] && [ -z "$cross" ]
}

# apt_in SUITE COMMAND...
# _apt, the user that apt downloads as, cannot reach into a cache in root's home.
apt_in() {
	local suite=$1 tool=$2
	shift 2
	if in_users_lists "$suite"; then
		"$tool" -o APT::Sandbox::User=root "$@"
	else
		"$tool" -c "$cache/apt/$suite/apt.conf" "$@"
	fi
}

# Address and suite of each part of Debian that apt uses here.
debian_repositories() {
	# shellcheck disable=SC2016 # apt fills these in
	apt-get indextargets --format '$(ORIGIN) $(REPO_URI) $(RELEASE)' \
		'Created-By: Packages' 'Component: main' 2>/dev/null |
		awk '$1 == "Debian" && !seen[$0]++ { print $2, $3 }'
}

# The same for a suite; of another architecture, "own" is all that the user has.
repositories_of() {
	if [ "$1" = own ]; then
		debian_repositories
	else
		debian_repositories | awk -v suite="$1" \
			'$2 !~ /-security$/ && !n++ { print $1, suite }'
	fi
}

# Make a suite ready to be asked; its lists are good for a day.
open_suite() {
	local suite=$1 dir=$cache/apt/$1 repository repositories architectures
	local keys=/usr/share/keyrings/debian-archive-keyring.gpg
	if in_users_lists "$suite"; then
		[ -n "$(apt-cache pkgnames linux-image-)" ] || apt_update
		return 0
	fi
	if [ -z "$(find "$dir/fresh" -mtime -1 2>/dev/null)" ]; then
		repositories=$(repositories_of "$suite")
		if [ -z "$repositories" ] || [ ! -e "$keys" ]; then
			return 1
		fi
		# The host's is there for programs that build.
		architectures="\"$(dpkg --print-architecture)\""
		[ -z "$cross" ] || architectures="\"$ARCH\"; $architectures"
		mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
		while read -r repository; do
			echo "deb [signed-by=$keys] $repository main"
		done <<<"$repositories" >"$dir/sources.list"
		cat >"$dir/apt.conf" <<-END
			Dir::Etc::SourceList "$dir/sources.list";
			Dir::Etc::SourceParts "/dev/null";
			Dir::State::Lists "$dir/lists";
			Dir::Cache "$dir/cache";
			APT::Sandbox::User "root";
			APT::Update::Post-Invoke { "true"; };
			APT::Architecture ${architectures%%;*};
			APT::Architectures { $architectures; };
		END
		say "reading Debian's $suite package lists for $ARCH (kept in $cache)"
		if apt_in "$suite" apt-get -qq update >&2; then
			touch "$dir/fresh"
		else
			[ -e "$dir/fresh" ] || return 1
			say "no answer; using the lists of an earlier day"
		fi
	fi
}

# newest_package REGEX: sets $suite and $package to the newest of that name in
# the first suite that has one.
newest_package() {
	for suite in "${suites[@]}"; do
		open_suite "$suite" || continue
		package=$(apt_in "$suite" apt-cache pkgnames |
			grep -E "^$1\$" | sort -V | tail -n 1) || continue
		return 0
	done
	return 1
}

# field SUITE FIELD PACKAGE: of the version that apt would install.
field() {
	apt_in "$1" apt-cache --no-all-versions show "$3" |
		sed -n "s/^$2: //p" | head -n 1
}

# download SUITE WHY PACKAGE...: into the current directory.
download() {
	local suite=$1 why=$2 quiet=-qq
	shift 2
	say "downloading, $why: $*"
	[ ! -t 2 ] || quiet=-q
	apt_in "$suite" apt-get $quiet download "$@" >&2 && return
	# Lists older than the mirror name files that are gone.
	if in_users_lists "$suite"; then
		apt_update
	else
		rm -f "$cache/apt/$suite/fresh"
		open_suite "$suite"
	fi
	apt_in "$suite" apt-get $quiet download "$@" >&2
}

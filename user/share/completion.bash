# SPDX-License-Identifier: GPL-2.0-only
# bash completion for shmdev. What there is to complete, the tool itself knows.

_shmdev_verbs() {
	shmdev --help 2>/dev/null | sed -n 's/^  \([a-z]\{2,\}\) .*/\1/p'
	printf '%s\n' --help --version
}

_shmdev_options() {
	shmdev "$1" --help 2>/dev/null |
		sed -n 's/^  \(-., \|    \)\(--[a-z]*\).*/\2/p'
}

_shmdev_columns() {
	shmdev "$1" --help 2>/dev/null |
		sed -n 's/^  \([A-Z]\{2,\}\) .*/\1/p'
}

_shmdev_lessons() {
	shmdev learn 2>/dev/null | sed -n 's/^  [0-9]  \([a-z]*\) .*/\1/p'
}

_shmdev_segments() {
	shmdev ls -n -r -o NAME 2>/dev/null
}

# Offers the lines of standard input that begin with what was typed. Names are
# other people's: they must not be expanded here, nor when the line is run, so
# "compgen -W" is not for them.
_shmdev_offer() {
	local line
	while read -r line; do
		# ls --raw writes blanks and the like as \x20.
		printf -v line %b "$line"
		[[ -n $line && $line == "$word"* ]] || continue
		printf -v line %q "$line"
		COMPREPLY+=("$line")
	done
}

_shmdev_files() {
	mapfile -t COMPREPLY < <(compgen -f "$@" -- "$word")
	compopt -o filenames 2>/dev/null
}

_shmdev() {
	local word=${COMP_WORDS[COMP_CWORD]}
	local previous=${COMP_WORDS[COMP_CWORD - 1]}
	local verb=${COMP_WORDS[1]}

	COMPREPLY=()
	if [[ $COMP_CWORD -eq 1 ]]; then
		_shmdev_offer < <(_shmdev_verbs)
		return
	fi
	case $verb:$previous in
	*:--device)
		_shmdev_files
		return
		;;
	hello:-s | hello:--segment)
		_shmdev_offer < <(_shmdev_segments)
		return
		;;
	ls:-o | stat:-o | ps:-o | peers:-o | watch:-o | top:-o | \
		*:--output)
		_shmdev_offer < <(_shmdev_columns "$verb")
		return
		;;
	create:-e | create:--endpoint)
		_shmdev_offer <<<hello
		return
		;;
	create:--ring)
		_shmdev_offer < <(printf '%s\n' queue stream)
		return
		;;
	recv:--from)
		_shmdev_offer < <(printf '%s\n' oldest now)
		return
		;;
	*:-[ailmotw] | wake:-[cs] | send:-s | recv:-c | watch:-c | top:-c | \
		*:--add | *:--argument | *:--count | *:--id | *:--interval | \
		*:--length | *:--mode | *:--offset | *:--readers | *:--set | \
		*:--size | *:--text | *:--timeout | *:--while)
		[[ $verb:$previous != create:-a ]] && return
		;;
	esac
	if [[ $word == -* ]]; then
		_shmdev_offer < <(_shmdev_options "$verb")
		return
	fi
	case $verb in
	learn)
		[[ $COMP_CWORD -gt 2 ]] && _shmdev_files
		[[ $COMP_CWORD -eq 2 ]] && _shmdev_offer < <(_shmdev_lessons)
		;;
	load)
		_shmdev_files -X '!*.ko'
		_shmdev_offer < <(printf '%s\n' size= max_segments= \
			max_bytes= max_user_bytes=)
		;;
	stat | ps | map | peers | rm | chmod | chown | read | write | dump | \
		kick | wait | wake | recv | watch)
		_shmdev_offer < <(_shmdev_segments)
		;;
	send)
		_shmdev_files
		_shmdev_offer < <(_shmdev_segments)
		;;
	esac
}

complete -F _shmdev shmdev

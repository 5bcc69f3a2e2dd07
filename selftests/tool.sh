#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The shmdev tool, end to end, as root in a machine of its own: it unloads the
# module and loads it again. Cases quote shmdev(1) and shmdev(4).

# "check" calls functions by their names, and "shell" expands what it is given.
# shellcheck disable=SC2317,SC2016

if [ "$(id -u)" != 0 ] || ! command -v shmdev >/dev/null; then
	echo '1..0 # SKIP needs root and the shmdev tool'
	exit 4
fi
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tap.sh
. "$here/tap.sh"
export here tmp
parameters=/sys/module/shmdev/parameters

# as USER COMMAND...
as() {
	as_user=$1
	shift
	su "$as_user" -c "$*"
}

# Starts a process that has a page of a segment mapped, and no file of it.
hold() {
	if [ "$1" = default ]; then
		"$here/hold" <>/dev/shmdev &
	else
		shmdev create "$1" 4K -- sh -c "exec '$here/hold' <&3 3<&-" &
	fi
	holder=$!
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		shmdev ps -r -n -o PID | grep -qx "$holder" && return
		sleep 0.5
	done
	echo "process $holder has nothing mapped"
	return 1
}

let_go() {
	kill "$holder"
	wait "$holder"
	true
}

# with_limit PARAMETER VALUE COMMAND...
with_limit() {
	limit=$1
	limit_before=$(cat "$parameters/$limit")
	echo "$2" >"$parameters/$limit" || return
	shift 2
	"$@"
	limit_status=$?
	echo "$limit_before" >"$parameters/$limit"
	return "$limit_status"
}

# A fresh module, as udev would leave its device: for group shmdev.
reload() {
	shmdev unload && shmdev load && chgrp shmdev /dev/shmdev &&
		chmod 660 /dev/shmdev
}

# load, unload
check 'unload' expect 0 '' shmdev unload
check 'unload again has nothing to do' expect 0 'nothing to do' shmdev unload
check 'without the module, verbs say how to load it' \
	expect 3 "shmdev load" shmdev hello
check 'so do they for a script that lists' expect 3 "shmdev load" shmdev ls -J
check 'load by anybody else is refused' expect 4 'only root' \
	as bob shmdev load
check 'load with a parameter that is none' expect 1 'parameters' \
	shmdev load size=1
check 'load with a size' expect 0 '' shmdev load size=4M
check 'the default segment has that size' expect 0 '^4194304$' \
	shmdev ls -n -b -o SIZE
check 'load again says so' expect 0 'loaded already' shmdev load
check 'load again with parameters fails' expect 1 'shmdev unload' \
	shmdev load size=1M
check 'unload and load' expect 0 '' reload

load_beside() {
	mkdir -p "$tmp/user" "$tmp/driver/$(uname -r)"
	cp "$(command -v shmdev)" "$tmp/user"
	cp "/lib/modules/$(uname -r)/extra/shmdev.ko" \
		"$tmp/driver/$(uname -r)" || return
	shmdev unload
	"$tmp/user/shmdev" load size=8K
	shmdev ls -n -b -o SIZE | grep -qx 8192 && reload
}
check 'load the module that was built beside the tool' load_beside

# hello
check 'hello' expect 0 'both sides wrote, and both sides read' shmdev hello
check 'the kernel greets' expect 0 '"Hello from kernel space"' shmdev hello
check 'the kernel answers what was asked' \
	expect 0 'answered: "Moin", 4 bytes, CRC-32 15844f50' \
	shmdev hello --text Moin
check 'alice, who is in the group, may' expect 0 'both sides read' \
	as alice shmdev hello
check 'bob, who is not, may not' expect 4 'add you to group shmdev' \
	as bob shmdev hello
check 'kick' expect 0 '^0$' shmdev kick
check 'kick with an argument that hello does not take' expect 1 'only 0' \
	shmdev kick --argument 1

# learn
check 'learn lists the lessons' expect 0 '^  1  hello +all ' shmdev learn
lessons() {
	for lesson in "$(dirname "$(command -v shmdev)")"/../libexec/shmdev/lessons/*; do
		lesson=${lesson##*/}
		expect 0 '^Next: |^That was the last one' shmdev learn "$lesson" ||
			return
		! grep -E 'NOT SO|What follows is about shmdev' "$tmp/output" ||
			return
		grep -q '^+- the kernel' "$tmp/output" || return
	done
}
check 'every lesson is as it says, with the module, and draws it' lessons
check 'lessons leave nothing behind' expect 0 '^1$' \
	shell 'shmdev ls -n | wc -l'
check 'alice, who is in the group, may learn' shell '
	su alice -c "shmdev learn hello" | grep -F "\"Hello from kernel space\""'
check 'bob, who is not, is told so' expect 0 'a member of group shmdev' \
	as bob shmdev learn hello

# create, ls, stat, rm
check 'create' expect 0 '' shmdev create --mode 0640 one 8M
check 'create with an endpoint' expect 0 '' shmdev create -e hello two 64K
check 'hello in it' expect 0 "segment 'two'" shmdev hello --segment two
check 'create a name that is taken' expect 1 'choose another name' \
	shmdev create one 4K
check 'create a bad name' expect 1 "cannot be called '..'" \
	shmdev create .. 4K
check 'create with a bad size' expect 2 'not one such as' \
	shmdev create bad 12Q
check 'create with a size between pages' expect 2 'next one is 8192' \
	shmdev create bad 5000
check 'create with an endpoint that is not there' expect 1 'hello.*always' \
	shmdev create -e nobody bad 4K
check 'create lazy' expect 0 '' shmdev create --lazy three 64M
check 'lazy takes no memory' expect 0 '^0$' \
	shmdev stat -r -n -o RESIDENT three
check 'ls' expect 0 '^ *[0-9]+ one +8M +8M root +root +0640 +0 +0 +0 *$' \
	shmdev ls
check 'ls --json' shell 'shmdev ls -J >$tmp/json
	grep -q "\"name\": \"one\"" $tmp/json
	grep -q "\"size\": 8388608" $tmp/json'
check 'ls of columns' expect 0 '^two hello keep$' \
	shmdev ls -r -o NAME,ENDPOINT,FLAGS
check 'stat' expect 0 '^ENDPOINT +hello$' shmdev stat two
check 'stat of one that is not there' expect 1 "shmdev ls" shmdev stat four
check 'an anonymous segment for a command' expect 0 '^1048576$' \
	shmdev create --anonymous 1M -- sh -c 'stat -L -c %s /proc/self/fd/3'
check 'a segment of a command goes with it' shell '
	shmdev create four 1M -- true
	! shmdev ls -n -o NAME | grep -x four'
check 'rm' expect 0 '' shmdev rm three
check 'rm again' expect 1 "no such segment" shmdev rm three
check 'rm by id' shell '
	shmdev create three 4K
	shmdev rm --id $(shmdev stat -n -r -o ID three)
	! shmdev stat three'

# Limits are named by the file that sets them.
check 'max_user_bytes' expect 1 "$parameters/max_user_bytes" \
	with_limit max_user_bytes 8M shmdev create more 1M
check 'max_bytes' expect 1 "$parameters/max_bytes" \
	with_limit max_bytes 8M shmdev create more 1M
check 'max_segments' expect 1 "$parameters/max_segments" \
	with_limit max_segments 1 shmdev create more 4K

# chmod, chown, and what others may
check 'others do not see what they may not read' shell '
	! su alice -c "shmdev ls -n -o NAME" | grep -x one'
check 'others may not open it' expect 4 'shmdev chmod' \
	as alice shmdev read one
check 'others may not remove it' expect 4 'as root' as alice shmdev rm one
check 'chmod by its owner lets them' shell '
	shmdev chmod 0644 one
	su alice -c "shmdev read -l 1 one" >/dev/null'
check 'but not write' expect 4 'permissions' as alice shmdev write one
check 'nor chmod it' expect 4 "is for the segment's owner" \
	as alice shmdev chmod 0666 one
check 'chown gives it away' shell '
	shmdev chown alice:shmdev one
	su alice -c "shmdev chmod 0600 one"
	shmdev ls -n -r -o NAME,OWNER,GROUP,MODE | grep -x "one alice shmdev 0600"'
check 'chown is for root' expect 4 'cannot change the owner' \
	as alice shmdev chown bob one
check 'then its owner may remove it' expect 0 '' as alice shmdev rm one

# read, write, dump
head -c 7000000 /dev/urandom >"$tmp/data"
shmdev create box 8M
check 'several megabytes through pipes' shell '
	cat $tmp/data | shmdev write box
	shmdev read --length 7000000 box | cmp - $tmp/data'
check 'a part' shell '
	tail -c +4001 $tmp/data | head -c 1000000 >$tmp/part
	shmdev read --offset 4000 --length 1000000 box | cmp - $tmp/part'
check 'write at an offset' shell '
	printf abc | shmdev write --offset 0x10 box
	[ "$(shmdev read -o 16 -l 3 box)" = abc ]'
check 'more input than room' shell '
	status=0
	head -c 9000000 /dev/zero | shmdev write box 2>$tmp/err || status=$?
	[ $status = 1 ] && grep "first 8388608 bytes" $tmp/err'
check 'what fitted was written' shell '
	[ "$(shmdev read box | wc -c)" = 8388608 ]
	[ "$(shmdev read box | tr -d "\\0" | wc -c)" = 0 ]'
check 'an offset past the end' expect 2 'past the end' \
	shmdev read --offset 9M box
check 'a reader that goes early' shell 'shmdev read box | head -c 1 >/dev/null'
check 'dump squeezes equal lines' shell '
	printf "Hello" | shmdev write box
	shmdev dump box >$tmp/dump
	[ "$(wc -l <$tmp/dump)" = 4 ]
	head -n 1 $tmp/dump | grep -F "48 65 6c 6c 6f 00 00 00  00"
	tail -n 1 $tmp/dump | grep -x 00800000'
check 'the default segment is read as a file is' shell '
	printf plain | shmdev write -o 1M
	[ "$(dd if=/dev/shmdev bs=1M skip=1 count=1 2>/dev/null |
		head -c 5)" = plain ]'

# wait, wake
check 'wait in vain' expect 5 'the word at 64 still holds 0' \
	shmdev wait --timeout 0.1 two 64
check 'wake when nobody waits' expect 0 '^0$' shmdev wake --set 41 two 64
check 'what was set is there' expect 0 '^41$' shmdev wait --while 0 two 64
check 'add' expect 0 '^0$' shmdev wake --add 1 two 64
check 'it is there in the bytes' shell '
	[ "$(shmdev read -o 64 -l 1 two)" = "*" ]'
# Only who sleeps can be woken, so that is when the word has been looked at.
woken() {
	shmdev wait two 64 >"$tmp/waited" &
	until [ "$(shmdev wake two 64)" = 1 ]; do sleep 0.1; done
	shmdev wake --set 6 two 64
	wait $! && grep -x 6 "$tmp/waited"
}
check 'a wake-up without a change is none' woken
woken_at_most() {
	shmdev wait two 64 >"$tmp/one" & one=$!
	shmdev wait two 64 >"$tmp/other" & other=$!
	# Those who are woken go back to sleep.
	until [ "$(shmdev wake two 64)" = 2 ]; do sleep 0.1; done
	until [ "$(shmdev wake --count 1 two 64)" = 1 ]; do sleep 0.1; done
	[ "$(shmdev wake --count 0 two 64)" = 0 ]
	shmdev wake --set 7 two 64
	wait $one && wait $other && cmp "$tmp/one" "$tmp/other"
}
check 'no more than --count are woken' woken_at_most
# The counter may be slower than those who count up.
counted() {
	seen=7
	for _ in 1 2 3; do shmdev wake --add 1 two 64; done &
	while [ "$seen" != 10 ]; do
		seen=$(shmdev wait -t 20 -w "$seen" two 64) || return
	done
	wait
}
check 'a loop misses nothing' counted
check 'the offset of no word' expect 2 '65536 is past the end' \
	shmdev wait two 64K
check 'an offset between words' expect 2 'not a multiple of 4' \
	shmdev wake two 2
check 'who may not read may not wait' expect 4 'shmdev chmod' \
	as alice shmdev wait two 0
check 'who may not write may not wake' shell '
	shmdev chmod 0644 two
	su alice -c "shmdev wait -w 1 two 0" >/dev/null
	! su alice -c "shmdev wake two 0"'
check 'who may only write may wake' shell '
	shmdev chmod 0602 two
	su alice -c "shmdev wake two 0"
	! su alice -c "shmdev wake --set 1 two 0"'

# peers
check 'an endpoint is a peer' expect 0 '^two +1 endpoint +0 +alive +0 *$' \
	shmdev peers two
check 'nobody is a peer' expect 0 '"peers": \[' shmdev peers -J box
check 'peers of all' expect 0 '^\(default\) +1 endpoint ' shmdev peers
check 'ls counts them' expect 0 '^two 1$' shmdev ls -r -o NAME,PEERS
check 'an endpoint that has gone is a peer that has ended' shell '
	insmod "/lib/modules/$(uname -r)/extra/shmdev_sum.ko"
	shmdev create -e sum three 4K
	rmmod shmdev_sum
	shmdev peers -r -n -o ROLE,STATE three | grep -x "endpoint shutdown"
	[ $(shmdev stat -r -n -o PEERS three) = 0 ]
	shmdev map three >$tmp/picture
	grep "endpoint sum" $tmp/picture
	grep "its endpoint has gone  " $tmp/picture
	shmdev rm three'

# send, recv, watch
check 'create a queue' expect 0 '' shmdev create --ring queue jobs 64K
check 'lines go through it' shell 'printf "one\ntwo\n\nthree\n" | shmdev send jobs
	[ "$(shmdev recv jobs | tr "\n" " ")" = "one two three " ]'
check 'recv sleeps until a producer comes' shell '
	shmdev recv --follow --count 2 jobs >$tmp/got &
	sleep 0.3
	echo late | shmdev send jobs
	echo later | shmdev send jobs
	wait $!
	[ "$(tr "\n" " " <$tmp/got)" = "late later " ]'
check 'who receives can write one page only' shell '
	[ "$(shmdev stat -r -n -o FLAGS jobs)" = keep,isolated ]
	shmdev recv --follow jobs >$tmp/got &
	sleep 0.3
	[ "$(shmdev ps -r -n -o COMMAND,ACCESS,BYTES jobs | grep rw)" = \
		"shmdev rw 4096" ]
	kill $!
	wait $! || true'
check 'unless it is trusted' shell '
	shmdev create --ring queue --trusting trusted 4K
	[ "$(shmdev stat -r -n -o FLAGS trusted)" = keep ]
	echo all | shmdev send trusted
	[ "$(shmdev recv trusted)" = all ]
	shmdev rm trusted'
check 'the next one takes the place of who was killed' shell '
	shmdev recv --follow jobs >$tmp/got &
	sleep 0.3
	shmdev recv jobs 2>&1 | grep -q "somebody has this part"
	kill -9 $!
	echo again | shmdev send jobs
	shmdev peers -r -n -o ROLE,STATE,LAG,LOST jobs >$tmp/got
	grep -x "consumer killed 16 0" $tmp/got
	[ "$(shmdev recv jobs)" = again ]'
check 'who receives has the data mapped twice, to read' shell '
	shmdev recv --follow jobs >$tmp/got &
	sleep 0.3
	shmdev map --dot jobs >$tmp/graph
	shmdev map jobs >$tmp/picture
	kill $!
	wait $! || true
	[ $(grep -c ":e -> segment:r2:w \[dir=back\]$" $tmp/graph) = 2 ]
	[ $(grep -c "dir=both" $tmp/graph) = 1 ]
	[ $(sed -n "s/^. \([0-9a-f]*-[0-9a-f]*\) r.*/\1/p" $tmp/picture |
		sort -u | wc -l) = 4 ]'
check 'whoever may read sees where others are in it' shell '
	shmdev chmod 0644 jobs
	shmdev recv --follow jobs &
	sleep 0.3
	su alice -c "shmdev peers -r -n -o ROLE,STATE,POSITION,LAG jobs" >$tmp/got
	kill $!
	grep -x "consumer alive [1-9][0-9]* 0" $tmp/got'
check 'a full queue holds up who sends, and loses nothing' shell '
	i=0
	while [ $i -lt 9000 ]; do echo "line $i"; i=$((i + 1)); done >$tmp/lines
	shmdev send jobs $tmp/lines &
	sleep 0.3
	shmdev watch --count 1 jobs | grep -q "producer"
	shmdev recv jobs | cmp - $tmp/lines
	wait $!'
check 'create a stream' expect 0 '' shmdev create --ring stream news 4K
check 'its readers are told what they lost' shell '
	shmdev send news $tmp/lines
	status=0
	shmdev recv --from 0 news >$tmp/got 2>$tmp/said || status=$?
	[ $status = 6 ]
	grep -q "records lost before number" $tmp/said
	[ "$(tail -n 1 $tmp/got)" = "line 8999" ]'
check 'no ring in a segment' expect 1 'create --ring' shmdev send two </dev/null
check 'top shows what goes through rings, and what endpoints are told' shell '
	while echo x; do sleep 0.01; done | shmdev send news &
	sender=$!
	while shmdev kick two; do sleep 0.01; done >$tmp/kicked 2>&1 &
	kicker=$!
	shmdev top --batch -c 1 -i 2 -r -o NAME,ID,SIZE,KICKS,RECORDS >$tmp/got
	kill $sender $kicker
	cat $tmp/got
	awk "\$1 == \"news\" && \$5 > 0 { ring = 1 }
		\$1 == \"two\" && \$4 > 0 && NF == 4 { endpoint = 1 }
		END { exit !(ring && endpoint) }" $tmp/got'
shmdev rm box two jobs news

# ps, and what holds the module
check 'hold the default segment' hold default
check 'ps shows it' expect 0 "^\(default\) +$holder +hold +rw +0 +4K +shared$" \
	shmdev ps
place=$(sed -n 's,^\([0-9a-f-]*\) rw-s .* /dev/shmdev (deleted)$,\1,p' \
	"/proc/$holder/maps")
check 'map shows where it has it' expect 0 "^. $place rw shared " shmdev map
check 'and that the kernel has it, too' expect 0 \
	'^. addresses not shown +rw shared ' shmdev map
check 'unload is refused' expect 1 'is in use' shmdev unload
check 'and names who holds it' expect 1 \
	"process $holder \(hold\) has the default segment mapped" shmdev unload
check 'let go' let_go
check 'hold a segment by its mapping only' hold held
check 'ps of that segment' expect 0 "^$holder hold 0 4096\$" \
	shmdev ps -r -n -o PID,COMMAND,OFFSET,BYTES held
check 'only the mapping has its file' expect 0 '^held 1 1$' \
	shmdev ls -r -n -o NAME,MAPPINGS,FILES
check 'unload names segment and process' expect 1 \
	"process $holder \(hold\) has segment held mapped" shmdev unload
# The kernel has the last word about where it is.
place=$(sed -n 's,^\([0-9a-f-]*\) rw-s .* /shmdev:held (deleted)$,\1,p' \
	"/proc/$holder/maps")
check 'map of that segment' expect 0 "^. $place rw shared +[^ ]+ .\$" \
	shmdev map held
check 'it names the process' expect 0 "process $holder, hold " shmdev map held
check 'addresses of others are not visible' shell '
	shmdev chmod 0644 held
	su alice -c "shmdev map held" | grep "(address not visible) rw shared "'
check 'let go of it' let_go
check 'then it is gone' expect 1 'no such segment' shmdev stat held
check 'hold the device by a descriptor' shell 'sleep 1000 </dev/shmdev &
	echo $! >$tmp/sleeper'
check 'unload names that process' expect 1 \
	"process $(cat "$tmp/sleeper") \(sleep\) has /dev/shmdev open" \
	shmdev unload
kill "$(cat "$tmp/sleeper")"
check 'ps of nothing, as JSON' expect 0 '"mappings": \[' shmdev ps -J
check 'keep a segment' expect 0 '' shmdev create kept 4K
check 'unload says how to remove it' expect 1 \
	'segment kept is kept; remove it: shmdev rm --id' shmdev unload
check 'remove it' expect 0 '' shmdev rm kept
top_without_module() {
	shmdev top --batch -i 4 >"$tmp/got" 2>&1 &
	sleep 1
	shmdev unload || return
	top_status=0
	wait $! || top_status=$?
	reload
	[ $top_status = 3 ] && grep 'not loaded; load it' "$tmp/got"
}
check 'top holds up no unload, and ends then' top_without_module
check 'then unload succeeds, and load' reload

#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The command line of colo-perf: every exit status with the exact line on
# stderr, which checkpoints and files the options choose, and the form of each
# output. Numbers are for the golden tests. Prints TAP.
#
#   COLO_PERF=build/colo-perf tests/cli/run.sh
#
# The recordings come from make_recordings, which is built beside colo-perf.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
make_recordings=$(realpath -s "${MAKE_RECORDINGS:-$(dirname "$colo_perf")/tests/cli/make_recordings}")
need_program "$make_recordings"
"$make_recordings" .

# chooses NAME ROWS [ARG...]: the CSV has these rows, "p1 p2 s1" for seq 1 and 2 of the primary
# and seq 1 of the secondary.
chooses() {
    local name=$1 rows=$2

    shift 2
    run report --csv "$@"
    check "$name" has_rows "$rows"
}
has_rows() {
    done_well && [ "$(awk -F, 'NR > 1 { printf "%s%s%s", sep, substr($1, 1, 1), $5; sep = " " }' \
        "$out")" = "$1" ]
}

# --- colo-perf itself

usage="usage: colo-perf COMMAND [OPTION...] [FILE...]

commands:
  record       records the checkpoints of running QEMUs with perf
  report       statistics of the checkpoints in a recording
  flamegraph   where the CPU time of a phase went, as a picture
  live         the statistics of a pair while it runs

\`colo-perf COMMAND --help\` tells more; see also colo-perf(1)."

refuses "no arguments: the usage" 2 "$usage"
refuses "an unknown command" 2 \
    'colo-perf: there is no command "raport"; see colo-perf --help' raport
refuses "an unknown option instead of a command" 2 \
    'colo-perf: there is no command "--json"; see colo-perf --help' --json
refuses "an empty command" 2 'colo-perf: there is no command ""; see colo-perf --help' ''
refuses "a command with a newline stays one line" 2 \
    'colo-perf: there is no command "a?b"; see colo-perf --help' $'a\nb'

printed() {
    done_well && [ "$(cat "$out")" = "$1" ]
}
for option in --help -h help; do
    run "$option"
    check "$option: the usage, on stdout" printed "$usage"
done
run --version
check "--version" printed "colo-perf 0.1.0"

# --- record: options; what it does is for tests/system/check-record.py

see="; see colo-perf record --help"
run record --help
check "record --help: names each option" grep -qzP \
    '(?s)Usage:.*COMMAND.*--pid=PID.*--name=NAME.*--output=FILE.*--duration=S.*--frequency=HZ.*--event=cycles\|cpu-clock.*--call-graph=fp\|dwarf\|lbr.*--mmap-size=SIZE.*--quiet.*--check.*--binary=FILE' "$out"
check "record --help: exit status 0" [ "$status" -eq 0 ]
run record --version
check "record --version" printed "colo-perf 0.1.0"
refuses "record: nothing to record" 2 \
    "colo-perf record: nothing to record: give -p PID, --name NAME or a COMMAND$see" record
for value in '' x 0 -1 1,x 1,,2 ',' ' 1' 99999999999; do
    refuses "record: --pid '$value'" 2 \
        "colo-perf record: --pid $value: expected the number of a process$see" record --pid="$value"
done
refuses "record: --event instructions" 2 \
    "colo-perf record: --event instructions: expected cycles or cpu-clock$see" record -p 1 -e instructions
refuses "record: --call-graph full" 2 \
    "colo-perf record: --call-graph full: expected fp, dwarf or lbr$see" record -p 1 --call-graph full
for value in '' M 4T 4MM -4M; do
    refuses "record: --mmap-size '$value'" 2 \
        "colo-perf record: --mmap-size $value: expected a size such as 4M$see" record -p 1 --mmap-size="$value"
done
refuses "record: --frequency -1" 2 \
    "colo-perf record: --frequency -1: expected a number from 0 to 1000000$see" record -p 1 -F -1
for value in -1 nan 1e+07; do
    refuses "record: --duration $value" 2 \
        "colo-perf record: --duration $value: expected seconds, at most 1e+06$see" record -p 1 -d "$value"
done
refuses "record: -p and a command" 2 \
    "colo-perf record: ls: a COMMAND, or -p and --name: choose one, as a recording ends with its COMMAND$see" record -p 1 -- ls
refuses "record: --check and a command" 2 \
    "colo-perf record: --check starts no COMMAND: use --binary ls$see" record --check ls
refuses "record: --binary without --check" 2 \
    "colo-perf record: --binary needs --check$see" record -p 1 --binary /bin/ls

# --- report: options

see="; see colo-perf report --help"
bad_checkpoints="expected A-B, A-, -B or A, with numbers from 1 and A not above B$see"

run report --help
check "report --help: names each option" grep -qzP \
    '(?s)Usage:.*--json.*--csv.*--info-checkpoint.*--phase=PHASE\|all.*--top=N.*--input=FILE.*--checkpoints=A-B.*--skip=N.*--since=S.*--until=S.*--role=primary\|secondary.*--event=EVENT.*--inline.*--symfs=DIR.*--vmlinux=FILE.*--kallsyms=FILE' "$out"
check "report --help: exit status 0" [ "$status" -eq 0 ]
refuses "report: an unknown option" 2 \
    "colo-perf report: Unknown option --jsn$see" report --jsn both.data
refuses "report: an unknown letter" 2 "colo-perf report: Unknown option -x$see" report -x both.data
for value in 5-3 0 0-4 1-0 - '' 1-2-3 a a-b -x +1 ' 1' 1.5 0x10 9223372036854775808; do
    refuses "report: --checkpoints '$value'" 2 \
        "colo-perf report: --checkpoints $value: $bad_checkpoints" \
        report --checkpoints "$value" both.data
done
refuses "report: --checkpoints with a newline stays one line" 2 \
    "colo-perf report: --checkpoints 1?2: $bad_checkpoints" report --checkpoints $'1\n2' both.data
for value in -1 abc '' 1x 99999999999999999999; do
    refuses "report: --skip '$value'" 2 \
        "colo-perf report: --skip $value: expected a number from 0$see" \
        report --skip "$value" both.data
done
run report --version
check "report --version" printed "colo-perf 0.1.0"
run report --help
plain_ascii() {
    ! grep -qP '[^\x00-\x7f]' "$1"
}
check "report --help is plain ASCII" plain_ascii "$out"
for option in since until; do
    for value in x '' 1s inf -inf nan 1e+10 -1e+10 9223372036.854775807; do
        refuses "report: --$option '$value'" 2 \
            "colo-perf report: --$option $value: expected seconds, at most 1e+09$see" \
            report "--$option" "$value" both.data
    done
done
refuses "report: --since is not before --until" 2 \
    "colo-perf report: --since 2 is not before --until 2$see" \
    report --since 2 --until 2 both.data
for value in both Primary '' primary,secondary; do
    refuses "report: --role '$value'" 2 \
        "colo-perf report: --role $value: expected primary or secondary$see" \
        report --role "$value" both.data
done
for value in 0 -1 x '' '1,' ',1' 1.5 99999999999; do
    refuses "report: --pid '$value'" 2 \
        "colo-perf report: --pid $value: expected the number of a process$see" report --pid "$value" both.data
done
exclusive="colo-perf report: --json, --csv and --info-checkpoint: choose one$see"
refuses "report: --json --csv" 2 "$exclusive" report --json --csv both.data
refuses "report: --csv --info-checkpoint" 2 "$exclusive" report --csv --info-checkpoint both.data
refuses "report: --json --info-checkpoint" 2 "$exclusive" report --json --info-checkpoint both.data
refuses "report: all three" 2 "$exclusive" report --json --csv --info-checkpoint both.data
for option in -i --input --checkpoints --skip --since --until --role; do
    refuses "report: $option without its value" 2 \
        "colo-perf report: Missing argument for $option$see" report both.data "$option"
done
refuses "report: --phase of no phase" 2 \
    "colo-perf report: --phase ran: there is no such phase; expected ram, or another one that the report lists, or all$see" \
    report --phase ran both.data
refuses "report: --top 0" 2 "colo-perf report: --top 0: expected a number from 1$see" \
    report --top 0 both.data
refuses "report: usage comes before the file" 2 \
    "colo-perf report: --skip -1: expected a number from 0$see" report --skip -1 missing.data

# --- report: which checkpoints

chooses "all" "p1 p2 p3 p4 s1 s2 s3 s4" both.data
chooses "--checkpoints 2-3" "p2 p3 s2 s3" --checkpoints 2-3 both.data
chooses "--checkpoints 3-" "p3 p4 s3 s4" --checkpoints 3- both.data
chooses "--checkpoints -2" "p1 p2 s1 s2" --checkpoints -2 both.data
chooses "--checkpoints=4" "p4 s4" --checkpoints=4 both.data
chooses "--checkpoints 1-9223372036854775807" "p1 p2 p3 p4 s1 s2 s3 s4" \
    --checkpoints 1-9223372036854775807 both.data
chooses "--skip 0" "p1 p2 p3 p4 s1 s2 s3 s4" --skip 0 both.data
chooses "--skip 3" "p4 s4" --skip 3 both.data
chooses "--role primary" "p1 p2 p3 p4" --role primary both.data
chooses "--role secondary --skip 2" "s3 s4" --role secondary --skip 2 both.data
# The first hit is colo_init_begin; checkpoints begin 140, 336, 532, 728 ms behind it.
chooses "--since 0.3, the primary" "p2 p3 p4" --since 0.3 --role primary both.data
chooses "--until 0.6, the primary" "p1 p2 p3" --until 0.6 --role primary both.data
chooses "--since 0.3 --until 0.6" "p2 p3" --since 0.3 --until 0.6 --role primary both.data
chooses "--since -1" "p1 p2 p3 p4" --since -1 --role primary both.data
chooses "--since 0.14, the very moment" "p1 p2 p3 p4" --since 0.14 --role primary both.data
chooses "all conditions together" "s3" \
    --checkpoints 2- --skip 1 --until 0.7 --since 0.4 --role secondary both.data

pid_of() {
    "$colo_perf" report --csv --role "$1" both.data | awk -F, 'NR == 2 { print $3 }'
}
primary=$(pid_of primary) secondary=$(pid_of secondary)
chooses "--pid, the secondary" "s1 s2 s3 s4" --pid "$secondary" both.data
chooses "--pid, one that is not there as well" "p1 p2 p3 p4" -p "$primary" -p 1 both.data
chooses "--pid, a list" "p1 p2 p3 p4 s1 s2 s3 s4" --pid "$primary,$secondary" both.data

left="none of its checkpoints matches the options"
without="without --checkpoints, --skip, --since, --until, --role and --pid the report shows what is there"
refuses "nothing is left: --checkpoints" 3 \
    "colo-perf report: both.data: $left; $without" report --checkpoints 5- both.data
refuses "nothing is left: --skip" 3 \
    "colo-perf report: both.data: $left; $without" report --skip 4 both.data
refuses "nothing is left: --skip as large as can be" 3 \
    "colo-perf report: both.data: $left; $without" report --skip 9223372036854775807 both.data
refuses "nothing is left: --since" 3 \
    "colo-perf report: both.data: $left; $without" report --since 100 both.data
refuses "nothing is left: --until" 3 \
    "colo-perf report: both.data: $left; $without" report --until 0 both.data
refuses "nothing is left: --role" 3 \
    "colo-perf report: primary.data: $left; $without" \
    report --role secondary primary.data
refuses "nothing is left: --pid" 3 \
    "colo-perf report: both.data: $left; $without" report --pid 1 both.data
refuses "nothing is left: --pid and --role do not fit" 3 \
    "colo-perf report: both.data: $left; $without" report --pid "$primary" --role secondary both.data
refuses "nothing is left, in JSON" 3 \
    "colo-perf report: both.data: $left; $without" report --json --skip 4 both.data

# --- report: which files

recordings_are() {
    done_well && [ "$(awk -F, 'NR > 1 { print $1, $2 }' "$out" | uniq | paste -sd,)" = "$1" ]
}
refuses "no perf.data here" 1 \
    "colo-perf report: perf.data: cannot open it: No such file or directory" report
cp both.data perf.data
run report --csv
check "perf.data is the default" recordings_are "primary 0,secondary 0"
run report --csv -i primary.data
check "-i" recordings_are "primary 0"
run report --csv --input=primary.data
check "--input=" recordings_are "primary 0"
run report --csv secondary.data primary.data
check "two files" recordings_are "primary 1,secondary 0"
run report --csv -i primary.data -i secondary.data
check "-i twice" recordings_are "primary 0,secondary 1"
run report --csv secondary.data -i primary.data
check "-i comes before a bare name" recordings_are "primary 0,secondary 1"
run report --csv -- primary.data
check "-- ends the options" recordings_are "primary 0"
cp primary.data ./--csv
run report --csv -- --csv
check "a file that is called --csv" recordings_are "primary 0"
run report --csv "$PWD/primary.data"
check "an absolute path" recordings_are "primary 0"

mkdir directory
: >empty.data
printf 'PERFILE' >seven-bytes.data
printf 'hello, world\n' >other.data
head -c 50 both.data >header-cut.data
printf 'PERFILE2\020\0\0\0\0\0\0\0' >pipe-mode.data
printf 'PERFFILE\020\0\0\0\0\0\0\0' >old.data
printf 'PERFILE2\020\0\0\0\0\0\0\0abcd' >cut-pipe.data

refuses "a file that is missing" 1 \
    "colo-perf report: missing.data: cannot open it: No such file or directory" report missing.data
refuses "a directory" 1 \
    'colo-perf report: directory: it is a directory without a file "data", so not one of perf record --threads; name a file' \
    report directory
refuses "a device" 1 \
    "colo-perf report: /dev/null: it is neither a file nor a pipe; record with -o FILE or -o -" report /dev/null
refuses "a file in a file" 1 \
    "colo-perf report: both.data/x: cannot open it: Not a directory" report both.data/x
refuses "an empty name" 1 \
    "colo-perf report: : cannot open it: No such file or directory" report ''
refuses "an empty file" 1 \
    "colo-perf report: empty.data: not a perf.data file: it has 0 bytes; was perf record stopped before it began?" \
    report empty.data
refuses "a file of 7 bytes" 1 \
    "colo-perf report: seven-bytes.data: not a perf.data file: it has 7 bytes" \
    report seven-bytes.data
refuses "another file" 1 \
    "colo-perf report: other.data: not a perf.data file: it starts with 68 65 6c 6c, not with \"PERFILE2\"" \
    report other.data
refuses "cut in its header" 1 \
    "colo-perf report: header-cut.data: cut off in its header: it has 50 bytes, the header alone has 104" \
    report header-cut.data
refuses "pipe mode, the header alone" 3 \
    "colo-perf report: pipe-mode.data: holds no COLO checkpoint: none of its 0 events is a probe of sdt-probes.patch; record a QEMU built with it, with -e 'sdt_qemu:colo_*'" \
    report pipe-mode.data
refuses "a perf before 2.6.33" 1 \
    "colo-perf report: old.data: it was written by a perf older than 2.6.33; record it anew" \
    report old.data
refuses "the second of two files" 1 \
    "colo-perf report: missing.data: cannot open it: No such file or directory" \
    report both.data missing.data

# --- Recordings that lost the formats of their probes, and others that have them

formats="there are no formats of sdt_qemu in --formats directory"
killed="perf record was killed before it finished the file: the size of the data and the feature sections are missing"
cut="cut off: its header declares data up to offset $(stat -c %s killed.data), the file ends at $(stat -c %s cut.data)"
bad="the tracepoint formats (feature 1, TRACING_DATA) are damaged at byte 0: the magic bytes are not there"
refuses "without formats" 1 "colo-perf report: no-formats.data: $formats" report --formats directory no-formats.data
refuses "perf record was killed" 1 "colo-perf report: killed.data: $killed; $formats" \
    report --formats directory killed.data
refuses "cut in its data" 1 "colo-perf report: cut.data: $cut; $formats" report --formats directory cut.data
refuses "damaged formats" 1 "colo-perf report: bad-formats.data: $bad; $formats" \
    report --formats directory bad-formats.data
# Whatever is registered on the machine that runs this: one without probes, and one with somebody else's.
mkdir -p machine others/events/sdt_qemu/colo_ram_begin
refuses_on machine "without formats, on a machine without probes" 1 \
    "colo-perf report: no-formats.data: the formats of its tracepoints (feature 1, TRACING_DATA) are not there, and this machine has no sdt_qemu probes registered; name them by --formats: a copy of the recording machine's /sys/kernel/tracing/events/sdt_qemu, or another recording of it" \
    report no-formats.data
cat >others/events/sdt_qemu/colo_ram_begin/format <<'END'
name: colo_ram_begin
ID: 65000
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:unsigned long __probe_ip;	offset:8;	size:8;	signed:0;
	field:s32 arg1;	offset:16;	size:4;	signed:1;
	field:s64 arg2;	offset:20;	size:8;	signed:1;

print fmt: "(%lx) arg1=%d arg2=%lld", REC->__probe_ip, REC->arg1, REC->arg2
END
not_the_same="its own formats of the probes are missing, and those in"
none_of_them="are not the same: none of its tracepoints is among them; name the right ones by --formats"
for command in "report" "live -i"; do
    # shellcheck disable=SC2086 # two words
    refuses_on others "${command% *}: without formats, on a machine with other probes" 1 \
        "colo-perf ${command% *}: no-formats.data: $not_the_same /sys/kernel/tracing $none_of_them" \
        $command no-formats.data
done
refuses_on others "perf record was killed, on a machine with other probes" 1 \
    "colo-perf report: killed.data: $killed; $not_the_same /sys/kernel/tracing $none_of_them" report killed.data
refuses "the formats of another machine" 1 \
    "colo-perf report: killed.data: $killed; $not_the_same others $none_of_them" report --formats others killed.data
salvages() {
    [ "$status" -eq 0 ] && grep -q "^warning: $1 lost the formats of its probes; those in $2 were taken" "$out"
}
run report --csv both.data
cp "$out" both.csv
run report --csv --formats both.data killed.data
check "perf record was killed, the formats of another recording" cmp -s "$out" both.csv
refuses "formats of a machine of the other byte order" 1 \
    "colo-perf report: killed.data: $killed; there are no formats of sdt_qemu in --formats both-big-endian.data: it is of a machine of the other byte order" \
    report --formats both-big-endian.data killed.data
run report --formats both.data killed.data
check "perf record was killed: the report says whose formats it has" salvages killed.data both.data
check "perf record was killed: the report says so first" grep -q "^warning: killed.data is damaged: $killed" <(head -n 1 "$out")
run report --formats both.data bad-formats.data
check "damaged formats: those of another recording" salvages bad-formats.data both.data
head -c "$(($(stat -c %s killed.data) * 2 / 3))" both.data >two-thirds.data
run report --csv --formats both.data two-thirds.data
check "two thirds of a file: each complete checkpoint is the whole one's" \
    cmp -s <(grep -F ,complete, "$out") <(grep -F ,complete, "$out" | grep -Fxf both.csv)
refuses "a pipe that is cut before its first checkpoint" 1 \
    "colo-perf report: cut-pipe.data: offset 16: cut off in a record's header, 4 of 8 bytes are there; what is left holds no COLO checkpoint; take the whole file, or record it anew" \
    report cut-pipe.data
refuses "formats of a recording that has none" 1 \
    "colo-perf report: no-formats.data: $formats/../no-formats.data: it has no formats of tracepoints either" \
    report --formats directory/../no-formats.data no-formats.data

refuses "hits without a time" 1 \
    "colo-perf report: without-time.data: probe colo_init_begin was recorded without time, thread or arguments (sample_type 0x10583); record with perf record -T" \
    report without-time.data

# --- Pipes

# pipes NAME COMMAND...: what the command prints is reported as both.data is.
piped() {
    status=0
    "$@" | "$colo_perf" report --csv - >"$out" 2>"$err" || status=$?
    cmp -s "$out" both.csv
}
check "standard input: a pipe" piped cat both.data
check "standard input: a pipe that comes in small pieces" piped dd if=both.data bs=999 status=none
from_file() {
    "$colo_perf" report --csv - <both.data | cmp -s - both.csv
}
check "standard input: a file" from_file
mkfifo fifo
cat both.data >fifo &
run report --csv fifo
check "a named pipe" cmp -s "$out" both.csv
wait
refuses "standard input that is empty" 1 \
    "colo-perf report: -: it is neither a file nor a pipe; record with -o FILE or -o -" report -
on_terminal() {
    script -qc "'$colo_perf' report -" /dev/null </dev/null | tr -d '\r' |
        grep -qx "colo-perf report: -: standard input is a terminal; pipe perf record -o - into it, or name a file"
}
check "standard input that is a terminal" on_terminal
check "TMPDIR that is not there: another place is found" env TMPDIR=/nonexistent bash -c \
    "cat both.data | '$colo_perf' report --csv - | cmp -s - both.csv"

# interrupted SIGNALS: a recording comes through the pipe; colo-perf gets so many SIGINT before its end.
interrupted() {
    local reader i
    env --default-signal=INT "$colo_perf" report --csv - <fifo >"$out" 2>"$err" &
    reader=$!
    exec 9>fifo
    head -c 1000 both.data >&9
    for ((i = 0; i < $1; i++)); do
        sleep 0.3
        kill -INT "$reader"
    done
    sleep 0.2
    { tail -c +1001 both.data >&9; } 2>/dev/null || true
    exec 9>&-
    status=0
    wait "$reader" || status=$?
}
interrupted 1
check "Ctrl-C ends the recording, which then is reported" cmp -s "$out" both.csv
interrupted 2
check "a second Ctrl-C ends colo-perf" [ "$status" -eq 130 ]
left_in() {
    find "$1" -maxdepth 1 -name 'colo-perf-*' -newer both.csv | grep -q . || return 0
    return 1
}
check "nothing is left of what was read from pipes" left_in /var/tmp

# Root reads everything, so it asks for nobody's eyes.
cp both.data unreadable.data
chmod 000 unreadable.data
unreadable="colo-perf report: unreadable.data: cannot open it: Permission denied"
nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
if [ "$(id -u)" -ne 0 ]; then
    refuses "a file that may not be read" 1 "$unreadable" report unreadable.data
elif ! "${nobody[@]}" test -x "$colo_perf" 2>/dev/null; then
    skip "a file that may not be read" "root reads every file, and nobody cannot run colo-perf here"
else
    status=0
    "${nobody[@]}" "$colo_perf" report unreadable.data >"$out" 2>"$err" || status=$?
    check "a file that may not be read" said 1 "$unreadable"
fi

# --- report: nothing of COLO in it

refuses "a recording without probes" 3 \
    "colo-perf report: no-probes.data: holds no COLO checkpoint: none of its 1 events is a probe of sdt-probes.patch; record a QEMU built with it, with -e 'sdt_qemu:colo_*'" \
    report no-probes.data
refuses "a recording of other probes" 3 \
    "colo-perf report: other-probes.data: holds no COLO checkpoint: none of its 1 events is a probe of sdt-probes.patch (its sdt_qemu events are others, or of another version); record a QEMU built with it, with -e 'sdt_qemu:colo_*'" \
    report other-probes.data
refuses "probes without hits" 3 \
    "colo-perf report: no-hits.data: holds no COLO checkpoint: none of its 37 probes was hit. Was COLO running (query-colo-status), were the QEMUs' pids recorded, and were the probes taken from the binary that runs?" \
    report no-hits.data
refuses "hits without a checkpoint" 3 \
    "colo-perf report: no-checkpoint.data: holds no COLO checkpoint: its probes were hit 3 times, but no checkpoint began; record for longer than the checkpoint interval (x-checkpoint-delay)" \
    report no-checkpoint.data
run report --csv no-hits.data both.data
check "one of two files has nothing of COLO" recordings_are "primary 1,secondary 1"

# --- report: stdout that takes nothing

for view in --text --json --csv --info-checkpoint; do
    option=(); [ "$view" = --text ] || option=("$view")
    status=0
    "$colo_perf" report "${option[@]}" both.data >/dev/full 2>"$err" || status=$?
    : >"$out"
    check "report $view: stdout is full" said 1 \
        "colo-perf report: cannot write to standard output: No space left on device"
    status=0
    "$colo_perf" report "${option[@]}" both.data >&- 2>"$err" || status=$?
    check "report $view: stdout is closed" said 1 \
        "colo-perf report: cannot write to standard output: Bad file descriptor"
done
# What is said of a failure to write there is free, but it is a failure.
one_line() {
    [ "$status" -eq 1 ] && [ "$(wc -l <"$err")" -eq 1 ]
}
for command in --help --version "report --help"; do
    status=0
    # shellcheck disable=SC2086 # two words
    "$colo_perf" $command >/dev/full 2>"$err" || status=$?
    : >"$out"
    check "$command: stdout is full" one_line
done
status=0
"$colo_perf" report missing.data >"$out" 2>/dev/full || status=$?
: >"$err"
check "stderr is full: the exit status is the same" [ "$status" -eq 1 ]

# --- report: called as colo-perf-report

ln -s "$colo_perf" colo-perf-report
same_as_report() {
    local first second=0

    "$colo_perf" report "$@" >"$out" 2>"$err" && first=0 || first=$?
    ./colo-perf-report "$@" >"$work/stdout2" 2>"$work/stderr2" || second=$?
    status=$second
    [ "$first" -eq "$second" ] && cmp -s "$out" "$work/stdout2" && cmp -s "$err" "$work/stderr2"
}
check "colo-perf-report both.data" same_as_report both.data
check "colo-perf-report --json" same_as_report --json both.data
check "colo-perf-report without a file" same_as_report
check "colo-perf-report missing.data" same_as_report missing.data
check "colo-perf-report no-hits.data" same_as_report no-hits.data
check "colo-perf-report --jsn" same_as_report --jsn
check "colo-perf-report --help" same_as_report --help
ln -s "$colo_perf" colo-perf-raport
status=0
./colo-perf-raport --version >"$out" 2>"$err" || status=$?
check "called as colo-perf-raport it is colo-perf" printed "colo-perf 0.1.0"

# --- report: its form

good=(both both-big-endian primary secondary aborted failover six-given-up all-states losses five-sides long-times
    sampled broken hostile-names)

no_wide_line() {
    awk '!/^warning: / && length > 80 { wide = 1 } END { exit wide }' "$out"
}
for name in "${good[@]}"; do
    runs "report $name.data" report "$name.data"
    check "report $name.data: no line is wider than 80 columns" no_wide_line
done
run report primary.data secondary.data
check "report of two files: no line is wider than 80 columns" no_wide_line

# says SIDE LINES: what stands between the names of a side and its tables is this.
says() {
    done_well && [ "$(sed -n "/^$1: /,/^\$/p" "$out" | sed -n '2,/^$/p')" = "$2" ]
}
run report failover.data
check "report failover.data: the survivor" says primary "checkpoints: 2 complete (seq 1 to 2)
             2 aborted
triggered by: timer 2
unfinished: checkpoint 3, given up in vmstate after 43.022 ms
            checkpoint 4, given up in request after 4.005 ms
COLO ended: error, at 0.639069 s
failover: asked for at 1.500000 s
process: did not end while it was recorded"
check "report failover.data: the side that died" says secondary "checkpoints: 2 complete (seq 1 to 2)
             1 cut by the end of the process
unfinished: checkpoint 3, the process ended in ram after 20.013 ms
process: ended at 0.540059 s"
run report six-given-up.data
check "report six-given-up.data: the text lists five" says primary "checkpoints: 1 complete (seq 1 to 1)
             6 aborted
triggered by: timer 1
unfinished: checkpoint 2, given up in loaded after 81.023 ms
            checkpoint 3, given up in loaded after 81.032 ms
            checkpoint 4, given up in loaded after 81.041 ms
            checkpoint 5, given up in loaded after 81.050 ms
            checkpoint 6, given up in loaded after 81.059 ms
            1 more; see --csv"

is_json() {
    done_well && python3 -m json.tool "$out" >/dev/null &&
        python3 -c 'import json, sys
with open(sys.argv[1]) as file:
    report = json.load(file)
states = {"complete", "aborted", "cut_start", "cut_end", "broken"}
checkpoints = [one for side in report["sessions"] for one in side["checkpoints"]]
sys.exit(not (report["schema_version"] == 1 and report["colo_perf_version"] == "0.1.0"
              and len(report["recordings"]) == 1 and checkpoints
              and all(one["state"] in states for one in checkpoints)))' "$out"
}
is_json_lines() {
    done_well && python3 -c 'import json, sys
with open(sys.argv[1]) as file:
    answers = [json.loads(line) for line in file]
sys.exit(not (answers and all(answer["id"] in ("primary", "secondary") and
                              "tot_time" in answer["return"] for answer in answers)))' "$out"
}
is_csv() {
    done_well && awk -F, '
        NR == 1 { columns = NF; bad = $1 != "role" }
        NF != columns || /["\r]/ || (NR > 1 && $1 != "primary" && $1 != "secondary") { bad = 1 }
        END { exit bad || NR < 2 }' "$out"
}
for name in "${good[@]}"; do
    run report --json "$name.data"
    check "report --json $name.data" is_json
    run report --csv "$name.data"
    check "report --csv $name.data: as many columns in each row" is_csv
    run report --info-checkpoint "$name.data"
    check "report --info-checkpoint $name.data: JSON in each line" is_json_lines
done
run report both.data
cp "$out" "$work/little-endian"
run report both-big-endian.data
check "both byte orders, one report" cmp -s "$out" \
    <(sed 's/^both\.data/both-big-endian.data/' "$work/little-endian")

begins_with() {
    [ "$status" -eq 0 ] && [ "$(head -n 1 "$out")" = "$1" ]
}
run report losses.data
check "warnings come first" begins_with \
    "warning: losses.data: perf lost 17 events as its buffer was full; probe hits may be among them. Record with a larger buffer (-m)"
check "and all of them" [ "$(grep -c '^warning: ' "$out")" -eq 6 ]
run report sampled.data
check "sampled probes are a warning" begins_with \
    "warning: sampled.data: 37 of 37 probes were sampled, not counted (colo_init_begin, ...): perf record's -F or -c applied to them, and hits are missing without a trace. Give the rate to the sampling event alone: -e 'sdt_qemu:colo_*' -e cpu-clock/freq=997/"
run report broken.data
check "damage is a warning" begins_with \
    "warning: broken.data is damaged: offset $(stat -c %s killed.data): record of type SAMPLE (9) with a size of 4 bytes, the least is 8; what could be read is reported"
run report --json broken.data
check "damage is in the JSON" python3 -c 'import json, sys
with open(sys.argv[1]) as file:
    report = json.load(file)
sys.exit(not (report["warnings"][0]["code"] == "damaged"
              and "type SAMPLE (9)" in report["recordings"][0]["damage"]))' "$out"

# --- names with a newline, escapes, and bytes that are no UTF-8

hostile=$'a\nb\033[31mc\377\302\233\342\200\256.data'
cp both.data "$hostile"
# C0, DEL, C1, and the marks that turn text around or begin a line (U+061C, U+200E to U+202E, U+2066 to U+2069).
no_control_bytes() {
    ! grep -qP '[\x01-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8e-\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]' "$1"
}
one_clean_line() {
    [ "$status" -eq "$1" ] && [ "$(wc -l <"$err")" -eq 1 ] && no_control_bytes "$err"
}
run report "missing $hostile"
check "a hostile name of a missing file: one line, without control bytes" one_clean_line 1
run report --checkpoints 9 "$hostile"
check "a hostile name and nothing left: one line, without control bytes" one_clean_line 3
run report both.data
lines=$(wc -l <"$out")
# same_lines N: as many lines as N, nothing in them that a terminal would obey.
same_lines() {
    done_well && [ "$(wc -l <"$out")" -eq "$1" ] && no_control_bytes "$out"
}
run report "$hostile"
check "a hostile name: the report has no line more, and no control bytes" same_lines "$lines"
run report primary.data
lines=$(wc -l <"$out")
run report hostile-names.data
check "hostile host and thread: the report has no line more, and no control bytes" \
    same_lines "$lines"
cp broken.data "damaged $hostile"
run report broken.data
lines=$(wc -l <"$out")
run report "damaged $hostile"
check "a hostile name in a warning: the report has no line more, and no control bytes" \
    same_lines "$lines"
run report --json "$hostile"
check "a hostile name: JSON" is_json
check "... without control bytes" no_control_bytes "$out"
run report --json hostile-names.data
check "hostile host and thread: JSON without control bytes" no_control_bytes "$out"
check "... that loses nothing" python3 -c 'import json, sys
with open(sys.argv[1], encoding="utf-8") as file:
    report = json.load(file)
turned = "\x9b\u202e\u2028"
sys.exit(not (report["recordings"][0]["hostname"] == "a\nb\x1b[31mc\ufffd" + turned
              and report["sessions"][0]["thread"] == "x\ny\x1b[31mz\ufffd" + turned))' "$out"

finish

#!/bin/sh
# Runs a command under a Linux of its own (user-mode Linux, a program), which has ESP where this machine's may have none.
#
#     boot.sh FOLDER SECONDS COMMAND [ARGUMENT...]
#
# Inside there is all that is outside, read-only below a layer in memory that is gone afterwards; the same working folder;
# no network but its own loopback; and an empty reports/, which comes out as FOLDER. Exit status: the command's; 124 after
# SECONDS; 70 when that Linux did not get to its end. Nothing of this machine is written but FOLDER.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
seconds=$2
shift 2

quoted() { printf "'%s'" "$(printf %s "$1" | sed "s/'/'\\\\''/g")"; }
{
    printf 'cd %s\nexport PATH=%s HOME=/tmp LANG=C.UTF-8\n' "$(quoted "$PWD")" "$(quoted "$PATH:/usr/sbin:/sbin")"
    printf 'exec timeout -k 5 %s' "$seconds"
    for word in "$@"; do
        printf ' %s' "$(quoted "$word")"
    done
    printf '\n'
} > "$out/command"
rm -f "$out/status"

# Its memory is a file of at most that size in TMPDIR, which has no name and ends with it.
TMPDIR=/dev/shm timeout -k 5 $((seconds + 60)) linux.uml mem=4G con=null con0=null,fd:1 quiet panic=-1 \
    rootfstype=hostfs rootflags=/ ro "init=$here/init" "OUT=$out" "REPORTS=$root/reports" </dev/null || true
if [ ! -s "$out/status" ]; then
    echo "kernel with ESP: it ended before its work was done (said above)" >&2
    exit 70
fi
exit "$(cat "$out/status")"

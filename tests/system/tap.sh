# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# TAP for the shell tests of the system. Sourced.

tap_n=0
tap_failed=0

# result STATUS NAME [LOG]: 0 is a pass; the end of the log is shown when it is not.
result() {
    tap_n=$((tap_n + 1))
    if (($1 == 0)); then
        echo "ok $tap_n - $2"
    else
        echo "not ok $tap_n - $2"
        [[ -z ${3:-} ]] || tail -n 20 "$3" | sed 's/^/# /'
        tap_failed=1
    fi
}

# tap_end: the plan, and the exit status.
tap_end() {
    echo "1..$tap_n"
    exit $tap_failed
}

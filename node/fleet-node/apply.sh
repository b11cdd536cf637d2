# apply --run RUN --revert-after SECONDS --restart-within SECONDS --verify-within SECONDS --silence SECONDS
# The steps of a change: arm, swap-hosts, swap-config, restart, verify; with --files-only neither restart nor verify.
# Each begins once a line `go STEP` came on standard input, and is followed by a line `@MARKER done STEP`. The swaps print
# `sum:PATH`, and verify what verify.sh says.
# The caller sends the line once its journal is on disk. On `stop`, the end of input, anything else, or silence for longer
# than --silence no further step begins: exit code 9. Where a step fails the exit code is 1. The caller rolls back then;
# where it cannot, the revert timer does.
run_apply() {
    step arm
    step swap-hosts
    step swap-config
    [ "$opt_mode" != files-only ] || exit 0
    step restart
    step verify
    exit 0
}

# Do one step, in a shell of its own: the lock ends with it.
step() {
    await_go "$1"
    (
        case $1 in
            arm) arm ;;
            swap-hosts) swap hosts ;;
            swap-config) swap config ;;
            restart) restart_containerd ;;
            verify) verify_change "$opt_verify_within" ;;
            verify-again) verify_change "$opt_within" ;;
            disarm) keep_change ;;
        esac
    ) || exit 1
    report "done" "$1"
}

# The line is read by a shell of its own: read has no time limit in sh, and what else is sent must stay where it is.
await_go() {
    line=$(timeout "$opt_silence" /bin/sh -c "IFS= read -r line && printf '%s' \"\$line\"")
    [ "$line" = "go $1" ] || {
        printf '%s was not begun: %s\n' "$1" "${line:-no go-ahead came}" >&2
        exit 9
    }
}

# From now on the node rolls back automatically, once the time is over or at its next boot, unless it is confirmed.
arm() {
    txn=$base/$opt_run
    lock
    [ "$(state "$opt_run")" = staged ] || fail "the transaction is $(state "$opt_run"), not staged"
    # While it is arming nothing has changed: whatever cuts this off, discard and the next run remove it all.
    set_state "$opt_run" arming || exit 1
    enable_boot_unit || {
        rm -f "$units/$revert-$opt_run.new"
        fail "the unit $revert.service cannot be written below $units"
    }
    echo "$(boot_id) $(($(uptime_seconds) + opt_revert_after))" >"$txn/armed" && sync "$txn/armed" "$txn" "$base" || exit 1
    start_timer || exit 1
    set_state "$opt_run" armed || exit 1
    # A transaction that changes no file leaves nothing to undo: the one before it stays the newest. Not before it is
    # armed: one that is only staged may be removed, and nothing would be the newest.
    [ ! -s "$txn/manifest" ] || { ln -sfn "$opt_run" "$base/current.new" && mv -T "$base/current.new" "$base/current"; }
}

# A boot before the time is up: systemd reads this unit when it starts, so that no daemon-reload is needed now.
enable_boot_unit() {
    wants=$units/multi-user.target.wants
    # Under a name of this run's own: where the power is cut here, whoever settles the run removes it.
    new=$units/$revert-$opt_run.new
    (umask 022 && mkdir -p "$wants" && cat "$txn/revert.service" >"$new") && sync "$new" &&
        mv -fT "$new" "$units/$revert.service" && label "$units/$revert.service" &&
        ln -sfn "../$revert.service" "$wants/$revert.service" && sync "$units" "$wants"
}

# The default accuracy of a timer is a minute. It tries again until CRI is ok: what kept it from that may end.
start_timer() {
    systemd-run --quiet --collect --unit="$revert-$opt_run" --on-active="$opt_revert_after" \
        --timer-property=AccuracySec=100ms --on-unit-inactive=5s \
        --property=SuccessExitStatus=7 --description="containerd-fleet: undo run $opt_run unless it is confirmed" \
        /bin/sh "$txn/rollback" --revert
}

# Refuse to go on where the transaction is in none of the states after $1.
must_be() {
    now=$(state "$opt_run")
    for allowed; do
        [ "$now" != "$allowed" ] || return 0
    done
    fail "the transaction is $now by now: its timer, its boot or somebody else acted on it"
}

# Put the staged files of the kind $1 in place, each by one rename.
swap() {
    wanted=$1
    lock
    must_be armed swapping
    set_state "$opt_run" swapping || exit 1
    umask 022
    while next_file; do
        [ "$kind" = "$wanted" ] || continue
        swap_file
        sum "$path" | emit "sum:$path"
    done <"$base/$opt_run/manifest"
}

# Whatever was looked at when it was staged is looked at again: somebody else may have been here since.
swap_file() {
    [ "$(real_place "$path")" = "$path" ] || fail "a directory of $path became a symbolic link while the run was at work"
    check_place "$path"
    [ "$(sum "$path")" = "$before" ] || fail "$path was changed by somebody else while the run was at work"
    is_copy "$spare.after" "$after" || fail "the new $path is not what was staged"
    mkdir -p "$(dirname "$path")" && mv -fT "$spare.after" "$path" && sync "$(dirname "$path")" || exit 1
    if [ "$before" = absent ]; then
        label "$path" "$(dirname "$path")" || exit 1
    fi
}

# Only while the run is at its verification, or confirmed, the files are the new ones for sure.
verify_change() {
    lock
    must_be armed swapping restarting verifying confirmed
    [ "$now" = confirmed ] || set_state "$opt_run" verifying || exit 1
    unlock
    verify "$opt_run" "$1" after
}

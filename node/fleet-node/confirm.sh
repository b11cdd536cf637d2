# confirm --run RUN --within SECONDS --silence SECONDS: the steps verify-again and disarm, each after its line `go STEP`,
# as in apply.sh. verify-again prints what verify.sh says; the caller judges it, and sends `go disarm` where the node is
# to keep what it has. Refused once the transaction was rolled back.
run_confirm() {
    step verify-again
    step disarm
    exit 0
}

keep_change() {
    txn=$base/$opt_run
    lock
    # Where copies and the boot unit cannot be removed, the run is not confirmed. That a disk is full is no hindrance.
    while next_file; do
        [ "$(sum "$path")" = "$after" ] || fail "$path is no longer what the run wrote: somebody else acted on it"
        check_writable "$(dirname "$spare")"
    done <"$txn/manifest"
    check_writable "$units"
    must_be verifying confirmed
    [ "$now" = confirmed ] || set_state "$opt_run" confirmed || exit 1
    drop_all_copies "$opt_run"
    disarm "$opt_run"
    return 0
}

check_writable() {
    [ ! -d "$1" ] || touch -c "$1" || fail "$1 cannot be written to by now"
}

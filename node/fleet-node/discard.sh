# discard --run RUN: remove a transaction that was staged, or half staged, or whose arming was cut off. Nothing live has
# changed. No such transaction is no failure.
run_discard() {
    half=$opt_run.staging
    [ -d "$base/$opt_run" ] || [ -d "$base/$half" ] || exit 0
    lock
    [ ! -d "$base/$half" ] || clean "$half"
    [ -d "$base/$opt_run" ] || exit 0
    case $(state "$opt_run") in
        staged | arming) clean "$opt_run" ;;
        *) fail "the transaction is $(state "$opt_run"), not staged" ;;
    esac
}

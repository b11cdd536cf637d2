# rollback [--run RUN] [--force | --revert] --within SECONDS: start the transaction's own rollback, be it of this release
# or of an earlier one; `current`, the newest, is the default.
# Prints run, and lines: what that said. Where all is restored also what verify.sh says of the files from before the run;
# where it was refused `written:PATH` and `live:PATH` of each file that somebody changed. Exit code: that of the
# transaction's rollback (undo.sh), or 6 where this node has no such transaction.
run_rollback() {
    txn=$(readlink -f "$base/${opt_run:-current}") && [ -f "$txn/rollback" ] || exit 6
    rolled_back=${txn##*/}
    emit_text run "$rolled_back"
    lines=$(/bin/sh "$txn/rollback" ${opt_mode:+"--$opt_mode"} 2>&1)
    rollback_code=$?
    emit_text lines "$lines"
    case $rollback_code in
        0) (verify "$rolled_back" "$opt_within" before) ;;
        4) emit_differences ;;
    esac
    exit "$rollback_code"
}

# For the caller to compare: what somebody changed, as the run wrote it, and as it is now.
emit_differences() {
    number=0
    while next_file; do
        number=$((number + 1))
        case $newline$lines in
            *"${newline}changed $path: "*)
                emit "written:$path" <"$txn/after/$number"
                [ ! -f "$path" ] || emit "live:$path" <"$path"
                ;;
        esac
    done <"$txn/manifest"
}

# status [--all | --run RUN]: how a transaction stands. Without --run the one that matters: the one that did not come to
# its end, or else the newest. With --run (which may be `current`) the one that a rollback would undo. Changes nothing.
# Prints run, state, owner, since, format and, where it is armed in this boot, reverts_in (seconds); nothing where there
# is no such transaction. With --all each transaction of the node is a line of the value transactions: run, state, owner
# and since, with tabs between them.
run_status() {
    if [ "$opt_mode" = all ]; then
        [ -z "$opt_run" ] || usage 'status takes --all or --run, not both'
        all_transactions | emit transactions
        exit 0
    fi
    if [ -n "$opt_run" ]; then
        status_run=$(readlink -f "$base/$opt_run") && [ -f "$status_run/rollback" ] || exit 0
        status_run=${status_run##*/}
    else
        status_run=$(unfinished_run)
    fi
    [ -n "$status_run" ] && [ -d "$base/$status_run" ] || exit 0
    read_owner "$status_run"
    emit_text run "${status_run%.staging}"
    state_of "$status_run" | emit state
    emit_text owner "$owner"
    emit_text since "$since"
    format_of "$status_run" | emit format
    if read -r armed_boot armed_until 2>/dev/null <"$base/$status_run/armed" && [ "$armed_boot" = "$(boot_id)" ]; then
        emit_text reverts_in "$((armed_until - $(uptime_seconds)))"
    fi
    exit 0
}

# Print the state of the transaction in the directory $1. Half of one that was to be staged counts as staged.
state_of() {
    case $1 in
        *.staging) echo staged ;;
        *) state "$1" ;;
    esac
}

# Print a line for each transaction, the oldest first.
all_transactions() {
    for directory in "$base"/[0-9]*; do
        [ -d "$directory" ] && [ ! -L "$directory" ] || continue
        one=${directory##*/}
        read_owner "$one"
        printf '%s\t%s\t%s\t%s\n' "${one%.staging}" "$(state_of "$one")" "$(one_line "$owner")" "$(one_line "$since")"
    done
}

# Print $1 without what would end a value in a line.
one_line() {
    printf '%s' "$1" | tr '\t\n' '  '
}

# Print the run that did not come to its end, or else the newest.
unfinished_run() {
    found=$(current_run)
    # What a node has left that went down in the middle of staging counts as staged.
    for half in "$base"/*.staging; do
        [ ! -d "$half" ] || found=${half##*/}
    done
    for file in "$base"/*/state; do
        other=${file%/state}
        other=${other##*/}
        [ "$other" != current ] && [ -f "$file" ] || continue
        case $(state "$other") in
            confirmed | rolled_back) ;;
            *) found=$other ;;
        esac
    done
    printf '%s' "$found"
}

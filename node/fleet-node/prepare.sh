# prepare --run RUN --owned SECONDS --keep-runs N --keep-days DAYS [--sandbox SECONDS]: write the transaction, load its
# configuration in a sandbox, and try its rollback without acting. Nothing that is live changes, and whatever fails
# leaves nothing behind.
# Standard input, one value a line and `.` at the end: owner, facts (shell assignments), planned (a line a file: kind,
# sum before, sum after, path, with tabs between), after/NUMBER, revert.service, and for the sandbox covers and needed
# (paths, a line each). The run may own the node for --owned seconds before it is armed.
# Prints `staged` (the paths, real ones), then what the sandbox answered (sandbox.sh).
run_prepare() {
    [ -n "$program" ] || fail "the caller has not left the program's text in the variable program"
    mkdir -p "$base" || exit 1
    lock
    settle_others
    prune "$opt_keep_runs" "$opt_keep_days"
    staging=$opt_run.staging
    trap 'clean "$staging"' EXIT
    trap 'exit 1' HUP INT TERM
    stage
    mv -T "$base/$staging" "$base/$opt_run" || exit 1
    trap 'clean "$opt_run"' EXIT
    check_rollback
    trap - EXIT
    unlock
    cut -f5 "$base/$opt_run/manifest" | emit staged
    [ -z "$opt_sandbox" ] || test_in_sandbox
    exit 0
}

# Refuse a node that another run owns; remove what one has left that never changed anything.
settle_others() {
    for other in "$base"/*; do
        other=${other##*/}
        if [ ! -f "$base/$other/state" ]; then
            case $other in
                *.staging) clean "$other" ;;
            esac
            continue
        fi
        case $(state "$other") in
            staged | arming)
                read_owner "$other"
                if [ "$boot" = "$(boot_id)" ] && [ "$deadline" -ge "$(uptime_seconds)" ]; then
                    fail "$(describe_run "$other"), owns this node; try again later"
                fi
                clean "$other"
                ;;
            confirmed | rolled_back) ;;
            *)
                fail "$(describe_run "$other"), is at work here, or did not finish; see: python main.py status;" \
                    "settle it with: python main.py finish"
                ;;
        esac
    done
}

# Remove old transactions, but never the newest, which `current` names, nor the newest that was confirmed. $1 how many
# are kept  $2 for how many days
prune() {
    current=$(current_run)
    kept=1 confirmed=''
    for old in $(cd "$base" && ls -dr [0-9]*Z-???? 2>/dev/null); do
        kept=$((kept + 1))
        case $(state "$old") in
            confirmed)
                if [ -z "$confirmed" ]; then
                    confirmed=$old
                    continue
                fi
                ;;
            rolled_back) ;;
            *) continue ;;
        esac
        [ "$old" != "$current" ] || continue
        age=$(($(date +%s) - $(stat -c %Y "$base/$old/state")))
        if [ "$kept" -gt "$1" ] || [ "$age" -gt "$(($2 * 86400))" ]; then clean "$old"; fi
    done
}

stage() {
    new=$base/$staging
    mkdir "$new" "$new/before" "$new/after" || exit 1
    receive "$new" || fail "the files of the transaction did not arrive whole"
    printf 'deadline=%s\nboot=%s\n' "$(($(uptime_seconds) + opt_owned))" "$(boot_id)" >>"$new/owner" || exit 1
    echo "$format" >"$new/format" && write_rollback || exit 1
    number=0 missing='' directory='' made=''
    : >"$new/manifest" || exit 1
    while IFS="$tab" read -r kind before after path; do
        number=$((number + 1))
        stage_file
    done <"$new/planned"
    # What a rollback reads: the last file first, the deepest directory first.
    tac "$new/manifest" >"$new/undo" && printf '%s' "$missing" | sort -ru >"$new/created" || exit 1
    check_staged
    rm -f "$new/planned"
    echo staged >"$new/state" && sync "$new"/* || exit 1
}

# This program once more, called with its own run: a person can start it, and it needs nothing from outside.
write_rollback() {
    {
        echo "#!/bin/sh"
        echo "# Undo run $opt_run on this node: sh $base/$opt_run/rollback [--force | --revert | --boot | --check]"
        printf '%s\nmain undo --run %s "$@"\n' "${program%main \"\$@\"*}" "$opt_run"
    } >"$new/rollback"
}

# Copies wait beside the live file, to be renamed into its place: a full disk cannot stop that. They lie in a directory
# of their own, that nobody else can enter and whose name nobody can foresee; it ends in neither .toml nor .conf.
stage_file() {
    is_plain "$path" || fail "a path has a tab, a newline or another control character in it; rename that file first"
    path=$(real_place "$path")
    check_place "$path"
    [ "$(sum "$path")" = "$before" ] || fail "$path was changed by somebody else after the plan; run the rollout again"
    [ "$(sum "$new/after/$number")" = "$after" ] || fail "$path did not arrive whole; is the disk full?"
    note_missing "$(dirname "$path")"
    place=$(existing_parent "$path")
    case $directory in
        "$place"/.containerd-fleet-*) ;;
        *) directory=$(mktemp -du "$place/.containerd-fleet-$opt_run.XXXXXX") ;;
    esac
    spare=$directory/$number
    printf '%s\n' "$kind$tab$before$tab$after$tab$spare$tab$path" >>"$new/manifest" || exit 1
    # Named in the manifest first, so that whatever happens it is found. mkdir takes no directory and no link for its own.
    if [ "$made" != "$directory" ]; then
        mkdir "$directory" 2>/dev/null ||
            fail "$place cannot be written: where it is immutable, chattr -i $place; where it is read-only, remount it"
        made=$directory
    fi
    copy_file || fail "$path cannot be copied; is the disk full?"
}

# The new file takes over owner, mode and attributes of the one that it replaces.
copy_file() {
    if [ "$before" = absent ]; then
        (umask 022 && : >"$spare.after") || return 1
    else
        mkdir -p "$new/before$(dirname "$path")" && cp -a "$path" "$new/before$path" &&
            cp -a "$path" "$spare.before" && cp -a "$path" "$spare.after" &&
            sync "$new/before$path" "$spare.before" || return 1
    fi
    cat "$new/after/$number" >"$spare.after" && sync "$spare.after"
}

# Note the directories that a new file needs.
note_missing() {
    needed_directory=$1
    while [ ! -d "$needed_directory" ]; do
        missing=$needed_directory$newline$missing
        needed_directory=$(dirname "$needed_directory")
    done
}

# Look once more: what is live must still be what was copied, and each copy what it is to be.
check_staged() {
    checked=''
    while next_file; do
        check_place "$path"
        [ "$(sum "$path")" = "$before" ] || fail "$path was changed by somebody else after the plan; run the rollout again"
        is_copy "$spare.after" "$after" || fail "$path did not arrive whole; is the disk full?"
        [ "$before" != absent ] || continue
        for copy in "$spare.before" "$new/before$path"; do
            is_copy "$copy" "$before" || fail "the backup of $path is not what was planned on"
        done
    done <"$new/manifest"
}

is_copy() {
    [ ! -L "$1" ] && [ "$(sum "$1")" = "$2" ]
}

# Without a rollback that can be started, and that finds all that it needs, nothing is armed.
check_rollback() {
    complaint=$(sh -n "$base/$opt_run/rollback" 2>&1 && sh "$base/$opt_run/rollback" --check 2>&1) ||
        fail "the rollback of this transaction would not work: $(printf '%s\n' "$complaint" | tail -n 1)"
}

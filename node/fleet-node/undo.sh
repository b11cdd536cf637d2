# undo --run RUN [--force | --revert | --boot | --check]: what `rollback` of a transaction runs. It says what it does,
# and may be run again at any time.
#   --force   go on where live files or containerd's version are no longer those of the run (live files are saved)
#   --revert  the same, but not once the run was confirmed: what the revert timer and the controller start
#   --boot    the same as --revert, before containerd is started: files only
#   --check   say whether a rollback would find all that it needs, and do nothing
# Exit code: 0 all is as before the run, and CRI is ok; 3 restored, but CRI is not ok; 4 refused; 5 not restored (or with
# --check: would not be); 7 the run was confirmed, and nothing was done (--revert and --boot); 8 the machine is going
# down, its boot goes on.
run_undo() {
    # It goes on when nobody listens any more.
    trap '' HUP PIPE
    txn=$base/$opt_run
    mode=$opt_mode
    if [ ! -f "$txn/undo" ]; then refuse "$txn is not complete"; fi
    read_recorded "$txn"
    if [ "$mode" = check ]; then check_undo; fi
    if (: >>"$base/lock") 2>/dev/null; then
        exec 9>>"$base/lock"
        flock -w 60 9 || refuse "$base/lock is held, something is at work here; try again later"
    fi
    saved=$txn/replaced-$(date -u +%Y%m%dT%H%M%SZ)
    bad='' changed='' restart='' all_restored=yes foreign=''
    began_in=$(state "$opt_run")
    case $mode$began_in in
        revertconfirmed | bootconfirmed) finish_confirmed ;;
    esac
    compare
    case $began_in in
        restarting | verifying | rolling_back) restart=yes ;;
    esac
    if [ -z "$all_restored" ] || [ -n "$restart" ]; then note_state rolling_back; fi
    restore
    if [ "$mode" = boot ]; then
        end_undo
        [ -z "$bad" ] || exit 5
        exit 0
    fi
    recover_cri
}

# A full disk, or nobody who listens, must not stop a rollback.
say() {
    printf '%s\n' "$*" || :
}

refuse() {
    say "refused: $*"
    exit 4
}

note_state() {
    set_state "$opt_run" "$1" || say "warning: state not written"
}

# Return whether a live file is already the one from before the run, in content, owner and mode.
is_restored() {
    [ "$(sum "$path")" = "$before" ] || return 1
    [ "$before" = absent ] || [ "$(permissions "$path")" = "$(permissions "$txn/before$path")" ]
}

# Return whether the run never came to this file: its copy still waits, or waited when the rollback began.
is_untouched() {
    [ ! -e "$spare.after" ] || return 0
    case $newline$(cat "$txn/kept" 2>/dev/null)$newline in
        *"$newline$path$newline"*) ;;
        *) return 1 ;;
    esac
}

# Look at everything first: where somebody else has been at work, nothing is touched without --force.
compare() {
    while next_file; do
        if is_restored || is_untouched; then continue; fi
        all_restored=''
        case $(sum "$path") in
            "$before" | "$after") ;;
            *)
                foreign=yes
                say "changed $path: no longer what the run wrote"
                ;;
        esac
    done <"$txn/undo"
    if [ -z "$all_restored" ] && [ "$(version_now)" != "$version" ]; then
        foreign=yes
        say "changed containerd: the run saw $version, this is $(version_now)"
    fi
    if [ -n "$foreign" ] && [ -z "$mode" ]; then
        refuse "nothing was touched; --force saves the live files in $txn and goes on"
    fi
}

# Some builds end the line with a blank, and the recorded one has single blanks.
version_now() {
    [ -x "$binary" ] || [ "$mode" = boot ] || binary=$(readlink "$proc/$(systemctl show "$unit" -p MainPID --value)/exe")
    version_line=$("$binary" --version 2>/dev/null | tr -s ' \t\n' ' ')
    version_line=${version_line% }
    printf '%s' "${version_line:-none}"
}

# config.toml was put in place last and goes back first. Without it as it was, its hosts.toml files had better stay.
restore() {
    while [ -z "$bad" ] && next_file; do restore_file; done <"$txn/undo"
    [ -z "$bad" ] && [ "$began_in" != rolled_back ] || return 0
    while read -r directory; do
        [ -d "$directory" ] || continue
        if rmdir "$directory" 2>/dev/null; then
            say "removed $directory"
        else
            say "kept $directory: it is not empty"
        fi
    done <"$txn/created"
}

restore_file() {
    if is_untouched; then
        # Whoever changed it meanwhile keeps that.
        if ! is_restored; then
            printf '%s\n' "$path" >>"$txn/kept" || bad=yes
            say "kept $path: somebody else changed it before this run came to it"
        fi
    elif ! is_restored; then
        if ! save || ! put_back; then
            bad=yes
            say "NOT restored: $path"
            return
        fi
        changed=yes
        [ "$kind" != config ] || restart=yes
    fi
    if [ -z "$bad" ] && ! drop_copies; then
        bad=yes
        say "NOT removed: $spare.*"
    fi
}

save() {
    case $(sum "$path") in
        "$before" | "$after" | absent) return 0 ;;
    esac
    mkdir -p "$saved$(dirname "$path")" && cp -a "$path" "$saved$path" || return 1
    say "saved the live $path as $saved$path"
}

put_back() {
    if [ "$before" = absent ]; then
        rm -f "$path" || return 1
        say "removed $path"
        return 0
    fi
    if [ "$(sum "$spare.before")" != "$before" ]; then
        if ! mkdir -p "$(dirname "$path")" "$(dirname "$spare")" || ! cp -a "$txn/before$path" "$spare.before"; then
            rm -f "$spare.before"
            return 1
        fi
    fi
    sync "$spare.before"
    mv -fT "$spare.before" "$path" && sync "$(dirname "$path")" || return 1
    say "restored $path"
}

# The run was confirmed; whoever confirmed it may have been cut off before the end.
finish_confirmed() {
    say "nothing to do: the run was confirmed"
    while next_file; do drop_copies; done <"$txn/undo"
    disarm_undo
    exit 7
}

# The boot unit and the timer have done their work, or have none. At a boot there is no timer.
disarm_undo() {
    remove_boot_unit "$opt_run"
    rm -f "$txn/armed"
    [ "$mode" = boot ] || systemctl stop "$revert-$opt_run.timer" 2>/dev/null
}

# The run has come to its end here, unless something could not be put back. The timer tries again then.
end_undo() {
    if [ -z "$bad" ] && ! remove_boot_unit "$opt_run"; then
        bad=yes
        say "NOT removed: $units/$revert.service"
    fi
    [ -n "$bad" ] || { note_state rolled_back && disarm_undo; }
}

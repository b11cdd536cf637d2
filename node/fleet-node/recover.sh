# The second half of a rollback: containerd on the restored files, and the dry run that shows beforehand that a rollback
# would find what it needs.

# Restart containerd where it may run on the new files, or where CRI is not ok, and wait for CRI.
recover_cri() {
    is_cri_ok || restart=yes
    tries=20
    [ -z "$restart" ] || restart_for_rollback
    until is_cri_ok; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || break
        sleep 1
    done
    if is_cri_ok; then
        end_undo
        [ -n "$changed$restart$bad" ] || say "nothing to do: the files are those from before the run"
        say "CRI: ok"
        if [ -n "$kubelet" ] && [ "$(systemctl is-active kubelet.service)" != active ]; then
            say "warning: kubelet does not run"
        fi
        [ -z "$bad" ] || exit 5
        exit 0
    fi
    case $(systemctl is-system-running 2>/dev/null) in
        running | degraded | starting | initializing | maintenance) ;;
        *)
            say "this machine is going down"
            exit 8
            ;;
    esac
    say "CRI: not ok${failing:+: $failing}"
    [ -z "$bad" ] || exit 5
    exit 3
}

# Return whether every plugin of CRI has a row that says ok; sets failing to the first that has not.
is_cri_ok() {
    failing=''
    rows=$(timeout 5 "$ctr" -a "$socket" plugins ls 2>/dev/null | tr -s ' \t' ' ')
    # The names of plugins have no blanks and no characters that a shell expands.
    for plugin in $(printf '%s' "$plugins"); do
        verdict=$(printf '%s\n' "$rows" | while read -r type id rest; do
            [ "$type/$id" != "$plugin" ] || printf '%s' "${rest##* }"
        done)
        [ "$verdict" = ok ] || {
            failing="$plugin is ${verdict:-absent}"
            return 1
        }
    done
}

restart_for_rollback() {
    systemctl reset-failed "$unit" 2>/dev/null
    if timeout 15 systemctl restart "$unit"; then
        say "restarted containerd"
        return
    fi
    if [ "$(systemctl show "$unit" -p ActiveState --value)" = deactivating ]; then
        # It does not end. Its containers are their shims', and stay.
        systemctl kill --kill-who=control --signal=KILL "$unit" 2>/dev/null
        systemctl kill --kill-who=main --signal=KILL "$unit" 2>/dev/null
    fi
    systemctl reset-failed "$unit" 2>/dev/null
    if timeout 105 systemctl start "$unit"; then
        say "restarted containerd"
        return
    fi
    tries=1
    say "containerd does not start: systemctl status $unit"
}

# The dry run: what a rollback reads is readable and whole, and what it starts can be started.
check_undo() {
    while next_file; do
        [ "$before" != absent ] || continue
        [ "$(sum "$txn/before$path")" = "$before" ] || cannot "the backup of $path is not whole"
        [ "$(sum "$spare.before")" = "$before" ] || cannot "the copy of $path beside it is not whole"
    done <"$txn/undo"
    [ -r "$txn/created" ] || cannot "$txn/created cannot be read"
    [ -s "$txn/revert.service" ] || cannot "$txn/revert.service is missing"
    for tool in systemctl systemd-run flock sha256sum; do
        command -v "$tool" >/dev/null || cannot "$tool is not installed here"
    done
    for file in "$binary" "$ctr"; do
        [ -x "$file" ] || cannot "$file cannot be started"
    done
    [ "$(version_now)" = "$version" ] || cannot "containerd is $(version_now), and was $version at the plan"
    [ -n "$plugins" ] || cannot "the plugins of CRI are not named"
    say ok
    exit 0
}

cannot() {
    say "$*"
    exit 5
}

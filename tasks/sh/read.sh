# What the node is and runs, as far as it can be told without its configuration.
systemctl show "$unit" -p LoadState,ActiveState,MainPID,NeedDaemonReload,KillMode,ExecMainStartTimestampMonotonic,ExecStart | emit unit
systemctl --version 2>/dev/null | head -n 1 | emit systemd
systemctl is-active kubelet.service 2>/dev/null | emit kubelet

pid=$(systemctl show "$unit" -p MainPID --value)
config=/etc/containerd/config.toml
address=
root=
state=
binary=
set -f
if [ "${pid:-0}" -gt 0 ]; then
    binary=$(readlink "/proc/$pid/exe")
    binary=${binary% (deleted)}
    case $(readlink "/proc/$pid/exe") in *" (deleted)") echo yes | emit replaced ;; esac
    last=
    IFS=$newline
    for word in $(tr '\0' '\n' <"/proc/$pid/cmdline"); do
        case $last in
            -c | --config | -config) config=$word ;;
            -a | --address | -address) address=$word ;;
            --root | -root) root=$word ;;
            --state | -state) state=$word ;;
        esac
        case $word in
            -c=* | --config=* | -config=*) config=${word#*=} ;;
            -a=* | --address=* | -address=*) address=${word#*=} ;;
            --root=* | -root=*) root=${word#*=} ;;
            --state=* | -state=*) state=${word#*=} ;;
        esac
        last=$word
    done
    unset IFS
fi
[ -x "$binary" ] || binary=$(command -v containerd) || binary=
ctr=$(dirname "$binary")/ctr
[ -x "$ctr" ] || ctr=$(command -v ctr) || ctr=
printf '%s' "$address" | emit address
printf '%s' "$root" | emit root
printf '%s' "$state" | emit state
printf '%s' "$binary" | emit binary
printf '%s' "$ctr" | emit ctr
if [ -n "$binary" ]; then "$binary" --version 2>/dev/null | emit version; fi

real=$(readlink -f "$config") || real=$config
printf '%s' "$config" | emit config_file
printf '%s' "$real" | emit config_real
if [ -f "$real" ]; then
    emit config <"$real"
    # Seconds since the epoch: the file's last change, now, and now as monotonic time.
    stat -c %.3Z "$real" | emit config_changed
    # In this order: the time between the two makes the daemon look younger, so that no file looks newer than it is.
    cut -d' ' -f1 /proc/uptime | emit uptime
    date +%s.%3N | emit now
fi
# Directories of distributions that bring a containerd of their own.
for directory in /var/lib/rancher/rke2 /var/lib/rancher/k3s /var/lib/k0s /var/snap/microk8s /system/etc; do
    [ ! -d "$directory" ] || printf '%s\n' "$directory"
done | emit distributions
if [ -L "$base/current" ]; then
    run=$(basename "$(readlink "$base/current")")
    printf '%s' "$run" | emit run
    state "$run" | emit run_state
    [ -f "$base/$run/owner" ] && emit run_owner <"$base/$run/owner"
fi
exit 0

# $@ runs: removes their maintenance locks. One that is gone already is no failure.
for run; do
    case $run in '' | . | .. | */*) fail "$run is no name of a lock" ;; esac
    rm -f "/run/containerd-fleet/hold.d/$run" || fail "/run/containerd-fleet/hold.d/$run cannot be removed"
done

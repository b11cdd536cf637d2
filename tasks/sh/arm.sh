# $1 run  $2 seconds: unless it is confirmed, the node goes back by itself once they are over, and at its next boot.
run=$1
txn=$base/$run
lock
[ "$(state "$run")" = staged ] || fail "the transaction is $(state "$run"), not staged"

# A boot before the time is up: systemd reads this unit when it starts, so that no daemon-reload is needed now.
wants=$units/multi-user.target.wants
# Under a name of this run's own: where the power is cut here, whoever settles the run removes it.
new=$units/$revert-$run.new
(umask 022 && mkdir -p "$wants" && cat "$txn/revert.service" >"$new") && sync "$new" &&
    mv -fT "$new" "$units/$revert.service" && ln -sfn "../$revert.service" "$wants/$revert.service" &&
    sync "$units" "$wants" || { rm -f "$new"; exit 1; }
echo "$(boot_id) $(($(now) + $2))" >"$txn/armed" && sync "$txn/armed" "$txn" "$base" && set_state "$run" armed || exit 1
# A transaction that changes no file leaves nothing to undo: the one before it stays the newest. Not before it is armed:
# one that is only staged may be removed, and nothing would be the newest.
[ ! -s "$txn/manifest" ] || { ln -sfn "$run" "$base/current.new" && mv -T "$base/current.new" "$base/current"; } || exit 1

# The default accuracy of a timer is a minute. It tries again until the node is well: what kept it from that may end.
systemd-run --quiet --collect --unit="$revert-$run" --on-active="$2" \
    --timer-property=AccuracySec=100ms --on-unit-inactive=5s \
    --property=SuccessExitStatus=7 --description="containerd-fleet: undo run $run unless it is confirmed" \
    /bin/sh "$txn/rollback" --revert || exit 1

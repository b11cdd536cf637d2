# $1 run: removes a transaction that was staged and never armed. Nothing that is live has changed.
run=$1
[ -d "$base/$run" ] || exit 0
lock
[ "$(state "$run")" = staged ] || fail "the transaction is $(state "$run"), not staged"
unspare "$run"
rm -rf "${base:?}/$run"

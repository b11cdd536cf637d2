# $1 run: removes a transaction that was staged, or half staged, and never armed. Nothing that is live has changed.
run=$1
half=$run.staging
[ -d "$base/$run" ] || [ -d "$base/$half" ] || exit 0
lock
if [ -d "$base/$half" ]; then
    run=$half
elif [ "$(state "$run")" != staged ]; then
    fail "the transaction is $(state "$run"), not staged"
fi
unspare "$run"
# The unit may be enabled already where arming was cut off before the state was written.
disarm "$run"
rm -rf "${base:?}/$run"

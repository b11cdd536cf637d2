# How the transaction stands that matters here: one that did not come to its end, or else the newest.
run=$(basename "$(readlink "$base/current")" 2>/dev/null)
# What a node has left that went down in the middle of staging counts as staged.
for half in "$base"/*.staging; do
    [ ! -d "$half" ] || run=${half##*/}
done
for file in "$base"/*/state; do
    other=${file%/state}
    other=${other##*/}
    [ "$other" != current ] || continue
    case $(cat "$file" 2>/dev/null) in confirmed | rolled_back) ;; *) [ ! -f "$file" ] || run=$other ;; esac
done
[ -n "$run" ] && [ -d "$base/$run" ] || exit 0
whose "$run" >/dev/null
printf '%s' "${run%.staging}" | emit run
case $run in *.staging) echo staged ;; *) state "$run" ;; esac | emit state
printf '%s' "$owner" | emit owner
printf '%s' "$since" | emit since
if read -r armed_boot armed_until 2>/dev/null <"$base/$run/armed" && [ "$armed_boot" = "$(boot_id)" ]; then
    printf '%s' "$((armed_until - $(now)))" | emit reverts_in
fi
exit 0

# Which of the paths are there.
for path; do
    [ ! -e "$path" ] || printf '%s\n' "$path"
done
exit 0

# Each argument is a path or a pattern: every file that it names, where it leads, and its last change.
IFS=
for pattern; do
    for file in $pattern; do
        [ -f "$file" ] || continue
        emit "file:$file" <"$file"
        readlink -f "$file" | emit "real:$file"
        stat -L -c %.3Z "$file" | emit "changed:$file"
    done
done
exit 0

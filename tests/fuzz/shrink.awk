# Chooses from a libFuzzer merge control file (second argument) the files that, with those kept anyway (first argument:
# SHA-1 and path), reach every place that was reached: again and again the one that adds most for its size, until
# nothing is added or there would be more than `files` or `bytes`.  Prints the file names.
BEGIN { read = 0 } # as a number: it is an index, too
FILENAME == ARGV[1] { kept[$1] = 1; next }
/^[0-9]+$/ && NF == 1 { # how many files; then how many of them are of the first corpus: none
    if (header++ == 0)
        count = $1
    next
}
/\// && read < count { path[read] = $0; sub(/.*\//, "", path[read]); read++; next }
$1 == "STARTED" { size[$2] = $3; next }
$1 == "FT" {
    for (i = 3; i <= NF; i++)
        reaches[$2] = reaches[$2] " " $i
    next
}
function take(i,    n, k, list) {
    n = split(reaches[i], list, " ")
    for (k = 1; k <= n; k++)
        have[list[k]] = 1
    total_files++
    total_bytes += size[i]
    done[i] = 1
}
END {
    for (i = 0; i < count; i++)
        if (path[i] in kept)
            take(i)
    for (;;) {
        best = -1
        best_gain = 0
        for (i = 0; i < count; i++) {
            if (i in done || total_bytes + size[i] > bytes)
                continue
            n = split(reaches[i], list, " ")
            fresh = 0
            for (k = 1; k <= n; k++)
                fresh += !(list[k] in have)
            gain = fresh / (size[i] + 64)
            if (fresh == 0)
                done[i] = 1
            else if (gain > best_gain) {
                best = i
                best_gain = gain
            }
        }
        if (best < 0 || total_files >= files)
            break
        take(best)
        print path[best]
    }
}

# What is installed must say what the source says.
set -e
grep "hello from the mirror, twice" "$INSTALLED/top/latest/share/top.txt" | tee "$QA_RESULTS/histogram.txt"

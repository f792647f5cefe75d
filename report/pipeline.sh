#!/usr/bin/env bash
# What a pipeline runs for one stack: the report, and its page as a comment of the pull or merge request.
#   report/pipeline.sh STACK [options of npm run report]
# PULUMI_MESOS_FAIL_ON: which reports fail (see npm run report -- --help). REPORT_DIR: where page and JSON are kept.
# Exit status: the report's; that of the comment where the report is fine.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
stack=${1:?say which stack}
shift
out=${REPORT_DIR:-bin/reports}
page=$out/${stack//\//_}.md
mkdir -p "$out"
rm -f "$page"
status=0
node toolchain/tool.mjs report --stack "$stack" --fail-on "${PULUMI_MESOS_FAIL_ON:-refused,policy}" \
    --markdown "$page" --json "${page%.md}.json" "$@" || status=$?
# An old page must not stand there as if it were this one's.
[ -e "$page" ] || printf '## No preview of %s\n\nIt did not begin; the pipeline has the log.\n' "$stack" >"$page"
[ -z "${GITHUB_STEP_SUMMARY:-}" ] || cat "$page" >>"$GITHUB_STEP_SUMMARY"
commented=0
node toolchain/tool.mjs comment --stack "$stack" --markdown "$page" || commented=$?
[ "$status" -ne 0 ] || status=$commented
exit "$status"

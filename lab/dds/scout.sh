#!/usr/bin/env bash
# The scout of the stand-in's worker package: unpacks what comes after it, starts an agent, cleans up after it. As the real one it
# ends with 0, whatever has become of the agent; one that is killed leaves its lock and its message queues behind.
slots=${2:-@SLOTS@}
here=$PWD
if ! mkdir DDSWorker.lock 2>/dev/null; then
    echo "there is already a DDS session running in $here" >&2
    exit 1
fi
echo $$ >DDSWorker.pid
line=$(grep -a -n -m 1 '^PAYLOAD:$' "$0" | cut -d: -f1)
tail -n +$((line + 1)) "$0" | tar -xz || exit 1
export DDS_LOCATION=$here LC_ALL=C
if [ -f user_worker_env.sh ]; then
    . ./user_worker_env.sh
fi
queues=/dev/shm/DDSAI-$$-$(head -c 8 dds.sid)
for n in 0 1 2 3; do
    head -c 1000 /dev/zero >"${queues}_$n"
done
agent=
told=
trap 'told=yes; [ -z "$agent" ] || kill -TERM "$agent"' TERM INT
python3 ./dds-agent start --slots "$slots" --group-name "@GROUP@" &
agent=$!
wait "$agent"
status=$?
if [ -n "$told" ]; then
    wait "$agent"
fi
echo "exit code: $status"
rm -rf "${queues}"_* DDSWorker.lock DDSWorker.pid
exit 0

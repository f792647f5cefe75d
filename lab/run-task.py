#!/usr/bin/env python3
"""A small v1 scheduler: runs one shell command on the lab's cluster, checkpointed.

usage: run-task.py MASTER_HOST:PORT COMMAND [--cpus N] [--mem MB] [--role R]
                   [--name NAME] [--kill-after SECONDS] [--agent HOSTNAME]
                   [--task JSON] [--container JSON] [--principal NAME:SECRET] [--tls]
Follows /redirect-style 307s to the leading master.  Prints every event and
ends with the task's terminal state: exit status 0 for TASK_FINISHED.
"""
import argparse
import base64
import http.client
import json
import ssl
import threading
import time
import urllib.parse
import uuid

TERMINAL = {"TASK_FINISHED", "TASK_FAILED", "TASK_KILLED", "TASK_LOST",
            "TASK_ERROR", "TASK_DROPPED", "TASK_GONE", "TASK_GONE_BY_OPERATOR"}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("master")
    p.add_argument("command")
    p.add_argument("--cpus", type=float, default=0.1)
    p.add_argument("--mem", type=float, default=32)
    p.add_argument("--role", default="*")
    p.add_argument("--name", default="run-task")
    p.add_argument("--user", default="root")
    p.add_argument("--agent")
    p.add_argument("--kill-after", type=float)
    p.add_argument("--task", type=json.loads, default={})
    p.add_argument("--group", action="append", default=[], metavar="COMMAND",
                   help="make it a task group with this command too")
    p.add_argument("--container", type=json.loads)
    p.add_argument("--tls", action="store_true", help="without verification")
    p.add_argument("--principal", help="NAME:SECRET, for HTTP basic auth")
    p.add_argument("--timeout", type=float, default=60)
    a = p.parse_args()
    stream = framework = None
    good = True
    where = a.master
    headers = {"Content-Type": "application/json", "Accept": "application/json"}

    if a.principal:
        headers["Authorization"] = "Basic " + base64.b64encode(
            a.principal.encode()).decode()

    tls = ssl._create_unverified_context()
    tls.set_ciphers("ALL:@SECLEVEL=1")      # libprocess' defaults are old

    def post(call, keep=False):
        nonlocal where
        for _ in range(5):
            conn = (http.client.HTTPSConnection(
                where, timeout=a.timeout, context=tls)
                if a.tls else
                http.client.HTTPConnection(where, timeout=a.timeout))
            extra = {"Mesos-Stream-Id": stream} if stream else {}
            if framework:
                call = dict(call, framework_id=framework)
            conn.request("POST", "/api/v1/scheduler", json.dumps(call),
                         dict(headers, **extra))
            r = conn.getresponse()
            if r.status == 307:
                where = urllib.parse.urlsplit(r.headers["Location"]).netloc
                continue
            if keep and r.status == 200:
                return r
            body = r.read().decode()
            if r.status != 202:
                raise SystemExit("HTTP %d: %s" % (r.status, body))
            return
        raise SystemExit("too many redirects")

    info = {"user": a.user, "name": a.name, "roles": [a.role],
            "failover_timeout": 0, "checkpoint": True,
            "capabilities": [{"type": "MULTI_ROLE"},
                             {"type": "TASK_KILLING_STATE"},
                             {"type": "RESERVATION_REFINEMENT"}]}
    if a.principal:
        info["principal"] = a.principal.split(":")[0]
    r = post({"type": "SUBSCRIBE", "subscribe": {"framework_info": info}}, True)
    stream = r.headers["Mesos-Stream-Id"]
    task_id, launched = a.name + "." + uuid.uuid4().hex[:8], False
    end = time.time() + a.timeout
    while time.time() < end:
        head = r.readline()
        if not head:
            raise SystemExit("the master closed the stream")
        event = json.loads(r.read(int(head)))
        kind = event["type"]
        if kind == "SUBSCRIBED":
            framework = event["subscribed"]["framework_id"]
            print("SUBSCRIBED", framework["value"], "at", where, flush=True)
        elif kind == "OFFERS":
            for offer in event["offers"]["offers"]:
                have = {}
                for res in offer["resources"]:
                    if "scalar" in res:
                        have[res["name"]] = have.get(res["name"], 0) + \
                            res["scalar"]["value"]
                fits = (not launched and have.get("cpus", 0) >= a.cpus
                        and have.get("mem", 0) >= a.mem
                        and a.agent in (None, offer["hostname"]))
                if not fits:
                    post({"type": "DECLINE", "decline": {
                        "offer_ids": [offer["id"]],
                        "filters": {"refuse_seconds": 5}}})
                    continue
                print("OFFER", offer["hostname"], have, flush=True)

                def res(name, want):
                    out = []
                    for x in offer["resources"]:
                        if x["name"] == name and want > 0:
                            take = min(want, x["scalar"]["value"])
                            out.append(dict(x, scalar={"value": take}))
                            want -= take
                    return out
                task = {"name": a.name, "task_id": {"value": task_id},
                        "agent_id": offer["agent_id"],
                        "resources": res("cpus", a.cpus) + res("mem", a.mem),
                        "command": {"shell": True, "value": a.command}}
                if a.container:
                    task["container"] = a.container
                task.update(a.task)
                launch = {"type": "LAUNCH", "launch": {"task_infos": [task]}}
                left = {task_id}
                if a.group:
                    tasks = [task]
                    for i, c in enumerate(a.group):
                        other = "%s.%d" % (task_id, i)
                        left.add(other)
                        tasks.append(dict(
                            task, task_id={"value": other},
                            command={"shell": True, "value": c}))
                    launch = {"type": "LAUNCH_GROUP", "launch_group": {
                        "executor": {"type": "DEFAULT",
                                     "executor_id": {"value": task_id},
                                     "framework_id": framework,
                                     "resources": res("cpus", 0.1) +
                                     res("mem", 32) + res("disk", 10)},
                        "task_group": {"tasks": tasks}}}
                post({"type": "ACCEPT", "accept": {
                    "offer_ids": [offer["id"]],
                    "operations": [launch],
                    "filters": {"refuse_seconds": 1}}})
                launched = True
        elif kind == "UPDATE":
            s = event["update"]["status"]
            print("UPDATE", s["task_id"]["value"], s["state"], s.get("source"), s.get("reason", ""),
                  s.get("message", ""), flush=True)
            if "uuid" in s:
                post({"type": "ACKNOWLEDGE", "acknowledge": {
                    "agent_id": s["agent_id"], "task_id": s["task_id"],
                    "uuid": s["uuid"]}})
            if s["state"] == "TASK_RUNNING" and a.kill_after is not None:
                threading.Timer(a.kill_after, post, [{
                    "type": "KILL", "kill": {"task_id": s["task_id"]}}]).start()
                a.kill_after = None
            if s["state"] in TERMINAL:
                left.discard(s["task_id"]["value"])
                good = good and s["state"] == "TASK_FINISHED"
                if not left:
                    post({"type": "TEARDOWN"})
                    raise SystemExit(0 if good else 1)
        elif kind == "ERROR":
            raise SystemExit("ERROR " + event["error"].get("message", ""))
        elif kind not in ("HEARTBEAT", "RESCIND"):
            print(kind, json.dumps(event)[:400], flush=True)
    raise SystemExit("timed out")


if __name__ == "__main__":
    main()

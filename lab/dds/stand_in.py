#!/usr/bin/env python3
"""Stand-in for DDS 3.16: commander, agent and the tools that the site's framework and its users call.

DDS itself is in no registry. This keeps as much of its contract as was seen of a real one: sessions' files, the protocol between
commander, agents and tools, the worker package, how things end. It runs no topologies. The name that it is called by says what it
is: dds-session, dds-info, dds-prep-worker, dds-submit, dds-agent. Everything that is not DDS' own is marked as private.
"""
import argparse
import asyncio
import io
import json
import os
import pwd
import signal
import socket
import struct
import subprocess
import sys
import tarfile
import time
import uuid

SHUTDOWN, HANDSHAKE, OK, ERROR, GET_HOST_INFO, HOST_INFO = 3, 4, 7, 8, 9, 10
GET_ID, REPLY_ID, SET_ID, CUSTOM, ADD_SLOT, REPLY_ADD_SLOT = 16, 17, 18, 34, 40, 41
VERSION, AGENT, UI = 2, 1, 2
RMS, PRIVATE = "rms_agent_sign", "stand-in"
HEALTH_SEC = float(os.environ.get("DDS_STAND_IN_HEALTH_SEC", "30"))
TRIES, TRY_SEC = 5, 5
HERE = os.path.dirname(os.path.realpath(__file__))


# ---------------------------------------------------------------- the protocol

def crc16(data):
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def frame(command, body=b"", ident=1):
    crc = crc16(struct.pack("<HIQ", command, len(body), ident))
    return struct.pack(">HHIQ", crc, command, len(body), ident) + body


def text(value):
    data = value.encode()
    return struct.pack(">H", len(data)) + data


def texts(body, at=0):
    while at + 2 <= len(body):
        (length,) = struct.unpack_from(">H", body, at)
        yield body[at + 2 : at + 2 + length].decode()
        at += 2 + length


def custom(what, condition):
    return frame(CUSTOM, struct.pack(">QQ", int(time.time() * 1000), 0) + text(what) + text(condition))


async def receive(reader):
    header = await reader.readexactly(16)
    crc, command, length, ident = struct.unpack(">HHIQ", header)
    if crc != crc16(struct.pack("<HIQ", command, length, ident)):
        raise ConnectionError("wrong checksum")
    return command, await reader.readexactly(length)


def hello(session, kind):
    return frame(HANDSHAKE, text(session) + struct.pack(">HH", VERSION, kind), int.from_bytes(os.urandom(7), "big"))


# ---------------------------------------------------------------- sessions' files and packages

def place(session):
    return os.path.join(os.environ["HOME"], ".DDS", "sessions", session)


def write(path, content, mode=0o666):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
    os.chmod(path, mode)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def server_of(directory, section):
    inside, values = False, {}
    for line in read(os.path.join(directory, "server_info.cfg")).splitlines():
        if line.startswith("["):
            inside = line.strip() == f"[{section}]"
        elif inside and "=" in line:
            key, value = line.split("=", 1)
            values[key.strip()] = value.strip()
    return values["host"], int(values["port"])


def package(session, name, slots, group, environment=None):
    """A worker package, as dds-prep-worker makes it. It needs no commander that runs."""
    own = place(session)
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        def add(entry, data):
            info = tarfile.TarInfo(entry)
            info.size, info.mode = len(data), 0o666
            tar.addfile(info, io.BytesIO(data))

        for entry in ("server_info.cfg", "dds.sid"):
            add(entry, read(os.path.join(own, entry)).encode())
        add("version", b"3.16 (stand-in)\n")
        add("DDS.cfg", b"")
        add("dds-agent", read(os.path.join(HERE, "stand_in.py")).encode())
        if environment:
            add("user_worker_env.sh", read(environment).encode())
    scout = read(os.path.join(HERE, "scout.sh")).replace("@SLOTS@", str(slots)).replace("@GROUP@", group)
    path = os.path.join(own, "wrk", name, "DDSWorker.sh")
    write(path, scout.encode() + b"\nPAYLOAD:\n" + archive.getvalue(), 0o766)
    return path


# ---------------------------------------------------------------- the commander

class Commander:
    def __init__(self, session):
        self.session, self.agents, self.submission, self.next = session, {}, None, 1

    async def run(self):
        servers, ports = [], []
        for handler in (self.agent, self.ui):
            for port in range(20000, 22001):
                if port in ports:
                    continue
                try:
                    servers.append(await asyncio.start_server(handler, "0.0.0.0", port))
                except OSError:
                    continue
                ports.append(port)
                break
        user, host = pwd.getpwuid(os.getuid()).pw_name, socket.gethostname()
        parts = zip(("server", "ui"), ports)
        info = "".join(f"[{name}]\nhost={host}\nuser={user}\nport={port}\n" for name, port in parts)
        write(os.path.join(place(self.session), "dds.sid"), f"{self.session}\n")
        write(os.path.join(place(self.session), "dds-commander.pid"), f"{os.getpid()}\n")
        write(os.path.join(place(self.session), "server_info.cfg"), info)
        self.ended = asyncio.Event()
        await self.ended.wait()
        for agent in self.agents.values():
            agent["writer"].write(frame(SHUTDOWN))
        await asyncio.sleep(1)

    async def greet(self, reader, writer, kind):
        command, body = await asyncio.wait_for(receive(reader), 10)
        session = next(texts(body))
        version, given = struct.unpack(">HH", body[-4:])
        wrong = None
        if version != VERSION:
            wrong = "Incompatible protocol version of the client"
        elif session != self.session:
            wrong = "Incompatible Session ID of the client"
        if command != HANDSHAKE or given != kind or wrong:
            writer.write(frame(ERROR, struct.pack(">HH", 2, command) + text(wrong or "Unexpected client")))
            await writer.drain()
            raise ConnectionError(wrong)
        writer.write(frame(OK))

    async def agent(self, reader, writer):
        key, ident = object(), int.from_bytes(os.urandom(7), "big")
        try:
            await self.greet(reader, writer, AGENT)
            writer.write(frame(GET_ID))
            while True:
                try:
                    command, body = await asyncio.wait_for(receive(reader), HEALTH_SEC)
                except asyncio.TimeoutError:
                    # Silent for a whole interval although it was asked: it is dropped.
                    if self.agents.get(key, {}).get("asked"):
                        break
                    writer.write(frame(GET_ID))
                    self.agents.setdefault(key, {"writer": writer})["asked"] = True
                    continue
                if key in self.agents:
                    self.agents[key]["asked"] = False
                if command == REPLY_ID and struct.unpack(">Q", body)[0] == 0:
                    writer.write(frame(SET_ID, struct.pack(">Q", ident)) + frame(GET_HOST_INFO))
                elif command == HOST_INFO:
                    pid, slots, submitted = struct.unpack_from(">IIQ", body)
                    user, host, _, path, _, group = texts(body, 16)
                    started = time.time() - submitted / 1000 if submitted else 0
                    self.agents[key] = {
                        "writer": writer, "id": ident, "pid": pid, "group": group, "slots": slots, "added": 0,
                        "startup": started, "host": f"{user}@{host}", "wrkDir": path, "asked": False,
                    }
                    for slot in range(slots):
                        writer.write(frame(ADD_SLOT, struct.pack(">Q", ident + slot + 1)))
                elif command == REPLY_ADD_SLOT:
                    self.agents[key]["added"] += 1
        except (OSError, ConnectionError, asyncio.IncompleteReadError, asyncio.TimeoutError):
            pass
        finally:
            self.agents.pop(key, None)
            writer.close()

    async def ui(self, reader, writer):
        try:
            await self.greet(reader, writer, UI)
            while True:
                command, body = await receive(reader)
                if command != CUSTOM:
                    continue
                what, condition = list(texts(body, 16))[:2]
                if condition == RMS:
                    await self.plug_in(json.loads(what)["dds"]["plug-in"], reader, writer)
                elif condition == PRIVATE:
                    await self.tool(json.loads(what), writer)
        except (OSError, ConnectionError, asyncio.IncompleteReadError, asyncio.TimeoutError):
            pass
        finally:
            if self.submission and self.submission.get("plug-in") is writer:
                self.submission["over"].set()
            writer.close()

    async def plug_in(self, said, reader, writer):
        submission = self.submission
        if submission is None or said["id"] != submission["id"]:
            return
        if "init" in said:
            submission["plug-in"] = writer
            submission["there"].set()
            answer = {"id": submission["id"], "submit": submission["submit"]}
            writer.write(custom(json.dumps({"dds": {"plug-in": answer}}), RMS))
        elif "message" in said:
            submission["tool"].write(custom(json.dumps(said["message"]), PRIVATE))
            if said["message"]["msgSeverity"] == "error":
                submission["failed"] = True

    async def tool(self, asked, writer):
        if asked["ask"] == "stop":
            self.ended.set()
        elif asked["ask"] == "agents":
            known = [agent for agent in self.agents.values() if "id" in agent]
            rows = [{k: v for k, v in agent.items() if k != "writer"} for agent in known]
            writer.write(custom(json.dumps(rows), PRIVATE))
        elif asked["ask"] == "submit":
            await self.submit(asked, writer)

    async def submit(self, asked, writer):
        def tell(msg, severity="info", **more):
            writer.write(custom(json.dumps({"msg": msg, "msgSeverity": severity, **more}), PRIVATE))

        if self.submission is not None:
            # As the real one: the first one's channel is lost with it.
            self.submission["tool"] = writer
            tell("Submit is already in progress.", "error", end=True, failed=True)
            return
        ident = str(uuid.uuid4())
        path = package(self.session, ident, asked["slots"], asked["group"], asked.get("environment"))
        self.submission = {
            "id": ident, "tool": writer, "there": asyncio.Event(), "over": asyncio.Event(), "failed": False,
            "submit": {
                "nInstances": str(asked["n"]), "nMinInstances": "0", "slots": str(asked["slots"]), "flags": "0",
                "cfgFilePath": asked["config"], "wrkPackagePath": path, "groupName": asked["group"],
                "submissionTag": "", "inlineConfig": "",
            },
        }
        folder = os.path.join(asked["path"], f"dds-submit-{asked['rms']}")
        program = os.path.join(folder, f"dds-submit-{asked['rms']}")
        arguments = ["--session", self.session, "--id", ident, "--path", f"{folder}/"]
        subprocess.Popen([program, *arguments], cwd="/", stdin=subprocess.DEVNULL, start_new_session=True)

        async def follow(submission):
            try:
                await asyncio.wait_for(submission["there"].wait(), 60)
                await submission["over"].wait()
            except asyncio.TimeoutError:
                tell("Plug-in failed to start.", "error")
                submission["failed"] = True
            tell("", end=True, failed=submission["failed"])
            self.submission = None

        asyncio.ensure_future(follow(self.submission))


# ---------------------------------------------------------------- the agent

async def agent(slots, group):
    directory = os.environ["DDS_LOCATION"]
    session = read(os.path.join(directory, "dds.sid")).strip()
    ident, tries = 0, 0
    while tries < TRIES:
        try:
            reader, writer = await asyncio.open_connection(*server_of(directory, "server"))
            writer.write(hello(session, AGENT))
            command, body = await receive(reader)
            if command != OK:
                print(f"the commander refuses: {next(texts(body, 4))}", flush=True)
                return
            tries = 0
            while True:
                command, body = await receive(reader)
                if command == SHUTDOWN:
                    return
                if command == GET_ID:
                    writer.write(frame(REPLY_ID, struct.pack(">Q", ident)))
                elif command == SET_ID:
                    (ident,) = struct.unpack(">Q", body)
                    write(os.path.join(directory, "dds-agent.client.id"), f"{ident}\n", 0o600)
                elif command == GET_HOST_INFO:
                    user, host = pwd.getpwuid(os.getuid()).pw_name, socket.gethostname()
                    told = [user, host, "3.16", f"{directory}/", os.environ.get("DDS_WORKER_ID", ""), group]
                    numbers = struct.pack(">IIQ", os.getpid(), slots, int(time.time() * 1000))
                    writer.write(frame(HOST_INFO, numbers + b"".join(map(text, told))))
                elif command == ADD_SLOT:
                    os.makedirs(os.path.join("slots", str(struct.unpack(">Q", body)[0])), exist_ok=True)
                    writer.write(frame(REPLY_ADD_SLOT, body))
        except (OSError, ConnectionError, asyncio.IncompleteReadError) as error:
            tries += 1
            print(f"no commander (try {tries} of {TRIES}): {error!r}", flush=True)
            await asyncio.sleep(TRY_SEC)


# ---------------------------------------------------------------- the tools

async def ask(session, question, heard):
    """Asks a commander in the stand-in's own words, until `heard` says that this is all."""
    for attempt in range(12):
        try:
            reader, writer = await asyncio.open_connection(*server_of(place(session), "ui"))
            break
        except OSError:
            # As the real tools: they try for more than a minute.
            if attempt == 11:
                sys.exit("no connection to DDS commander server")
            await asyncio.sleep(6)
    writer.write(hello(session, UI))
    command, body = await receive(reader)
    if command != OK:
        sys.exit(next(texts(body, 4)))
    writer.write(custom(json.dumps(question), PRIVATE))
    await writer.drain()
    while heard is not None:
        command, body = await receive(reader)
        if command == CUSTOM and heard(json.loads(next(texts(body, 16)))):
            return


def info(args):
    def show(agents):
        if args.list:
            for n, a in enumerate(agents):
                print(
                    f"Agent {n}: id ({a['id']}), pid ({a['pid']}), group name ({a['group']}), startup time ({a['startup']:.1f}s), "
                    f"slots total/executing/idle ({a['slots']}/0/{a['added']}), host ({a['host']}), wrkDir (\"{a['wrkDir']}\")"
                )
        else:
            print(sum(a["added"] for a in agents))
        return True

    asyncio.run(ask(args.session, {"ask": "agents"}, show))


def submit(args):
    status = 0

    def show(said):
        nonlocal status
        if said["msg"]:
            kind = "Server reports: Plug-in" if said["msgSeverity"] == "info" else "Error"
            print(f"dds-submit: {kind}: {said['msg']}", flush=True)
        status = max(status, int(said.get("failed", False)))
        return said.get("end", False)

    question = {
        "ask": "submit", "rms": args.rms, "path": args.path, "n": args.number, "slots": args.slots,
        "group": args.group, "config": args.config or "", "environment": args.env_config,
    }
    asyncio.run(ask(args.session, question, show))
    sys.exit(status)


def session(args):
    if args.verb == "start":
        ident = str(uuid.uuid4())
        with open(os.devnull, "r+b") as null:
            subprocess.Popen(
                [sys.executable, os.path.join(HERE, "stand_in.py"), "commander"], cwd="/", start_new_session=True,
                stdin=null, stdout=null, stderr=null, env={**os.environ, "DDS_SESSION_ID": ident},
            )
        for _ in range(100):
            if os.path.exists(os.path.join(place(ident), "server_info.cfg")):
                print(f"DDS session ID: {ident}")
                return
            time.sleep(0.1)
        sys.exit("the commander does not start")
    elif args.verb == "stop":
        asyncio.run(ask(args.session, {"ask": "stop"}, None))
    else:
        for ident in os.listdir(os.path.dirname(place(""))):
            pid = read(os.path.join(place(ident), "dds-commander.pid")).strip()
            state = "RUNNING" if os.path.exists(f"/proc/{pid}") else "STOPPED"
            if args.session != "run" or state == "RUNNING":
                print(f"{ident} {state}")


def main():
    name, argv = os.path.basename(sys.argv[0]), sys.argv[1:]
    if name == "stand_in.py" and argv:
        name, argv = argv[0], argv[1:]
    own = os.environ.get("DDS_SESSION_ID", "")
    parser = argparse.ArgumentParser(prog=name)
    if name == "commander":
        asyncio.run(Commander(own).run())
        return
    if name == "dds-agent":
        parser.add_argument("start")
        parser.add_argument("--slots", type=int, default=1)
        parser.add_argument("--group-name", default="")
        args = parser.parse_args(argv)
        asyncio.run(agent(args.slots, args.group_name))
        return
    if name == "dds-session":
        parser.add_argument("verb", choices=["start", "stop", "list"])
        parser.add_argument("session", nargs="?", default=own)
        session(parser.parse_args(argv))
    elif name == "dds-info":
        parser.add_argument("-l", "--list", action="store_true")
        parser.add_argument("-n", action="store_true")
        parser.add_argument("--session", default=own)
        info(parser.parse_args(argv))
    elif name == "dds-prep-worker":
        parser.add_argument("-a", default=own)
        parser.add_argument("-b", required=True)
        parser.add_argument("-t", type=int, default=1)
        parser.add_argument("-g", default="")
        args = parser.parse_args(argv)
        print(package(args.a, args.b, args.t, args.g))
    elif name == "dds-submit":
        parser.add_argument("-r", "--rms", required=True)
        parser.add_argument("--path", default="")
        parser.add_argument("-n", "--number", type=int, default=1)
        parser.add_argument("--slots", type=int, default=1)
        parser.add_argument("-g", "--group", default="common")
        parser.add_argument("-c", "--config")
        parser.add_argument("--env-config")
        parser.add_argument("--session", default=own)
        submit(parser.parse_args(argv))
    else:
        sys.exit(f"{name} is no tool of this stand-in")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    main()

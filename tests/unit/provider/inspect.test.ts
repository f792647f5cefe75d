import { drift, type FileState, preflightFaults, restarts } from "../../../provider/host/inspect";
import { isControlOnly, plannedRestarts } from "../../../provider/host/config";
import { observedInputs } from "../../../provider/resources/hostConfig";

import { agentService, hostConfig, observation, zookeeperService } from "../../fakes/host";

const config = hostConfig("m1", zookeeperService);
const unit = { enabled: true, active: true, state: "active (running)", stale: false };

describe("preflight", () => {
    test("passes on a host that fits", () => {
        expect(preflightFaults(config, observation(config))).toEqual([]);
    });

    test("names every fault at once, with what is allowed and the fix", () => {
        const seen = observation(config, {
            os: "fedora",
            osVersion: "44",
            osName: "Fedora Linux 44",
            uid: 1000,
            cgroup: "v2",
            freeMiB: { "/var/lib/x": 12 },
        });
        expect(preflightFaults(config, seen)).toEqual([
            "the host runs Fedora Linux 44; supported: debian 12",
            "user root is not root and cannot become it without a password; allow it in sudoers",
            "the host has cgroup v2, this Mesos needs v1; add systemd.unified_cgroup_hierarchy=0 to the kernel command line and reboot",
            "/var/lib/x has 12 MiB free, 100 MiB are needed; free some space or add a disk",
        ]);
    });

    test.each([
        ["9", "9.4", true],
        ["9", "9", true],
        ["9", "90", false],
        ["20.04", "20.04", true],
    ])("release %s accepts a host of %s: %s", (allowed, version, accepted) => {
        const wanted = hostConfig("m1", zookeeperService, {
            preflight: { os: { any: [allowed] }, freeMiB: {}, cgroup: "any" },
        });
        expect(preflightFaults(wanted, observation(wanted, { os: "any", osVersion: version })).length === 0).toBe(
            accepted,
        );
    });
});

describe("drift", () => {
    test("is nothing on a host that is as planned, and its inputs read back to the letter", () => {
        const seen = observation(config);
        expect(drift(config, seen)).toEqual([]);
        expect(observedInputs(config, seen)).toEqual(config);
    });

    const changed = { sha256: "0".repeat(64), mode: "0644", owner: "root", group: "root" };
    test.each([
        [
            "a file edited by hand",
            { files: { ...observation(config).files, "/etc/thing.conf": changed } },
            "/etc/thing.conf has another content",
        ],
        ["a file removed", { files: { ...observation(config).files, "/etc/notes": null } }, "/etc/notes is missing"],
        [
            "a unit stopped",
            { units: { "thing.service": { ...unit, active: false, state: "inactive (dead)" } } },
            "thing.service is inactive (dead)",
        ],
        [
            "a unit disabled",
            { units: { "thing.service": { ...unit, enabled: false } } },
            "thing.service is not enabled",
        ],
        [
            "a restart that is still owed",
            { units: { "thing.service": { ...unit, stale: true } } },
            "thing.service runs with an older configuration than its files",
        ],
        ["a package removed", { packages: {} }, "package thing is not installed"],
        ["a user removed", { users: {} }, "user thing is missing"],
        [
            "a directory opened to all",
            { directories: { "/var/lib/x": { mode: "0777", owner: "root", group: "root" } } },
            "/var/lib/x is root:root 0777",
        ],
    ])("%s is seen, and the inputs differ", (_, change, line) => {
        const seen = observation(config, change);
        expect(drift(config, seen)).toContain(line);
        expect(observedInputs(config, seen)).not.toEqual(config);
    });

    test("shows the text that is on the host", () => {
        const seen = observation(config, {
            files: { ...observation(config).files, "/etc/thing.conf": changed },
            contents: { "/etc/thing.conf": Buffer.from("a=2\n").toString("base64") },
        });
        expect(observedInputs(config, seen).files["/etc/thing.conf"]?.content).toBe("a=2\n");
    });
});

describe("restarts", () => {
    test.each([
        ["nothing differs", {}, false],
        ["a file without a service differs", { files: { ...observation(config).files, "/etc/notes": null } }, false],
        [
            "only the mode of a file of the service differs",
            {
                files: {
                    ...observation(config).files,
                    "/etc/thing.conf": { ...observation(config).files["/etc/thing.conf"], mode: "0666" } as FileState,
                },
            },
            false,
        ],
        ["a file of the service differs", { files: { ...observation(config).files, "/etc/thing.conf": null } }, true],
        ["the service is down", { units: { "thing.service": { ...unit, active: false } } }, true],
        ["a restart is owed", { units: { "thing.service": { ...unit, stale: true } } }, true],
        ["its package is missing", { packages: {} }, true],
    ])("when %s: %s", (_, change, expected) => {
        const seen = observation(config, change);
        expect(restarts(config, seen, drift(config, seen))).toBe(expected);
    });

    test("are foretold from the plans, with their reasons", () => {
        const before = hostConfig("a1", agentService);
        const after = hostConfig("a1", agentService, {
            packages: [{ name: "thing", version: "2.0" }],
            files: {
                ...before.files,
                "/etc/thing.conf": { content: "a=2\n", mode: "0644", owner: "root", group: "root" },
            },
        });
        expect(plannedRestarts(before, after)).toEqual([
            { unit: "thing.service", because: ["/etc/thing.conf", "package thing 2.0"] },
        ]);
        expect(plannedRestarts(before, before)).toEqual([]);
        // What is installed restarts the service, whichever version it is.
        const more = { ...before, packages: [...before.packages, { name: "tool" }] };
        expect(plannedRestarts(before, more)).toEqual([{ unit: "thing.service", because: ["package tool (newest)"] }]);
        const stopped = { ...before, units: { "thing.service": { enabled: true, active: false, restartOn: [] } } };
        expect(plannedRestarts(stopped, before)).toEqual([
            { unit: "thing.service", because: ["it does not run as configured"] },
        ]);
    });
});

test.each([
    [["connection", "address"], true],
    [["service", "masters", 0, "address"], true],
    [["service", "attributes", "rack"], false],
    [["files", "/etc/thing.conf", "content"], false],
])("a change of %j alters nothing on the host: %s", (path, expected) => {
    expect(isControlOnly(path)).toBe(expected);
});

import { fillSecrets, secretMark, secretsIn } from "../../../site/plan/secrets";

const text = `zk://mesos:${secretMark("zookeeper-digest")}@h1:2181/mesos ${secretMark("principal-a")}${secretMark("principal-a")}`;

test("marks are found, once each and sorted", () => {
    expect(secretsIn(text)).toEqual(["principal-a", "zookeeper-digest"]);
    expect(secretsIn("a@@b")).toEqual([]);
});

test("marks are filled; a value is taken as it is", () => {
    expect(fillSecrets(text, { "zookeeper-digest": "$&", "principal-a": "p" })).toBe("zk://mesos:$&@h1:2181/mesos pp");
});

test("fails when a value is missing", () => {
    expect(() => fillSecrets(text, {})).toThrow('"zookeeper-digest" has no value');
});

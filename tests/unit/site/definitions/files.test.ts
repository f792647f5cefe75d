import { readDefinitions, type ReadFiles } from "../../../../site/definitions/files";
import { word } from "../../../../site/definitions/fields";
import { checkApp, plainMarathon } from "../../../../site/marathon";

const values = {
    config: (name: string) => ({ version: "1.2", cpus: "0.5", word: "x" })[name],
    hasSecret: (name: string) => name === "db",
    secretMark: (name: string) => `<<${name}>>`,
};
const read = (path: string, text: string): ReadFiles => readDefinitions([{ path, text }], values, plainMarathon);
const kinds = (path: string, text: string): string[] =>
    read(path, text).definitions.map(({ kind, definition, source }) => `${kind} ${word(definition["id"])} ${source}`);
const faults = (path: string, text: string): string[] => read(path, text).findings.map(({ code }) => code);

test.each([
    ["an app", "a.json", '{"id":"/a","cmd":"ls"}', ["app /a a.json"]],
    ["an app in YAML", "a.yaml", 'id: /a\ncmd: ls\nenv: { PORT: "80" }\n', ["app /a a.yaml"]],
    ["two documents", "a.yaml", "id: /a\ncmd: ls\n---\nid: /b\ncmd: ls\n", ["app /a a.yaml#1", "app /b a.yaml#2"]],
    [
        "one that takes over from another",
        "a.yaml",
        "- &a { id: /a, cmd: ls }\n- { <<: *a, id: /b }\n",
        ["app /a a.yaml#1", "app /b a.yaml#2"],
    ],
    ["a list", "a.json", '[{"id":"/a","cmd":"ls"},{"id":"b","run":{}}]', ["app /a a.json#1", "job b a.json#2"]],
    ["the answer to a GET of an app", "a.json", '{"app":{"id":"/a","cmd":"ls"}}', ["app /a a.json"]],
    ["the answer to a GET of all", "a.json", '{"apps":[{"id":"/a","cmd":"ls"}]}', ["app /a a.json"]],
    ["a pod", "p.json", '{"id":"/p","containers":[]}', ["pod /p p.json"]],
    ["a pod's status", "p.json", '{"id":"/p","status":"STABLE","spec":{"id":"/p","containers":[]}}', ["pod /p p.json"]],
    ["a byte order mark", "a.json", '\uFEFF{"id":"/a","cmd":"ls"}', ["app /a a.json"]],
    [
        "a tree",
        "g.json",
        '{"id":"/g","apps":[{"id":"a","cmd":"ls"}],"groups":[{"id":"h","apps":[{"id":"b","cmd":"ls"}]}]}',
        ["app /g/a g.json/apps(0)", "app /g/h/b g.json/groups(0)/apps(0)"],
    ],
])("%s", (_what, path, text, expected) => {
    expect(kinds(path, text)).toEqual(expected);
    expect(faults(path, text)).toEqual([]);
});

test.each([
    ["a comment", "a.json", '{"id":"/a", // the app\n"cmd":"ls"}', ["FILE_JSON"]],
    ["a comma too many", "a.json", '{"id":"/a","cmd":"ls",}', ["FILE_JSON"]],
    ["half a file", "a.json", '{"id":"/a"', ["FILE_JSON"]],
    ["a key twice", "a.json", '{"id":"/a","cmd":"ls","cmd":"pwd"}', ["FILE_KEY_TWICE"]],
    ["a key twice in YAML", "a.yaml", "id: /a\ncmd: ls\ncmd: pwd\n", ["FILE_KEY_TWICE"]],
    ["text", "a.json", '"ls"', ["FILE_NOT_A_MAP"]],
    ["an app that is a group", "a.json", '{"id":"/a","cmd":"ls","apps":[]}', ["FILE_MIXED"]],
    ["nothing", "a.json", '{"id":"/a"}', ["FILE_KIND"]],
    ["a schedule", "a.json", '{"id":"s1","cron":"* * * * *"}', ["FILE_SCHEDULE"]],
    ["a value that is not there", "a.json", '{"id":"/a","cmd":"ls ${config:none}"}', ["FILE_VALUE_MISSING"]],
    [
        "a secret that is not there",
        "a.json",
        '{"id":"/a","cmd":"ls","env":{"A":"${secret:none}"}}',
        ["FILE_VALUE_MISSING"],
    ],
    ["no number", "a.json", '{"id":"/a","cmd":"ls","cpus":"${number:word}"}', ["FILE_NOT_A_NUMBER"]],
    ["a number in text", "a.json", '{"id":"/a","cmd":"ls ${number:cpus}"}', ["FILE_NUMBER_IN_TEXT"]],
    ["a group's own fault", "g.json", '{"id":"/g","version":"1","apps":[]}', ["GROUP_VERSION", "GROUP_EMPTY"]],
])("%s is refused", (_what, path, text, expected) => {
    expect(faults(path, text)).toEqual(expected);
});

test("values and secrets are filled in", () => {
    const [app] = read(
        "a.json",
        '{"id":"/a","cmd":"run ${config:version} $PORT ${HOST}","cpus":"${number:cpus}","env":{"P":"u:${secret:db}@h"}}',
    ).definitions;
    expect(app?.definition).toEqual({ id: "/a", cmd: "run 1.2 $PORT ${HOST}", cpus: 0.5, env: { P: "u:<<db>>@h" } });
});

test("YAML values that are no text are told so", () => {
    const [app] = read("a.yaml", "id: /a\ncmd: ls\nenv: { PORT: 8080, ON: true, YES: yes }\n").definitions;
    expect(checkApp(app?.definition, plainMarathon).map(({ path, fix }) => `${path} ${fix ?? ""}`)).toEqual([
        "/env/PORT put it in quotation marks",
        "/env/ON put it in quotation marks",
    ]);
});

test("settings of groups are kept", () => {
    expect(read("g.json", '{"id":"/g","enforceRole":true,"apps":[{"id":"a","cmd":"ls"}]}').groups).toEqual([
        { id: "/g", enforceRole: true },
    ]);
});

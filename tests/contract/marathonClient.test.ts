/** The client against the recorded answers themselves, to the letter: what it makes of each. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { MarathonClient } from "../../provider/clients/marathon";
import { isWell } from "../../provider/deployments/await";
import { type App, factsOfInfo } from "../../site/marathon";
import { type Exchange, exchanges, noRecordings } from "./recordings";

/** Answers every request with one recorded answer. */
async function replay({ response }: Exchange): Promise<{ client: MarathonClient; stop: () => void }> {
    const server: Server = createServer((request, answer) => {
        request.resume();
        const { status, headers, body } = response;
        answer.writeHead(status, {
            "Content-Type": headers["Content-Type"] ?? "application/json",
            ...pick(headers, "Marathon-Deployment-Id"),
        });
        answer.end(body === null || body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const client = new MarathonClient(
        { urls: [url] },
        { answerMs: 2000, failoverMs: 100, retryMs: 10 },
        { lockMs: 30, retryMs: 10 },
    );
    return { client, stop: () => server.close() };
}

const pick = (headers: Record<string, string>, name: string): Record<string, string> =>
    headers[name] === undefined ? {} : { [name]: headers[name] };

const min = { id: "/min", cmd: "sleep 1" } as unknown as App;
type Ask = (client: MarathonClient) => Promise<unknown>;

const cases: [string, string, Ask, unknown][] = [
    [
        "marathon-1.11",
        "007-app-create-min",
        (client) => client.create("app", min),
        { deploymentId: expect.any(String) as unknown, version: "2026-11-25T02:46:10.892Z" },
    ],
    ["marathon-1.11", "013-app-get-missing", (client) => client.app("/x"), undefined],
    ["marathon-1.11", "014-app-delete-missing", (client) => client.delete("app", "/x"), undefined],
    ["marathon-1.11", "109-pod-get-missing", (client) => client.pod("/x"), undefined],
    ["marathon-1.11", "123-group-missing", (client) => client.group("/x"), undefined],
    ["marathon-1.11", "071-deployment-missing", (client) => client.rollBack("nope"), undefined],
    [
        "marathon-1.11",
        "113-pod-delete",
        (client) => client.delete("pod", "/pod1"),
        { deploymentId: expect.any(String) as unknown },
    ],
    [
        "marathon-1.11",
        "062-stuck-queue",
        (client) => client.rejections("/stuck"),
        { waiting: 1, reasons: ["InsufficientCpus (3 of 3 offers)"] },
    ],
    [
        "marathon-1.11-real-mesos",
        "007-queue-unique",
        (client) => client.rejections("/uniq"),
        { waiting: 1, reasons: ["UnfulfilledConstraint (2 of 2 offers)"] },
    ],
    [
        "marathon-1.11",
        "026-deployments-during",
        async (client) => (await client.deployments()).map(({ affectedApps }) => affectedApps),
        [["/min"]],
    ],
    ["marathon-1.11", "005-root-group", async (client) => (await client.group("/"))?.["id"], "/"],
    [
        "marathon-1.11-real-mesos",
        "012-fail-get",
        async (client) => (await client.app("/fail"))?.lastFailure,
        { state: "TASK_FAILED", message: "Command exited with status 7", host: "127.0.44.32" },
    ],
    [
        "marathon-1.11",
        "094-unhealthy-get",
        async (client) => isWell((await client.app("/unhealthy")) ?? ({} as never)),
        false,
    ],
];

const refusals: [string, Ask, RegExp][] = [
    [
        "022-app-put-locked",
        (client) => client.replace("app", min),
        /locked by deployment 578118a0-73a4-4cda-b59e-ca7e0c67a0c5; nothing was changed/,
    ],
    ["012-app-create-dup", (client) => client.create("app", min), /HTTP 409 An app with id \[\/min\] already exists\./],
    ["167-bad-cpus-negative", (client) => client.create("app", min), /HTTP 422 Invalid JSON\n {2}\/cpus: error\.min/],
    [
        "201-bad-constraint-lower",
        (client) => client.create("app", min),
        /illegal constraint specification hostname,unique/,
    ],
];

if (noRecordings !== undefined) test.skip(noRecordings, () => undefined);
else {
    const find = (server: string, name: string): Exchange => {
        const found = exchanges(server).find((exchange) => exchange.name === name);
        if (found === undefined) throw new Error(`no recording ${server}/${name}`);
        return found;
    };

    test.each(cases)("%s %s", async (server, name, ask, expected) => {
        const { client, stop } = await replay(find(server, name));
        try {
            expect(await ask(client)).toEqual(expected);
        } finally {
            stop();
        }
    });

    test.each(refusals)("%s is told", async (name, ask, words) => {
        const { client, stop } = await replay(find("marathon-1.11", name));
        try {
            await expect(ask(client)).rejects.toThrow(words);
        } finally {
            stop();
        }
    });

    test("what the server says of itself", () => {
        expect(factsOfInfo(find("marathon-1.11", "002-info").response.body)).toEqual({
            version: "1.11.0-SNAPSHOT",
            role: "*",
            features: ["gpu_resources", "secrets", "external_volumes"],
        });
    });
}

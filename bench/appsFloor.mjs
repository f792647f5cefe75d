// What no client can do faster: the same requests to Marathon, all at once, and a look five times a second until it is so.
//   node appsFloor.mjs put|delete FILE      FILE: [definition, …]; MARATHON_URL, MARATHON_LOGIN (user:password)
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const [verb, file] = process.argv.slice(2);
const apps = JSON.parse(readFileSync(file, "utf8"));
const { MARATHON_URL: url, MARATHON_LOGIN: login } = process.env;
const headers = {
    Authorization: `Basic ${Buffer.from(login).toString("base64")}`,
    Accept: "application/json",
    "Content-Type": "application/json",
};

/** Below Marathon's limit of a hundred deployments at a time. */
const AT_A_TIME = 90;

async function send(app) {
    const put = verb === "put";
    const path = `/v2/apps${app.id}?force=false${put ? "&partialUpdate=false" : ""}`;
    for (;;) {
        const answer = await fetch(url + path, {
            method: put ? "PUT" : "DELETE",
            headers,
            ...(put && { body: JSON.stringify(app) }),
        });
        await answer.text();
        if (answer.ok || (!put && answer.status === 404)) return;
        if (answer.status !== 403 && answer.status !== 409) throw new Error(`${path}: HTTP ${answer.status}`);
        await sleep(200);
    }
}

const look = async (path) => (await fetch(url + path, { headers })).json();

async function isDone() {
    const { apps: all } = await look("/v2/apps?embed=apps.counts&embed=apps.deployments");
    const byId = new Map(all.map((app) => [app.id, app]));
    if (verb === "delete") return (await look("/v2/deployments")).length === 0 && apps.every(({ id }) => !byId.has(id));
    return apps.every(({ id, instances = 1 }) => {
        const app = byId.get(id);
        return app !== undefined && app.deployments.length === 0 && app.tasksRunning === instances;
    });
}

let next = 0;
const worker = async () => {
    while (next < apps.length) await send(apps[next++]);
};
await Promise.all(Array.from({ length: AT_A_TIME }, worker));
for (const end = Date.now() + 600_000; !(await isDone()); await sleep(200))
    if (Date.now() > end) throw new Error("not within 10 minutes");

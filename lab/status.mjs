// The state of a running site, as its own endpoints tell it. Every question has a time limit: a dead host
// answers nothing at all.
import { connect } from "node:net";

const limit = 2000;

/** Sends a four-letter word to a ZooKeeper server. @returns {Promise<string>} */
export function fourLetterWord(address, port, word) {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect({ host: address, port });
    const timer = setTimeout(() => fail(new Error(`no answer within ${limit / 1000} s`)), limit);
    const fail = (error) => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    socket.setEncoding("utf8").on("data", (data) => (text += data));
    socket.on("error", fail).on("connect", () => socket.write(word));
    socket.on("end", () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(text);
    });
  });
}

function get(endpoint, path, operator) {
  const headers = operator ? { Authorization: `Basic ${Buffer.from(`${operator.principal}:${operator.secret}`).toString("base64")}` } : {};
  const url = `${endpoint.scheme ?? "http"}://${endpoint.address}:${endpoint.port}${path}`;
  return fetch(url, { headers, redirect: "manual", signal: AbortSignal.timeout(limit) });
}

const reason = (error) =>
  error.name === "TimeoutError" ? `no answer within ${limit / 1000} s` : (error.cause?.code ?? error.code ?? error.message);

async function zookeeperStatus(endpoint) {
  const { name, address, port } = endpoint;
  try {
    const text = await fourLetterWord(address, port, "srvr");
    const mode = /^Mode: (\S+)/m.exec(text)?.[1];
    if (mode) return { name, address, mode, version: /version: ([^\s,-]+)/.exec(text)?.[1] };
    return { name, address, mode: "none", error: text.trim().split("\n")[0] || "closed the connection without an answer" };
  } catch (error) {
    return { name, address, mode: "none", error: reason(error) };
  }
}

async function masterStatus(endpoint) {
  const { name, address, port } = endpoint;
  try {
    const [redirect, version] = await Promise.all([get(endpoint, "/redirect"), get(endpoint, "/version")]);
    const location = redirect.headers.get("location") ?? "";
    const host = /^(?:https?:)?\/\/([^/]+)/.exec(location)?.[1] ?? "";
    const says = { name, address, port, version: version.ok ? (await version.json()).version : undefined, sees: host };
    return host ? says : { ...says, error: "knows no leading master" };
  } catch (error) {
    return { name, address, port, sees: "", error: reason(error) };
  }
}

/**
 * @param {{endpoints: {zookeeper: object[], masters: object[], agents: object[]}, operator?: {principal: string, secret: string}}} site
 *   as in the stack's outputs
 * @returns what is there, and `problems`: sentences, none when the site is healthy
 */
export async function readStatus({ endpoints, operator }) {
  const [zookeeper, views] = await Promise.all([
    Promise.all(endpoints.zookeeper.map(zookeeperStatus)),
    Promise.all(endpoints.masters.map(masterStatus)),
  ]);
  const masters = views.map(({ sees, port, ...master }) => ({
    ...master,
    leader: sees === `${master.address}:${port}` || sees === `${master.name}:${port}`,
  }));
  const leader = endpoints.masters[masters.findIndex((master) => master.leader)];
  const [{ agents, error }, silent] = await Promise.all([
    agentStatus(leader, endpoints.agents, operator),
    silentAgents(endpoints.agents),
  ]);
  for (const agent of agents) if (silent.has(agent.address)) agent.error ??= silent.get(agent.address);
  const status = { zookeeper, masters, agents };
  return { ...status, problems: [...problemsOf(status), ...(error ? [error] : [])] };
}

async function agentStatus(leader, declared, operator) {
  let slaves = [];
  let error;
  if (leader) {
    try {
      const reply = await get(leader, "/slaves", operator);
      if (reply.ok) ({ slaves } = await reply.json());
      else error = `${leader.name} does not tell its agents: HTTP ${reply.status}${reply.status === 401 ? " (the operator's credential is refused)" : ""}`;
    } catch (problem) {
      error = `${leader.name} does not tell its agents: ${reason(problem)}`;
    }
  }
  const left = new Map(declared.map((agent) => [`${agent.address}:${agent.port}`, agent]));
  const agents = slaves.map((slave) => {
    const at = slave.pid.slice(slave.pid.indexOf("@") + 1);
    const agent = left.get(at);
    left.delete(at);
    return {
      name: agent?.name ?? slave.hostname,
      hostname: slave.hostname,
      address: at,
      pool: agent?.pool,
      id: slave.id,
      active: slave.active === true && slave.deactivated !== true,
      attributes: slave.attributes,
      resources: slave.resources,
      version: slave.version,
    };
  });
  for (const [address, agent] of left)
    agents.push({ name: agent.name, hostname: agent.name, address, pool: agent.pool, active: false, attributes: {}, resources: {}, error: "not registered" });
  return { agents: agents.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true })), error };
}

// The master takes more than a minute to notice that an agent is gone, so the agents are asked themselves.
async function silentAgents(declared) {
  const silent = new Map();
  await Promise.all(declared.map(async (agent) => {
    try {
      await get(agent, "/health");
    } catch (error) {
      silent.set(`${agent.address}:${agent.port}`, reason(error));
    }
  }));
  return silent;
}

/** What is wrong with a site in this state. */
export function problemsOf({ zookeeper, masters, agents }) {
  const problems = [];
  for (const server of zookeeper) if (server.mode === "none") problems.push(`ZooKeeper on ${server.name}: ${server.error}`);
  const serving = zookeeper.filter((server) => ["leader", "standalone"].includes(server.mode)).length;
  if (serving !== 1) problems.push(`ZooKeeper has ${serving || "no"} leader${serving > 1 ? "s" : ""}`);
  for (const master of masters) if (master.error) problems.push(`Mesos master on ${master.name}: ${master.error}`);
  const leaders = masters.filter((master) => master.leader).length;
  if (leaders !== 1) problems.push(`Mesos has ${leaders || "no"} leading master${leaders > 1 ? "s" : ""}`);
  for (const agent of agents) if (!agent.active || agent.error) problems.push(`Mesos agent on ${agent.name}: ${agent.error ?? "not active"}`);
  return problems;
}

/** The state as a table for people. */
export function statusTable({ zookeeper, masters, agents, problems }) {
  const rows = [["HOST", "ADDRESS", "WHAT", "STATE", "MORE"]];
  for (const z of zookeeper) rows.push([z.name, z.address, "zookeeper", z.mode === "none" ? "DOWN" : z.mode, z.error ?? z.version ?? ""]);
  for (const m of masters) rows.push([m.name, m.address, "mesos-master", m.leader ? "leader" : m.error ? "DOWN" : "follower", m.error ?? m.version ?? ""]);
  for (const a of agents) {
    const resources = Object.entries(a.resources).filter(([, v]) => v !== 0).map(([k, v]) => `${k}:${v}`).join(" ");
    const attributes = Object.entries(a.attributes).map(([k, v]) => `${k}=${v}`).join(" ");
    rows.push([a.name, a.address.split(":")[0], "mesos-agent", !a.active ? "INACTIVE" : a.error ? "SILENT" : "active", a.error ?? [a.version, resources, attributes].filter(Boolean).join("  ")]);
  }
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  const text = rows.map((row) => row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i]))).join("  ").trimEnd());
  return [...text, "", ...(problems.length === 0 ? ["healthy"] : problems.map((p) => `problem: ${p}`))].join("\n");
}

/** Where the files of masters and agents lie: who classifies a change of secrets finds them by these. */

export const masterPaths = {
    env: "/etc/mesos/master.env",
    zk: "/etc/mesos/zk",
    credentials: "/etc/mesos/credentials.json",
    /** Who may do what, on every master. */
    acls: "/etc/mesos/acls.json",
    unit: "/etc/systemd/system/mesos-master.service",
} as const;

export const agentPaths = {
    env: "/etc/mesos/agent.env",
    master: "/etc/mesos/agent-zk",
    credential: "/etc/mesos/agent-credential.json",
    httpCredentials: "/etc/mesos/agent-http-credentials.json",
    acls: "/etc/mesos/agent-acls.json",
    executorKey: "/etc/mesos/executor-key",
    unit: "/etc/systemd/system/mesos-agent.service",
} as const;

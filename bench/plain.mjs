// The same work without us: the texts of a plan put on the hosts by one shell script per host, and by an Ansible playbook
// as a competent administrator writes it, with Ansible's default settings.
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Values for the plan's secrets; the same for both. */
export function makeSecrets(plan) {
    return Object.fromEntries(
        plan.secrets.map(({ name, length }) => [name, randomBytes(length).toString("hex").slice(0, length)]),
    );
}

const fill = (text, secrets) => text.replace(/@@secret:([a-z0-9-]+)@@/g, (_, name) => secrets[name]);

/** Host → its services, in the order in which they are set up: ZooKeeper, master, agent. */
function services(plan) {
    const all = [...plan.zookeeper.members, ...plan.masters.members, ...plan.pools.flatMap(({ agents }) => agents)];
    const hosts = new Map();
    for (const spec of all) hosts.set(spec.host, [...(hosts.get(spec.host) ?? []), spec]);
    return hosts;
}

const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;

const FUNCTIONS = `set -eu; export DEBIAN_FRONTEND=noninteractive LC_ALL=C
pkgs() { miss=; for p; do [ "$(dpkg-query -Wf '\${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || miss="$miss $p"; done
  [ -z "$miss" ] || { apt-get -q update; apt-get -qy --no-install-recommends install $miss; echo "changed: packages$miss"; }; }
dir() { [ "$(stat -c '%04a %U %G' "$1" 2>/dev/null)" = "$2 $3 $4" ] || { install -d -m "$2" -o "$3" -g "$4" "$1"; echo "changed: $1"; }; }
put() { # put PATH MODE OWNER GROUP, content on stdin; true when it was changed
  mkdir -p "\${1%/*}"; t=$(mktemp "$1.XXXX"); cat >"$t"
  if cmp -s "$t" "$1" && [ "$(stat -c '%04a %U %G' "$1")" = "$2 $3 $4" ]; then rm "$t"; return 1; fi
  chmod "$2" "$t"; chown "$3:$4" "$t"; mv "$t" "$1"; echo "changed: $1"; }
`;

function serviceScript(spec, secrets) {
    const [unit] = Object.keys(spec.units);
    const lines = ["restart="];
    lines.push(`pkgs ${spec.packages.map(({ name }) => name).join(" ")}`);
    for (const { name, home } of spec.users)
        lines.push(
            `id -u ${name} >/dev/null 2>&1 || { useradd -r -U -M ${home ? `-d ${home} ` : ""}-s /usr/sbin/nologin ${name}; echo "changed: user ${name}"; }`,
        );
    for (const [path, { mode, owner, group }] of Object.entries(spec.directories))
        lines.push(`dir ${path} ${mode} ${owner} ${group}`);
    for (const [path, file] of Object.entries(spec.files)) {
        const text = fill(file.content, secrets);
        const body = text.endsWith("\n")
            ? `<<'END_OF_TEXT' && restart=1 || :\n${text}END_OF_TEXT`
            : `< <(printf %s ${quote(text)}) && restart=1 || :`;
        lines.push(`put ${path} ${file.mode} ${file.owner} ${file.group} ${body}`);
    }
    lines.push(`if [ "$restart" ]; then systemctl daemon-reload; fi
systemctl is-enabled -q ${unit} || systemctl -q enable ${unit}
if ! systemctl is-active -q ${unit}; then systemctl start ${unit}; echo "changed: ${unit} started"
elif [ "$restart" ]; then ${spec.service.kind === "mesosAgent" ? `systemctl restart ${unit}` : `echo "restart ${unit}"`}; fi`);
    return lines.join("\n");
}

/** Writes the scripts; @returns the arguments of the one command that an administrator calls */
export function sshScripts(dir, plan, secrets, settings) {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const hosts = services(plan);
    for (const [host, specs] of hosts)
        writeFileSync(
            join(dir, `${host}.sh`),
            [FUNCTIONS, ...specs.map((spec) => serviceScript(spec, secrets))].join("\n") + "\n",
            { mode: 0o600 },
        );
    // All hosts at once; a quorum's members that have to restart then do so one by one, each waited for.
    const all = join(dir, "all.sh");
    writeFileSync(
        all,
        `#!/bin/bash
cd ${quote(dir)}; S="ssh -F ${settings.sshConfig}"; fail=0; pids=
for h in ${[...hosts.keys()].join(" ")}; do $S $h bash -s <$h.sh >$h.out 2>$h.err & pids="$pids $!"; done
for p in $pids; do wait $p || fail=1; done
[ $fail = 0 ] || { tail -n 5 *.err; exit 1; }
for unit in zookeeper.service mesos-master.service; do
  for h in $(grep -lx "restart $unit" *.out); do h=\${h%.out}
    if [ $unit = zookeeper.service ]; then $S $h 'systemctl restart zookeeper; for i in $(seq 300); do echo srvr | nc -w 1 localhost 2181 2>/dev/null | grep -q ^Mode && exit 0; sleep .2; done; exit 1'
    else $S $h 'systemctl restart mesos-master; for i in $(seq 300); do curl -fso /dev/null http://'"$h"':5050/health && exit 0; sleep .2; done; exit 1'; fi || exit 1
  done
done
cat *.out
`,
        { mode: 0o700 },
    );
    return ["bash", all];
}

const PLAY = (group, facts) => `- hosts: ${group}
  gather_facts: ${facts}
  vars: {s: "{{ ${group} }}"}
  tasks:
    - {name: packages, ansible.builtin.apt: {name: "{{ s.packages }}", update_cache: true, cache_valid_time: 3600, install_recommends: false}}
    - name: users
      ansible.builtin.user: {name: "{{ item.name }}", system: true, home: "{{ item.home | default(omit) }}", shell: /usr/sbin/nologin, create_home: false}
      loop: "{{ s.users }}"
    - name: directories
      ansible.builtin.file: {path: "{{ item.path }}", state: directory, mode: "{{ item.mode }}", owner: "{{ item.owner }}", group: "{{ item.group }}"}
      loop: "{{ s.directories }}"
    - name: files
      ansible.builtin.copy: {src: "{{ item.src }}", dest: "{{ item.path }}", mode: "{{ item.mode }}", owner: "{{ item.owner }}", group: "{{ item.group }}"}
      loop: "{{ s.files }}"
      loop_control: {label: "{{ item.path }}"}
      notify: restart
    - {name: service, ansible.builtin.systemd: {name: "{{ s.unit }}", enabled: true, state: started, daemon_reload: true}, register: service}
  handlers:
    - name: restart
      ansible.builtin.shell: "{{ s.restart }}"
      throttle: ${group === "agents" ? 0 : 1}
      when: service is not changed
`;

const RESTART = {
    zookeeper:
        "systemctl restart zookeeper; for i in $(seq 300); do echo srvr | nc -w 1 localhost 2181 2>/dev/null | grep -q ^Mode && exit 0; sleep .2; done; exit 1",
    masters:
        "systemctl restart mesos-master; for i in $(seq 300); do curl -fso /dev/null http://$(hostname):5050/health && exit 0; sleep .2; done; exit 1",
    agents: "systemctl restart mesos-agent",
};

/** Writes playbook, inventory and files; @returns the arguments after `ansible-playbook` */
export function ansibleSite(dir, plan, secrets, settings) {
    const groups = {
        zookeeper: plan.zookeeper.members,
        masters: plan.masters.members,
        agents: plan.pools.flatMap(({ agents }) => agents),
    };
    const children = {};
    const hostvars = {};
    for (const [group, specs] of Object.entries(groups)) {
        children[group] = { hosts: Object.fromEntries(specs.map(({ host }) => [host, {}])) };
        for (const spec of specs) {
            const files = Object.entries(spec.files).map(([path, { content, mode, owner, group: g }]) => {
                const src = join(dir, "files", spec.host, path);
                mkdirSync(dirname(src), { recursive: true, mode: 0o700 });
                writeFileSync(src, fill(content, secrets), { mode: 0o600 });
                return { path, src, mode, owner, group: g };
            });
            hostvars[spec.host] = {
                ...hostvars[spec.host],
                ansible_host: spec.connection.address,
                ansible_user: "root",
                ansible_ssh_private_key_file: settings.key,
                ansible_ssh_common_args: `-o UserKnownHostsFile=${settings.knownHosts}`,
                ansible_python_interpreter: "/usr/bin/python3",
                [group]: {
                    packages: spec.packages.map(({ name }) => name),
                    users: spec.users,
                    files,
                    unit: Object.keys(spec.units)[0],
                    restart: RESTART[group],
                    directories: Object.entries(spec.directories).map(([path, d]) => ({ path, ...d })),
                },
            };
        }
    }
    writeFileSync(join(dir, "hosts.json"), JSON.stringify({ all: { hosts: hostvars, children } }), { mode: 0o600 });
    // Facts once a host: the masters are on ZooKeeper's hosts.
    writeFileSync(join(dir, "site.yml"), PLAY("zookeeper", true) + PLAY("masters", false) + PLAY("agents", true));
    writeFileSync(join(dir, "ansible.cfg"), "[defaults]\n");
    return ["-i", join(dir, "hosts.json"), join(dir, "site.yml")];
}

/**
 * pulumi-mesos-exporter: runs beside a site's Prometheus, and tells it what Mesos, ZooKeeper, Marathon and the others do not tell in
 * its format themselves.
 *
 *   exporter.js FILE     tells, at /probe, of one job's host: of what is declared in FILE and nothing else
 */
import { createServer } from "node:http";
import { expose } from "./metrics";
import { probe } from "./probe";
import { readSettings } from "./settings";

const log = (line: string): void => void process.stdout.write(`${line}\n`);

function serve(file: string): void {
    const { listen, jobs } = readSettings(file);
    // Told once as it begins: a host that is down for days is one line in the log.
    const told = new Map<string, string>();
    const server = createServer((request, response) => {
        const { pathname, searchParams } = new URL(request.url ?? "/", "http://exporter");
        const [job, host] = [searchParams.get("job") ?? "", searchParams.get("host") ?? ""];
        const target = pathname === "/probe" ? jobs[job]?.find((one) => one.host === host) : undefined;
        request.resume();
        if (target === undefined) {
            response.writeHead(404, { "Content-Type": "text/plain" });
            response.end("there is /probe?job=JOB&host=HOST, of what the site declares\n");
            return;
        }
        const key = `${job} ${host}`;
        let trouble: string | undefined;
        void probe(target, (line) => (trouble = line)).then((samples) => {
            if (trouble !== undefined && trouble !== told.get(key)) log(trouble);
            if (trouble === undefined && told.has(key)) log(`${host}: ${job} answers again`);
            if (trouble === undefined) told.delete(key);
            else told.set(key, trouble);
            response.writeHead(200, { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" });
            response.end(expose(samples));
        });
    });
    server.listen(listen.port, listen.address, () => log(`tells what it sees at ${listen.address}:${listen.port}`));
}

if (require.main === module) {
    const [file] = process.argv.slice(2);
    process.on("SIGTERM", () => process.exit(0));
    if (file === undefined) {
        process.stderr.write("usage: exporter.js FILE\n");
        process.exit(2);
    }
    serve(file);
}

/** The texts of files on hosts, from ansible-templates/templates. */
import nunjucks from "nunjucks";
import backupService from "../../ansible-templates/templates/backup.service.j2";
import backupTimer from "../../ansible-templates/templates/backup.timer.j2";
import environmentFile from "../../ansible-templates/templates/flags.env.j2";
import haproxyUnit from "../../ansible-templates/templates/haproxy.service.j2";
import log4j from "../../ansible-templates/templates/log4j.properties.j2";
import keystore from "../../ansible-templates/templates/make-keystore.j2";
import launch from "../../ansible-templates/templates/mesos-launch.j2";
import mesosUnit from "../../ansible-templates/templates/mesos.service.j2";
import nodeExporterUnit from "../../ansible-templates/templates/node-exporter.service.j2";
import programUnit from "../../ansible-templates/templates/program.service.j2";
import prometheusUnit from "../../ansible-templates/templates/prometheus.service.j2";
import schedulerUnit from "../../ansible-templates/templates/scheduler.service.j2";
import workloadUnit from "../../ansible-templates/templates/workload.service.j2";
import zooCfg from "../../ansible-templates/templates/zoo.cfg.j2";
import zookeeperUnit from "../../ansible-templates/templates/zookeeper.service.j2";

const environment = new nunjucks.Environment([], {
    autoescape: false,
    throwOnUndefined: true,
    trimBlocks: true,
    lstripBlocks: true,
});

/** Compiled once: a large site renders each of them thousands of times. */
const templates = {
    "backup.service": backupService,
    "backup.timer": backupTimer,
    "flags.env": environmentFile,
    "haproxy.service": haproxyUnit,
    "log4j.properties": log4j,
    "make-keystore": keystore,
    "mesos-launch": launch,
    "mesos.service": mesosUnit,
    "node-exporter.service": nodeExporterUnit,
    "program.service": programUnit,
    "prometheus.service": prometheusUnit,
    "scheduler.service": schedulerUnit,
    "workload.service": workloadUnit,
    "zoo.cfg": zooCfg,
    "zookeeper.service": zookeeperUnit,
};
const compiled = new Map<string, nunjucks.Template>();

/** Name of a template, without `.j2`. */
export type TemplateName = keyof typeof templates;

/**
 * Renders a template.
 * @throws {Error} when a value that the template asks for is missing
 */
export function render(name: TemplateName, values: object): string {
    let template = compiled.get(name);
    if (!template) {
        template = new nunjucks.Template(templates[name], environment, name, true);
        compiled.set(name, template);
    }
    return template.render(values);
}

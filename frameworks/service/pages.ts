/** Texts that all our frameworks' reports are made of: Prometheus' format 0.0.4, and HTML. */
import type { Standing } from "./framework";

const escapeLabel = (text: string): string => text.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n");

export function sample(name: string, value: number, labels: Readonly<Record<string, string>> = {}): string {
    const inside = Object.entries(labels).map(([key, text]) => `${key}="${escapeLabel(text)}"`);
    return `${name}${inside.length > 0 ? `{${inside.join(",")}}` : ""} ${value}`;
}

/** @returns nothing for a metric without samples */
export const metric = (name: string, type: "gauge" | "counter", help: string, samples: readonly string[]): string[] =>
    samples.length === 0 ? [] : [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples];

export const escapeHtml = (text: string): string => text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);

export function table(title: string, head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
    if (rows.length === 0) {
        return "";
    }
    const cells = (row: readonly (string | number)[], tag: string): string =>
        `<tr>${row.map((cell) => `<${tag}>${escapeHtml(String(cell))}</${tag}>`).join("")}</tr>`;
    return `<h2>${escapeHtml(title)}</h2>\n<table>${cells(head, "th")}\n${rows.map((row) => cells(row, "td")).join("\n")}</table>\n`;
}

/** A page for people; it needs nothing from elsewhere. */
export function pageWith({ name, leader, leads, master, suppressed, troubles }: Standing, tables: string): string {
    const state = leads
        ? `leads, ${master === undefined ? "<b>not subscribed</b>" : `subscribed at ${escapeHtml(master)}`}${suppressed === true ? ", wants no offers" : ""}`
        : `stands by; ${escapeHtml(leader ?? "nobody")} leads`;
    return `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(name)}</title><meta http-equiv="refresh" content="5">
<style>body{font:14px sans-serif;margin:2em}table{border-collapse:collapse}td,th{padding:.2em .8em;border-bottom:1px solid #ccc;text-align:left}.trouble{color:#a00}</style></head>
<body><h1>${escapeHtml(name)}</h1><p>${state}</p>
${troubles.map((text) => `<p class="trouble">${escapeHtml(text)}</p>`).join("\n")}
${tables}</body></html>
`;
}

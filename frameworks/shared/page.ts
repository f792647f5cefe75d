/** What pages of programs of ours have in common. */

export const escape = (text: string): string => text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);

/** Already HTML: {@link table} puts it in as it is. */
export interface Html {
    readonly html: string;
}

export const link = (to: string, text: string): Html => ({
    html: `<a href="${escape(encodeURI(to))}">${escape(text)}</a>`,
});

type Cell = string | number | Html;

export function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
    const text = (cell: Cell): string => (typeof cell === "object" ? cell.html : escape(String(cell)));
    const cells = (row: readonly Cell[], tag: string): string =>
        `<tr>${row.map((cell) => `<${tag}>${text(cell)}</${tag}>`).join("")}</tr>`;
    return `<table>${cells(head, "th")}\n${rows.map((row) => cells(row, "td")).join("\n")}</table>`;
}

/** @param refreshSec how often a browser asks again. @default - never */
export function page(title: string, body: string, refreshSec?: number): string {
    const refresh = refreshSec === undefined ? "" : `<meta http-equiv="refresh" content="${refreshSec}">`;
    return `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>${escape(title)}</title>${refresh}
<style>body{font:14px sans-serif;margin:2em;max-width:60em}table{border-collapse:collapse}td,th{padding:.2em .8em;border-bottom:1px solid #ccc;text-align:left}.trouble{color:#a00}</style></head>
<body>${body}</body></html>
`;
}

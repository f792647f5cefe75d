import type { HostSpec } from "../../site";

/** A host's files and all that is done there, as one page. */
export function page({ files, ...spec }: HostSpec): string {
    const texts = Object.entries(files).map(
        ([path, { content, mode, owner, group }]) => `--- ${path} ${mode} ${owner}:${group}\n${content}`,
    );
    return [JSON.stringify(spec, undefined, 1), ...texts].join("\n");
}

/** Ids of apps, pods and groups. */

/** The absolute form of an id as the server makes it: `.` and `..` resolved, no slash at the end. */
export function absoluteId(id: string, base = "/"): string {
    const parts: string[] = [];
    for (const part of (id.startsWith("/") ? id : `${base}/${id}`).split("/")) {
        if (part === "..") parts.pop();
        else if (part !== "" && part !== ".") parts.push(part);
    }
    return `/${parts.join("/")}`;
}

/** The group that an app or pod is in; "/" for the root. */
export function parentOf(id: string): string {
    return id.slice(0, id.lastIndexOf("/")) || "/";
}

/** First part of an absolute id: the group that a role may be enforced on; undefined for an app in the root group. */
export function topGroup(id: string): string | undefined {
    const [, top, below] = id.split("/");
    return below === undefined || top === "" ? undefined : top;
}

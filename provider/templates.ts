/** Where `ansible-templates/` lies: in the checkout, above the plugin's bundle or sources. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

function find(dir: string): string {
    const templates = join(dir, "ansible-templates");
    if (existsSync(templates) || dirname(dir) === dir) {
        return templates;
    }
    return find(dirname(dir));
}

export const TEMPLATES = find(__dirname);

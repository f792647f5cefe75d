/** Where `ansible-templates/` lies: beside the plugin's bundle in the checkout. */
import { join } from "node:path";

/** bin/plugin/plugin.js when bundled, provider/ when the tests run the sources. */
export const TEMPLATES = join(__dirname, __dirname.endsWith("provider") ? ".." : "../..", "ansible-templates");

// Runs one of the project's own programs from its bundle, made anew when a source is newer: node toolchain/tool.mjs report …
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { projectDir } from "./places.mjs";
import { checkNode, ensureBundle } from "./project.mjs";
import { main } from "./steps.mjs";

await main(async () => {
  const [name, ...args] = process.argv.slice(2);
  checkNode();
  await ensureBundle();
  const { status, error } = spawnSync(process.execPath, [join(projectDir, "bin", `${name}.js`), ...args], { stdio: "inherit" });
  if (error) throw error;
  return status ?? 1;
});

/** Starts the resource plugin: bin/plugin/plugin.js, which loads the bundle beside it. */
import { join } from "node:path";
import { requireCached } from "./codeCache";

requireCached(join(__dirname, "provider.js"));

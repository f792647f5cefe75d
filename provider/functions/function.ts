/** What a function of the plugin must do: answer a program's question. It changes nothing. */
import type { Properties } from "../wire";

export type PluginFunction = (args: Properties) => Promise<Properties>;

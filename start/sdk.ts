/** What bin/sdk.js holds: the SDK and its runner in one bundle, each part loaded when it is asked for. */
/* eslint-disable @typescript-eslint/no-require-imports -- an import would load all at once */

/** By path under @pulumi/pulumi; "" is the SDK itself. */
export const parts: Readonly<Record<string, () => unknown>> = {
    "": (): unknown => require("@pulumi/pulumi"),
    runtime: (): unknown => require("@pulumi/pulumi/runtime"),
    "cmd/run": (): unknown => require("@pulumi/pulumi/cmd/run/index.js"),
};

/** What bin/sdk.js holds: the SDK and its runner in one bundle, each loaded when it is asked for. */
/* eslint-disable @typescript-eslint/no-require-imports -- an import would load both at once */

export const pulumi = (): unknown => require("@pulumi/pulumi");
export const runner = (): unknown => require("@pulumi/pulumi/cmd/run/index.js");

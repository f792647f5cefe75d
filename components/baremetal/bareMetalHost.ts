import type { IHost } from "../shared/host";

/**
 * A registered machine: adopted as it is and released on removal, never wiped.
 *
 * It is no Pulumi resource: there is nothing to create, and the engine pays for every resource of a large site.
 */
export class BareMetalHost implements IHost {
    public readonly dependsOn = [];

    public constructor(public readonly name: string) {}
}

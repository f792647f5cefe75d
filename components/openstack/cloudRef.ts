import type { CloudRef } from "../../provider/clients/cloudCredentials";
import type { ProjectPlan } from "../../site/plan/types";

/** How the plugin finds a project: never with a credential. */
export function cloudRef({ cloud, authUrl, tenant, region }: ProjectPlan): CloudRef {
    return {
        ...(cloud === undefined ? {} : { cloud }),
        ...(authUrl === undefined ? {} : { authUrl }),
        ...(tenant === undefined ? {} : { tenant }),
        ...(region === undefined ? {} : { region }),
    };
}

import type { z } from "zod";
import { formatPath, issue } from "../issue";
import type { Issue } from "../plan/types";

export function schemaIssue(fault: z.core.$ZodIssue, _config: unknown): Issue {
    return issue("SHAPE", formatPath(fault.path), fault.message);
}

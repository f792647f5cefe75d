/** When generated secrets are made anew. */
import * as z from "zod";

const generation = z.int().min(1);

export const secretsSchema = z
    .strictObject({
        generation: generation
            .optional()
            .describe(
                "Another number makes every generated secret anew in the next `up`, but for those in use by running tasks (`executor-key`, `workqueue-password`), which are named in `generations`. Default: they stay.",
            ),
        generations: z
            .record(z.string(), generation)
            .default({})
            .describe(
                "The same for single ones, by name, e.g. `{ marathon-http: 2 }`; a preview and `pulumi stack` show the names.",
            ),
    })
    .describe("Generated secrets: when they are made anew (docs/runbooks/secrets.md).");

/**
 * Your part of the schema: template updates never touch this file.
 *
 * A field has a scope like the others:
 *
 *     builder.queryField("greeting", (t) =>
 *       t.string({
 *         scope: "greetings:read",
 *         resolve: (_, __, { caller }) => `Hello ${caller.subject}`,
 *       }),
 *     );
 *
 * As the service grows, make a module for each type here and import it: `import "./things.ts";`.
 * Rows are read by a repository with the caller's tenant, relations by a loader (`../loaders/`).
 */

export {};

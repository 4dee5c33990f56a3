import eslint from "@eslint/js";
import boundaries from "eslint-plugin-boundaries";
import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";

// Imports point one way: a file imports from the layers below its own, and from its own folder.
// Files and folders of src that stand in one line know nothing of each other.
const layers = [
  ["main"],
  ["server"],
  ["application"],
  ["settings"],
  ["routes"],
  ["schemas", "http"],
  ["maintenance", "services"],
  ["repositories"],
  ["auth"],
  ["observability"],
  ["database"],
  ["domain", "rate-limit", "about"],
];

const importsPointDown = layers.flatMap((names, depth) =>
  names.map((name) => ({
    from: { file: { categories: name } },
    allow: { to: { file: { categories: { anyOf: [name, ...layers.slice(depth + 1).flat()] } } } },
  })),
);

export default defineConfig(
  globalIgnores(["dist/", "src/database/generated/"]),
  eslint.configs.recommended,
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      eqeqeq: ["error", "always", { null: "ignore" }],
      "no-console": "error",
      "@typescript-eslint/consistent-type-definitions": "off", // both have their place
      // process.env["NAME"] shows that anything, or nothing, may be there; "" is as good as nothing.
      "@typescript-eslint/dot-notation": ["error", { allowIndexSignaturePropertyAccess: true }],
      "@typescript-eslint/prefer-nullish-coalescing": [
        "error",
        { ignorePrimitives: { string: true } },
      ],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
    },
  },
  {
    files: ["src/**"],
    plugins: { boundaries },
    settings: {
      "boundaries/files": layers
        .flat()
        .map((name) => ({ category: name, pattern: [`src/${name}.ts`, `src/${name}/**`] })),
      "import/resolver": { node: { extensions: [".ts"] } },
    },
    rules: {
      "boundaries/no-unknown-files": "error",
      "boundaries/dependencies": ["error", { default: "disallow", policies: importsPointDown }],
    },
  },
  { files: ["src/main.ts"], rules: { "no-console": "off" } },
  {
    files: ["tests/**"],
    rules: {
      "no-empty-pattern": "off", // how vitest's fixtures say that they need none
      "@typescript-eslint/no-non-null-assertion": "off", // a test that is wrong there fails
    },
  },
  { files: ["**/*.js"], extends: [tseslint.configs.disableTypeChecked] },
);

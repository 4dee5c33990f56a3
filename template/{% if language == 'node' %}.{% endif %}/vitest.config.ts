import { defineConfig } from "vitest/config";

export default defineConfig({
  // As Node finds packages; otherwise one that others import as well would be loaded twice.
  ssr: { resolve: { conditions: ["node", "module-sync"] } },
  test: {
    include: ["tests/**/*.test.ts"],
    globalSetup: "tests/global-setup.ts",
    setupFiles: "tests/quiet-logs.ts",
    silent: "passed-only",
    environment: "node",
    // Real servers and processes, on machines that may be busy.
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});

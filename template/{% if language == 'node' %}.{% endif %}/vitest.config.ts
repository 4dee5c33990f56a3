import { defineConfig } from "vitest/config";

export default defineConfig({
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

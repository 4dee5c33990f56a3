import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    globalSetup: "tests/global-setup.ts",
    environment: "node",
    // Real servers and processes, on machines that may be busy.
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});

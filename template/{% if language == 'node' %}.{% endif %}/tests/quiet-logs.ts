/** What the code under test logs goes through the console, which vitest shows for failed tests only. */

import { vi } from "vitest";

import { log } from "../src/observability/logs.ts";

for (const level of ["debug", "info", "warning", "error"] as const) {
  vi.spyOn(log, level).mockImplementation((event, fields) => {
    console.log(level, event, fields);
  });
}

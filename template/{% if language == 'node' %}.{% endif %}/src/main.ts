/**
 * The commands of the service: `node dist/main.js [serve | migrate | openapi | token]`.
 *
 * Exit codes: 0 done; 1 it failed; 2 the arguments or the environment are wrong.
 * Each command imports only what it needs.
 */

import { parseArgs } from "node:util";

import { ConfigurationError } from "./settings.ts";

const DEVELOPMENT_DIRECTORY = ".dev";
const USAGE = `usage: node dist/main.js [COMMAND]

commands:
  serve                  serve the API (the default)
  migrate [--down NAME]  bring the database to the newest migration;
                         or take back all migrations after this one (base: all)
  openapi                print the OpenAPI document
  token [--tenant T] [--subject S] [--scope "A B"]
                         print a bearer token for development; with every scope, if none is named`;

/** The arguments cannot be understood; the message says why. */
class UsageError extends Error {}

/** Run a command; its exit code. */
async function main([command = "serve", ...rest]: readonly string[]): Promise<number> {
  switch (command) {
    case "serve":
      read(rest, []);
      return serve();
    case "migrate":
      return migrate(read(rest, ["down"]));
    case "openapi":
      read(rest, []);
      return openapi();
    case "token":
      return token(read(rest, ["tenant", "subject", "scope"]));
    case "--help":
    case "-h":
      console.log(USAGE);
      return 0;
    default:
      throw new UsageError(`there is no command '${command}'`);
  }
}

async function serve(): Promise<number> {
  const { readSettings } = await import("./settings.ts");
  const settings = readSettings();
  const server = await import("./server.ts");
  try {
    await server.serve(settings);
    return process.exit(0); // whatever may still be open has been given its time
  } catch (error) {
    if (error instanceof server.PortTaken) {
      console.error(error.message);
      return process.exit(1);
    }
    throw error;
  }
}

async function migrate({ down }: Partial<Record<"down", string>>): Promise<number> {
  const { readMigrationSettings } = await import("./settings.ts");
  const { url, variable } = readMigrationSettings();
  const migrations = await import("./database/migrations.ts");
  try {
    await migrations.migrate(url, {
      downTo: down,
      report: (line) => {
        console.error(line);
      },
    });
    return 0;
  } catch (error) {
    if (error instanceof migrations.MigrationError) {
      console.error(`migrate: ${error.message}`);
    } else if (error instanceof migrations.CannotConnect) {
      console.error(`migrate: ${error.message}; start the server, or mend ${variable}`);
    } else {
      throw error;
    }
    return 1;
  }
}

async function openapi(): Promise<number> {
  const { describeApi } = await import("./http/openapi.ts");
  const { routes } = await import("./routes/index.ts");
  console.log(JSON.stringify(describeApi(routes), undefined, 2));
  return 0;
}

async function token({
  tenant = "acme",
  subject = "developer",
  scope,
}: Partial<Record<"tenant" | "subject" | "scope", string>>): Promise<number> {
  const { readTokenSettings } = await import("./settings.ts");
  const settings = readTokenSettings();
  const { mintToken } = await import("./auth/development.ts");
  const { scopesOf } = await import("./http/route.ts");
  const { routes } = await import("./routes/index.ts");
  const rules = {
    issuer: settings.oidcIssuer,
    audience: settings.oidcAudience,
    tenantClaim: settings.tenantClaim,
    scopeClaim: settings.scopeClaim,
  };
  const scopes = scope === undefined ? scopesOf(routes) : scope.split(/\s+/).filter(Boolean);
  console.log(await mintToken(DEVELOPMENT_DIRECTORY, rules, { tenant, subject, scopes }));
  return 0;
}

/** The values of the options `--name value`. */
function read<Name extends string>(
  given: string[],
  names: readonly Name[],
): Partial<Record<Name, string>> {
  const options = Object.fromEntries(names.map((name) => [name, { type: "string" as const }]));
  try {
    return parseArgs({ args: given, options }).values as Partial<Record<Name, string>>;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof ConfigurationError) {
    for (const problem of error.problems) {
      console.error(problem);
    }
  } else if (error instanceof UsageError) {
    console.error(`${error.message}\n${USAGE}`);
  } else {
    throw error;
  }
  process.exitCode = 2;
}

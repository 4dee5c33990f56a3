// Prisma's own schema engine, as WebAssembly instead of the binary that its command downloads.
//
//     node prisma_engine.mjs <folder with schema.prisma and migrations> history|drift|deploy
//
// Reads DATABASE_URL and prints what the engine answers, as JSON.
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

import { PrismaPg } from "@prisma/adapter-pg";
import { ColumnTypeEnum, bindMigrationAwareSqlAdapterFactory } from "@prisma/driver-adapter-utils";
import * as wasm from "@prisma/schema-engine-wasm/schema_engine_bg";

const [folder, command] = process.argv.slice(2);
const url = new URL(process.env.DATABASE_URL);
const connection = {
  host: url.hostname,
  port: Number(url.port),
  user: url.username,
  password: url.password,
  database: url.pathname.slice(1),
};

const entry = createRequire(import.meta.url).resolve("@prisma/schema-engine-wasm/schema_engine_bg");
const { instance } = await WebAssembly.instantiate(
  readFileSync(join(dirname(entry), "schema_engine_bg.wasm")),
  { "./schema_engine_bg.js": wasm },
);
wasm.__wbg_set_wasm(instance.exports);
instance.exports.__wbindgen_start();

const CHAR = 18;
const NAME = 19;
const TEXT = 25;

/** The catalog has two types that the adapter does not know: "char" and name. */
function taught(adapter) {
  const performIO = adapter.performIO.bind(adapter);
  const queryRaw = adapter.queryRaw.bind(adapter);
  let characters = [];
  adapter.performIO = async (query) => {
    const result = await performIO(query);
    const fields = result.fields ?? [];
    characters = fields.map(({ dataTypeID }) => dataTypeID === CHAR);
    for (const field of fields) {
      if ([CHAR, NAME].includes(field.dataTypeID)) field.dataTypeID = TEXT;
    }
    return result;
  };
  adapter.queryRaw = async (query) => {
    const result = await queryRaw(query);
    result.columnTypes = result.columnTypes.map((type, index) =>
      characters[index] ? ColumnTypeEnum.Character : type,
    );
    return result;
  };
  // The engine sends a script as it stands; the adapter splits it at each semicolon.
  adapter.executeScript = async (script) => {
    await adapter.underlyingDriver().query(script);
  };
  return adapter;
}

class Factory extends PrismaPg {
  constructor(config) {
    super(config);
    this.settings = config;
  }

  async connect() {
    return taught(await super.connect());
  }

  async connectToShadowDb() {
    const admin = await this.connect();
    const database = `shadow_${crypto.randomUUID().replaceAll("-", "")}`;
    await admin.executeScript(`create database ${database}`);
    const shadow = await new Factory({ ...this.settings, database }).connect();
    const dispose = shadow.dispose.bind(shadow);
    shadow.dispose = async () => {
      await dispose();
      await admin.executeScript(`drop database ${database} with (force)`);
      await admin.dispose();
    };
    return shadow;
  }
}

const read = (...names) => readFileSync(join(folder, ...names), "utf8");
const schema = { files: [{ path: join(folder, "schema.prisma"), content: read("schema.prisma") }] };
const filters = { externalTables: [], externalEnums: [] };
const migrationsList = {
  baseDir: join(folder, "migrations"),
  lockfile: { path: "migration_lock.toml", content: read("migrations", "migration_lock.toml") },
  shadowDbInitScript: "",
  migrationDirectories: readdirSync(join(folder, "migrations"), { withFileTypes: true })
    .filter((found) => found.isDirectory())
    .map(({ name }) => name)
    .sort()
    .map((name) => ({
      path: name,
      migrationFile: {
        path: "migration.sql",
        content: { tag: "ok", value: read("migrations", name, "migration.sql") },
      },
    })),
};
const engine = await wasm.SchemaEngine.new(
  { datamodels: schema.files.map(({ path, content }) => [path, content]) },
  () => undefined,
  bindMigrationAwareSqlAdapterFactory(new Factory(connection)),
);

const commands = {
  history: () =>
    engine.diagnoseMigrationHistory({ migrationsList, optInToShadowDatabase: true, filters }),
  drift: () =>
    engine.diff({
      from: { tag: "migrations", ...migrationsList },
      to: { tag: "schemaDatamodel", ...schema },
      script: true,
      exitCode: true,
      filters,
    }),
  deploy: () => engine.applyMigrations({ migrationsList, filters }),
};
console.log(JSON.stringify(await commands[command]()));
process.exit(0);

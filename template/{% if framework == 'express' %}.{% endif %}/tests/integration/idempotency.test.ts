/** Idempotency keys, seen from a route that any service might have: POST /v1/jottings. */

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished, vi } from "vitest";
import { z } from "zod";

import type { Principal } from "../../src/auth/principal.ts";
import { Conflict } from "../../src/domain/errors.ts";
import { created } from "../../src/http/openapi.ts";
import type { Reply } from "../../src/http/replies.ts";
import { type Call, route } from "../../src/http/route.ts";
import { deleteExpiredKeys } from "../../src/maintenance.ts";
import { problemIn, send, type Reply as Received } from "../http.ts";
import { listen, test as base } from "../service.ts";

/** What holds up every write until it is opened. */
class Gate {
  #opening = Promise.withResolvers<undefined>();
  #arrival = Promise.withResolvers<undefined>();
  #isOpen = true;

  close(): void {
    this.#isOpen = false;
    this.#arrival = Promise.withResolvers();
  }

  /** Resolves when a write is held up. */
  get reached(): Promise<undefined> {
    return this.#arrival.promise;
  }

  open(): void {
    this.#isOpen = true;
    this.#opening.resolve(undefined);
    this.#opening = Promise.withResolvers();
  }

  async pass(): Promise<void> {
    this.#arrival.resolve(undefined);
    if (!this.#isOpen) await this.#opening.promise;
  }
}

const gate = new Gate();

const note = {
  method: "POST",
  summary: "Add a note",
  description: "Add a note, once for each Idempotency-Key.",
  tags: ["jottings"],
  scope: "jottings:write",
  body: z.strictObject({ text: z.string(), refuse: z.boolean().default(false) }),
  idempotent: true,
  responses: created(z.strictObject({ id: z.string(), version: z.int() })),
} as const;

type NoteCall = Call<unknown, unknown, z.output<typeof note.body>, Principal>;

function add(call: NoteCall): Promise<Reply> {
  const { body, caller, parts } = call;
  const document = { id: randomUUID(), version: 1 };
  return parts.writes.create(call, { location: `/n/${document.id}`, document }, async (tx) => {
    await tx.$executeRaw`insert into jottings values (${caller.tenant}, ${body.text})`;
    await gate.pass();
    if (body.refuse) throw new Conflict("No.");
  });
}

const addJotting = route({ ...note, path: "/v1/jottings", operationId: "addJotting", handle: add });
const addJottingToBook = route({
  ...note,
  path: "/v1/books/{book}/jottings",
  operationId: "addJottingToBook",
  params: z.object({ book: z.string() }),
  handle: add,
});

interface Claims {
  tenant?: string;
  subject?: string;
}

const test = base
  .extend("service", { scope: "file" }, async ({ environment, database }, { onCleanup }) => {
    await database.query("create table jottings (tenant text, note text)");
    const service = await listen(environment, [addJotting, addJottingToBook]);
    onCleanup(() => service.close());
    return service;
  })
  .extend(
    "post",
    ({ service, token }) =>
      async (
        body: unknown,
        key?: string,
        { path = "/v1/jottings", ...claims }: Claims & { path?: string } = {},
      ): Promise<Received> => {
        const authorization = `Bearer ${await token(["jottings:write"], claims)}`;
        const headers = key === undefined ? {} : { "idempotency-key": key };
        return send("POST", `${service.url}${path}`, {
          body,
          headers: { authorization, ...headers },
        });
      },
  )
  .extend("count", ({ database, tenant }) => async (): Promise<number> => {
    const jottings = await database.query("select from jottings where tenant = $1", [tenant]);
    return jottings.length;
  })
  .extend("expireAll", ({ database, tenant }) => async (): Promise<void> => {
    await database.query(
      `update idempotency_keys set expires_at = now() - interval '1 second' where tenant_id = $1`,
      [tenant],
    );
  })
  .extend("slow", ({}, { onCleanup }) => {
    gate.close();
    onCleanup(() => {
      gate.open();
    });
    return gate;
  });

test("a repetition happens once and is answered alike", async ({ post, count }) => {
  const first = await post({ text: "a", refuse: false }, "k");
  const again = await post({ refuse: false, text: "a" }, "k");
  expect([first.status, again.status]).toEqual([201, 201]);
  expect(again.text).toBe(first.text);
  for (const name of ["location", "etag", "content-type"]) {
    expect(first.headers.get(name)).not.toBeNull();
    expect(again.headers.get(name)).toBe(first.headers.get(name));
  }
  expect(first.headers.has("idempotency-replayed")).toBe(false);
  expect(again.headers.get("idempotency-replayed")).toBe("true");
  expect(await count()).toBe(1);
});

test("a clock of this process that runs ahead makes no key expire", async ({
  post,
  count,
  database,
  tenant,
}) => {
  const first = await post({ text: "a" }, "k");
  await database.query(
    "update idempotency_keys set expires_at = now() + interval '10 seconds' where tenant_id = $1",
    [tenant],
  );
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 20_000 });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const again = await post({ text: "a" }, "k");
  expect([again.status, again.text]).toEqual([201, first.text]);
  expect(await count()).toBe(1);
});

test("a key with the same body elsewhere is 422", async ({ post, count }) => {
  const first = await post({ text: "a" }, "k", { path: "/v1/books/1/jottings" });
  const again = await post({ text: "a" }, "k", { path: "/v1/books/1/jottings" });
  expect([first.status, again.text]).toEqual([201, first.text]);
  const elsewhere = await post({ text: "a" }, "k", { path: "/v1/books/2/jottings" });
  expect(elsewhere.status).toBe(422);
  expect(problemIn(elsewhere).type).toBe("/problems/idempotency-key-reused");
  expect(await count()).toBe(1);
});

test("a key with another body is 422", async ({ post, count }) => {
  await post({ text: "a" }, "k");
  const reply = await post({ text: "b" }, "k");
  expect(reply.status).toBe(422);
  expect(problemIn(reply).type).toBe("/problems/idempotency-key-reused");
  expect(await count()).toBe(1);
});

test("keys of others are other keys", async ({ post, tenant }) => {
  const replies = [
    await post({ text: "a" }, "k"),
    await post({ text: "a" }, "k", { subject: "another" }),
    await post({ text: "a" }, "k", { tenant: `${tenant}-2` }),
    await post({ text: "a" }, "K"),
  ];
  expect(new Set(replies.map((reply) => reply.text)).size).toBe(4);
});

test("after an error a retry executes", async ({ post, count }) => {
  expect((await post({ text: "a", refuse: true }, "k")).status).toBe(409);
  expect(await count()).toBe(0);
  expect((await post({ text: "b" }, "k")).status).toBe(201);
  expect(await count()).toBe(1);
});

test.for([undefined, "", " ", "a b", "\u00e4", "x".repeat(256), "tab\tbed"])(
  "the key %.20j is 400 before the body is looked at",
  async (key, { post }) => {
    const reply = await post({ unknown: 1 }, key);
    expect(reply.status).toBe(400);
    expect(problemIn(reply).type).toBe("/problems/idempotency-key-missing");
  },
);

test.for(["!", "x".repeat(255), "a,b", '"quoted"'])(
  "the key %.20j is as good as any",
  async (key, { post }) => {
    expect((await post({ text: "a" }, key)).status).toBe(201);
  },
);

test("many twins at once write once", async ({ post, count }) => {
  const replies = await Promise.all(Array.from({ length: 20 }, () => post({ text: "a" }, "k")));
  expect(new Set(replies.map((reply) => reply.status))).toEqual(new Set([201]));
  expect(new Set(replies.map((reply) => reply.text)).size).toBe(1);
  const replayed = replies.filter((reply) => reply.headers.has("idempotency-replayed"));
  expect(replayed).toHaveLength(19);
  expect(await count()).toBe(1);
});

describe("a twin of a slow write", () => {
  test("is told so, and later gets its reply", async ({ post, slow }) => {
    const first = post({ text: "a" }, "k");
    await slow.reached;
    const twin = await post({ text: "a" }, "k");
    expect(twin.status).toBe(409);
    expect(problemIn(twin).type).toBe("/problems/idempotency-in-progress");
    expect(twin.headers.get("retry-after")).toBe("1");
    slow.open();
    const { text } = await first;
    expect((await post({ text: "a" }, "k")).text).toBe(text);
  });

  test("executes when the first one fails", async ({ post, count, slow }) => {
    const first = post({ text: "a", refuse: true }, "k");
    await slow.reached;
    const twin = post({ text: "b" }, "k");
    await sleep(100);
    slow.open();
    expect((await first).status).toBe(409);
    expect((await twin).status).toBe(201);
    expect(await count()).toBe(1);
  });
});

describe("an expired key", () => {
  test("is kept for 24 hours", async ({ post, database, tenant }) => {
    await post({ text: "a" }, "k");
    const rows = await database.query<{ hours: number }>(
      `select (extract(epoch from expires_at - created_at) / 3600)::float8 as hours
         from idempotency_keys where tenant_id = $1`,
      [tenant],
    );
    expect(rows).toEqual([{ hours: 24 }]);
  });

  test("is as good as new", async ({ post, expireAll }) => {
    const first = await post({ text: "a" }, "k");
    await expireAll();
    const second = await post({ text: "b" }, "k");
    expect(second.status).toBe(201);
    expect(second.text).not.toBe(first.text);
    expect((await post({ text: "b" }, "k")).text).toBe(second.text);
  });

  test("is deleted in batches, by several at once", async ({
    post,
    expireAll,
    service,
    database,
    tenant,
  }) => {
    for (let number = 0; number < 7; number++) await post({ text: "a" }, `k${number}`);
    await expireAll();
    await post({ text: "a" }, "kept");
    const pool = service.application.parts.database;
    const deleted = await Promise.all([1, 2, 3].map(() => deleteExpiredKeys(pool, 2)));
    expect(deleted.reduce((sum, count) => sum + count)).toBe(7);
    const kept = "select key from idempotency_keys where tenant_id = $1";
    expect(await database.query(kept, [tenant])).toEqual([{ key: "kept" }]);
  });
});

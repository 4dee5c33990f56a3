/** Bodies: strict JSON, read up to a limit. */

import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { z } from "zod";

import { bodyErrors } from "../../src/http/field-errors.ts";
import {
  canonicalJson,
  checkContentCoding,
  checkDeclaredLength,
  checkMediaType,
  decodeJson,
  readBody,
} from "../../src/http/json-body.ts";
import { MAX_FIELD_ERRORS, Problem } from "../../src/http/problems.ts";
import { serveForTest } from "../http.ts";

/** The status of a refusal; 200 for what is accepted. */
function statusOf(work: () => unknown): number {
  try {
    work();
    return 200;
  } catch (error) {
    if (error instanceof Problem) return error.kind.status;
    throw error;
  }
}

function bytes(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

describe("JSON", () => {
  test.for<[string, Buffer]>([
    ["empty", bytes("")],
    ["not JSON", bytes("{")],
    ["two values", bytes("{} {}")],
    ["a trailing comma", bytes('{"a": 1,}')],
    ["a name twice", bytes('{"a": 1, "a": 2}')],
    ["a name twice, spelled differently", bytes('{"a": 1, "\\u0061": 2}')],
    ["a name twice, further in", bytes('{"a": [{"b": 1, "b": 1}]}')],
    ["a name twice, with colons about", bytes('{"a:": ":", "a:": ":", "b": "\\":"}')],
    ["NaN", bytes('{"a": NaN}')],
    ["Infinity", bytes('{"a": -Infinity}')],
    ["a number of 5000 digits", bytes("1".repeat(5000))],
    ["nested 100000 deep", bytes("[".repeat(100_000))],
    ["nested 100000 deep, and closed", bytes("[".repeat(100_000) + "]".repeat(100_000))],
    ["objects nested 100000 deep", bytes('{"a":'.repeat(100_000))],
    ["Latin-1", bytes('"\xe4"')],
    ["UTF-16", Buffer.from('\ufeff{"a": 1}', "utf16le")],
    ["a byte order mark", bytes('\xef\xbb\xbf{"a": 1}')],
    ["an overlong encoding", bytes('"\xc0\x80"')],
    ["an encoded surrogate", bytes('"\xed\xa0\x80"')],
    ["half of a surrogate pair", bytes('{"a": "\\ud800"}')],
    ["half of a surrogate pair as a name", bytes('{"\\udc00": 1}')],
    ["a control character in a string", bytes('"\x00"')],
  ])("%s is 400", ([, body]) => {
    expect(statusOf(() => decodeJson(body))).toBe(400);
  });

  test.for([
    null,
    true,
    1,
    1.5,
    "ä😀",
    [],
    { a: [{ b: null }] },
    { "a:": ":", 'b"': '\\":"', c: [{ "a:": 1 }, { "a:": 1 }] },
    { text: `:${"x".repeat(1_000_000)}` },
  ])("%.40j is JSON", (value) => {
    expect(decodeJson(Buffer.from(JSON.stringify(value)))).toEqual(value);
  });

  test("a pair of surrogates is one character", () => {
    expect(decodeJson(bytes('"\\ud83d\\ude00"'))).toBe("😀");
  });

  test("a name that means something to JavaScript is a name", () => {
    const value = decodeJson(bytes('{"__proto__": 1}')) as object;
    expect(Object.keys(value)).toEqual(["__proto__"]);
    expect(canonicalJson(value)).toBe('{"__proto__":1}');
  });

  test("equal values have equal canonical texts, and others do not", () => {
    expect(canonicalJson({ b: 1, a: { d: "ä", c: [] } })).toBe(
      canonicalJson({ a: { c: [], d: "ä" }, b: 1 }),
    );
    expect(canonicalJson({ a: 1 })).not.toBe(canonicalJson({ a: "1" }));
    expect(canonicalJson([1, 2])).not.toBe(canonicalJson([2, 1]));
  });
});

test.for<[string | undefined, number]>([
  ["application/json", 200],
  ["Application/JSON; charset=UTF-8", 200],
  ['application/json;charset="utf-8"', 200],
  ["application/json; charset=utf-16", 415],
  ["application/merge-patch+json", 415],
  ["text/json", 415],
  ["", 415],
  [undefined, 415],
])("the media type %j: %i", ([contentType, status]) => {
  expect(
    statusOf(() => {
      checkMediaType(contentType, ["application/json"]);
    }),
  ).toBe(status);
});

test.for<[string | undefined, number]>([
  [undefined, 200],
  ["identity", 200],
  ["gzip", 415],
])("the content coding %j: %i", ([coding, status]) => {
  expect(
    statusOf(() => {
      checkContentCoding(coding);
    }),
  ).toBe(status);
});

test.for<[string | undefined, number]>([
  [undefined, 200],
  ["25", 200],
  ["26", 413],
  ["99999999999999999999", 413],
])("the declared length %j: %i", ([length, status]) => {
  expect(
    statusOf(() => {
      checkDeclaredLength(length, 25);
    }),
  ).toBe(status);
});

describe("reading", () => {
  /** What `readBody` makes of a chunked body with a limit of 25 bytes, and what it left unread. */
  async function read(chunks: readonly string[]): Promise<string | number> {
    const outcome = Promise.withResolvers<string | number>();
    const url = await serveForTest((request, response) => {
      readBody(request, response, 25)
        .then((body) => body.toString())
        .catch((error: unknown) => (error instanceof Problem ? error.kind.status : 0))
        .then((result) => {
          outcome.resolve(result);
          response.destroy();
        }, outcome.reject);
    });
    const caller = connect(Number(new URL(url).port), "127.0.0.1");
    caller.on("error", () => undefined);
    await once(caller, "connect");
    caller.write("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (const chunk of chunks) {
      caller.write(`${chunk.length.toString(16)}\r\n${chunk}\r\n`);
      await sleep(5);
    }
    if (chunks.at(-1) !== "") caller.destroy(); // there is no end
    const result = await outcome.promise;
    caller.destroy();
    return result;
  }

  test("joins a body in chunks", async () => {
    expect(await read(["ab", "cd", ""])).toBe("abcd");
  });

  test.for([[["x".repeat(26)]], [["x".repeat(20), "x".repeat(6)]]])(
    "stops at the limit, before the end",
    async ([chunks]) => {
      expect(await read(chunks!)).toBe(413);
    },
  );

  test("a caller that goes away amid the body is no error of ours", async () => {
    expect(await read(["{"])).toBe(400);
  });
});

describe("faults of a body", () => {
  const BODY = z.strictObject({ name: z.string(), list: z.array(z.strictObject({ n: z.int() })) });

  function faultsOf(body: unknown) {
    return bodyErrors(BODY.safeParse(body).error?.issues ?? [], body);
  }

  test("are named with pointers into it", () => {
    const faults = faultsOf({ "a/b~c": 1, list: [{ n: 1 }, { n: "1" }] });
    expect(faults.map(({ pointer, code }) => [pointer, code]).sort()).toEqual([
      ["/a~1b~0c", "extra-forbidden"],
      ["/list/1/n", "int-type"],
      ["/name", "missing"],
    ]);
  });

  test("are so many at most that no reply is larger than its request", () => {
    const wrong = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`n${n}`, 1]));
    expect(faultsOf(wrong)).toHaveLength(MAX_FIELD_ERRORS);
  });
});

/** Request bodies: read up to a limit, decoded strictly. */

import { isUtf8 } from "node:buffer";
import type { IncomingMessage, ServerResponse } from "node:http";

import { BAD_REQUEST, PAYLOAD_TOO_LARGE, Problem, UNSUPPORTED_MEDIA_TYPE } from "./problems.ts";

const UTF_8 = new Set(["utf-8", "utf8", "us-ascii"]);
const MAX_DEPTH = 200;

/** Refuse a body that says itself that it is too long, before reading any of it. */
export function checkDeclaredLength(contentLength: string | undefined, limit: number): void {
  if (contentLength !== undefined && Number(contentLength) > limit) {
    throw tooLarge(limit);
  }
}

/** Refuse a body that is not JSON in UTF-8. */
export function checkMediaType(contentType: string | undefined, accepted: readonly string[]): void {
  const [mediaType = "", ...parameters] = (contentType ?? "").split(";");
  if (!accepted.includes(mediaType.trim().toLowerCase())) {
    throw new Problem(UNSUPPORTED_MEDIA_TYPE, `Send the body as ${accepted.join(" or ")}.`, {
      headers: { Accept: accepted.join(", ") },
    });
  }
  for (const parameter of parameters) {
    const [name = "", value = ""] = parameter.split("=", 2);
    const charset = value
      .trim()
      .replace(/^"(.*)"$/, "$1")
      .toLowerCase();
    if (name.trim().toLowerCase() === "charset" && !UTF_8.has(charset)) {
      throw new Problem(UNSUPPORTED_MEDIA_TYPE, "JSON is sent in UTF-8.");
    }
  }
}

/** Refuse compressed bodies: what they unpack to is not known beforehand. */
export function checkContentCoding(contentEncoding: string | undefined): void {
  if (contentEncoding !== undefined && contentEncoding.trim().toLowerCase() !== "identity") {
    throw new Problem(UNSUPPORTED_MEDIA_TYPE, "Send the body without a content coding.", {
      headers: { "Accept-Encoding": "identity" },
    });
  }
}

/** The whole body; also of a chunked one never more than `limit` bytes are held. */
export async function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  limit: number,
): Promise<Buffer> {
  if (request.headers.expect?.toLowerCase() === "100-continue" && request.httpVersion === "1.1") {
    response.writeContinue(); // only now: the client waits with its body until it is wanted
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= limit) {
        chunks.push(chunk);
      } else {
        chunks.length = 0;
        reject(tooLarge(limit));
      }
    });
    request.on("end", () => {
      resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks));
    });
    request.on("error", (cause) => {
      const detail = "The client went away before the body had arrived.";
      reject(new Problem(BAD_REQUEST, detail, { cause }));
    });
  });
}

/**
 * The value of a JSON text (RFC 8259), stricter than `JSON.parse`.
 *
 * Refused besides what is no JSON at all: names that repeat (readers disagree on which one counts),
 * numbers and nesting beyond all reason, and escapes that are no character.
 *
 * @throws Problem 400.
 */
export function decodeJson(body: Buffer): unknown {
  if (!isUtf8(body)) {
    throw new Problem(BAD_REQUEST, "The body is not valid UTF-8.");
  }
  const text = body.toString();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const place = /line \d+ column \d+/.exec(String(error))?.[0].replace(" column", ", column");
    throw new Problem(BAD_REQUEST, `The body is not valid JSON${place ? ` (${place})` : ""}.`);
  }
  // Each name that was kept is followed by a colon. Any more are in strings, or of names that were
  // dropped for a later one of the same object.
  const names = countNames(value, 0);
  if (names !== colons(text) && names !== colonsOutsideStrings(text)) {
    throw new Problem(
      BAD_REQUEST,
      "The body is not valid JSON: a name occurs twice in one object.",
    );
  }
  return value;
}

/** Equal text for equal values: names sorted, no white space. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map(canonicalJson).join(",")}]`;
  }
  if (typeof value === "object" && value !== null && !(value instanceof Date)) {
    const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${members.map(([name, of]) => `${JSON.stringify(name)}:${canonicalJson(of)}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

/** How many names the objects within a value have; checks its depth and its text on the way. */
function countNames(value: unknown, depth: number): number {
  if (typeof value === "string") {
    checkText(value);
    return 0;
  }
  if (value === Infinity || value === -Infinity) {
    throw new Problem(BAD_REQUEST, "The body holds a number that is too large.");
  }
  if (typeof value !== "object" || value === null) {
    return 0;
  }
  if (depth === MAX_DEPTH) {
    throw new Problem(BAD_REQUEST, "The body is nested too deeply.");
  }
  if (Array.isArray(value)) {
    return value.reduce<number>((sum, item) => sum + countNames(item, depth + 1), 0);
  }
  let names = 0;
  for (const [name, member] of Object.entries(value)) {
    checkText(name);
    names += 1 + countNames(member, depth + 1);
  }
  return names;
}

/** Half of a surrogate pair is no character: it can be neither stored nor sent back. */
function checkText(text: string): void {
  if (!text.isWellFormed()) {
    throw new Problem(BAD_REQUEST, "The body holds half of a surrogate pair.");
  }
}

function colons(text: string): number {
  let found = 0;
  for (let at = text.indexOf(":"); at !== -1; at = text.indexOf(":", at + 1)) {
    found += 1;
  }
  return found;
}

/** The slower count, for the few bodies that need it. */
function colonsOutsideStrings(json: string): number {
  let found = 0;
  let inString = false;
  for (let at = 0; at < json.length; at += 1) {
    const character = json[at];
    if (character === '"') {
      inString = !inString;
    } else if (character === "\\") {
      at += 1;
    } else if (character === ":" && !inString) {
      found += 1;
    }
  }
  return found;
}

function tooLarge(limit: number): Problem {
  return new Problem(PAYLOAD_TOO_LARGE, `A body may have at most ${limit} bytes.`);
}

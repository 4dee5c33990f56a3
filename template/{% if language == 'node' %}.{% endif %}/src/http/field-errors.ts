/** What zod finds wrong, in the words of this API: codes are stable, messages are for people. */

import type { z } from "zod";

import { type FieldError, jsonPointer, MAX_FIELD_ERRORS } from "./problems.ts";

type Issue = z.core.$ZodIssue;
type Fault = Pick<FieldError, "code" | "message">;

const TYPES: Readonly<Record<string, Fault>> = {
  string: { code: "string-type", message: "Input should be a valid string" },
  number: { code: "int-type", message: "Input should be a valid integer" },
  int: { code: "int-type", message: "Input should be a valid integer" },
  boolean: { code: "bool-type", message: "Input should be a valid boolean" },
  array: { code: "list-type", message: "Input should be a valid list" },
  object: { code: "object-type", message: "Input should be an object" },
};

const FORMATS: Readonly<Record<string, string>> = {
  regex: "string-pattern-mismatch",
  guid: "uuid",
};

const alternatives = new Intl.ListFormat("en-GB", { type: "disjunction" });

/** What is wrong at one place of a document. */
export interface PlacedFault extends Fault {
  readonly path: readonly PropertyKey[];
}

/** The faults of a document, each with the way to its place. */
export function faultsIn(document: unknown, issues: readonly Issue[]): PlacedFault[] {
  const faults = issues.flatMap((issue) =>
    placesOf(issue).map((path) => ({ path, ...faultOf(issue, valueAt(document, path)) })),
  );
  // An integer beyond 2^53 is too large twice: for zod, and then for the field.
  const distinct = new Map(
    faults.map((fault) => [`${jsonPointer(fault.path)} ${fault.code}`, fault]),
  );
  return [...distinct.values()].slice(0, MAX_FIELD_ERRORS);
}

/** The errors of a body, each with a JSON Pointer into it. */
export function bodyErrors(issues: readonly Issue[], body: unknown): FieldError[] {
  return faultsIn(body, issues).map(({ path, ...fault }) => ({
    pointer: jsonPointer(path),
    ...fault,
  }));
}

/** The errors of a query, each with the name of its parameter. */
export function queryErrors(issues: readonly Issue[]): FieldError[] {
  return issues.map((issue) => ({
    parameter: String(issue.path[0]),
    ...faultOf(issue, ""),
  }));
}

/** Unknown names come as one issue of the object; each is an error of its own. */
function placesOf(issue: Issue): PropertyKey[][] {
  return issue.code === "unrecognized_keys"
    ? issue.keys.slice(0, MAX_FIELD_ERRORS).map((name) => [...issue.path, name])
    : [issue.path];
}

function faultOf(issue: Issue, value: unknown): Fault {
  if (value === undefined) {
    return { code: "missing", message: "Field required" };
  }
  switch (issue.code) {
    case "invalid_type":
      return TYPES[issue.expected] ?? { code: `${issue.expected}-type`, message: issue.message };
    case "unrecognized_keys":
      return { code: "extra-forbidden", message: "Extra inputs are not permitted" };
    case "too_small":
      return outside(issue.origin, "least", Number(issue.minimum), issue.message);
    case "too_big":
      return outside(issue.origin, "most", Number(issue.maximum), issue.message);
    case "invalid_value": {
      const values = issue.values.map((value) => `'${String(value)}'`);
      return { code: "enum", message: `Input should be ${alternatives.format(values)}` };
    }
    case "invalid_format":
      return { code: FORMATS[issue.format] ?? issue.format, message: issue.message };
    case "custom":
      return { code: String(issue.params?.["code"] ?? "value"), message: issue.message };
    case "not_multiple_of":
    case "invalid_union":
    case "invalid_key":
    case "invalid_element":
      return { code: issue.code.replaceAll("_", "-"), message: issue.message };
  }
}

function outside(origin: string, side: "least" | "most", limit: number, message: string): Fault {
  const length = side === "least" ? "short" : "long";
  switch (origin) {
    case "string":
      return {
        code: `string-too-${length}`,
        message: `String should have at ${side} ${counted(limit, "character")}`,
      };
    case "array":
      return {
        code: `too-${length}`,
        message: `List should have at ${side} ${counted(limit, "item")}`,
      };
    case "number":
    case "int":
      return side === "least"
        ? {
            code: "greater-than-equal",
            message: `Input should be greater than or equal to ${limit}`,
          }
        : { code: "less-than-equal", message: `Input should be less than or equal to ${limit}` };
    default:
      return { code: `too-${side === "least" ? "small" : "big"}`, message };
  }
}

function counted(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (found, part) =>
      typeof found === "object" && found !== null && Object.hasOwn(found, part)
        ? (found as Record<PropertyKey, unknown>)[part]
        : undefined,
    value,
  );
}

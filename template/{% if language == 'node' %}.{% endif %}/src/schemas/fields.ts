/** Types of fields that several bodies and queries share. */

import { z } from "zod";

/** PostgreSQL's text cannot hold U+0000. */
// eslint-disable-next-line no-control-regex -- just that one
const NO_NUL = /^[^\u0000]*$/;

interface TextRules {
  readonly least: number;
  readonly most: number;
  readonly pattern?: RegExp;
}

/** Text of so many characters; `z.string().max()` would count one beyond U+FFFF as two. */
export function text({ least, most, pattern = NO_NUL }: TextRules) {
  return z
    .string()
    .check(({ value: input, issues }) => {
      const length = input.length - (input.match(/[\ud800-\udbff]/g)?.length ?? 0);
      if (length < least) {
        issues.push({ code: "too_small", origin: "string", minimum: least, input });
      } else if (length > most) {
        issues.push({ code: "too_big", origin: "string", maximum: most, input });
      } else if (!pattern.test(input)) {
        const message = "String has a character or a form that is not allowed";
        issues.push({ code: "invalid_format", format: "regex", input, message });
      }
    })
    .meta({ minLength: least, maxLength: most, pattern: pattern.source });
}

/** An identifier in its canonical form. */
export const id = z.guid({ error: "Value should be a UUID" }).toLowerCase();

/** An RFC 3339 time. */
export const timestamp = z
  .string()
  .transform((input, context) => {
    const moment = momentOf(input);
    if (moment === undefined) {
      context.addIssue({
        code: "custom",
        params: { code: "timestamp" },
        message: "Value should be an RFC 3339 time such as 2026-01-31T12:00:00Z",
      });
      return z.NEVER;
    }
    return moment;
  })
  .meta({ format: "date-time" });

/** How many items a page may have. */
export const limit = z
  .preprocess(numberIn, z.int().min(1).max(100).default(20))
  .meta({ description: "Most items of the page." });

/** Where a page begins. */
export const cursor = z
  .string()
  .min(1)
  .max(200)
  .optional()
  .meta({ description: "`nextCursor` of the page before; belongs to the same filters." });

const TIMESTAMP =
  /^(\d{4}-\d\d-(\d\d))T((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.(\d+))?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/i;

/**
 * The first whole millisecond that is not before a time; undefined when it is none.
 *
 * Times of the domain are whole milliseconds, so bounds that are rounded up select the same.
 */
export function momentOf(input: string): Date | undefined {
  const [, date, day, time, fraction = "", zone = ""] = TIMESTAMP.exec(input) ?? [];
  const midnight = new Date(`${date ?? ""}T00:00:00Z`);
  if (midnight.getUTCDate() !== Number(day)) {
    return undefined; // also for 30 February, which would be 2 March
  }
  const second = Date.parse(`${date ?? ""}T${time ?? ""}${zone.toUpperCase()}`);
  return new Date(second + Math.ceil(Number(`0.${fraction}0`) * 1000));
}

/** Decimal digits as the number they are; `Number` alone would also take "", " 1", "1e1" and "0x1". */
function numberIn(input: unknown): unknown {
  return typeof input === "string" && /^-?\d{1,15}$/.test(input) ? Number(input) : input;
}

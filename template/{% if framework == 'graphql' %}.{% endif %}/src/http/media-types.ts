/** In which of its two media types GraphQL is answered: the one that the client prefers. */

export const GRAPHQL = "application/graphql-response+json";
export const JSON_ONLY = "application/json";

export type MediaType = typeof GRAPHQL | typeof JSON_ONLY;

interface Range {
  readonly range: string;
  readonly quality: number;
}

/** What an Accept field asks for; undefined when it is neither. */
export function preferredMediaType(accept: string | undefined): MediaType | undefined {
  if (accept === undefined || accept.trim() === "") {
    return GRAPHQL;
  }
  const ranges = accept.toLowerCase().split(",").flatMap(rangeIn);
  const [graphql, json] = [qualityOf(GRAPHQL, ranges), qualityOf(JSON_ONLY, ranges)];
  if (graphql === 0 && json === 0) {
    return undefined;
  }
  return graphql >= json ? GRAPHQL : JSON_ONLY;
}

/** One part of the field (RFC 9110, section 12.5.1); none where another charset is asked for. */
function rangeIn(part: string): Range[] {
  const [range = "", ...parameters] = part.split(";").map((text) => text.trim());
  let quality = 1;
  for (const parameter of parameters) {
    const [name = "", value = ""] = parameter.split("=", 2).map((text) => text.trim());
    if (name === "q") {
      quality = /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(value) ? Number(value) : 0;
    } else if (name === "charset" && !/^"?utf-?8"?$/.test(value)) {
      return [];
    }
  }
  return [{ range, quality }];
}

/** The range that says most of a media type decides. */
function qualityOf(mediaType: MediaType, ranges: readonly Range[]): number {
  for (const wanted of [mediaType, "application/*", "*/*"]) {
    const found = ranges.find(({ range }) => range === wanted);
    if (found !== undefined) {
      return found.quality;
    }
  }
  return 0;
}

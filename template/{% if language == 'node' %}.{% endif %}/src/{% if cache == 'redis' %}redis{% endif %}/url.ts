/** The address of a Redis server. */

/** Where Redis is. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly database: number;
  readonly tls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Without the password. */
  toString(): string;
}

/**
 * Read `redis://user:password@host:port/number`; rediss: is the same over TLS.
 *
 * @throws Error with a message for the operator, which never repeats the password.
 */
export function parseRedisUrl(text: string): RedisAddress {
  const url = URL.parse(text);
  const database = /^\/?([0-9]{0,4})$/.exec(url?.pathname ?? "")?.[1];
  if (url === null || database === undefined) {
    throw new Error("is not a URL such as redis://user:password@host:6379/0");
  }
  const { protocol, hostname } = url;
  if ((protocol !== "redis:" && protocol !== "rediss:") || hostname === "") {
    throw new Error("must be a URL such as redis://host:6379/0, or rediss: for TLS");
  }
  if (url.search !== "" || url.hash !== "") {
    throw new Error("must end with the database's number: parameters are not understood");
  }
  const address = {
    host: hostname.replace(/^\[(.*)\]$/, "$1"),
    port: Number(url.port || 6379),
    database: Number(database),
    tls: protocol === "rediss:",
    username: decodeURIComponent(url.username) || undefined,
    password: decodeURIComponent(url.password) || undefined,
  };
  const shown = `${protocol}//${hostname}:${address.port}/${address.database}`;
  return { ...address, toString: () => shown };
}

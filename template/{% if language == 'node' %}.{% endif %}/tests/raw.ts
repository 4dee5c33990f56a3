/** HTTP by hand, for what no client would send. */

import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Sends pieces on a connection of its own, a moment apart; what came back until the other side
 * closed, or said nothing for `quietMs`.
 */
export async function exchange(
  url: string,
  pieces: readonly string[],
  quietMs = 1000,
): Promise<{ text: string; closed: boolean }> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let text = "";
  let closed = false;
  socket.setEncoding("latin1");
  socket.on("data", (data: string) => (text += data));
  socket.on("error", () => undefined); // it was closed while we were sending
  socket.on("close", () => (closed = true));
  await once(socket, "connect");
  for (const piece of pieces) {
    socket.write(piece, "latin1");
    await sleep(20);
  }
  await Promise.race([once(socket, "close"), quiet()]);
  socket.destroy();
  return { text, closed };

  async function quiet(): Promise<void> {
    for (let heard = -1; heard !== text.length;) {
      heard = text.length;
      await sleep(quietMs);
    }
  }
}

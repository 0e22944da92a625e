// The websocket: says when something changed, comes back when it breaks.

const CEILING = 60_000;

interface Message {
  v: number;
  type: "hello" | "changed";
  revision: number;
}

/** `changed` is called for news, and when the connection stands; `status` when it opens or breaks. */
export function connect(path: string, changed: () => void, status: (open: boolean) => void): void {
  let failures = 0;

  function open(): void {
    const socket = new WebSocket(new URL(path, location.href.replace(/^http/, "ws")));
    socket.addEventListener("open", () => {
      failures = 0;
      status(true);
    });
    socket.addEventListener("message", (event: MessageEvent<string>) => {
      const message = JSON.parse(event.data) as Message;
      if (message.v === 1) changed();
    });
    socket.addEventListener("close", () => {
      status(false);
      failures += 1;
      const pause = Math.min(500 * 2 ** failures, CEILING);
      // Spread out, or all browsers come back at the same moment.
      setTimeout(open, pause * (0.5 + Math.random() / 2));
    });
  }

  open();
}

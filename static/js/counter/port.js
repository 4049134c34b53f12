/**
 * The cable of the scale: ports that were allowed once are opened by themselves, another one by a tap.
 *
 * @typedef {import("./scale.js").Scale} Scale
 */

const AGAIN_MS = 2000;

/** @param {import("./sync.js").Hands} hands */
export function mountPorts(hands) {
  const { serial } = /** @type {any} */ (navigator);
  serial?.getPorts().then((/** @type {Port[]} */ ports) => {
    for (const port of ports) listenTo(port, hands);
  });
}

/** In a tap, which may ask for a port. @param {import("./sync.js").Hands} hands */
export async function connect(hands) {
  try {
    listenTo(await /** @type {any} */ (navigator).serial.requestPort(), hands);
  } catch {
    // Nothing was chosen.
  }
}

/** @param {Port} port @param {import("./sync.js").Hands} hands */
function listenTo(port, { scale, weigh }) {
  let before = "";
  const onChange = () => {
    const reading = JSON.stringify(scale.reading());
    if (reading !== before && weigh()) before = reading;
  };
  follow(port, scale, { signal: new AbortController().signal, onChange });
  setInterval(onChange, 500); // silence is a reading too
}

/**
 * A port as the reader uses it; what `navigator.serial.requestPort()` (in a tap) or `getPorts()` gives.
 *
 * @typedef {object} Port
 * @property {(options: {baudRate: number}) => Promise<void>} open
 * @property {() => Promise<void>} close
 * @property {ReadableStream<Uint8Array> | null} readable
 */

/**
 * Reads a port until it is told to stop; opens it again when it was pulled out.
 *
 * @param {Port} port @param {Scale} scale
 * @param {{signal: AbortSignal, baudRate?: number, onChange?: () => void, pause?: (ms: number) => Promise<void>}} options
 * @returns {Promise<void>}
 */
export async function follow(
  port,
  scale,
  {
    signal,
    baudRate = 9600,
    onChange = () => {},
    pause = (ms) => new Promise((done) => setTimeout(done, ms)),
  },
) {
  while (!signal.aborted) {
    try {
      await port.open({ baudRate });
      await readLines(port, signal, (line) => {
        scale.read(line);
        onChange();
      });
    } catch {
      // Pulled out, or not there yet: said by its state, and tried again.
    }
    scale.lose();
    onChange();
    await port.close().catch(() => {});
    if (!signal.aborted) await pause(AGAIN_MS);
  }
}

/** @param {Port} port @param {AbortSignal} signal @param {(line: string) => void} hear */
async function readLines(port, signal, hear) {
  const reader = port.readable?.getReader();
  if (!reader) return;
  const stop = () => reader.cancel().catch(() => {});
  signal.addEventListener("abort", stop);
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const lines = (rest + decoder.decode(value, { stream: true })).split(/[\r\n]+/);
      // Something that never ends a line is no scale.
      rest = (lines.pop() ?? "").slice(-200);
      for (const line of lines) if (line.trim()) hear(line);
    }
  } finally {
    signal.removeEventListener("abort", stop);
    reader.releaseLock();
  }
}

/**
 * Signing out of a tablet: nothing that is only here is lost, shown to the next one, or becomes his.
 *
 * With nothing unsent it happens at once. Else a dialog says how much there is, and offers to send it first, to seal
 * it (offline/seal.js), or to take it away as a file. Where the server cannot be reached, the tablet forgets all the
 * same, and remembers that the session is to be ended: until then no answer meant for that person is taken.
 *
 * @typedef {{user: string, shop: string}} Person
 */
import { dress } from "./counter/sheet.js";
import { forget } from "./forget.js";
import { arriveNobody, isLeft, LEFT } from "./left.js";
import { databases, rowsOf, waiting } from "./waiting.js";

const LOGOUT = "/accounts/logout/";
const LOGIN = "/accounts/login/";
const COUNTER = "/app/";
const PATIENCE_MS = 8000;
const QUEUE = "sync_queue";
/** What the server has, and a person must look at. */
const TOLD = new Set(["acked", "conflict", "needs_fix"]);

/** How many entries lie here sealed. @returns {Promise<number>} */
export async function sealed() {
  try {
    return (await databases()).includes("device") ? (await rowsOf("device", "sealed")).length : 0;
  } catch {
    return 0;
  }
}

/** Of one person's: all that is not done with, and of that the entries that the server does not have. @param {string} user @returns {Promise<{all: number, unsent: number}>} */
export async function waitingOf(user) {
  try {
    const name = `ledger-${user}`;
    const rows = (await databases()).includes(name) ? await rowsOf(name, QUEUE) : [];
    const unsent = rows.filter(({ status }) => !TOLD.has(status)).map(({ entity_id }) => entity_id);
    return { all: rows.filter(({ status }) => status !== "acked").length, unsent: new Set(unsent).size };
  } catch {
    return { all: 0, unsent: 0 };
  }
}

/** What static/js/offline/ shares: classic scripts, whose addresses the dialog names in their order. @returns {Promise<any>} */
export async function scripts() {
  if (document.readyState === "loading")
    await new Promise((go) => document.addEventListener("DOMContentLoaded", go, { once: true }));
  const shared = () => /** @type {any} */ (self).malarOffline;
  const addresses = (document.getElementById("leaving")?.dataset.scripts ?? "").split(" ");
  if (!shared()?.Outbox) for (const address of addresses) await import(address);
  else if (!shared().seal) await import(/** @type {string} */ (addresses.at(-1)));
  return shared();
}

/** Say to the server what it could not be told when somebody signed out here. @returns {Promise<boolean>} whether that is done */
export async function complete() {
  const offline = await scripts();
  const send = (/** @type {[any, any]} */ ...asked) => fetch(...asked);
  const hello = () => offline.ask({ path: "hello/", timeout: offline.settings.hello, send });
  const before = await hello();
  if (!before) return false;
  if (before.status === 200) {
    await signOut(before.body.csrf);
    if ((await hello())?.status !== 401) return false;
  }
  arriveNobody();
  return true;
}

/** Somebody is signed in: what others left on this tablet goes to the server as theirs. @param {string} user */
export async function arrive(user) {
  if (isLeft()) {
    location.assign((await complete()) ? LOGIN : COUNTER);
    return;
  }
  const others = (await waiting()) - (await waitingOf(user)).all;
  if (others) (await scripts()).handOn({ user });
}

/** @param {string} csrf @returns {Promise<boolean>} whether the server has heard it */
async function signOut(csrf) {
  const asked = {
    method: "POST",
    redirect: /** @type {const} */ ("manual"),
    headers: { "X-CSRFToken": csrf },
    signal: AbortSignal.timeout(PATIENCE_MS),
  };
  const answer = await fetch(LOGOUT, asked).catch(() => null);
  return answer?.type === "opaqueredirect";
}

/** @param {string} csrf empty: the session is over */
async function end(csrf) {
  // Nobody's names stay; of what cannot be sealed only he himself sees anything again.
  await forget();
  try {
    // Until a page of the server's says that nobody is signed in: a wall may answer in its place.
    localStorage.setItem(LEFT, "1");
  } catch {
    // Then the session ends when the server says so.
  }
  location.assign(!csrf || (await signOut(csrf)) ? LOGIN : COUNTER);
}

/**
 * Whoever stands at the lock signs in: what its owner has not sent is sealed where that can be, and nobody is asked.
 *
 * @param {string} user whose lock it is @param {string} csrf empty: the session is over
 */
export async function giveWay(user, csrf) {
  if ((await waitingOf(user)).all) await (await scripts()).seal({ user }).catch(() => {});
  await end(csrf);
}

/**
 * Somebody wants to sign out.
 *
 * @param {Person} person @param {string} csrf @param {() => void} [plainly] signs out as without us, where nothing is at stake
 */
export async function leave(person, csrf, plainly) {
  const go = () => end(csrf);
  const kept = await waitingOf(person.user);
  if (kept.unsent) return ask(await scripts(), person, go);
  // The server has it, and shows it to the owner; nobody else reads it here.
  if (kept.all) await (await scripts()).seal({ user: person.user }).catch(() => {});
  return plainly ? plainly() : go();
}

/** @param {any} offline @param {Person} person @param {() => Promise<void>} go */
async function ask(offline, person, go) {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("leaving"));
  const part = (/** @type {string} */ name) =>
    /** @type {HTMLElement} */ (dialog.querySelector(`[data-leaving=${name}]`));
  const outbox = new offline.Outbox({ user: person.user, shop: person.shop });
  const words = part("said").dataset;
  let isGone = false;

  const say = (/** @type {string | undefined} */ words = "") => {
    part("said").textContent = words;
    part("said").hidden = !words;
  };
  const count = async () => {
    const { unsent } = await waitingOf(person.user);
    part("title").textContent = (part("title").dataset.words ?? "").replace("{count}", String(unsent));
    return unsent;
  };
  const canSeal = await offline.canSeal(outbox.device);
  const finish = async () => {
    if (isGone) return;
    isGone = true;
    try {
      if (canSeal) await offline.seal({ user: person.user, ledger: outbox.ledger, device: outbox.device });
    } catch {
      isGone = false;
      say(words.failed);
      return;
    }
    await outbox.close();
    await go();
  };
  const look = async () => {
    if (!isGone && !(await count())) await finish();
  };

  part("sealed").hidden = !canSeal;
  part("plain").hidden = canSeal;
  say();
  await count();
  outbox.addEventListener("change", look);

  part("send").onclick = async () => {
    say(words.sending);
    await outbox.drain({ isNewRound: true });
    await look();
    if (!isGone) say(words.away);
  };
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (dialog.querySelectorAll("[data-leaving=go]")))
    button.onclick = finish;
  part("file").onclick = async () => {
    const { user, shop } = person;
    const file = await offline.fileOf({ user, shop, ledger: outbox.ledger, device: outbox.device });
    const link = document.createElement("a");
    link.download = `malar-${file.saved_at.slice(0, 16).replace(":", "-")}.json`;
    link.href = URL.createObjectURL(new Blob([JSON.stringify(file, null, 1)], { type: "application/json" }));
    link.click();
    URL.revokeObjectURL(link.href);
    say(words.saved?.replace("{name}", link.download));
  };
  part("stay").onclick = () => dialog.close();
  dialog.onclose = () => {
    outbox.removeEventListener("change", look);
    if (!isGone) outbox.close();
  };
  if (dialog.dataset.style) await dress(dialog);
  dialog.showModal();
}

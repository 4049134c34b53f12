/**
 * A few fields on a sheet, and what is made of them: an operation of the outbox, or where the browser has no disk for
 * us a request to the server.
 *
 * @typedef {import("./sync.js").Hands} Hands
 * @typedef {object} Field
 * @property {string} name
 * @property {string} word what it is called
 * @property {string} [value] at first
 * @property {"text" | "numeric" | "decimal" | "tel"} [mode] of the keys
 * @property {boolean} [isSecret] nobody reads along
 * @property {[string, string][]} [choices] value and label, instead of keys
 * @typedef {Record<string, string>} Values what was typed or chosen, by field, without spaces around
 * @typedef {{field?: string, text: string}} Fault what is wrong, and where
 */
import { dress } from "./sheet.js";
import { at, say } from "./view.js";

/** @type {AbortController | undefined} */
let shown;

/**
 * @param {object} asked
 * @param {string} asked.title
 * @param {Field[]} asked.fields
 * @param {(values: Values) => Values} [asked.hints] what is said under the fields while somebody types
 * @param {(values: Values) => Promise<Fault | null>} asked.write null: done
 * @param {Fault | null} [asked.fault] what was wrong before
 */
export async function openForm({ title, fields, hints = () => ({}), write, fault = null }) {
  const sheet = /** @type {HTMLDialogElement} */ (at("form"));
  const form = /** @type {HTMLFormElement} */ (at("form-fields"));
  await dress(sheet);
  shown?.abort();
  shown = new AbortController();
  const { signal } = shown;
  at("form-title").textContent = title;
  form.replaceChildren(...fields.map(fieldOf));
  const values = () =>
    Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value).trim()]));
  const hint = () => {
    for (const [name, text] of Object.entries(hints(values()))) {
      const place = form.querySelector(`[data-field="${name}"] [role=status]`);
      if (place && place.textContent !== text) place.textContent = text;
    }
  };
  let isWriting = false;
  form.addEventListener("input", hint, { signal });
  form.addEventListener(
    "submit",
    async (event) => {
      event.preventDefault();
      if (isWriting) return;
      isWriting = true;
      const wrong = await write(values());
      isWriting = false;
      if (wrong) blame(form, wrong);
      else sheet.close();
    },
    { signal },
  );
  hint();
  blame(form, fault);
  sheet.showModal();
  const empty = [...form.querySelectorAll("input")].find(({ value }) => !value);
  if (!fault) (empty ?? form.querySelector("input"))?.focus();
}

/** @param {Field} field */
function fieldOf({ name, word, value = "", mode = "text", isSecret = false, choices }) {
  const template = /** @type {HTMLTemplateElement} */ (at(choices ? "t-choices" : "t-field"));
  const element = /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
  element.dataset.field = name;
  /** @type {Element} */ (element.firstElementChild).textContent = word;
  const input = element.querySelector("input");
  if (input) Object.assign(input, { name, value, inputMode: mode, type: isSecret ? "password" : "text" });
  else
    element.querySelector(".chips")?.append(...(choices ?? []).map((choice) => chipOf(name, value, choice)));
  return element;
}

/** @param {string} name @param {string} value @param {[string, string]} choice */
function chipOf(name, value, [chosen, text]) {
  const template = /** @type {HTMLTemplateElement} */ (at("t-reason"));
  const chip = /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
  const input = /** @type {HTMLInputElement} */ (chip.querySelector("input"));
  Object.assign(input, { name, value: chosen, checked: chosen === value });
  /** @type {Element} */ (chip.querySelector("span")).textContent = text;
  return chip;
}

/** @param {HTMLFormElement} form @param {Fault | null} fault */
function blame(form, fault) {
  at("form-said").hidden = !fault;
  at("form-said").textContent = fault?.text ?? "";
  for (const input of form.querySelectorAll("input")) {
    const isWrong = fault !== null && input.name === fault.field;
    input.toggleAttribute("aria-invalid", isWrong);
    if (isWrong) input.focus();
  }
}

/**
 * Write a farmer, a fee or money: onto the tablet's disk, or where there is none to the server. A settlement is asked for
 * on the disk only.
 *
 * @param {Hands} hands
 * @param {{operation?: "CREATE" | "SETTLEMENT", entity: "farmer" | "charge" | "movement" | "settlement", id: string, set: Record<string, any>, entry: Record<string, any>}} made
 *   entry: what the tablet shows of it
 * @returns {Promise<Fault | null>} null: it is written
 */
export async function make({ book, reference }, { operation = "CREATE", entity, id, set, entry }) {
  const old = book.waiting.find((op) => op.entity_id === id && op.status === "needs_fix");
  const result = book.outbox
    ? await book.keep({
        operation,
        entity,
        entity_id: id,
        set,
        captured: reference.stamp(reference.now()),
        supersedes: old?.id ?? null,
        entry: { entity, ...entry },
      })
    : await book.post(`/api/v1/${entity}s/`, id, id, { id, ...set });
  switch (result.kind) {
    case "ok":
      return null;
    case "full":
      return { text: `${say("disk_title")}. ${say("disk_text")}` };
    case "refused": {
      const [first] = result.problem.errors ?? [];
      return { field: first?.pointer.slice(1), text: first?.detail ?? result.problem.detail };
    }
    case "signedOut":
      return { text: say("sign_in_title") };
    default:
      return { text: say("off_text") };
  }
}

/** What the server could not use of something that waits. @param {Hands} hands @param {string} id @returns {Fault | null} */
export function faultOf({ book }, id) {
  const error = book.waiting.find((op) => op.entity_id === id && op.status === "needs_fix")?.error;
  return error ? { field: error.pointer.slice(1), text: error.detail } : null;
}

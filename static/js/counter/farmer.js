/**
 * Somebody new at the counter, with a network or without: he is on the slip at once.
 *
 * @typedef {import("./sync.js").Hands} Hands
 * @typedef {import("./form.js").Values} Values
 */
import { westernDigits } from "./figures.js";
import { faultOf, make, openForm } from "./form.js";
import { language, nameOf, padded, say } from "./view.js";

const TAMIL = /[\u0B80-\u0BFF]/;

/**
 * @param {Hands} hands
 * @param {{number?: string, name?: string, row?: any}} about what was typed before; row: of one whom the server could not use
 */
export function openFarmer(hands, { number = "", name = "", row = null }) {
  const { reference } = hands;
  const id = row?.id ?? crypto.randomUUID();
  const before = row?.facts ?? {};
  const isTamil = TAMIL.test(name);
  const nameTa = before.name_ta ?? (isTamil ? name : "");
  const nameEn = before.name_en ?? (isTamil ? "" : name);
  const village = before.village_ta || before.village_en || "";
  /** @type {import("./form.js").Field[]} */
  const fields = [
    {
      name: "number",
      word: say("field_number"),
      value: String(before.number ?? Number(number || nextNumber(reference))),
      mode: "numeric",
    },
    { name: "name_ta", word: say("field_name_ta"), value: nameTa },
    { name: "name_en", word: say("field_name_en"), value: nameEn },
    { name: "village", word: say("field_village"), value: village },
    { name: "phone", word: say("field_phone"), value: before.phone ?? "", mode: "tel" },
  ];
  if (language === "en") fields.splice(1, 2, fields[2], fields[1]);
  const write = async (/** @type {Values} */ values) => {
    const set = setOf(values);
    if (!set.number) return { field: "number", text: say("number_wrong") };
    const his = reference.numbers.get(set.number);
    if (his && his.id !== id)
      return {
        field: "number",
        text: say("number_of", { number: padded(his.number, hands.world().digits), name: nameOf(his) }),
      };
    if (!set.name_ta) return { field: "name_ta", text: say("name_missing") };
    const farmer = farmerOf(id, set);
    const fault = await make(hands, { entity: "farmer", id, set, entry: farmer });
    if (fault) return fault;
    if (set.number > 999 && reference.shop) reference.shop.number_digits = 4;
    reference.adopt({ ...farmer, synced: false });
    if (!row) hands.choose(id);
    return null;
  };
  return openForm({ title: say("farmer_new"), fields, write, fault: row && faultOf(hands, id) });
}

/** @param {import("./ref.js").Reference} reference */
function nextNumber({ numbers }) {
  return Math.min(9999, Math.max(0, ...numbers.keys()) + 1);
}

/** What POST farmers/ reads; whoever has no name in Tamil is called by his other one. @param {Values} values */
function setOf({ number, name_ta, name_en, village, phone }) {
  const digits = westernDigits(number);
  const typed = /^\d{1,4}$/.test(digits) ? Number(digits) : 0;
  const where = village && { [TAMIL.test(village) ? "village_ta" : "village_en"]: village };
  return { number: typed, name_ta: name_ta || name_en, name_en, ...where, ...(phone ? { phone } : {}) };
}

/** As ref/ would say it. @param {string} id @param {Record<string, any>} set @returns {any} */
function farmerOf(id, { number, name_ta, name_en, village_ta = "", village_en = "", phone = "" }) {
  const names = { name_ta, name_en, village_ta, village_en };
  const none = { code: "", is_active: true, namesakes: false, usual: [], last_seen: null };
  return { id, number, ...names, phone_last4: phone.slice(-4), ...none };
}

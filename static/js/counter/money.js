/**
 * Money given and fees charged at the counter, with a network or without.
 *
 * The tablet does not know what a farmer owes already: it holds staff to the limit of one payment, and the server, which
 * knows the rest, lets what is over wait for the owner.
 *
 * @typedef {import("./sync.js").Hands} Hands
 * @typedef {import("./form.js").Values} Values
 * @typedef {{row?: any}} About row: what the server could not use
 */
import { amountOf, gramsOf, paiseOf, rupees, sentMoney, sentQuantity, westernDigits } from "./figures.js";
import { faultOf, make, openForm } from "./form.js";
import { businessDate } from "./rates.js";
import { nameOf, padded, say } from "./view.js";

/** @param {Hands} hands @param {About} [about] */
export function openMoney(hands, { row } = {}) {
  const { reference } = hands;
  const id = row?.id ?? crypto.randomUUID();
  const before = row?.facts ?? { kind: "advance" };
  const isOwner = reference.user?.role === "admin";
  const limitOf = (/** @type {string} */ kind) => (isOwner ? null : (reference.limits[kind] ?? null));
  const limited = (/** @type {string} */ word, /** @type {string | null} */ limit) =>
    limit === null ? "" : say(word, { limit: rupees(paiseOf(limit) ?? 0, true) });
  // What was written in the office may be of another kind.
  const kinds = /** @type {[string, string][]} */ (
    [...new Set(["advance", "draw", before.kind])].map((kind) => [kind, say(`kind_${kind}`)])
  );
  return openForm({
    title: say("money_title"),
    fields: [
      { name: "kind", word: say("money_kind"), value: before.kind, choices: kinds },
      numberField(hands, before.farmer),
      { name: "amount", word: say("field_amount"), value: before.amount ?? "", mode: "decimal" },
      { name: "note", word: say("field_note"), value: before.note ?? "" },
    ],
    hints: ({ number, kind }) => ({
      number: whoIs(number, hands),
      amount: limited("money_limit", limitOf(kind)),
    }),
    async write({ number, kind, amount: typed, note }) {
      const farmer = farmerOf(number, hands);
      if (!farmer) return { field: "number", text: whoIs(number, hands) };
      const paise = paiseOf(typed);
      if (!paise) return { field: "amount", text: say("amount_wrong") };
      const limit = limitOf(kind);
      if (limit !== null && paise > (paiseOf(limit) ?? 0))
        return { field: "amount", text: limited("money_over", limit) };
      const amount = sentMoney(paise);
      const { business_date = today(hands), mode = "cash", reference: paper } = before;
      const set = {
        kind,
        farmer: farmer.id,
        amount,
        business_date,
        mode,
        note,
        ...(paper ? { reference: paper } : {}),
      };
      const entry = { farmer_id: farmer.id, total: amount };
      return make(hands, { entity: "movement", id, set, entry });
    },
    fault: row && faultOf(hands, id),
  });
}

/** @param {Hands} hands @param {About} [about] */
export function openFee(hands, { row } = {}) {
  const { fees } = hands.reference;
  const id = row?.id ?? crypto.randomUUID();
  const before = row?.facts ?? { fee: fees[0]?.id, quantity: "1" };
  const choices = /** @type {[string, string][]} */ (fees.map((fee) => [fee.id, feeIn(fee)]));
  return openForm({
    title: say("fee_title"),
    fields: [
      { name: "fee", word: say("fee_which"), value: before.fee, choices },
      numberField(hands, before.farmer),
      { name: "quantity", word: say("field_quantity"), value: before.quantity, mode: "decimal" },
      { name: "note", word: say("field_note"), value: before.note ?? "" },
    ],
    hints({ number, fee, quantity }) {
      const charged = fees.find((each) => each.id === fee);
      const isPlain = charged && charged.basis !== "percent";
      const amount = isPlain ? amountOf(gramsOf(quantity) ?? 0, paiseOf(charged.rate) ?? 0) : null;
      return { number: whoIs(number, hands), quantity: amount ? `= ₹${rupees(amount, true)}` : "" };
    },
    async write({ number, fee, quantity: typed, note }) {
      if (!fee) return { text: say("fee_none") };
      const farmer = farmerOf(number, hands);
      if (!farmer) return { field: "number", text: whoIs(number, hands) };
      const thousandths = gramsOf(typed);
      if (!thousandths) return { field: "quantity", text: say("quantity_wrong") };
      const quantity = sentQuantity(thousandths).replace(/\.?0+$/, "");
      const { business_date = today(hands), rate } = before;
      const set = { farmer: farmer.id, fee, business_date, quantity, note, ...(rate ? { rate } : {}) };
      return make(hands, { entity: "charge", id, set, entry: { farmer_id: farmer.id } });
    },
    fault: row && faultOf(hands, id),
  });
}

/** @param {import("./ref.js").Fee} fee @returns {string} `Luggage · ₹40 per trip` */
function feeIn(fee) {
  const rate = rupees(paiseOf(fee.rate) ?? 0, true);
  const word = fee.basis === "percent" ? "fee_percent" : "fee_each";
  return say(word, { name: nameOf(fee), rate, basis: say(`basis_${fee.basis}`) });
}

/** Whose it is: the slip's, unless it is known already. @param {Hands} hands @param {string} [farmer] his id @returns {import("./form.js").Field} */
export function numberField({ world, farmer: inHand }, farmer) {
  const { farmers, digits } = world();
  const known = farmers.get(farmer ?? inHand ?? "");
  const value = known ? padded(known.number, digits) : "";
  return { name: "number", word: say("field_number"), value, mode: "numeric" };
}

/** @param {string} number as typed @param {Hands} hands */
export function farmerOf(number, { reference }) {
  return reference.numbers.get(Number(westernDigits(number) || Number.NaN));
}

/** @param {string} number as typed @param {Hands} hands */
export function whoIs(number, hands) {
  const farmer = farmerOf(number, hands);
  if (farmer) return nameOf(farmer);
  return number ? say("nobody", { number }) : say("missing_farmer");
}

/** @param {Hands} hands */
export function today({ reference }) {
  return businessDate(reference.now(), reference.shop?.turnover_hour ?? 0);
}

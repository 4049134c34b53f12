/**
 * What is opened now and then at the counter: fetched when there is time, or when it is asked for. Each opens with the
 * hands of the counter (sync.js, `Hands`).
 */
export { openFarmer } from "./farmer.js";
export { correct, openLine } from "./line.js";
export { openFee, openMoney } from "./money.js";
export { openPin } from "./pin.js";
export { openReport } from "./report.js";
export { openSettlement } from "./settlement.js";
export { openSync } from "./sync.js";

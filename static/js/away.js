/**
 * The offline page: how many entries wait on this tablet, and a button that looks for the server again.
 */
import "./back.js";
import { waiting } from "./waiting.js";

const count = await waiting();
const safe = document.getElementById("safe");
const figure = document.getElementById("count");
if (safe && figure && count) {
  figure.textContent = String(count);
  safe.hidden = false;
}
const again = document.getElementById("again");
if (again) {
  again.hidden = false;
  again.addEventListener("click", () => location.reload());
}

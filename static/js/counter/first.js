/**
 * The first questions, asked while the rest of the counter is still on its way: on a slow line their answers
 * take as long as its scripts. counter.js takes them from here.
 */
import { ALL, askFor, askWho } from "./ask.js";

export const first = { who: askWho(), all: askFor(ALL) };

/**
 * What all sheets need that are fetched when they are asked for.
 */

/** A sheet is shown with its clothes on. @param {HTMLElement} sheet names its style sheet @returns {Promise<unknown>} */
export function dress({ dataset: { style = "" } }) {
  if (document.querySelector(`link[href="${style}"]`)) return Promise.resolve();
  const link = document.createElement("link");
  Object.assign(link, { rel: "stylesheet", href: style });
  return new Promise((done) => {
    link.onload = link.onerror = done;
    document.head.append(link);
  });
}

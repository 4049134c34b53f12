/**
 * Back shows no page as it was left: by then somebody else may be signed in, or nobody.
 */
addEventListener("pagehide", (event) => {
  document.documentElement.hidden = event.persisted;
});
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

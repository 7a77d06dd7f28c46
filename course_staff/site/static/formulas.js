/* A formula in a line of text that is wider than the page, as on a phone, scrolls inside itself. */
"use strict";

window.addEventListener("load", async () => {
  if (!window.MathJax?.startup?.promise) return;
  await MathJax.startup.promise;
  const formulas = [...document.querySelectorAll("mjx-container:not([display])")];
  const mark = () => {
    for (const formula of formulas) formula.classList.remove("wide");
    const room = document.querySelector(".bd-article").clientWidth;
    const wide = formulas.filter((formula) => formula.getBoundingClientRect().width > room);
    for (const formula of wide) formula.classList.add("wide");
    // What scrolls must be within reach of the keyboard.
    for (const formula of document.querySelectorAll("mjx-container")) {
      if (formula.scrollWidth > formula.clientWidth) formula.setAttribute("tabindex", "0");
      else formula.removeAttribute("tabindex");
    }
  };
  mark();
  window.addEventListener("resize", mark);
});

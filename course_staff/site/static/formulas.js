/* A formula or table that is wider than the page, as on a phone, scrolls inside itself. */
"use strict";

window.addEventListener("load", async () => {
  await window.MathJax?.startup?.promise; // where the build has not set them
  const formulas = [...document.querySelectorAll("mjx-container:not([display])")];
  const mark = () => {
    for (const formula of formulas) formula.classList.remove("wide");
    const room = document.querySelector(".bd-article")?.clientWidth || innerWidth;
    const wide = formulas.filter((formula) => formula.getBoundingClientRect().width > room);
    for (const formula of wide) formula.classList.add("wide");
    // What scrolls must be within reach of the keyboard.
    for (const formula of document.querySelectorAll("mjx-container, .bd-article div.math, .bd-article table")) {
      if (formula.scrollWidth > formula.clientWidth) formula.setAttribute("tabindex", "0");
      else formula.removeAttribute("tabindex");
    }
  };
  mark();
  window.addEventListener("resize", mark);
});

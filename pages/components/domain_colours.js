// @ts-check
// The eight domain colours of the theme, as --d0 to --d7.
/** @param {HTMLElement} root */
function paintDomainColours(root) {
  const colours = getComputedStyle(root).getPropertyValue("--st-chart-categorical-colors").split(",")
  for (let i = 0; i < 8; i++) root.style.setProperty(`--d${i}`, (colours[i] || "").trim() || "currentColor")
}

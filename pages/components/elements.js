// @ts-check
// Elements of HTML and SVG, made and changed without markup: what comes from data only ever becomes text.

const SVG = "http://www.w3.org/2000/svg"

function make(tag, className = "", attributes = {}, children = []) {
  const element = document.createElement(tag)
  if (className) element.className = className
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  element.append(...children)
  return element
}

function draw(tag, attributes = {}, children = []) {
  const element = document.createElementNS(SVG, tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  element.append(...children)
  return element
}

/** @param {Event} event */
function elementOf(event) {
  return /** @type {Element} */ (event.target)
}

/** @param {Event} event @returns {HTMLInputElement | null} */
function inputOf(event) {
  return event.target instanceof HTMLInputElement ? event.target : null
}

// A rerun or a frame touches only what differs: what is under the pointer or in focus stays.
/** @param {Node} element @param {string} text */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text
}

/** @param {Element} element @param {string} name @param {unknown} value */
function setAttribute(element, name, value) {
  const text = String(value)
  if (element.getAttribute(name) !== text) element.setAttribute(name, text)
}

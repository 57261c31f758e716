// @ts-check
// Keys that lead out of the list: to the search field, the review queue and the saved filters.
//
// The list may be there before them: Streamlit draws a button or a field once its script has come, and a dialog once the
// server has answered. What is typed meanwhile is meant for the field to come: it waits, is written into the field, and
// never decides on a sample.

const SEARCH_FIELD = ".st-key-browse-w-q input"
const DIALOG_FIELD = "[role='dialog'] input"
const LOADING_MS = 15_000
const OPENING_MS = 3000
const LOOK_MS = 40

/** @param {App} app */
async function searchFor(app) {
  app.typed = []
  handOver(app, await whenDrawn(app, SEARCH_FIELD, LOADING_MS))
}

// Buttons of the page's toolbar, so that the key does what the button does.
/** @param {App} app @param {string} name */
async function press(app, name) {
  const button = await whenDrawn(app, `.st-key-${name} button`, LOADING_MS)
  button?.click()
}

/** @param {App} app */
async function openSaved(app) {
  app.typed = []
  const button = await whenDrawn(app, ".st-key-browse-saved button", LOADING_MS)
  if (!app.typed) return
  button?.click()
  // A project that is only read has no field there.
  const field = button && (await whenDrawn(app, DIALOG_FIELD, OPENING_MS))
  handOver(app, field)
  if (field) keepIn(field.closest("[role='dialog']"), performance.now() + OPENING_MS)
}

// The element as soon as it is on the page, null if it does not come.
/** @param {App} app @param {string} selector @param {number} patience @returns {Promise<HTMLElement | null>} */
async function whenDrawn(app, selector, patience) {
  const until = performance.now() + patience
  for (;;) {
    /** @type {HTMLElement | null} */
    const found = document.querySelector(selector)
    if (found || !app.root.isConnected) return found
    if (performance.now() > until) {
      if (patience === LOADING_MS) app.say("The page is still loading. Try again.", true)
      return null
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}

// A key pressed while a field is on its way. Escape lets go of it.
/** @param {App} app @param {KeyboardEvent} event */
function keepKey(app, event) {
  if (event.key === "Escape") app.typed = null
  else if ([...event.key].length === 1 || event.key === "Enter" || event.key === "Backspace") app.typed?.push(event.key)
  else return
  event.preventDefault()
}

// Gives the field the keyboard and what was typed for it. After Enter the list has the keys.
/** @param {App} app @param {HTMLElement | null} element */
function handOver(app, element) {
  const keys = app.typed
  app.typed = null
  if (!keys || !(element instanceof HTMLInputElement)) return
  const end = keys.includes("Enter") ? keys.indexOf("Enter") : keys.length
  // A dialog may have given it the keyboard already, and a letter is in it.
  const rest = document.activeElement === element ? element.value : ""
  element.focus()
  element.select()
  if (end > 0) write(element, textOf(keys.slice(0, end)) + rest)
  for (const [place, key] of keys.slice(end).entries()) tap(place ? app.list : element, key)
}

/** @param {string[]} keys */
function textOf(keys) {
  /** @type {string[]} */
  const letters = []
  for (const key of keys) {
    if (key === "Backspace") letters.pop()
    else letters.push(key)
  }
  return letters.join("")
}

// As if a person had typed it: React hears of a value only that is set past its own setter.
/** @param {HTMLInputElement} field @param {string} text */
function write(field, text) {
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value")?.set?.call(field, text)
  field.dispatchEvent(new Event("input", { bubbles: true }))
}

/** @param {HTMLElement} node @param {string} key */
function tap(node, key) {
  node.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, composed: true }))
}

// The dialog takes the focus itself as it opens, early or late; it goes to the field until a person takes it elsewhere
// in the dialog.
/** @param {Element | null} dialog @param {number} until */
function keepIn(dialog, until) {
  /** @type {HTMLInputElement | null} */
  const field = dialog?.isConnected ? dialog.querySelector("input") : null
  if (!field || performance.now() > until) return
  const focused = document.activeElement
  if (focused === dialog || !dialog?.contains(focused)) field.focus()
  setTimeout(() => keepIn(dialog, until), LOOK_MS)
}

// Whether a person in the search field is done with it: then the list has the keys again.
/** @param {KeyboardEvent} event */
function leavesSearch(event) {
  return (
    (event.key === "Enter" || event.key === "Escape") &&
    event.composedPath().some((node) => node instanceof Element && node.matches(SEARCH_FIELD))
  )
}

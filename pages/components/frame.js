// @ts-check
// What every page has and nobody sees.

const OPENING_MS = 3000
const CONTROLS = "input, textarea, button, a[href], [tabindex='0']"
// What explains a control stands before it.
const BESIDE = "[aria-label^='Help for'], [aria-label=Close]"
const FIELD = "input[type=text]:not([role=combobox]), textarea"

/** @param {Mounted<null>} component */
export default function (component) {
  const { setTriggerValue } = component
  const app = document.querySelector("[data-testid=stApp]")
  if (!app) return undefined
  const stopThemes = followThemes(app, (theme) => setTriggerValue("theme", theme))
  const stopPopovers = followPopovers()
  return () => {
    stopThemes()
    stopPopovers()
  }
}

// Pictures whose colours Python writes follow a switch of theme, because the page is run again. What opens over the page
// stands outside of the app, and would keep the colours of the theme before.
function followThemes(app, tell) {
  const schemeOf = () => getComputedStyle(app).colorScheme
  const spread = (scheme) =>
    [document.documentElement, document.body].forEach((node) => (node.style.colorScheme = scheme))
  let shown = schemeOf()
  spread(shown)
  const themes = new MutationObserver(() => {
    const now = schemeOf()
    if (now === shown) return
    shown = now
    spread(now)
    tell(now)
  })
  themes.observe(app, { attributes: true, attributeFilter: ["class"] })
  return () => themes.disconnect()
}

// What is typed replaces what a field holds, also where the page gives it its value only after it has the keyboard: that
// drops the selection.
function selectAll(field) {
  field.select()
  const { value } = field
  const onFirst = (event) => {
    for (const name of ["keydown", "pointerdown"]) field.removeEventListener(name, onFirst)
    if (event.type === "keydown" && field.value !== value) field.select()
  }
  for (const name of ["keydown", "pointerdown"]) field.addEventListener(name, onFirst)
}

// A popover stands at the end of the document, a whole page of Tab stops away from its button: opened by keyboard it
// takes the keyboard, and Escape gives it back to the button, as does Tab at its end. What begins with a field to type
// in takes the keyboard however it was opened; so does a dialog.
function followPopovers() {
  /** @type {HTMLElement | null} */
  let opener = null
  const bodyOf = () => [...document.querySelectorAll("[data-testid=stPopoverBody]")].at(-1)
  const enter = (room, from, wanted, until = performance.now() + OPENING_MS) => {
    if (![from, document.body].includes(document.activeElement)) return
    const controls = [...(room()?.querySelectorAll(CONTROLS) ?? [])]
    /** @type {any} */
    const first = controls.find((control) => !control.matches(BESIDE) && !control.disabled)
    if (!first?.matches(wanted)) {
      if (performance.now() < until) setTimeout(() => enter(room, from, wanted, until), 40)
      return
    }
    first.focus({ preventScroll: true })
    if (first.matches(FIELD)) selectAll(first)
  }
  const closedButton = (event) => {
    const button = event.target.closest?.("[data-testid=stPopover] button")
    return button && button.getAttribute("aria-expanded") !== "true" ? button : null
  }
  const open = (button, wanted) => {
    if (!button) return
    opener = button
    enter(bodyOf, button, wanted)
  }
  const giveBack = (where) => {
    if (opener?.isConnected && where(document.activeElement)) opener.focus({ preventScroll: true })
  }
  const onKey = (event) => {
    if (event.key === "Enter" || event.key === " ") open(closedButton(event), "*")
    if (!opener || !bodyOf()?.contains(document.activeElement)) return
    if (event.key === "Escape") setTimeout(giveBack, 200, (active) => active === document.body)
    if (event.key === "Tab") setTimeout(giveBack, 0, (active) => !bodyOf()?.contains(active))
  }
  // The button is open before its click is told.
  let pressed = null
  const onPress = (event) => (pressed = closedButton(event))
  const onClick = (event) => {
    if (event.detail) open(pressed, FIELD)
    pressed = null
  }
  const onFocus = (event) => {
    const dialog = event.target
    if (dialog.matches?.("[role=dialog]")) enter(() => dialog, dialog, FIELD)
  }
  const heard = { keydown: onKey, pointerdown: onPress, click: onClick, focusin: onFocus }
  for (const [name, listener] of Object.entries(heard)) document.addEventListener(name, listener, true)
  return () => {
    for (const [name, listener] of Object.entries(heard)) document.removeEventListener(name, listener, true)
  }
}

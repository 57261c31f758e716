// @ts-check
// What every page has and nobody sees.

const POPOVER_MS = 3000
const CONTROLS = "input, textarea, button, a[href], [tabindex='0']"

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

// A popover stands at the end of the document, a whole page of Tab stops away from its button: opened by keyboard it
// takes the keyboard, and Escape gives it back to the button.
function followPopovers() {
  /** @type {HTMLElement | null} */
  let opener = null
  const bodyOf = () => [...document.querySelectorAll("[data-testid=stPopoverBody]")].at(-1)
  const enter = (button, until) => {
    if (![button, document.body].includes(document.activeElement)) return
    /** @type {HTMLElement | null | undefined} */
    const first = bodyOf()?.querySelector(CONTROLS)
    if (first) {
      opener = button
      first.focus({ preventScroll: true })
    } else if (performance.now() < until) setTimeout(() => enter(button, until), 40)
  }
  const giveBack = () => {
    if (opener?.isConnected && document.activeElement === document.body) opener.focus({ preventScroll: true })
    opener = null
  }
  const onKey = (event) => {
    const button = event.target.closest?.("[data-testid=stPopover] button")
    const opens = event.key === "Enter" || event.key === " "
    if (opens && button && button.getAttribute("aria-expanded") !== "true")
      enter(button, performance.now() + POPOVER_MS)
    if (event.key === "Escape" && opener && bodyOf()?.contains(document.activeElement)) setTimeout(giveBack, 200)
  }
  document.addEventListener("keydown", onKey, true)
  return () => document.removeEventListener("keydown", onKey, true)
}

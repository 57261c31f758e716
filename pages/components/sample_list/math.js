// @ts-check
// Formulas by the KaTeX that Streamlit brings along, as MathML: the browser's own fonts, no style sheet, no HTML.
// KATEX_FILE is its file beside Streamlit's main script ("" where this Streamlit has none); see __init__.py.

const KATEX_OPTIONS = {
  output: "mathml",
  throwOnError: true,
  trust: false,
  strict: "ignore",
  maxSize: 20,
  maxExpand: 200,
}
const LONGEST_FORMULA = 4000
// A text that is nothing but formulas must not stop the browser: what comes after so many is shown as its source.
const MOST_FORMULAS = 500
// Addresses and HTML, which KaTeX leaves out of what it draws unless it is told to trust the text.
const UNTRUSTED = /\\(?:href|url|includegraphics|html[A-Z]?\w*)\b/
/** @type {{ render(formula: string, parent: Element, options: object): void } | null} */
let katex = null
/** @type {Promise<typeof katex> | null} */
let katexComes = null

// Fetched once, from this server, when somebody first asks for formulas.
function loadKatex() {
  /** @type {HTMLScriptElement | null} */
  const main = document.querySelector(
    "script[type=module][src*='/static/js/'], script[type=module][src*='./static/js/']",
  )
  if (!KATEX_FILE || !main) return Promise.resolve(null)
  katexComes ??= import(new URL(KATEX_FILE, main.src).href).then(
    (module) => (katex = module.default),
    () => (katexComes = null),
  )
  return katexComes
}

// A formula, or its source where it cannot be drawn; `whole` is the source with its marks.
function formulaNode(formula, whole, isBlock, options) {
  const box = make(isBlock ? "div" : "span", isBlock ? "formula block" : "formula")
  box.dir = "ltr"
  const source = (why) => {
    box.classList.add("source")
    if (why) box.title = why
    box.replaceChildren()
    appendText(box, whole, options.showJoiners)
  }
  const draw = () => {
    try {
      const drawn = make("span")
      katex?.render(formula, drawn, { ...KATEX_OPTIONS, displayMode: isBlock, macros: {} })
      box.classList.remove("source")
      box.replaceChildren(...drawn.childNodes)
    } catch (error) {
      source(`Cannot draw: ${error instanceof Error ? error.message : error}`)
    }
  }
  options.nFormulas = (options.nFormulas ?? 0) + 1
  const isTooMuch = formula.length > LONGEST_FORMULA || options.nFormulas > MOST_FORMULAS || UNTRUSTED.test(formula)
  // What prints nothing must stay visible, so such a formula is shown as text.
  if (isTooMuch || formula.replace(/[\n\t\r]/g, "").search(INVISIBLE) >= 0) source("Cannot draw")
  else if (katex) draw()
  else {
    source("")
    loadKatex()?.then((isLoaded) => isLoaded && box.isConnected && draw())
  }
  return box
}

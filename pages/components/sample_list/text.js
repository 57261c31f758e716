// Sample text as nodes: exactly what it says, control characters made visible, long parts folded. Never as HTML.

const FOLD_CHARACTERS = 1500
const FOLD_LINES = 24
// Joiners hold emoji and Persian together, so they stay invisible unless asked for.
const JOINERS = "\u200c\u200d\ufe0e\ufe0f"
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu
const PARTS = /(```[^\n]*\n[\s\S]*?(?:\n```[^\n]*\n?|$))|(<think>[\s\S]*?(?:<\/think>\n?|$))/g

function make(tag, className, text) {
  const element = document.createElement(tag)
  if (className) element.className = className
  if (text !== undefined) element.textContent = text
  return element
}

function codePoint(character) {
  return "U+" + character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")
}

function isShownAsCode(character, showJoiners) {
  if (character === "\n" || character === "\t") return false
  return showJoiners || !JOINERS.includes(character)
}

function appendText(parent, text, showJoiners) {
  let from = 0
  for (const match of text.matchAll(INVISIBLE)) {
    if (!isShownAsCode(match[0], showJoiners)) continue
    if (match.index > from) parent.append(text.slice(from, match.index))
    const box = make("span", "control", codePoint(match[0]))
    box.title = "A character that prints nothing"
    parent.append(box)
    // A line separator breaks the line where it stands.
    if (match[0] === "\u2028" || match[0] === "\u2029") parent.append(make("br"))
    from = match.index + match[0].length
  }
  if (from < text.length) parent.append(from ? text.slice(from) : text)
}

function cutAt(text) {
  let end = FOLD_CHARACTERS
  let at = -1
  for (let line = 0; line < FOLD_LINES; line++) {
    at = text.indexOf("\n", at + 1)
    if (at < 0 || at > end) break
    if (line === FOLD_LINES - 1) end = at
  }
  if (text.length <= end + 200) return text.length
  // Not between the halves of a surrogate pair.
  const code = text.charCodeAt(end)
  return code >= 0xdc00 && code <= 0xdfff ? end + 1 : end
}

// Whether a hit of the search reaches beyond this place: what is found is never folded away.
function hasHit(text, finder, beyond = 0) {
  return Boolean(finder) && hitsIn(text, finder).some(([, end]) => end > beyond)
}

function foldable(text, className, options) {
  const box = make("div", className)
  box.dir = "auto"
  const fold = cutAt(text)
  const end = options.unfolded || hasHit(text, options.finder, fold) ? text.length : fold
  appendText(box, text.slice(0, end), options.showJoiners)
  if (end === text.length) return [box]
  const more = make("button", "more", `Show ${formatCount(text.length - end)} more characters`)
  more.type = "button"
  more.onclick = () => {
    box.replaceChildren()
    appendText(box, text, options.showJoiners)
    more.remove()
  }
  return [box, more]
}

function details(label, text, className, open, options) {
  const element = make("details", className)
  element.open = open || hasHit(text, options.finder)
  element.append(make("summary", "", label), ...foldable(text, "raw", options))
  return element
}

// The text in order: plain parts, fenced code and <think> blocks, each of the latter foldable; nothing is left out.
function textNodes(text, options) {
  const nodes = []
  let from = 0
  const plain = (end) => {
    if (end > from) nodes.push(...foldable(text.slice(from, end), "raw", options))
  }
  for (const match of text.matchAll(PARTS)) {
    if (!match[0]) continue
    plain(match.index)
    const lines = match[0].split("\n").length
    if (match[1]) nodes.push(details(`code · ${formatCount(lines)} lines`, match[0], "code", true, options))
    else nodes.push(details(`thinking · ${formatCount(match[0].length)} characters`, match[0], "think", false, options))
    from = match.index + match[0].length
  }
  plain(text.length)
  return nodes
}

// One line for the list: blanks run together, the beginning only.
function oneLine(text) {
  return text.slice(0, 400).replace(/\s+/gu, " ").trim().slice(0, 220)
}

function formatCount(n) {
  return Math.round(n).toLocaleString("en-US")
}

function formatNumber(value, digits) {
  return value === null || value === undefined ? "–" : value.toFixed(digits).replace("-", "\u2212")
}

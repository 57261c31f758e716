// @ts-check
// Sample text as nodes: exactly what it says, control characters made visible. Never as HTML.

// Joiners hold emoji and Persian together, so they stay invisible unless asked for.
const JOINERS = "\u200c\u200d\ufe0e\ufe0f"
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu

function make(tag, className, text) {
  const element = document.createElement(tag)
  if (className) element.className = className
  if (text !== undefined) element.textContent = text
  return element
}

function codePoint(character) {
  return `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`
}

function isShownAsCode(character, next, showJoiners) {
  if (character === "\n" || character === "\t") return false
  // Lines that end in CR LF are lines; a CR alone is something else.
  if (character === "\r" && next === "\n") return false
  return showJoiners || !JOINERS.includes(character)
}

function appendText(parent, text, showJoiners) {
  let from = 0
  for (const match of text.matchAll(INVISIBLE)) {
    if (!isShownAsCode(match[0], text[match.index + match[0].length], showJoiners)) continue
    if (match.index > from) parent.append(text.slice(from, match.index))
    const box = make("span", "control", codePoint(match[0]))
    box.title = "Invisible character"
    parent.append(box)
    // A line separator breaks the line where it stands.
    if (match[0] === "\u2028" || match[0] === "\u2029") parent.append(make("br"))
    from = match.index + match[0].length
  }
  if (from < text.length) parent.append(from ? text.slice(from) : text)
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

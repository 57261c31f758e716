// @ts-check
// How a sample's turns are read: exactly as they are, or with Markdown and LaTeX drawn; long ones folded; with a mark
// where truncation ended what the models read.

const FOLD_CHARACTERS = 1500
const FOLD_LINES = 24
const TRUNCATED_WORDS = "Truncated here: the models did not read the text below"

// What a person has chosen for reading; lives as long as the component.
class Reading {
  constructor() {
    this.isFormatted = false
    this.opened = new Set()
  }
}

// Where a long text is folded, its length where it is not long: after 1,500 characters or 24 lines.
/** @param {string} text */
function foldAt(text) {
  let end = Math.min(text.length, FOLD_CHARACTERS)
  let at = -1
  for (let line = 0; line < FOLD_LINES; line++) {
    at = text.indexOf("\n", at + 1)
    if (at < 0 || at >= end) break
    if (line === FOLD_LINES - 1 && at + 1 < text.length) end = at + 1
  }
  // Not between the halves of a surrogate pair.
  const code = text.charCodeAt(end)
  return code >= 0xdc00 && code <= 0xdfff ? end + 1 : end
}

// Whether a hit of the search reaches beyond this place: a hit is never folded away.
/** @param {string} text @param {Finder | null | undefined} finder */
function hasHit(text, finder, beyond = 0) {
  return Boolean(finder && hitsIn(text, finder).some(([, end]) => end > beyond))
}

// The text with what is folded away behind a button, for the parts that fold by themselves.
/** @param {string} text @param {string} className @param {TextOptions} options */
function foldable(text, className, options) {
  const box = make("div", className)
  const fill = (shown) => {
    box.replaceChildren()
    if (className.includes("mono")) {
      box.dir = "ltr"
      appendText(box, shown, options.showJoiners)
    } else appendParagraphs(box, shown, options)
  }
  const fold = foldAt(text)
  const end = hasHit(text, options.finder, fold) ? text.length : fold
  fill(text.slice(0, end))
  if (end === text.length) return [box]
  const more = moreButton(`Show all ${formatCount(text.length)} characters`, () => {
    fill(text)
    more.remove()
  })
  return [box, more]
}

function moreButton(label, onclick) {
  const more = make("button", "more", label)
  more.type = "button"
  more.onclick = onclick
  return more
}

// Each paragraph finds its own direction: an Arabic answer under an English question reads from the right.
function appendParagraphs(parent, text, options) {
  for (const paragraph of paragraphsOf(text)) {
    const node = make("div", "para")
    node.dir = "auto"
    appendText(node, paragraph, options.showJoiners)
    parent.append(node)
  }
}

function details(label, open, className, nodes) {
  const element = make("details", className)
  element.open = open
  element.append(make("summary", "", label), ...nodes)
  return element
}

function partNodes(part, options) {
  const { kind, text } = part
  if (kind === "fence") return [fenceNode(text, options)]
  if (kind === "think") {
    const label = `thinking · ${formatCount(text.length)} characters`
    return [details(label, hasHit(text, options.finder), "think", foldable(text, "raw", options))]
  }
  if (kind === "plain" && options.isFormatted) {
    const box = make("div", "formatted")
    box.append(...markdownNodes(text, options))
    return [box]
  }
  const box = make("div", kind === "code" ? "raw mono" : "raw")
  if (kind === "code") {
    box.dir = "ltr"
    appendText(box, text, options.showJoiners)
  } else appendParagraphs(box, text, options)
  return [box]
}

function fenceNode(text, options) {
  const lines = linesOf(text)
  const language = FENCE.exec(lines[0].trimEnd())?.[2].trim() ?? ""
  const isClosed = lines.length > 1 && FENCE.test(lines[lines.length - 1].trimEnd())
  const inside = options.isFormatted ? lines.slice(1, isClosed ? -1 : undefined) : lines
  const box = make("div", "raw mono")
  box.dir = "ltr"
  appendText(box, inside.join(""), options.showJoiners)
  const label = ["code", language.slice(0, 30), `${formatCount(lines.length)} lines`].filter(Boolean).join(" · ")
  return details(label, true, "code", [box])
}

// Parts before and after a place in the text; a part that it falls into is in both.
function splitParts(parts, place) {
  const before = []
  const after = []
  let from = 0
  for (const part of parts) {
    const cut = Math.min(Math.max(place - from, 0), part.text.length)
    if (cut > 0) before.push({ ...part, text: part.text.slice(0, cut) })
    if (cut < part.text.length) after.push({ ...part, text: part.text.slice(cut) })
    from += part.text.length
  }
  return [before, after]
}

// The nodes of a text; with `readTo`, a mark stands there and what follows is muted.
/** @param {string} text @param {TextOptions} options @param {number | null} readTo */
function textNodes(text, options, readTo = null) {
  const parts = partsOf(text)
  const nodesOf = (some) => some.flatMap((part) => partNodes(part, options))
  if (readTo === null || readTo >= text.length) return nodesOf(parts)
  const [before, after] = splitParts(parts, readTo)
  const mark = make("div", "truncated-here", TRUNCATED_WORDS)
  mark.setAttribute("role", "note")
  return [...nodesOf(before), mark, unread(nodesOf(after))]
}

function unread(nodes) {
  const box = make("div", "unread")
  box.append(...nodes)
  return box
}

// What the models read of a turn of a truncated sample: `note` for its head, `readTo` characters of its content where
// the end lies in it, `isUnread` for a turn behind the end.
/**
 * @param {SampleTurn} turn
 * @param {number} index
 * @param {SampleRow} row
 * @param {App} app
 * @returns {{ note?: string, readTo?: number, isUnread?: boolean }}
 */
function readOf(turn, index, row, app) {
  const end = app.tokens?.key === row.key ? app.tokens.read_to : null
  if (!end || turn.rejected || index < end.turn) return {}
  if (index > end.turn) return { note: "cut off, not read", isUnread: true }
  if (end.at === null) return { note: "truncated" }
  return end.at < turn.n_chars ? { note: `truncated, ${formatCount(end.at)} characters read`, readTo: end.at } : {}
}

// The content of a turn, folded where it is long; the button opens this turn alone, and it stays open.
/**
 * @param {SampleTurn} turn
 * @param {number} index
 * @param {SampleRow} row
 * @param {App} app
 * @param {TextOptions} options
 * @param {() => void} repaint
 */
function contentNodes(turn, index, row, app, options, repaint) {
  const name = `${row.key}/${index}`
  const fold = foldAt(turn.content)
  const isOpen = app.reading.opened.has(name) || hasHit(turn.content, options.finder, fold)
  const end = isOpen ? turn.content.length : fold
  const { readTo = null, isUnread } = readOf(turn, index, row, app)
  const nodes = isUnread
    ? [unread(textNodes(turn.content.slice(0, end), options))]
    : textNodes(turn.content.slice(0, end), options, readTo)
  if (end === turn.content.length && !turn.is_cut) return nodes
  const more = moreButton(`Show all ${formatCount(turn.n_chars)} characters`, () => {
    app.reading.opened.add(name)
    if (!turn.is_cut) return repaint()
    more.disabled = true
    more.textContent = `Loading all ${formatCount(turn.n_chars)} characters`
    app.fetchFull(row.key)
  })
  return [...nodes, more]
}

// The button over the sample that draws Markdown and LaTeX, or shows the exact text again.
/** @param {App} app */
function formatTool(app) {
  return tool("Formatted", "F", app.reading.isFormatted, () => toggleFormatted(app))
}

/** @param {App} app */
function toggleFormatted(app) {
  app.reading.isFormatted = !app.reading.isFormatted
  app.paintSample()
  app.say(app.reading.isFormatted ? "formatted text" : "exact text")
}

// @ts-check
// The hits of the search: their places in a text, as the store matches them, the snippet of a list line, and the marks.

// Letters that the store lowers otherwise than a browser: without regard to the end of a word, and as of Unicode 14.
const FOLDED_OTHERWISE =
  /[\u0130\u03a3\u1c89\ua7cb\ua7cc\ua7ce\ua7d2\ua7d4\ua7da\ua7dc]|\ud803[\udd50-\udd65]|\ud81b[\udea0-\udeb8]/g
const FOLDED = { "\u0130": "i", "\u03a3": "\u03c3" }
// Wide letters (Chinese, Japanese, Korean, most emoji) take the room of two.
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\ud83c-\ud83e]/
const SEARCHED_ROLES = { user: ["user", "tool"], assistant: ["assistant"], system: ["system"] }
const SNIPPET = 400

// Lower case as the store's lower(): letter by letter, so that no place in the text moves.
/** @param {string} text */
function foldCase(text) {
  let folded = ""
  let from = 0
  for (const match of text.matchAll(FOLDED_OTHERWISE)) {
    folded += text.slice(from, match.index).toLowerCase() + (FOLDED[match[0]] ?? match[0])
    from = match.index + match[0].length
  }
  return folded + text.slice(from).toLowerCase()
}

// `asked` is { text, scope, match_case } of the filter; null where nothing is searched.
/** @param {Search | null} asked @returns {Finder | null} */
function finderOf(asked) {
  if (!asked?.text) return null
  return {
    needle: asked.match_case ? asked.text : foldCase(asked.text),
    matchCase: asked.match_case,
    roles: SEARCHED_ROLES[asked.scope] ?? null,
  }
}

// [start, end] of each hit, one after the other.
/** @param {string} text @param {Finder} finder @returns {[start: number, end: number][]} */
function hitsIn(text, finder) {
  const hits = []
  const searched = finder.matchCase ? text : foldCase(text)
  const size = finder.needle.length
  for (let at = searched.indexOf(finder.needle); at >= 0; at = searched.indexOf(finder.needle, at + size))
    hits.push([at, at + size])
  return hits
}

// The store searches the turns of some roles; a rejected answer is not among them.
/** @param {SampleTurn} turn @param {Finder | null} finder @returns {finder is Finder} */
function isSearched(turn, finder) {
  return finder !== null && !turn.rejected && (finder.roles === null || finder.roles.includes(turn.role))
}

// The texts of a turn that are searched, in order. Where the browser holds the beginning alone and the first hit lies
// beyond it, the server has sent the text around that hit.
/** @param {SampleTurn} turn */
function searchedTexts(turn) {
  return [...turn.thoughts.map((thought) => thought.excerpt || thought.text), turn.excerpt || turn.content]
}

function widthOf(text) {
  let width = 0
  for (const letter of text) width += WIDE.test(letter) ? 2 : 1
  return width
}

// The end of a text that fits into so many letters' room; whole letters.
function endThatFits(text, room) {
  const letters = [...text]
  let from = letters.length
  let width = 0
  while (from > 0) {
    width += WIDE.test(letters[from - 1]) ? 2 : 1
    if (width > room) break
    from--
  }
  return letters.slice(from).join("")
}

// { before, hit, after } of the first hit on one line, with the hit in the middle of `room` letters; null without one.
/** @param {string} text @param {Finder} finder @param {number} room */
function snippet(text, finder, room) {
  const first = hitsIn(text, finder)[0]
  if (!first) return null
  const [start, end] = first
  const line = (part) => part.replace(/\s+/gu, " ")
  const hit = line(text.slice(start, end))
  const led = line(text.slice(Math.max(0, start - SNIPPET), start)).trimStart()
  const before = endThatFits(led, Math.max(8, Math.floor((room - widthOf(hit)) / 2)))
  const isCut = before.length < led.length || start > SNIPPET
  return { before: isCut ? `…${before}` : before, hit, after: line(text.slice(end, end + SNIPPET)) }
}

function appendHit(parent, text) {
  const mark = make("mark", "hit")
  appendText(mark, text, false)
  parent.append(mark)
}

function appendSnippet(parent, excerpt, finder) {
  appendText(parent, excerpt.before, false)
  appendHit(parent, excerpt.hit)
  let from = 0
  for (const [start, end] of hitsIn(excerpt.after, finder)) {
    appendText(parent, excerpt.after.slice(from, start), false)
    appendHit(parent, excerpt.after.slice(start, end))
    from = end
  }
  appendText(parent, excerpt.after.slice(from), false)
}

// ---- marks in the open sample -----------------------------------------------------------------------------------

// A box that stands for a character that prints nothing stands for itself in the search, too.
function characterOf(box) {
  return String.fromCodePoint(Number.parseInt(box.textContent.slice(2), 16))
}

// Text nodes and boxed characters in order: [node, the text that it stands for].
function piecesOf(elements) {
  const pieces = []
  const walk = (node) => {
    if (node.nodeType === Node.TEXT_NODE) pieces.push([node, node.data])
    else if (node.classList?.contains("control")) pieces.push([node, characterOf(node)])
    // A formula is a drawing; its source is in the exact text.
    else if (!node.classList?.contains("formula")) for (const child of [...node.childNodes]) walk(child)
  }
  for (const element of elements) walk(element)
  return pieces
}

function takeMarksOff(root) {
  for (const mark of root.querySelectorAll("mark.hit")) {
    const parent = mark.parentNode
    mark.replaceWith(...mark.childNodes)
    parent.normalize()
  }
}

// Puts each hit of the texts that follow each other in these elements into <mark>; returns the number of hits.
/** @param {Iterable<Element>} elements @param {Finder} finder */
function markHits(elements, finder) {
  const pieces = piecesOf(elements)
  const hits = hitsIn(pieces.map(([, text]) => text).join(""), finder)
  let at = 0
  for (const [node, text] of pieces) {
    const inside = hits
      .map(([start, end]) => [Math.max(start - at, 0), Math.min(end - at, text.length)])
      .filter(([start, end]) => start < end)
    at += text.length
    if (!inside.length) continue
    const parts = document.createDocumentFragment()
    if (node.nodeType !== Node.TEXT_NODE) {
      const mark = make("mark", "hit")
      node.replaceWith(mark)
      mark.append(node)
      continue
    }
    let from = 0
    for (const [start, end] of inside) {
      parts.append(text.slice(from, start), make("mark", "hit", text.slice(start, end)))
      from = end
    }
    parts.append(text.slice(from))
    node.replaceWith(parts)
  }
  return hits.length
}

// Keeps the marks on the open sample, also where a folded part is unfolded later.
class Marker {
  constructor(pane) {
    this.pane = pane
    this.finder = null
    this.observer = new MutationObserver(() => this.refresh())
  }

  /** @param {Finder | null} finder */
  use(finder) {
    this.finder = finder
    this.refresh()
  }

  refresh() {
    this.observer.disconnect()
    takeMarksOff(this.pane)
    if (!this.finder) return
    for (const group of this.pane.querySelectorAll("[data-searched]"))
      markHits(group.querySelectorAll(".raw, .formatted"), this.finder)
    this.observer.observe(this.pane, { childList: true, subtree: true })
  }

  // The first hit comes into sight, not at the very edge; what is in sight already does not move.
  showFirst() {
    const first = this.pane.querySelector("mark.hit")
    if (!first) return
    const pane = this.pane.getBoundingClientRect()
    const hit = first.getBoundingClientRect()
    const head = this.pane.querySelector(".sample-head")?.offsetHeight ?? 0
    if (hit.top < pane.top + head || hit.bottom > pane.bottom)
      this.pane.scrollTop += hit.top - pane.top - pane.height / 2
  }

  destroy() {
    this.observer.disconnect()
  }
}

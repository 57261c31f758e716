// @ts-check
// Markdown and LaTeX as nodes, on request. Built element by element: nothing in a text is ever read as HTML, no address
// in it is opened or fetched. Code blocks and thinking are taken out before (code.js).

const HEADING = /^ {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*$/
const RULE = /^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/
const QUOTE = /^ {0,3}> ?/
const ITEM = /^([ \t]*)([-*+]|\d{1,9}[.)])[ \t]+(.*)$/
const TABLE_RULE = /^ {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/
const FORMULA_BLOCKS = [
  ["$$", "$$"],
  ["\\[", "\\]"],
]
const ENVIRONMENT = /^\s*\\begin\{((?:align|aligned|equation|gather|multline|cases|array|[pbvBV]?matrix)\*?)\}/
// Deeper than anybody writes: text that nests on is shown as it is.
const DEEPEST = 8
const LONGEST_BLOCK_LINES = 200
const ESCAPABLE = /[\\`*_{}[\]()#+\-.!|<>$~]/
// What may open a span: escapes, code, formulas, links, emphasis.
const OPENERS = /\\[\s\S]|`+|\$\$?|!?\[|\*\*?|__?|~~/g

function markdownNodes(text, options, depth = 0) {
  const lines = text.replace(/\r\n?/g, "\n").split("\n")
  const nodes = []
  let at = 0
  while (at < lines.length) {
    if (!lines[at].trim()) {
      at += 1
      continue
    }
    const [node, next] = block(lines, at, options, depth)
    nodes.push(node)
    at = next
  }
  return nodes
}

// One block that begins at a line that is not blank: its node, and the line after it.
function block(lines, at, options, depth) {
  const line = lines[at]
  const heading = HEADING.exec(line)
  if (heading) return [headingNode(heading, options), at + 1]
  if (RULE.test(line)) return [make("hr"), at + 1]
  const formula = formulaBlock(lines, at, options)
  if (formula) return formula
  if (depth < DEEPEST && QUOTE.test(line)) {
    const end = endOf(lines, at, (next) => QUOTE.test(next))
    const quote = make("blockquote")
    quote.append(
      ...markdownNodes(
        lines
          .slice(at, end)
          .map((one) => one.replace(QUOTE, ""))
          .join("\n"),
        options,
        depth + 1,
      ),
    )
    return [quote, end]
  }
  if (depth < DEEPEST && ITEM.test(line)) return listNode(lines, at, options, depth)
  if (line.includes("|") && at + 1 < lines.length && lines[at + 1].includes("-") && TABLE_RULE.test(lines[at + 1]))
    return tableNode(lines, at, options)
  const end = Math.max(
    at + 1,
    endOf(lines, at, (next, n) => n === at || !startsBlock(next)),
  )
  return [paragraphNode(lines.slice(at, end).join("\n"), options), end]
}

function startsBlock(line) {
  const formula = FORMULA_BLOCKS.some(([open]) => line.trimStart().startsWith(open)) || ENVIRONMENT.test(line)
  return formula || HEADING.test(line) || RULE.test(line) || QUOTE.test(line) || ITEM.test(line)
}

// The first line from `at` on that is blank or does not belong.
function endOf(lines, at, belongs) {
  let end = at
  while (end < lines.length && lines[end].trim() && belongs(lines[end], end)) end += 1
  return end
}

/** @param {RegExpExecArray} heading @param {TextOptions} options */
function headingNode([, marks, words], options) {
  const node = make("div", `md-heading md-h${marks.length}`)
  node.setAttribute("role", "heading")
  node.setAttribute("aria-level", "3")
  node.dir = "auto"
  inline(node, words, options, 0)
  return node
}

function paragraphNode(text, options) {
  const node = make("p", "md-paragraph")
  node.dir = "auto"
  inline(node, text, options, 0)
  return node
}

// Items of one depth; what is indented below an item belongs to it, and blank lines between items are nothing.
function listNode(lines, at, options, depth) {
  const [, indent, mark] = ITEM.exec(lines[at]) ?? ["", "", "", ""]
  const isOrdered = /\d/.test(mark)
  const list = make(isOrdered ? "ol" : "ul")
  if (isOrdered) list.start = Number.parseInt(mark, 10)
  let next = at
  while (next < lines.length) {
    const item = ITEM.exec(lines[next])
    if (!item || item[1].length !== indent.length || /\d/.test(item[2]) !== isOrdered || RULE.test(lines[next])) break
    const end = endOfItem(lines, next, indent.length)
    const inside = lines.slice(next + 1, end)
    const shift = inside.reduce((least, line) => (line.trim() ? Math.min(least, line.search(/\S/)) : least), Infinity)
    const entry = make("li")
    entry.dir = "auto"
    entry.append(...markdownNodes([item[3], ...inside.map((line) => line.slice(shift))].join("\n"), options, depth + 1))
    list.append(entry)
    next = end
    const following = nextFilled(lines, next)
    if (following > next && ITEM.test(lines[following] ?? "")) next = following
  }
  return [list, next]
}

function endOfItem(lines, at, indent) {
  let end = at + 1
  while (end < lines.length) {
    const filled = nextFilled(lines, end)
    if (filled >= lines.length) return end
    const line = lines[filled]
    const isDeeper = line.search(/\S/) > indent
    const goesOn = filled === end && !startsBlock(line)
    if (!isDeeper && !goesOn) return end
    end = filled + 1
  }
  return end
}

function nextFilled(lines, at) {
  let next = at
  while (next < lines.length && !lines[next].trim()) next += 1
  return next
}

function tableNode(lines, at, options) {
  const end = endOf(lines, at, (line) => line.includes("|"))
  const table = make("table", "md-table")
  const fill = (parent, tag, line) => {
    const row = make("tr")
    for (const words of cellsOf(line)) {
      const cell = make(tag)
      cell.dir = "auto"
      if (tag === "th") cell.scope = "col"
      inline(cell, words, options, 0)
      row.append(cell)
    }
    parent.append(row)
  }
  const head = make("thead")
  const body = make("tbody")
  fill(head, "th", lines[at])
  for (const line of lines.slice(at + 2, end)) fill(body, "td", line)
  table.append(head, body)
  return [table, end]
}

function cellsOf(line) {
  const inside = line
    .trim()
    .replace(/^\|/, "")
    .replace(/(?<!\\)\|$/, "")
  return inside.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"))
}

function formulaBlock(lines, at, options) {
  const line = lines[at].trimStart()
  const environment = ENVIRONMENT.exec(line)
  const [open, close] = environment
    ? ["", `\\end{${environment[1]}}`]
    : FORMULA_BLOCKS.find(([mark]) => line.startsWith(mark)) || []
  if (close === undefined) return null
  const text = lines
    .slice(at, at + LONGEST_BLOCK_LINES)
    .join("\n")
    .trimStart()
  const end = text.indexOf(close, open.length)
  if (end < 0) return null
  const whole = text.slice(0, end + close.length)
  const rest = text.slice(whole.length)
  // What stands behind it on the same line makes it a part of a paragraph.
  if (/^[ \t]*[^\s.,;]/.test(rest)) return null
  const formula = environment ? whole : whole.slice(open.length, -close.length)
  const box = formulaNode(formula, whole, true, options)
  const mark = /^[ \t]*[.,;]/.exec(rest)
  if (mark) box.append(mark[0].trim())
  return [box, at + whole.split("\n").length]
}

// Spans of one line of thought, appended to `parent`. `missing` remembers marks that nothing closes, so that a text of
// ten thousand asterisks is read once and not ten thousand times.
function inline(parent, text, options, depth) {
  const missing = new Set()
  let from = 0
  OPENERS.lastIndex = 0
  while (from < text.length) {
    OPENERS.lastIndex = from
    const span = depth < DEEPEST ? nextSpan(text, missing, options, depth) : null
    const end = span ? span.start : text.length
    if (end > from) appendText(parent, text.slice(from, end), options.showJoiners)
    if (!span) return
    parent.append(...span.nodes)
    from = span.end
  }
}

// The next span from the place where OPENERS stands: where it starts and ends, and its nodes; null without one.
function nextSpan(text, missing, options, depth) {
  for (let opener = OPENERS.exec(text); opener; opener = OPENERS.exec(text)) {
    const { index: start } = opener
    const past = start + opener[0].length
    const span = spanAt(text, opener, missing, options, depth)
    if (span) return { start, ...span }
    OPENERS.lastIndex = past
  }
  return null
}

function spanAt(text, opener, missing, options, depth) {
  const mark = opener[0]
  const at = opener.index
  if (mark[0] === "\\") return escapeAt(text, at, mark, missing, options)
  if (mark[0] === "`") return codeAt(text, at, mark, missing, options)
  if (mark[0] === "$") return formulaAt(text, at, mark, mark, missing, options)
  if (mark.endsWith("[")) return linkAt(text, at, mark, missing, options, depth)
  return emphasisAt(text, at, mark, missing, options, depth)
}

// Where `close` stands next, from `from` on; -1, and known from then on, where it does not.
function closing(text, close, from, missing) {
  if (missing.has(close)) return -1
  const end = text.indexOf(close, from)
  if (end < 0) missing.add(close)
  return end
}

function escapeAt(text, at, mark, missing, options) {
  if (mark === "\\(") return formulaAt(text, at, mark, "\\)", missing, options)
  if (mark === "\\[") return formulaAt(text, at, mark, "\\]", missing, options)
  if (mark === "\\\n") return { nodes: [make("br")], end: at + 2 }
  return ESCAPABLE.test(mark[1]) ? { nodes: [mark[1]], end: at + 2 } : null
}

function codeAt(text, at, mark, missing, options) {
  const end = closing(text, mark, at + mark.length, missing)
  if (end < 0) return null
  const code = make("code", "md-code")
  code.dir = "ltr"
  appendText(code, text.slice(at + mark.length, end), options.showJoiners)
  return { nodes: [code], end: end + mark.length }
}

// A dollar is money where a blank follows it, or a digit follows the next one: "$5 and $10".
function formulaAt(text, at, open, close, missing, options) {
  const start = at + open.length
  const end = closing(text, close, start, missing)
  if (end <= start) return null
  const formula = text.slice(start, end)
  const after = text[end + close.length] ?? ""
  if (open === "$" && (/^\s|\s$|\n\s*\n/.test(formula) || /\d/.test(after))) return null
  const whole = text.slice(at, end + close.length)
  return { nodes: [formulaNode(formula, whole, open === "$$" || open === "\\[", options)], end: end + close.length }
}

// A link's words with its address beside them: there is nothing to click, and an image is not fetched.
function linkAt(text, at, mark, missing, options, depth) {
  const middle = closing(text, "](", at + mark.length, missing)
  const end = middle < 0 ? -1 : closing(text, ")", middle + 2, missing)
  const words = text.slice(at + mark.length, middle)
  if (end < 0 || words.includes("[") || text.slice(middle, end).includes("\n")) return null
  const link = make("span", "md-link")
  if (mark[0] === "!") link.append(make("span", "tagged", "image"), " ")
  inline(link, words, options, depth + 1)
  const address = make("span", "md-address")
  address.dir = "ltr"
  appendText(address, text.slice(middle + 2, end), options.showJoiners)
  return { nodes: [link, " ", address], end: end + 1 }
}

const EMPHASIS = { "**": "strong", __: "strong", "*": "em", _: "em", "~~": "s" }

function emphasisAt(text, at, mark, missing, options, depth) {
  const start = at + mark.length
  const isWord = (character) => character !== undefined && /[\p{L}\p{N}]/u.test(character)
  if (/\s|^$/.test(text[start] ?? "") || (mark[0] === "_" && isWord(text[at - 1]))) return null
  let end = closing(text, mark, start + 1, missing)
  // Not one half of a longer mark, not after a blank, and an underscore not within a word.
  while (end >= 0) {
    const isHalf = mark.length === 1 && (text[end + 1] === mark || text[end - 1] === mark)
    if (!isHalf && !/\s/.test(text[end - 1]) && !(mark[0] === "_" && isWord(text[end + mark.length]))) break
    end = text.indexOf(mark, end + (isHalf ? 2 : 1))
  }
  if (end < 0) {
    missing.add(mark)
    return null
  }
  const node = make(EMPHASIS[mark])
  inline(node, text.slice(start, end), options, depth + 1)
  return { nodes: [node], end: end + mark.length }
}

// @ts-check
// Which parts of a text are code: fenced blocks, thinking, and lines that read like a program without any fence.

const FENCE = /^[ \t]*(`{3,}|~{3,})[ \t]*([^`\n]*)$/
const THINKING = /<think>[\s\S]*?(?:<\/think>\n?|$)/g
// A line of a program by its first word, or by how it ends.
const STATEMENT = new RegExp(
  [
    "^\\s*(?:import|from) [\\w.*{}, ]+(?: import .+| from .+)?;?$",
    "^\\s*(?:async )?def \\w+\\(.*",
    "^\\s*class \\w+.*[:{]$",
    "^\\s*(?:if|elif|for|while|with|try|except|else|finally)\\b.*:$",
    "^\\s*(?:return|yield|raise|assert|break|continue|pass)\\b[^.!?]*$",
    "^\\s*(?:public|private|protected|static|final|void|int|float|double|char|bool|struct|enum|fn|func|let|const|var|function)\\b.*[;{(=,]",
    "^\\s*#\\s*(?:include|define|ifdef|ifndef|endif|pragma)\\b",
    "^\\s*(?:SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE TABLE|FROM|WHERE|GROUP BY|ORDER BY|(?:INNER |LEFT |RIGHT )?JOIN)\\b.*",
    "^\\s*</?[a-zA-Z][\\w-]*(?: [^<>]*)?/?>.*$",
    "^\\s*[}\\])]+[;,]?\\)?;?$",
    "^.*[;{]\\s*$",
    "^\\s*(?:[\\w.]+(?:\\[[^\\]]*\\])?)\\s*(?:[-+*/|&%]?=)\\s*\\S.*$",
    "^\\s*[\\w.]+\\(.*\\)\\s*;?$",
    "^\\s*@\\w+.*$",
    "^\\s*(?:>>>|\\$) \\S.*$",
  ].join("|"),
)
const COMMENT = /^\s*(?:#(?!#)|\/\/|\/\*|\*|--|<!--)/
const PROSE_END = /[a-z]{2}[.!?]["')]?\s*$/
// Formulas read like assignments.
const FORMULA =
  /\\(?:frac|sqrt|begin|times|cdot|left|right|text|sum|int|boxed|quad)\b|\$[^$\s](?:[^$\n]*[^$\s])?\$(?!\w)/
const LEAST_CODE_LINES = 2
// A longer line is data or minified; no pattern is run over it.
const LONGEST_LINE = 2000

// The text as parts in order, [{ kind: "plain" | "fence" | "think" | "code", text }]: joined, they are the text.
function partsOf(text) {
  const parts = []
  let from = 0
  for (const match of text.matchAll(THINKING)) {
    if (match.index > from) parts.push(...fencedParts(text.slice(from, match.index)))
    parts.push({ kind: "think", text: match[0] })
    from = match.index + match[0].length
  }
  if (from < text.length) parts.push(...fencedParts(text.slice(from)))
  return parts
}

function fencedParts(text) {
  const parts = []
  let plain = ""
  /** @type {{ text: string, mark: string } | null} */
  let block = null
  for (const line of linesOf(text)) {
    const mark = FENCE.exec(line.trimEnd())
    if (block) {
      block.text += line
      const closes = mark && !mark[2] && mark[1][0] === block.mark[0] && mark[1].length >= block.mark.length
      if (closes) {
        parts.push({ kind: "fence", text: block.text })
        block = null
      }
    } else if (mark) {
      parts.push(...unfencedParts(plain))
      plain = ""
      block = { text: line, mark: mark[1] }
    } else plain += line
  }
  if (block) parts.push({ kind: "fence", text: block.text })
  parts.push(...unfencedParts(plain))
  return parts
}

// Paragraphs that are code, with the blank lines between them; single statements count beside code, not in prose.
function unfencedParts(text) {
  if (!text) return []
  if (isJson(text)) return [{ kind: "code", text }]
  const paragraphs = paragraphsOf(text).map((paragraph) => ({ text: paragraph, ...statementsIn(paragraph) }))
  const isAllCode =
    paragraphs.every((one) => one.isPure) && paragraphs.reduce((sum, one) => sum + one.n, 0) >= LEAST_CODE_LINES
  const goesWith = (one) => one.isPure || /^(?: {2}|\t)/.test(one.text)
  for (const one of paragraphs) one.isCode = isAllCode || one.isMostly
  for (let i = 1; i < paragraphs.length; i++)
    paragraphs[i].isCode ||= paragraphs[i - 1].isCode && goesWith(paragraphs[i])
  for (let i = paragraphs.length - 2; i >= 0; i--)
    paragraphs[i].isCode ||= paragraphs[i + 1].isCode && paragraphs[i].isPure
  const parts = []
  for (const { text: paragraph, isCode } of paragraphs) {
    const kind = isCode ? "code" : "plain"
    const last = parts[parts.length - 1]
    if (last?.kind === kind) last.text += paragraph
    else parts.push({ kind, text: paragraph })
  }
  return parts
}

// How many lines are statements; whether all lines are, or most and at least two.
function statementsIn(paragraph) {
  const lines = paragraph
    .split("\n")
    .map((line) => line.trimEnd())
    .filter(Boolean)
  if (lines.some((line) => line.length > LONGEST_LINE || FORMULA.test(line)))
    return { n: 0, isPure: false, isMostly: false }
  const n = lines.filter((line) => STATEMENT.test(line) && !PROSE_END.test(line)).length
  const comments = lines.filter((line) => COMMENT.test(line)).length
  return {
    n,
    isPure: n > 0 && n + comments >= lines.length,
    isMostly: n >= LEAST_CODE_LINES && n + comments >= 0.6 * lines.length,
  }
}

function isJson(text) {
  const start = text.trimStart()[0]
  if (start !== "{" && start !== "[") return false
  try {
    return typeof JSON.parse(text) === "object"
  } catch {
    return false
  }
}

// Each with its line feed, so that joined they are the text.
function linesOf(text) {
  return text.match(/[^\n]*\n|[^\n]+$/g) || []
}

// Up to a blank line and with it: a paragraph has one direction of script, and may be code.
function paragraphsOf(text) {
  return text.match(/[\s\S]*?(?:\n[ \t\r]*(?=\n)\n+|$)/g).filter(Boolean)
}

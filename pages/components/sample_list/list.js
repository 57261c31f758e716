// @ts-check
// The list on the left and its pager: what a curator needs to choose the next sample, three lines a row.

const MARKS = { keep: "✓", drop: "✕", undecided: "·" }
const VERDICT_WORDS = { keep: "kept", drop: "dropped", undecided: "undecided" }

// Learnability lies on either side of 0, and at most 1 above it; another score within the axis of its domains.
/** @param {number | null} score @param {DomainShape | null} axis */
function scoreBar(score, axis) {
  const bar = make("span", score === null ? "bar empty" : axis ? "bar whole" : score < 0 ? "bar below" : "bar")
  if (score === null) return bar
  const fill = make("span", "fill")
  if (axis) {
    const share = (score - axis.low) / (axis.high - axis.low || 1)
    fill.style.width = `${Math.min(Math.max(share, 0), 1) * 100}%`
    fill.style.left = "0"
    bar.append(fill)
    return bar
  }
  const size = Math.min(Math.abs(score), 1) * 50
  fill.style.width = `${size}%`
  fill.style.left = `${score < 0 ? 50 - size : 50}%`
  bar.append(fill)
  return bar
}

/** @param {string} domain @param {Record<string, number>} slots */
function domainMark(domain, slots) {
  const box = make("span", "domain")
  const swatch = make("span", "swatch")
  swatch.style.background = `var(--d${slots[domain] ?? 0})`
  box.append(swatch, domain)
  return box
}

const REVIEW_WORDS = { near_cut: "near the cut", either_way: "could go either way" }
// Letters of the list's font are about this wide, in px.
const LETTER_WIDTH = 7

/** @param {SampleRow} row @param {number} place @param {App} app */
function rowItem(row, place, app) {
  const item = make("div", "item")
  item.setAttribute("role", "option")
  item.id = `row-${row.key}`
  item.dataset.key = row.key
  item.dataset.place = place
  const head = make("div", "line head")
  head.append(
    make("span", "mark"),
    make("span", "rank", row.rank ? formatCount(row.rank) : "–"),
    scoreBar(row.score, app.data.scored ? null : (app.data.shapes[row.domain] ?? null)),
    make("span", "score", formatNumber(row.score, 2)),
    domainMark(row.domain, app.data.slots),
    make("span", "muted", tokensOf(row)),
  )
  if (row.is_duplicate) head.append(make("span", "tagged", "copy"))
  for (const reason of row.review.slice(0, 2))
    head.append(make("span", "tagged amber", REVIEW_WORDS[reason] || FLAG_WORDS[reason] || reason))
  for (const tag of row.tags.slice(0, 2)) head.append(make("span", "tagged", tag))
  if (row.note) head.append(make("span", "tagged", "note"))
  const prompt = make("div", "line")
  const response = make("div", "line second")
  prompt.dir = response.dir = "auto"
  const room = Math.max(40, Math.floor((app.list.clientWidth - 24) / LETTER_WIDTH))
  const isAnswer = (turn) => turn.role === "assistant"
  if (!appendFirstHit(prompt, row, (turn) => !isAnswer(turn), app.finder, room))
    appendText(prompt, oneLine(firstOf(row, "user") || firstOf(row, "system")), false)
  if (!appendFirstHit(response, row, isAnswer, app.finder, room))
    appendText(response, oneLine(firstOf(row, "assistant")), false)
  item.append(head, prompt, response)
  paintVerdict(item, row)
  return item
}

/** @param {SampleRow} row */
function tokensOf(row) {
  if (row.n_tokens === null || row.n_prompt_tokens === null) return `${formatCount(row.n_chars)} chars`
  return `${formatCount(row.n_prompt_tokens)}→${formatCount(row.n_tokens)} tok`
}

// The snippet around the first hit in these turns; false if they have none.
/**
 * @param {Element} line
 * @param {SampleRow} row
 * @param {(turn: SampleTurn) => boolean} belongs
 * @param {Finder | null} finder
 * @param {number} room
 */
function appendFirstHit(line, row, belongs, finder, room) {
  for (const turn of row.turns) {
    if (!belongs(turn) || !isSearched(turn, finder)) continue
    for (const text of searchedTexts(turn)) {
      const excerpt = snippet(text, finder, room)
      if (!excerpt) continue
      appendSnippet(line, excerpt, finder)
      return true
    }
  }
  return false
}

/** @param {SampleRow} row @param {string} role */
function firstOf(row, role) {
  const turn = row.turns.find((one) => one.role === role && one.content)
  return turn ? turn.content : ""
}

/** @param {Element} item @param {SampleRow} row */
function paintVerdict(item, row) {
  const mark = /** @type {Element} */ (item.querySelector(".mark"))
  mark.textContent = MARKS[row.verdict]
  mark.className = `mark ${row.verdict}`
  item.setAttribute(
    "aria-label",
    `${row.rank ? `rank ${row.rank}` : `row ${row.row_index}`}, ${row.domain}, ` +
      `score ${formatNumber(row.score, 2)}, ${VERDICT_WORDS[row.verdict]}`,
  )
}

// 1 2 … 9,223 with the current page and its neighbours; null is a gap.
/** @param {number} page @param {number} last @returns {(number | null)[]} */
function pageNumbers(page, last) {
  const near = new Set([1, last, page - 1, page, page + 1])
  if (page <= 3) for (const n of [2, 3, 4]) near.add(n)
  if (page >= last - 2) for (const n of [last - 1, last - 2, last - 3]) near.add(n)
  const shown = [...near].filter((n) => n >= 1 && n <= last).sort((a, b) => a - b)
  return shown.flatMap((n, i) => (i && n - shown[i - 1] > 1 ? [null, n] : [n]))
}

/** @param {number} page @param {number} last @param {(page: number) => void} go */
function pager(page, last, go) {
  const nav = make("nav", "pager")
  nav.setAttribute("aria-label", "Pages")
  const button = (label, target, title, current) => {
    const one = make("button", current ? "current" : "", label)
    one.type = "button"
    one.title = title
    one.setAttribute("aria-label", title)
    if (current) one.setAttribute("aria-current", "page")
    one.disabled = target < 1 || target > last
    one.onclick = () => go(target)
    nav.append(one)
  }
  button("‹", page - 1, "Previous page")
  for (const n of pageNumbers(page, last)) {
    if (n === null) nav.append(make("span", "gap", "…"))
    else button(formatCount(n), n, `Page ${formatCount(n)}`, n === page)
  }
  button("›", page + 1, "Next page")
  if (last > 5) nav.append(jumpBox(last, go))
  return nav
}

function jumpBox(last, go) {
  const input = make("input", "jump")
  input.type = "text"
  input.inputMode = "numeric"
  input.placeholder = "go to"
  input.setAttribute("aria-label", `Page number, 1 to ${last}`)
  input.onkeydown = (event) => {
    if (event.key !== "Enter") return
    const wanted = Number.parseInt(input.value.replace(/\D/g, ""), 10)
    if (wanted) go(Math.min(Math.max(wanted, 1), last))
    input.value = ""
  }
  return input
}

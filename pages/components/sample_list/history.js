// @ts-check
// What was done to a sample, by whom and when: folded to one line, the latest first.

const DECISION_WORDS = { keep: "kept", drop: "dropped", undecided: "decision cleared" }

/** @param {PastAct} act */
function actWords([kind, text, reason, , , ended]) {
  if (kind === "note") return text ? `note: ${text}` : "note removed"
  if (kind === "tag") return ended ? `tag ${text}, removed ${timeWords(ended)}` : `tagged ${text}`
  const words = DECISION_WORDS[text] + (reason ? `: ${reason}` : "")
  return ended ? `${words}, undone ${timeWords(ended)}` : words
}

// In the browser's own time: 2026-03-01 10:00.
/** @param {string} iso */
function timeWords(iso) {
  const time = new Date(iso)
  if (Number.isNaN(time.getTime())) return iso
  const two = (number) => String(number).padStart(2, "0")
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`
  return `${day} ${two(time.getHours())}:${two(time.getMinutes())}`
}

/** @param {PastAct} act @param {boolean} showJoiners */
function historyLine(act, showJoiners) {
  const line = make("li", act[5] ? "ended" : "")
  const words = make("span", "")
  words.dir = "auto"
  appendText(words, actWords(act), showJoiners)
  line.append(make("b", "", act[3] || "unknown"), make("span", "muted", ` ${timeWords(act[4])} `), words)
  return line
}

/** @param {SampleRow} row @param {App} app */
function historyNode(row, app) {
  const box = make("div", "history")
  if (!row.history.length) return box
  const folded = make("details", "")
  const latest = row.history[0]
  folded.open = Boolean(app.historyIsOpen)
  folded.ontoggle = () => (app.historyIsOpen = folded.open)
  const list = make("ul", "")
  list.append(...row.history.map((act) => historyLine(act, app.showJoiners)))
  const words = `History · ${row.history.length} · last change by ${latest[3] || "unknown"}, ${timeWords(latest[4])}`
  folded.append(make("summary", "", words), list)
  box.append(folded)
  return box
}

// What was just done is history too, before the server has read the row again.
/** @param {SampleRow} row @param {string} kind @param {string} text @param {string} author */
function addToHistory(row, kind, text, author) {
  const now = new Date().toISOString()
  /** @type {PastAct} */
  const act = kind in DECISION_WORDS ? ["decision", kind, text, author, now, ""] : [kind, text, "", author, now, ""]
  row.history = [act, ...row.history]
}

function endInHistory(row, kind = "decision", text = "") {
  const at = row.history.findIndex((act) => act[0] === kind && !act[5] && (!text || act[1] === text))
  if (at < 0) return
  const [what, words, reason, author, madeAt] = row.history[at]
  row.history = row.history.with(at, [what, words, reason, author, madeAt, new Date().toISOString()])
}

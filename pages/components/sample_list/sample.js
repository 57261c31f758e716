// @ts-check
// The sample on the right: where it stands, what was decided, its turns, or its tokens with their losses.

const SVG = "http://www.w3.org/2000/svg"
const ROLE_WORDS = { user: "user", assistant: "assistant", system: "system", tool: "tool result" }
const FLAG_WORDS = {
  negative: "reference worse",
  near_zero_base: "already known",
  short: "short",
  truncated: "truncated",
  non_finite: "loss not finite",
  duplicate: "duplicate",
  no_response: "no response",
  not_scored: "not scored",
  worse_than_chance: "base worse than chance",
  unseen_by_reference: "not in training data",
  in_evaluation: "in an evaluation file",
}

function drawn(tag, attributes) {
  const element = document.createElementNS(SVG, tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  return element
}

// The domain's distribution as a small ridge, with a marker where this sample lies.
/** @param {SampleRow} row @param {DomainShape} shape */
function ridge(row, shape) {
  const width = 168
  const height = 26
  const svg = drawn("svg", { viewBox: `0 0 ${width} ${height}`, width, height, class: "ridge", role: "img" })
  const top = Math.max(...shape.counts, 1)
  const step = width / shape.counts.length
  let path = `M0,${height}`
  shape.counts.forEach((count, i) => {
    const y = (height - (count / top) * (height - 4)).toFixed(1)
    path += `L${(i * step).toFixed(1)},${y}L${((i + 1) * step).toFixed(1)},${y}`
  })
  svg.append(drawn("path", { d: `${path}L${width},${height}Z`, class: "ridge-fill" }))
  const share = ((row.score ?? 0) - shape.low) / (shape.high - shape.low || 1)
  const x = Math.min(Math.max(share, 0), 1) * width
  svg.append(drawn("line", { x1: x, x2: x, y1: 0, y2: height, class: "ridge-mark" }))
  const beyond = share < 0 ? ", left of the axis" : share > 1 ? ", right of the axis" : ""
  svg.setAttribute("aria-label", `${shape.label} ${formatNumber(row.score, 3)} within ${row.domain}${beyond}`)
  return svg
}

/** @param {SampleRow} row @param {DomainShape | undefined} shape */
function place(row, shape) {
  const box = make("div", "place")
  if (row.score === null || row.rank_in_domain === null || !shape) return box
  const above = (100 * row.rank_in_domain) / Math.max(shape.n_scored, 1)
  const words = make("div", "muted")
  words.append(
    make("b", "", `${formatCount(row.rank_in_domain)} of ${formatCount(shape.n_scored)}`),
    ` in ${row.domain} · top ${above < 0.1 ? "0.1" : above < 10 ? above.toFixed(1) : Math.ceil(above)} %`,
  )
  box.append(ridge(row, shape), words)
  box.title = `${row.domain}: ${shape.label} from ${formatNumber(shape.low, 2)} to ${formatNumber(shape.high, 2)}`
  return box
}

/** @param {SampleRow} row @param {App} app */
function factsOf(row, app) {
  const line = make("div", "facts")
  line.append(
    make("b", "rank", row.rank ? `#${formatCount(row.rank)}` : "no rank"),
    domainMark(row.domain, app.data.slots),
  )
  line.append(make("span", "muted", `${row.dataset} · row ${formatCount(row.row_index)}`))
  row.numbers.forEach(({ text, about }, i) => {
    const number = make("span", i ? "muted" : "", text)
    number.title = about
    line.append(number)
  })
  for (const flag of row.flags)
    line.append(make("span", `tagged ${flag === "duplicate" ? "" : "amber"}`, FLAG_WORDS[flag] || flag))
  const id = make("button", "tagged id", row.sample_id.slice(0, 10))
  id.type = "button"
  id.title = `Copy the sample id ${row.sample_id}`
  id.onclick = () => navigator.clipboard?.writeText(row.sample_id).then(() => app.say("sample id copied"))
  line.append(id)
  return line
}

/** @param {SampleRow} row @param {App} app */
function verdictButtons(row, app) {
  const group = make("div", "verdicts")
  group.setAttribute("role", "group")
  group.setAttribute("aria-label", "Decision")
  for (const [verdict, label, key] of [
    ["keep", "Keep", "K"],
    ["drop", "Drop", "D"],
    ["undecided", "Undecided", "U"],
  ]) {
    const button = make("button", `verdict ${verdict}${row.verdict === verdict ? " chosen" : ""}`)
    button.type = "button"
    button.setAttribute("aria-pressed", String(row.verdict === verdict))
    button.append(make("span", "sign", MARKS[verdict]), label, make("kbd", "", key))
    button.onclick = () => app.decide(verdict)
    group.append(button)
  }
  return group
}

/** @param {SampleRow} row @param {App} app */
function tagRow(row, app) {
  const line = make("div", "tags")
  for (const tag of row.tags) {
    const chip = make("button", "tagged", `${tag} ×`)
    chip.type = "button"
    chip.title = `Remove the tag ${tag}`
    chip.onclick = () => app.untag(tag)
    line.append(chip)
  }
  if (row.verdict !== "undecided" && row.reason) line.append(make("span", "muted reason", `“${row.reason}”`))
  return line
}

function tool(label, key, pressed, onclick) {
  const button = make("button", pressed ? "tool chosen" : "tool", label)
  button.type = "button"
  if (pressed !== null) button.setAttribute("aria-pressed", String(pressed))
  button.append(make("kbd", "", key))
  button.onclick = onclick
  return button
}

/** @param {SampleRow} row */
function chosenTurn(row) {
  return row.turns.findLast((turn) => !turn.rejected && turn.role === "assistant")
}

/** @param {SampleTurn} turn @param {number} index @param {SampleRow} row @param {App} app */
function turnNode(turn, index, row, app) {
  const box = make("section", `turn ${turn.role}${turn.scored ? " scored" : ""}`)
  const { note } = readOf(turn, index, row, app)
  const words = [ROLE_WORDS[turn.role] || turn.role]
  if (turn.name) words.push(turn.name)
  if (turn.rejected) words.push("rejected, not scored yet")
  else if (row.kind === "preference" && turn === chosenTurn(row)) words.push("chosen")
  if (turn.scored) words.push("scored")
  words.push(`${formatCount(turn.n_chars)} characters`)
  if (note) words.push(note)
  box.append(make("h2", "", words.join(" · ")))
  const finder = isSearched(turn, app.finder) ? app.finder : null
  const options = { showJoiners: app.showJoiners, isFormatted: app.reading.isFormatted, finder }
  for (const thought of turn.thoughts) {
    const label = `${thought.key} · ${formatCount(thought.n_chars)} characters`
    box.append(
      searched(details(label, hasHit(thought.text, finder), "think", foldable(thought.text, "raw", options)), finder),
    )
  }
  const content = make("div", "content")
  content.append(
    ...contentNodes(turn, index, row, app, options, () => box.replaceWith(turnNode(turn, index, row, app))),
  )
  box.append(searched(content, finder))
  if (turn.tool_calls)
    box.append(details("tool calls", true, "code", foldable(turn.tool_calls, "raw mono", { ...options, finder: null })))
  return box
}

// Texts that the search looked into carry its marks.
function searched(element, finder) {
  if (finder) element.dataset.searched = ""
  return element
}

/** @param {SampleRow} row @param {App} app */
function turnsNode(row, app) {
  const body = make("div", "turns")
  const options = { showJoiners: app.showJoiners }
  if (row.tools) body.append(details("available tools", false, "code", foldable(row.tools, "raw mono", options)))
  body.append(...row.turns.map((turn, index) => turnNode(turn, index, row, app)))
  return body
}

// A small form under the buttons: one line for a tag or a reason, several for a note. Enter saves, Escape leaves;
// what is written survives a repaint.
/** @param {string} kind @param {SampleRow} row @param {App} app */
function inlineForm(kind, row, app) {
  const form = make("form", "inline-form")
  const field = make(kind === "note" ? "textarea" : "input")
  if (kind === "note") field.rows = 2
  const begun = app.draft?.kind === kind && app.draft.key === row.sample_key ? app.draft : null
  field.value = begun ? begun.text : kind === "note" ? row.note : ""
  field.oninput = () => {
    app.draft = { kind, key: row.sample_key, text: field.value }
  }
  field.maxLength = { tag: 60, note: 10000, reason: 1000 }[kind]
  field.placeholder = { tag: "Tag this sample", note: "Note on this sample; leave empty to remove it", reason: "Why?" }[
    kind
  ]
  field.setAttribute("aria-label", field.placeholder)
  const save = make("button", "tool", "Save")
  save.type = "submit"
  form.append(field, save, make("span", "muted", "Enter saves, Esc cancels"))
  if (kind === "tag") form.append(knownTags(row, app, field))
  form.onsubmit = (event) => {
    event.preventDefault()
    app.saveForm(kind, field.value.trim())
  }
  field.onkeydown = (event) => {
    if (event.key === "Escape") app.closeForm()
    else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault()
      app.saveForm(kind, field.value.trim())
    } else return
    event.stopPropagation()
  }
  requestAnimationFrame(() => field.focus())
  return form
}

function knownTags(row, app, field) {
  const line = make("span", "known")
  for (const tag of app.data.tags.filter((name) => !row.tags.includes(name)).slice(0, 8)) {
    const button = make("button", "tagged", tag)
    button.type = "button"
    button.onclick = () => {
      field.value = tag
      app.saveForm("tag", tag)
    }
    line.append(button)
  }
  return line
}

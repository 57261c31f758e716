// @ts-check
// Puts one state of the selection onto the stage: numbers, clips, handles, bars, spoken values.

const NOT_COUNTED = "not counted yet"

/** @param {InstrumentView} view */
function paint(view) {
  const { spec, shown, stage } = view
  if (!shown || !stage) return
  paintCells(view)
  paintRail(view)
  const global = spec.balance === "global"
  stage.rows.forEach((row, d) => {
    paintNumbers(view, row, d)
    paintRidge(view, row, d, global)
  })
  paintCut(view, global)
  if (spec.balance === "custom") paintWeights(view)
  paintWrong(view)
}

// What was typed and cannot be meant stays in its field, marked, with a few words beside it; null lets go of it.
/** @param {InstrumentView} view @param {{ input: HTMLInputElement, words: string } | null} wrong */
function setWrong(view, wrong) {
  if (view.wrong) {
    const { input, note } = view.wrong
    input.removeAttribute("aria-invalid")
    input.removeAttribute("aria-describedby")
    note.classList.remove("wrong")
    note.removeAttribute("role")
    setText(note, "")
  }
  const note = wrong && noteOf(view, wrong.input)
  view.wrong = note ? { ...wrong, note } : null
  paintWrong(view)
}

/** @param {InstrumentView} view @param {HTMLInputElement} input */
function noteOf(view, input) {
  const kind = input.dataset.budget
  return kind ? view.cells[kind].note : view.stage?.rows[Number(input.dataset.weight)].weight?.note
}

/** @param {InstrumentView} view */
function paintWrong({ wrong }) {
  if (!wrong) return
  setAttribute(wrong.input, "aria-invalid", "true")
  setAttribute(wrong.input, "aria-describedby", wrong.note.id)
  setAttribute(wrong.note, "role", "alert")
  wrong.note.classList.add("wrong")
  setText(wrong.note, wrong.words)
}

/** @param {InstrumentView} view */
function paintCells({ model, spec, shown, cells, digits }) {
  const ratio = shown.kept / Math.max(model.nRows, 1)
  const cuts = shown.domains.map((domain) => domain.cut).filter((cut) => cut !== null)
  const global = spec.balance === "global"
  setValue(cells.ratio.input, points(spec.budget === "ratio" ? spec.value : ratio))
  setText(cells.ratio.note, `of ${count(model.nRows)} rows${shortOf(spec, shown, model)}`)
  setValue(cells.samples.input, count(shown.kept))
  setText(cells.samples.note, `${count(model.nRows - shown.kept)} dropped`)
  cells.tokens.input.readOnly = !model.hasTokens
  setValue(cells.tokens.input, model.hasTokens ? compact(shown.tokens) : "–")
  const where = model.nUncounted ? " in scored rows" : ""
  const ofAll = `${percent(shown.tokens / Math.max(model.nTokens, 1))} of ${compact(model.nTokens)}${where}`
  setText(cells.tokens.note, model.hasTokens ? ofAll : NOT_COUNTED)
  setValue(cells.threshold.input, global ? cutWords(model, shown.cut, digits) : "per domain")
  cells.threshold.input.readOnly = !global
  const range = cuts.length
    ? `, ${[Math.min(...cuts), Math.max(...cuts)].map((cut) => score(model.measure.sign * cut, 2)).join(" to ")}`
    : ""
  setText(
    cells.threshold.note,
    global ? "one cut for all" : `${cuts.length} cut${cuts.length === 1 ? "" : "s"}${range}`,
  )
  for (const kind of KINDS) {
    const held = spec.budget === kind
    cells[kind].box.classList.toggle("held", held)
    setAttribute(cells[kind].lock, "aria-pressed", held)
    const why = whyNot(kind, model, global)
    cells[kind].lock.disabled = Boolean(why)
    setAttribute(
      cells[kind].lock,
      "title",
      held ? "This budget is fixed" : why || `Fix the ${TITLES[kind].toLowerCase()}`,
    )
  }
}

// Why a budget cannot be fixed, empty where it can.
/** @param {string} kind @param {InstrumentModel} model @param {boolean} global */
function whyNot(kind, model, global) {
  if (kind === "threshold" && !global) return "A threshold needs one cut for all domains: choose Global"
  return kind === "tokens" && !model.hasTokens ? "Response tokens are counted when all rows are scored" : ""
}

// Asked for more rows than there are.
/** @param {SentSpec} spec @param {Answer} shown @param {InstrumentModel} model */
function shortOf(spec, shown, model) {
  const short = spec.budget === "ratio" || spec.budget === "samples" ? wanted(model, spec) - shown.kept : 0
  return short > 0 ? `, ${count(short)} short` : ""
}

/** @param {InstrumentView} view */
function paintRail({ model, shown, spec, thumb, fill, presets, digits }) {
  const ratio = spec.budget === "ratio" ? spec.value : shown.kept / Math.max(model.nRows, 1)
  const left = `${(railPosition(Math.max(ratio, 1e-9)) * 100).toFixed(3)}%`
  thumb.style.left = left
  fill.style.width = left
  setAttribute(thumb, "aria-valuemin", "0.1")
  setAttribute(thumb, "aria-valuemax", "100")
  setAttribute(thumb, "aria-valuenow", points(ratio))
  setAttribute(thumb, "aria-valuetext", spoken(model, shown, ratio, digits))
  presets.forEach((button, i) => button.classList.toggle("on", Math.abs(ratio - PRESETS[i]) < 5e-5))
}

// "≥ 0.65", where the lowest are the best "≤ 0.65", "none" where nothing is in by its score.
function cutWords(model, cut, digits) {
  const { sign } = model.measure
  return cut === null ? "none" : `${sign > 0 ? "≥" : "≤"} ${score(sign * cut, digits)}`
}

/** @param {Answer} shown @param {number} ratio @param {number} digits */
function spoken(model, shown, ratio, digits) {
  const cut = shown.cut === null ? "" : `, cut at ${score(model.measure.sign * shown.cut, digits)}`
  const tokens = model.hasTokens ? `, ${count(shown.tokens)} response tokens` : ""
  return `${points(ratio)} percent, ${count(shown.kept)} rows${tokens}${cut}`
}

/** @param {InstrumentView} view @param {InstrumentRow} row @param {number} d */
function paintNumbers({ model, shown }, row, d) {
  const domain = model.domains[d],
    now = shown.domains[d]
  setText(row.kept, count(now.kept))
  setText(row.rate, percent(now.kept / Math.max(domain.nRows, 1)))
  setText(row.tokens, model.hasTokens ? compact(now.tokens) : "–")
  const shares = {
    rowBar: now.kept / Math.max(shown.kept, 1),
    tokenBar: now.tokens / Math.max(shown.tokens, 1),
    rowTick: domain.nRows / Math.max(model.nRows, 1),
    tokenTick: domain.tokens / Math.max(model.nTokens, 1),
  }
  row.rowBar.style.transform = `scaleX(${shares.rowBar.toFixed(5)})`
  row.tokenBar.style.transform = `scaleX(${shares.tokenBar.toFixed(5)})`
  row.rowTick.style.left = `${(shares.rowTick * 100).toFixed(2)}%`
  row.tokenTick.style.left = `${(shares.tokenTick * 100).toFixed(2)}%`
  setAttribute(
    row.bars,
    "aria-label",
    `${percent(shares.rowBar)} of the kept rows, ${percent(shares.rowTick)} of all rows` +
      (model.hasTokens
        ? `; ${percent(shares.tokenBar)} of the kept tokens, ${percent(shares.tokenTick)} of all tokens`
        : ""),
  )
  row.numbers.classList.toggle("none", now.kept === 0)
}

/** @param {InstrumentView} view @param {InstrumentRow} row @param {number} d @param {boolean} global */
function paintRidge({ model, shown, x, width, digits }, row, d, global) {
  if (!row.clip || !row.handle) return
  const now = shown.domains[d],
    domain = model.domains[d]
  const place = now.cut === null ? width + 4 : Math.min(Math.max(x(now.cut), -4), width + 4)
  setAttribute(row.clip, "x", place.toFixed(1))
  setAttribute(row.clip, "width", Math.max(width - place, 0).toFixed(1))
  row.handle.group.style.display = global ? "none" : ""
  if (global) return
  const inside = Math.min(Math.max(place, 0), width)
  row.handle.slider.setAttribute("transform", `translate(${inside.toFixed(1)},0)`)
  const all = now.exhausted || (now.kept > 0 && now.kept === domain.nCompeting + domain.nByHand)
  const text = all ? `all ${count(now.kept)} taken` : cutWords(model, now.cut, digits)
  setText(row.handle.text, text)
  const leftwards = inside > width - 110
  row.handle.text.setAttribute("x", (inside + (leftwards ? -9 : 9)).toFixed(1))
  row.handle.text.setAttribute("text-anchor", leftwards ? "end" : "start")
  setAttribute(row.handle.slider, "aria-valuemin", model.axis[0])
  setAttribute(row.handle.slider, "aria-valuemax", model.axis[1])
  setAttribute(row.handle.slider, "aria-valuenow", (now.cut ?? model.axis[1]).toFixed(digits))
  setAttribute(row.handle.slider, "aria-valuetext", `${text}, ${count(now.kept)} of ${count(domain.nRows)} rows`)
}

/** @param {InstrumentView} view @param {boolean} global */
function paintCut({ model, shown, stage, x, width, digits }, global) {
  if (!stage) return
  stage.cut.style.display = stage.cutBadge.style.display = global && width ? "" : "none"
  if (!global || !width) return
  const place = shown.cut === null ? width : Math.min(Math.max(x(shown.cut), 0), width)
  stage.cut.style.transform = `translateX(${place.toFixed(1)}px)`
  stage.cutBadge.style.transform = `translateX(${Math.min(Math.max(place, 30), width - 30).toFixed(1)}px) translateX(-50%)`
  setText(stage.cutBadge, cutWords(model, shown.cut, digits))
  setAttribute(stage.cut, "aria-valuemin", model.axis[0])
  setAttribute(stage.cut, "aria-valuemax", model.axis[1])
  setAttribute(stage.cut, "aria-valuenow", (shown.cut ?? model.axis[1]).toFixed(digits))
  setAttribute(stage.cut, "aria-valuetext", spoken(model, shown, shown.kept / Math.max(model.nRows, 1), digits))
}

/** @param {InstrumentView} view */
function paintWeights({ model, spec, stage }) {
  sharesOf(model, spec).forEach((share, d) => {
    const weight = stage?.rows[d].weight
    if (!weight) return
    const left = `${(share * 100).toFixed(2)}%`
    weight.thumb.style.left = left
    weight.fill.style.width = left
    setValue(weight.input, (share * 100).toFixed(1))
    setAttribute(weight.thumb, "aria-valuenow", (share * 100).toFixed(1))
    setAttribute(weight.thumb, "aria-valuetext", `${(share * 100).toFixed(1)} percent of the selection`)
  })
}

// What does not move during a drag: domain totals, rows beyond the axis, the share that gates keep out.
/** @param {InstrumentView} view */
function paintFixed({ model, stage }) {
  if (!stage) return
  stage.rows.forEach((row, d) => {
    const domain = model.domains[d]
    const eligible = domain.nCompeting + domain.nByHand
    const rows = eligible === domain.nRows ? count(domain.nRows) : `${compact(eligible)} of ${compact(domain.nRows)}`
    setText(row.sub, model.hasTokens ? `${rows} · ${compact(domain.tokens)} tok` : `${rows} rows`)
    const tokens = model.hasTokens ? `, ${count(domain.tokens)} response tokens` : ""
    row.sub.title =
      eligible === domain.nRows
        ? `${count(domain.nRows)} rows${tokens}`
        : `${count(eligible)} of ${count(domain.nRows)} rows are eligible; gates, decisions and missing scores exclude the others`
  })
  const below = model.domains.reduce((sum, domain) => sum + domain.nBelow, 0)
  const above = model.domains.reduce((sum, domain) => sum + domain.nAbove, 0)
  setText(stage.below, below ? `${count(below)} below the axis` : "")
  setText(stage.above, above ? `${count(above)} above the axis` : "")
}

/** @param {InstrumentView} view */
function paintStatus({ status, state, message }) {
  const words = {
    exact: "exact",
    preview: "preview",
    sent: "updating",
    silent: "no response yet",
    error: "not possible",
  }
  status.className = `status ${state}`
  setText(/** @type {Node} */ (status.lastChild), words[state])
  if (message) status.title = message
  else status.removeAttribute("title")
}

// @ts-check
// The cut instrument: what moves under the hand is computed here, what is kept is asked of the server.
//
// The server sends tables, a spec and its exact answer, with a revision `rev` (it changed the spec) and `seq` (it answers
// our seq-th change). Older answers are ignored. We send {seq, rev, budget, value, weights} when a hand is lifted.

const KEY_DELAY_MS = 220
const SILENCE_MS = 3000
const TALL_ROWS = 12

/** @param {HTMLElement} root */
function mount(root) {
  const built = buildCells()
  const view = /** @type {InstrumentView} */ ({
    root,
    ...built,
    stage: null,
    state: "exact",
    seq: 0,
    rev: null,
    width: 0,
    digits: 3,
    drag: null,
  })
  root.append(built.strip)
  view.onResize = () => layOut(view)
  view.observer = new ResizeObserver(view.onResize)
  view.observer.observe(root)
  window.addEventListener("resize", view.onResize)
  listenToPointer(view)
  listenToKeys(view)
  listenToInputs(view)
  return view
}

// --- from the server ----------------------------------------------------------------------------------------------

/** @param {InstrumentView} view @param {InstrumentPayload} data */
function receive(view, data) {
  const rebuilt = view.tableId !== data.table_id
  if (rebuilt) {
    view.tableId = data.table_id
    view.model = modelOf(data)
    view.digits = scoreDigits(data.axis)
  }
  const news = view.rev !== data.rev
  if (news) {
    setWrong(view, null)
    view.rev = data.rev
  }
  if (rebuilt && view.drag) {
    // What the hand holds is about to be drawn anew.
    letGo(view)
    commitSoon(view)
  }
  if (handLeads(view, data) && data.spec.balance !== view.spec.balance) turnOver(view, data)
  const leads = handLeads(view, data)
  if (!leads && (news || !data.error)) {
    view.spec = turned(view.model, specOf(data.spec))
    letGo(view)
  }
  if (!leads) {
    view.seq = data.seq
    view.exact = turnedAnswer(view.model, data.exact)
    settle(view, data.error)
  }
  const layout = `${view.tableId} ${view.spec.balance === "custom"}`
  if (view.layout !== layout) {
    view.layout = layout
    rebuildRows(view)
  }
  if (leads) view.shown = preview(view.model, view.spec)
  paint(view)
}

// Whether the hand has moved the cut since the server read what this answers: then the answer to that is on its way. It
// is not if the server has been silent for so long that it may be another one, which counts from the beginning.
/** @param {InstrumentView} view @param {InstrumentPayload} data */
function handLeads(view, data) {
  if (view.drag || view.pending) return true
  return data.seq < view.seq && (view.state === "preview" || view.state === "sent")
}

// Another balance comes while the hand is on the cut: it keeps the amount, but a cut of the balance before is gone.
/** @param {InstrumentView} view @param {InstrumentPayload} data */
function turnOver(view, data) {
  const { budget, value } = view.spec
  view.spec = turned(view.model, specOf(data.spec))
  if (budget !== "threshold") view.spec = { ...view.spec, budget, value }
  if (!view.drag || view.drag.kind === "ratio") return
  letGo(view)
  clearTimeout(view.pending)
  view.pending = undefined
}

/** @param {InstrumentView} view @param {string} error */
function settle(view, error) {
  clearTimeout(view.silence)
  view.shown = view.exact
  view.state = error ? "error" : "exact"
  view.message = error || ""
  paintStatus(view)
}

/** @param {InstrumentPayload} data @returns {InstrumentModel} */
function modelOf(data) {
  const column = (name) => Float64Array.from(data.knots.getChild(name).toArray(), Number)
  const columns = {
    domain: column("domain"),
    knot: column("knot"),
    n_above: column("n_above"),
    tokens_above: column("tokens_above"),
  }
  return {
    measure: data.measure,
    nRows: data.n_rows,
    nTokens: data.n_tokens,
    nUncounted: data.n_uncounted,
    hasTokens: data.has_tokens,
    leastRatio: data.least_ratio,
    axis: data.axis,
    bins: data.bins,
    domains: data.domains,
    ...curvesOf(data.domains.length, columns),
  }
}

/** @param {SentSpec} spec @returns {SentSpec} */
function specOf(spec) {
  return { ...spec, weights: spec.weights || {} }
}

// Scores come and go in the measure's own unit. In here they are times its sign, so that more is always better.
function turned(model, spec) {
  return spec.budget === "threshold" ? { ...spec, value: model.measure.sign * spec.value } : spec
}

function turnedAnswer(model, answer) {
  const cutOf = ({ cut }) => (cut === null ? null : model.measure.sign * cut)
  return { ...answer, cut: cutOf(answer), domains: answer.domains.map((domain) => ({ ...domain, cut: cutOf(domain) })) }
}

// --- layout -------------------------------------------------------------------------------------------------------

/** @param {InstrumentView} view */
function rebuildRows(view) {
  const { root } = view
  // The strip stays where it is: somebody may be typing into it.
  for (const node of [...root.childNodes]) if (node !== view.strip) node.remove()
  view.stage = buildRows(view.model, view.spec.balance)
  root.classList.toggle("custom", view.spec.balance === "custom")
  root.append(view.stage.head, view.stage.body, view.stage.foot)
  view.width = 0
  layOut(view)
  paintFixed(view)
}

/** @param {InstrumentView} view */
function layOut(view) {
  const { stage, model } = view
  if (!stage) return
  const width = Math.floor(stage.plot.clientWidth)
  const n = model.domains.length
  const rowHeight = rowHeightFor(n, window.innerWidth, window.innerHeight)
  if (!width || (width === view.width && rowHeight === view.rowHeight)) return
  view.width = width
  view.rowHeight = rowHeight
  view.root.style.setProperty("--row", `${view.rowHeight}px`)
  stage.body.style.maxHeight = n > TALL_ROWS ? `${view.rowHeight * TALL_ROWS + 20}px` : ""
  view.x = drawRidges(stage, model, width, view.rowHeight)
  view.scoreAt = (px) => model.axis[0] + (Math.min(Math.max(px, 0), width) / width) * (model.axis[1] - model.axis[0])
  paint(view)
}

// --- changes ------------------------------------------------------------------------------------------------------

/** @param {InstrumentView} view @param {SentSpec} spec */
function change(view, spec) {
  setWrong(view, null)
  view.spec = spec
  view.shown = preview(view.model, spec)
  view.state = "preview"
  paint(view)
  paintStatus(view)
}

/** @param {InstrumentView} view */
function commit(view) {
  clearTimeout(view.pending)
  view.pending = undefined
  view.seq += 1
  view.state = "sent"
  paintStatus(view)
  const { budget, value, balance, weights } = turned(view.model, view.spec)
  view.send({ seq: view.seq, rev: view.rev ?? 0, budget, value, weights: balance === "custom" ? weights : null })
  clearTimeout(view.silence)
  view.silence = setTimeout(() => {
    view.state = "silent"
    paintStatus(view)
  }, SILENCE_MS)
}

/** @param {InstrumentView} view */
function commitSoon(view) {
  clearTimeout(view.pending)
  view.pending = setTimeout(() => commit(view), KEY_DELAY_MS)
}

/** @param {InstrumentView} view @param {number} ratio @returns {SentSpec} */
function toRatio(view, ratio) {
  return { ...view.spec, budget: "ratio", value: roundRatio(view.model, ratio) }
}

// --- pointer ------------------------------------------------------------------------------------------------------

/** @param {InstrumentView} view */
function listenToPointer(view) {
  const { root } = view
  root.addEventListener("pointerdown", (event) => {
    /** @type {HTMLElement | null} */
    const target = elementOf(event).closest("[data-drag]")
    const kind = target?.dataset.drag
    if (!target || !kind || event.button !== 0 || !view.shown) return
    const d = kind === "plot" && view.spec.balance !== "global" ? rowUnder(view, event) : null
    if (kind === "plot" && view.spec.balance !== "global" && d === null) return
    event.preventDefault()
    target.setPointerCapture(event.pointerId)
    focusSlider(view, kind, d)
    view.drag = { kind, target, d, box: target.getBoundingClientRect(), x: event.clientX, pointer: event.pointerId }
    root.classList.add("dragging")
    frame(view)
  })
  root.addEventListener("pointermove", (event) => {
    if (!view.drag || event.pointerId !== view.drag.pointer) return
    view.drag.x = event.clientX
    if (!view.drag.asked) {
      view.drag.asked = true
      requestAnimationFrame(() => frame(view))
    }
  })
  const lift = (event) => {
    if (!view.drag || event.pointerId !== view.drag.pointer) return
    view.drag.x = event.clientX
    if (event.type === "pointerup") frame(view)
    letGo(view)
    commit(view)
  }
  root.addEventListener("pointerup", lift)
  root.addEventListener("pointercancel", lift)
}

/** @param {InstrumentView} view */
function letGo(view) {
  view.drag = null
  view.root.classList.remove("dragging")
}

/** @param {InstrumentView} view @param {PointerEvent} event */
function rowUnder(view, event) {
  if (!view.stage) return null
  const offset = event.clientY - view.stage.svg.getBoundingClientRect().top
  const d = Math.floor(offset / view.rowHeight)
  return d >= 0 && d < view.model.domains.length ? d : null
}

/** @param {InstrumentView} view @param {string} kind @param {number | null} d */
function focusSlider(view, kind, d) {
  const name = kind === "plot" ? (d === null ? "cut" : `handle-${d}`) : kind
  /** @type {HTMLElement | null} */
  const slider = view.root.querySelector(`[data-slider="${name}"]`)
  slider?.focus({ preventScroll: true })
}

/** @param {InstrumentView} view */
function frame(view) {
  const { drag } = view
  if (!drag) return
  drag.asked = false
  const px = drag.x - drag.box.left
  if (drag.kind === "ratio") change(view, toRatio(view, railRatio(px / drag.box.width)))
  else if (drag.kind.startsWith("weight-")) {
    change(
      view,
      withWeight(view.model, view.spec, Number(drag.kind.slice(7)), Math.round((px / drag.box.width) * 1000) / 1000),
    )
  } else if (drag.d === null) change(view, cutAt(view.model, view.spec, view.scoreAt(px)))
  else change(view, handleAt(view.model, view.spec, drag.d, view.scoreAt(px)))
}

// --- keys ---------------------------------------------------------------------------------------------------------

const STEPS = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 }

/** @param {InstrumentView} view */
function listenToKeys(view) {
  view.root.addEventListener("keydown", (event) => {
    /** @type {HTMLElement | null} */
    const slider = elementOf(event).closest("[data-slider]")
    const name = slider?.dataset.slider
    if (!name || event.ctrlKey || event.metaKey || event.altKey || !view.shown) return
    const end = event.key === "Home" ? 0 : event.key === "End" ? 1 : null
    const step = (STEPS[event.key] || 0) * (event.shiftKey ? 10 : 1) * 0.001
    if (!step && end === null) return
    event.preventDefault()
    change(view, stepped(view, name, step, end))
    commitSoon(view)
  })
  // Whoever goes on to something else has moved the cut before that.
  view.root.addEventListener("focusout", () => view.pending && commit(view))
}

/**
 * @param {InstrumentView} view
 * @param {string} name
 * @param {number} step
 * @param {number | null} end
 * @returns {SentSpec}
 */
function stepped(view, name, step, end) {
  const { model, spec } = view
  if (name.startsWith("weight-")) {
    const d = Number(name.slice(7))
    return withWeight(model, spec, d, end === null ? Math.round((sharesOf(model, spec)[d] + step) * 1000) / 1000 : end)
  }
  if (name === "ratio") {
    const now = spec.budget === "ratio" ? spec.value : view.shown.kept / model.nRows
    return toRatio(view, end === null ? now + step : end === 0 ? RAIL_LEAST : 1)
  }
  // A higher cut keeps less, so a step to the right takes 0.1 points of the rows away.
  const d = name === "cut" ? null : Number(name.slice(7))
  if (end !== null) {
    const score = model.axis[end]
    return d === null ? cutAt(model, spec, score) : handleAt(model, spec, d, score)
  }
  const share = spec.budget === "ratio" ? spec.value : view.shown.kept / model.nRows
  if (d === null || spec.balance !== "custom") {
    const ratio = roundRatio(model, share - step)
    if (spec.budget === "ratio") return { ...spec, value: ratio }
    return holding(model, { ...spec, budget: "ratio", value: ratio }, spec.budget)
  }
  return withWeight(model, spec, d, sharesOf(model, spec)[d] - step)
}

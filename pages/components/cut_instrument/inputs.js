// @ts-check
// What is typed and clicked: numbers, locks and presets.

const LIMITS = {
  ratio: { inPercent: true, above: 0, most: 100 },
  samples: { whole: true, least: 0 },
  tokens: { whole: true, least: 0 },
  threshold: {},
  weight: { inPercent: true, least: 0, most: 100 },
}

/** @param {InstrumentView} view */
function listenToInputs(view) {
  const { root } = view
  root.addEventListener("click", (event) => {
    /** @type {HTMLElement | null} */
    const preset = elementOf(event).closest("[data-preset]")
    /** @type {HTMLButtonElement | null} */
    const lock = elementOf(event).closest("[data-lock]")
    const kind = /** @type {BudgetKind | undefined} */ (lock?.dataset.lock)
    if (preset) change(view, { ...view.spec, budget: "ratio", value: Number(preset.dataset.preset) })
    else if (kind && !lock?.disabled && view.spec.budget !== kind) {
      change(view, holding(view.model, view.spec, kind))
    } else return
    commit(view)
  })
  root.addEventListener("focusin", (event) => {
    const target = inputOf(event)
    if (!target) return
    if (view.wrong?.input !== target) {
      if (target.dataset.budget === "tokens" && !target.readOnly) target.value = String(view.shown.tokens)
      if (target.dataset.budget === "threshold" && view.shown.cut !== null && !target.readOnly)
        target.value = String(view.model.measure.sign * view.shown.cut)
    }
    target.dataset.before = target.value
    if (!target.readOnly) target.select()
  })
  root.addEventListener("keydown", (event) => {
    const input = inputOf(event)
    if (input && event.key === "Escape") input.dataset.undo = "1"
    if (event.key === "Enter" || event.key === "Escape") input?.blur()
  })
  root.addEventListener("focusout", (event) => {
    const input = inputOf(event)
    if (!input) return
    const undone = input.dataset.undo,
      edited = !undone && input.value !== input.dataset.before
    delete input.dataset.undo
    if (undone && view.wrong?.input === input) setWrong(view, null)
    const entry = edited ? typed(view, input) : {}
    if (entry.spec) {
      change(view, entry.spec)
      commit(view)
    } else {
      if (entry.wrong) setWrong(view, { input, words: entry.wrong })
      queueMicrotask(() => paint(view))
    }
  })
}

// The spec that a typed number asks for, or in a few words what is wrong with it.
/** @param {InstrumentView} view @param {HTMLInputElement} input @returns {{ spec?: SentSpec, wrong?: string }} */
function typed(view, input) {
  const { spec } = view
  const kind = /** @type {BudgetKind | "weight"} */ (input.dataset.budget ?? "weight")
  const read = readNumber(input.value, LIMITS[kind])
  if (read.wrong !== undefined) return read
  const { value } = read
  if (kind === "weight") return { spec: withWeight(view.model, spec, Number(input.dataset.weight), value / 100) }
  if (kind === "ratio") return { spec: { ...spec, budget: kind, value: Number((value / 100).toFixed(12)) } }
  if (kind === "threshold" && spec.balance !== "global") return {}
  return { spec: turned(view.model, { ...spec, budget: kind, value }) }
}

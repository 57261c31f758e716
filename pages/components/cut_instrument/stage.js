// @ts-check
// Builds the instrument's elements and paints numbers onto them. Knows nothing of pointers, keys or the server.

const PRESETS = [0.015, 0.06, 0.167, 0.5]
const RAIL_LEAST = 0.001
const KINDS = ["ratio", "samples", "tokens", "threshold"]
const TITLES = { ratio: "Kept ratio, %", samples: "Rows", tokens: "Response tokens", threshold: "Threshold" }
const LOCK = "M4 7V5a4 4 0 0 1 8 0v2h1v8H3V7zm2 0h4V5a2 2 0 0 0-4 0z"
const AXIS_HEIGHT = 26
// As in theme.py; what stands above and below the ridges; and a row that still reads as one of several.
const WIDE_PX = 1600
const AROUND_RIDGES_PX = 300
const MOST_ROW_PX = 240

function setValue(input, text) {
  const typing = input.getRootNode().activeElement === input || input.getAttribute("aria-invalid") === "true"
  if (input.value !== text && !typing) input.value = text
}

function railPosition(ratio) {
  return Math.min(Math.max(Math.log(ratio / RAIL_LEAST) / Math.log(1 / RAIL_LEAST), 0), 1)
}

function railRatio(position) {
  return RAIL_LEAST * (1 / RAIL_LEAST) ** Math.min(Math.max(position, 0), 1)
}

// --- the strip of key numbers -------------------------------------------------------------------------------------

function buildCells() {
  const cells = {}
  const strip = make("div", "cells")
  for (const kind of KINDS) {
    const icon = draw("svg", { viewBox: "0 0 16 16", class: "lock-icon", "aria-hidden": "true" }, [
      draw("path", { d: LOCK }),
    ])
    const lock = make("button", "lock", { type: "button", "data-lock": kind }, [TITLES[kind], icon])
    const input = make("input", "value", {
      type: "text",
      inputmode: "decimal",
      autocomplete: "off",
      spellcheck: "false",
      "data-budget": kind,
      "aria-label": TITLES[kind],
    })
    const note = make("div", "note", { id: `cut-note-${kind}` })
    cells[kind] = { box: make("div", "cell", {}, [lock, input, note]), lock, input, note }
    strip.append(cells[kind].box)
  }
  const status = make("span", "status", { role: "status" }, [make("i", "status-dot"), make("span", "status-text")])
  const thumb = make("div", "thumb", {
    role: "slider",
    tabindex: "0",
    "aria-label": "Kept ratio",
    "data-slider": "ratio",
  })
  const fill = make("div", "rail-fill")
  const rail = make("div", "rail", { "data-drag": "ratio" }, [make("div", "rail-track", {}, [fill]), thumb])
  const presets = PRESETS.map((ratio) => {
    // The sign stands once, above: at 150 % zoom four of them would touch.
    const percent = String(Number((ratio * 100).toFixed(1)))
    const button = make(
      "button",
      "preset",
      { type: "button", "data-preset": ratio, "aria-label": `Keep ${percent} %` },
      [percent],
    )
    button.style.left = `${railPosition(ratio) * 100}%`
    return button
  })
  strip.append(
    make("div", "cell rail-cell", {}, [
      make("div", "label", {}, ["Ratio in %, log scale", status]),
      rail,
      make("div", "presets", {}, presets),
    ]),
  )
  return { strip, cells, status, thumb, fill, rail, presets }
}

// --- ridges, one row a domain -------------------------------------------------------------------------------------

/** @param {InstrumentModel} model @param {SentSpec['balance']} balance @returns {InstrumentStage} */
function buildRows(model, balance) {
  const custom = balance === "custom"
  const heads = ["Kept", "Rate", "", "Tokens", ...(custom ? ["Weight, %"] : [])].map((text) =>
    make("span", "", {}, [text]),
  )
  heads[2].append(model.hasTokens ? "Share of rows, tokens " : "Share of rows ", make("i", "tick-key"), " before")
  const cutBadge = make("div", "cut-badge", { "aria-hidden": "true" })
  const axisTitle = make("div", "axis-title", {}, formulaNodes(model.measure))
  const head = make("div", "grid head", {}, [
    make("div", "", {}, ["Domain"]),
    make("div", "plot-head", {}, [axisTitle, cutBadge]),
    make("div", "numbers", {}, heads),
  ])
  const svg = draw("svg", { class: "ridges", role: "group", "aria-label": "Scores by domain, with the cut" })
  const left = make("div", "left"),
    right = make("div", "right")
  const cut = make("div", "cut", { role: "slider", tabindex: "0", "aria-label": "Common cut", "data-slider": "cut" }, [
    make("i", "cut-grip"),
  ])
  const plot = make("div", "plot", { "data-drag": "plot" }, [svg, cut])
  const body = make("div", "grid body", {}, [left, plot, right])
  const axis = draw("svg", { class: "axis", "aria-hidden": "true", height: AXIS_HEIGHT })
  const below = make("div"),
    above = make("div")
  const foot = make("div", "grid foot", {}, [below, axis, above])
  const rows = model.domains.map((domain, d) => buildRow(domain, d, custom, model.hasTokens))
  for (const row of rows) {
    left.append(row.label)
    right.append(row.numbers)
  }
  return { head, body, foot, below, above, svg, plot, cut, cutBadge, axis, left, right, rows }
}

/**
 * @param {InstrumentDomain} domain
 * @param {number} d
 * @param {boolean} custom
 * @param {boolean} hasTokens
 * @returns {InstrumentRow}
 */
function buildRow(domain, d, custom, hasTokens) {
  const sub = make("span", "sub"),
    swatch = make("i", "swatch")
  const label = make("div", "domain", { title: domain.name }, [
    make("div", "domain-name", {}, [swatch, make("span", "", { dir: "auto" }, [domain.name])]),
    sub,
  ])
  swatch.style.setProperty("background", `var(--d${domain.slot})`)
  const kept = make("b", "kept"),
    rate = make("span", "muted"),
    tokens = make("span", "muted")
  const rowBar = make("i", "bar rows-bar"),
    tokenBar = make("i", "bar tokens-bar")
  const rowTick = make("i", "tick"),
    tokenTick = make("i", "tick")
  const bars = make("div", "bars", { role: "img" }, [
    make("div", "track", {}, [rowBar, rowTick]),
    ...(hasTokens ? [make("div", "track", {}, [tokenBar, tokenTick])] : []),
  ])
  const numbers = make("div", custom ? "numbers row with-weight" : "numbers row", {}, [kept, rate, bars, tokens])
  const row = { label, sub, numbers, kept, rate, tokens, bars, rowBar, tokenBar, rowTick, tokenTick }
  if (!custom) return row
  const weight = buildWeight(domain, d)
  numbers.append(weight.box)
  return { ...row, weight }
}

/** @param {InstrumentDomain} domain @param {number} d */
function buildWeight(domain, d) {
  const fill = make("i", "rail-fill")
  const thumb = make("i", "thumb small", {
    role: "slider",
    tabindex: "0",
    "aria-label": `Weight of ${domain.name}`,
    "data-slider": `weight-${d}`,
    "aria-valuemin": "0",
    "aria-valuemax": "100",
  })
  const input = make("input", "weight-value", {
    type: "text",
    inputmode: "decimal",
    autocomplete: "off",
    "data-weight": d,
    "aria-label": `Weight of ${domain.name}, %`,
  })
  const note = make("div", "weight-note", { id: `weight-note-${d}` })
  const rail = make("div", "rail", { "data-drag": `weight-${d}` }, [make("div", "rail-track", {}, [fill]), thumb])
  return { box: make("div", "weight", {}, [rail, input, note]), fill, thumb, input, note }
}

/** @param {ShownMeasure} measure */
function formulaNodes({ title, notation }) {
  const parts = notation.split(/L_(\w+)/).map((text, i) => (i % 2 ? ["L", make("sub", "", {}, [text])] : [text]))
  return [make("span", "axis-name", {}, [title]), ...parts.flat().filter((part) => part !== "")]
}

// In a wide window the tabs stand beside the ridges, which then have all the height that is left.
function rowHeightFor(n, windowWidth, windowHeight) {
  const least = n <= 2 ? 92 : n <= 4 ? 56 : n <= 6 ? 46 : 38
  if (windowWidth < WIDE_PX) return least
  return Math.min(Math.max(Math.floor((windowHeight - AROUND_RIDGES_PX) / Math.max(n, 1)), least), MOST_ROW_PX)
}

// Draws the ridges for a width in px: each once, hatched; the kept part is the same path behind a clip that moves.
/**
 * @param {InstrumentStage} stage
 * @param {InstrumentModel} model
 * @param {number} width
 * @param {number} rowHeight
 * @returns {(score: number) => number}
 */
function drawRidges(stage, model, width, rowHeight) {
  const { svg, rows } = stage
  const height = rowHeight * model.domains.length
  svg.replaceChildren(hatch())
  setAttribute(svg, "width", width)
  setAttribute(svg, "height", height)
  const x = (score) => ((score - model.axis[0]) / (model.axis[1] - model.axis[0])) * width
  for (const tick of ticks(model.axis[0], model.axis[1], width / 95)) {
    svg.append(
      draw("line", {
        class: Math.abs(tick) < 1e-12 ? "zero" : "gridline",
        x1: x(tick),
        x2: x(tick),
        y1: 0,
        y2: height,
      }),
    )
  }
  model.domains.forEach((domain, d) => {
    const base = rowHeight * (d + 1) - 0.5
    const path = ridgePath(model.bins[d], width, base, rowHeight - 7)
    const clip = draw("rect", { x: 0, y: rowHeight * d, width, height: rowHeight })
    const handle = buildHandle(d, domain, base, rowHeight)
    svg.append(
      draw("clipPath", { id: `kept-${d}` }, [clip]),
      draw("line", { class: "baseline", x1: 0, x2: width, y1: base, y2: base }),
      draw("path", { class: "left-out", d: path, fill: "url(#cut-hatch)" }),
      draw("path", { class: "ridge-kept", d: path, "clip-path": `url(#kept-${d})` }),
      draw("path", { class: "ridge-line", d: path }),
      handle.group,
    )
    Object.assign(rows[d], { clip, handle })
  })
  drawAxis(stage.axis, model, width, x)
  return x
}

function hatch() {
  return draw("defs", {}, [
    draw(
      "pattern",
      { id: "cut-hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
      [draw("rect", { class: "hatch-ground", width: 6, height: 6 }), draw("line", { class: "hatch-line", y2: 6 })],
    ),
  ])
}

/** @param {number[]} bins @param {number} width @param {number} base @param {number} height */
function ridgePath(bins, width, base, height) {
  const top = Math.max(...bins, 1)
  const step = width / bins.length
  let path = `M0,${base}`
  bins.forEach((n, i) => {
    const y = (base - (n / top) * height).toFixed(1)
    path += `V${y}H${((i + 1) * step).toFixed(1)}`
  })
  return `${path}V${base}Z`
}

/** @param {number} d @param {InstrumentDomain} domain @param {number} base @param {number} rowHeight */
function buildHandle(d, domain, base, rowHeight) {
  const text = draw("text", { class: "handle-text", y: base - rowHeight + 17 })
  const middle = base - rowHeight / 2 + 2
  const group = draw(
    "g",
    {
      class: "handle",
      role: "slider",
      tabindex: "0",
      "aria-label": `Cut of ${domain.name}`,
      "data-slider": `handle-${d}`,
    },
    [
      draw("rect", { class: "handle-hit", x: -9, y: base - rowHeight, width: 18, height: rowHeight }),
      draw("line", { class: "handle-line", y1: base - rowHeight + 4, y2: base }),
      draw("rect", { class: "handle-grip", x: -4, y: middle - 8, width: 8, height: 16, rx: 3 }),
      draw("path", { class: "handle-ribs", d: `M-1,${middle - 3}v6M1.5,${middle - 3}v6` }),
    ],
  )
  const outer = draw("g", { class: "handle-outer" }, [group, text])
  return { group: outer, slider: group, text }
}

function drawAxis(axis, model, width, x) {
  axis.replaceChildren()
  axis.setAttribute("width", width)
  const step = ticks(model.axis[0], model.axis[1], width / 95)
  const digits = step.length > 1 ? Math.min(Math.max(Math.ceil(-Math.log10(step[1] - step[0]) - 1e-9), 0), 6) : 1
  for (const tick of step) {
    const near = x(tick) < 26 ? "start" : x(tick) > width - 26 ? "end" : "middle"
    const text = draw("text", { x: x(tick), y: 15, "text-anchor": near })
    text.textContent = score(model.measure.sign * tick, digits)
    axis.append(text)
  }
}

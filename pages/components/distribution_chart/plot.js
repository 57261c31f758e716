// @ts-check
// Draws the distribution for a width and height in px. Knows nothing of pointers, keys or the server.

const AXIS_PX = 40
const RIDGE_LEFT = 176
const LINE_LEFT = 52
const RIGHT = 14
const HEAD = 8
const LONGEST_NAME = 24
// The legend of lines stands above the plot: no corner of it is free of every curve. Below this width each domain has a
// line of its own.
const LEGEND_PX = 20
const LEGEND_ABREAST_PX = 780
const LEGEND_LEFT = 31
const LEGEND_GAP = 44

// Where everything stands: the plot's box in px, the room of each domain, and the way from a value to px and back.
/** @param {ChartPayload} data @param {number} width @param {number} height @returns {ChartLayout} */
function layoutOf(data, width, height) {
  const n = Math.max(data.domains.length, 1)
  const left = data.ridges ? RIDGE_LEFT : data.form === "density" ? RIGHT : LINE_LEFT
  const legendLines = data.ridges ? 0 : isAbreast(width) ? 1 : n
  const top = HEAD + LEGEND_PX * legendLines
  const box = { left, top, width: Math.max(width - left - RIGHT, 60), height: height - top - AXIS_PX }
  const room = data.ridges ? box.height / n : box.height
  const unit = data.log ? Math.log10 : (value) => value
  const low = unit(data.edges[0]),
    high = unit(data.edges[data.edges.length - 1])
  const x = (value) => box.left + ((unit(value) - low) / (high - low)) * box.width
  const valueAt = (px) => {
    const at = low + (Math.min(Math.max(px - box.left, 0), box.width) / box.width) * (high - low)
    return data.log ? 10 ** at : at
  }
  const base = (d) => box.top + (data.ridges ? room * (d + 1) : room) - 0.5
  return { ...box, room, x, valueAt, base, drawn: data.ridges ? Math.max(room - 9, 12) : room - 6 }
}

/** @param {number} width */
function isAbreast(width) {
  return width >= LEGEND_ABREAST_PX
}

/** @param {SVGElement} svg @param {ChartPayload} data @param {ChartLayout} at */
function drawPlot(svg, data, at) {
  svg.replaceChildren()
  const clip = draw("rect", { x: at.left, y: at.top - 1, width: at.width, height: at.height + 1 })
  svg.append(draw("defs", {}, [draw("clipPath", { id: "inside" }, [clip])]))
  drawTicks(svg, data, at)
  if (!data.ridges) drawHeights(svg, data, at)
  data.domains.forEach((domain, d) => drawDomain(svg, data, at, domain, d))
  if (data.ridges) data.domains.forEach((domain, d) => drawName(svg, data, at, domain, d))
  else drawLegend(svg, data, at.left + at.width + RIGHT)
  svg.append(
    draw("text", { class: "title", x: at.left + at.width / 2, y: at.top + at.height + 35, "text-anchor": "middle" }, [
      data.title,
    ]),
  )
}

/**
 * @param {SVGElement} svg
 * @param {ChartPayload} data
 * @param {ChartLayout} at
 * @param {ChartDomain} domain
 * @param {number} d
 */
function drawDomain(svg, data, at, domain, d) {
  const base = at.base(d)
  const y = (height) => (base - (height / domain.top) * at.drawn).toFixed(1)
  const group = draw("g", { "clip-path": "url(#inside)" })
  const path = data.form === "cumulative" ? slope(data, at, domain, y) : steps(data, at, domain, y)
  const closed = `M${at.x(data.edges[0]).toFixed(1)},${base}L${path.slice(1)}V${base}Z`
  group.style.setProperty("--domain", `var(--d${domain.slot})`)
  group.append(
    draw("line", { class: "base", x1: at.left, x2: at.left + at.width, y1: base, y2: base }),
    draw("path", { class: "under", d: closed }),
    draw("path", { class: "line", d: path }),
  )
  if (domain.median !== null && data.ridges) {
    const middle = at.x(domain.median).toFixed(1)
    group.append(
      draw("line", { class: "median", x1: middle, x2: middle, y1: base, y2: y(heightAt(data, domain, domain.median)) }),
    )
  }
  svg.append(group)
}

/**
 * @param {ChartPayload} data
 * @param {ChartLayout} at
 * @param {ChartDomain} domain
 * @param {(height: number) => string} y
 */
function steps(data, at, domain, y) {
  let path = `M${at.x(data.edges[0]).toFixed(1)},${y(0)}`
  domain.heights.forEach((height, i) => {
    path += `V${y(height)}H${at.x(data.edges[i + 1]).toFixed(1)}`
  })
  return `${path}V${y(0)}`
}

/**
 * @param {ChartPayload} data
 * @param {ChartLayout} at
 * @param {ChartDomain} domain
 * @param {(height: number) => string} y
 */
function slope(data, at, domain, y) {
  return `M${domain.heights.map((height, i) => `${at.x(data.edges[i]).toFixed(1)},${y(height)}`).join("L")}`
}

// The bin that holds a value, and how high its domain stands there.
/** @param {number[]} edges @param {number} value */
function binOf(edges, value) {
  let low = 0,
    high = edges.length - 1
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (edges[middle] <= value) low = middle
    else high = middle
  }
  return low
}

/** @param {ChartPayload} data @param {ChartDomain} domain @param {number} value */
function heightAt(data, domain, value) {
  const i = binOf(data.edges, value)
  if (data.form !== "cumulative") return domain.heights[i]
  const part = (value - data.edges[i]) / (data.edges[i + 1] - data.edges[i])
  return domain.heights[i] + Math.min(Math.max(part, 0), 1) * (domain.heights[i + 1] - domain.heights[i])
}

/** @param {ChartPayload} data @param {ChartLayout} at */
function ticksAlong(data, at) {
  const low = data.edges[0],
    high = data.edges[data.edges.length - 1]
  if (!data.log) return ticks(low, high, at.width / 95)
  const values = []
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power++) {
    for (const factor of [1, 2, 5]) {
      const tick = factor * 10 ** power
      if (tick >= low && tick <= high && tick >= 1) values.push(tick)
    }
  }
  return values
}

/** @param {SVGElement} svg @param {ChartPayload} data @param {ChartLayout} at */
function drawTicks(svg, data, at) {
  const values = ticksAlong(data, at)
  const step = values.length > 1 && !data.log ? values[1] - values[0] : 1
  const digits = data.log ? 0 : Math.min(Math.max(Math.ceil(-Math.log10(step) - 1e-9), 0), 6)
  const floor = at.top + at.height
  for (const tick of values) {
    const px = at.x(tick).toFixed(1)
    svg.append(
      draw("line", {
        class: !data.log && Math.abs(tick) < 1e-12 ? "zero" : "gridline",
        x1: px,
        x2: px,
        y1: at.top,
        y2: floor,
      }),
    )
    svg.append(draw("text", { class: "tick", x: px, y: floor + 16, "text-anchor": "middle" }, [score(tick, digits)]))
  }
}

// The axis of heights beside lines; a density has no unit that says anything.
/** @param {SVGElement} svg @param {ChartPayload} data @param {ChartLayout} at */
function drawHeights(svg, data, at) {
  if (data.form === "density" || !data.domains.length) return
  const top = data.domains[0].top
  const y = (height) => (at.base(0) - (height / top) * at.drawn).toFixed(1)
  for (const tick of ticks(0, top, at.height / 70)) {
    const text = data.form === "cumulative" ? percent(tick, 0) : compact(tick)
    svg.append(draw("line", { class: "gridline", x1: at.left, x2: at.left + at.width, y1: y(tick), y2: y(tick) }))
    svg.append(draw("text", { class: "tick", x: at.left - 8, y: Number(y(tick)) + 4, "text-anchor": "end" }, [text]))
  }
}

/** @param {string} name */
function shortName(name) {
  const letters = Array.from(name)
  return letters.length > LONGEST_NAME ? `${letters.slice(0, LONGEST_NAME - 1).join("")}…` : name
}

/** @param {ChartPayload} data @param {ChartDomain} domain */
function facts(data, domain) {
  return `n ${count(domain.n)} · median ${score(domain.median, data.log ? 0 : 2)}`
}

/** @param {ChartDomain} domain @param {number} x @param {number} y */
function swatch(domain, x, y) {
  const mark = draw("rect", { class: "swatch", x, y: y - 9, width: 10, height: 10, rx: 2 })
  mark.style.setProperty("--domain", `var(--d${domain.slot})`)
  return mark
}

// What a legend would say, beside the ridge that it is about.
/**
 * @param {SVGElement} svg
 * @param {ChartPayload} data
 * @param {ChartLayout} at
 * @param {ChartDomain} domain
 * @param {number} d
 */
function drawName(svg, data, at, domain, d) {
  const middle = at.base(d) - Math.min(at.room / 2, 34)
  const name = draw("text", { class: "name", x: 17, y: middle }, [shortName(domain.name)])
  name.append(draw("title", {}, [domain.name]))
  svg.append(
    swatch(domain, 0, middle),
    name,
    draw("text", { class: "facts", x: 17, y: middle + 16 }, [facts(data, domain)]),
  )
}

/** @param {SVGElement} svg @param {ChartPayload} data @param {number} width */
function drawLegend(svg, data, width) {
  let x = LEGEND_LEFT,
    y = legendY(0)
  data.domains.forEach((domain, d) => {
    if (!isAbreast(width)) y = legendY(d)
    const text = draw("text", { class: "name", x, y }, [shortName(domain.name)])
    text.append(draw("tspan", { class: "facts", dx: 8 }, [facts(data, domain)]))
    svg.append(swatch(domain, x - 17, y), text)
    if (isAbreast(width)) x += text.getComputedTextLength() + LEGEND_GAP
  })
}

/** @param {number} line */
function legendY(line) {
  return HEAD + LEGEND_PX * line + 8
}

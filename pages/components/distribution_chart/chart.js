// @ts-check
// The distribution chart: a drawing, a value line under the pointer, and a brush that the server counts.
//
// The server sends bins, the brush that stands and `seq`, the number of the brush that it answers; older ones are ignored.
// We send {seq, range: [low, high] or null} when a hand is lifted, or when keys have rested.

const KEY_DELAY_MS = 220
const LEAST_DRAG_PX = 4
const CAMERA = "M5.5 3 6.5 1.5h3L10.5 3H14v10H2V3zM8 5.2a2.9 2.9 0 1 0 0 5.8 2.9 2.9 0 0 0 0-5.8z"
const STEPS = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 }
const ENDS = ["From", "To"]
const MOST_IN_TIP = 12

const charts = new WeakMap()

/** @param {Mounted<ChartPayload>} component */
export default function (component) {
  const { data, parentElement, setStateValue } = component
  const root = parentElement.querySelector(".distribution")
  if (!root || !data) return undefined
  let view = charts.get(root)
  if (!view) {
    view = mount(root)
    charts.set(root, view)
  }
  view.send = (message) => setStateValue("brush", message)
  paintDomainColours(root)
  receive(view, data)
  return whenGone(root, () => {
    view.observer.disconnect()
    window.removeEventListener("resize", view.onResize)
  })
}

/** @param {HTMLElement} root @returns {ChartView} */
function mount(root) {
  const svg = draw("svg", { role: "group" })
  const shade = draw("rect", { class: "brush shade" }),
    pointer = draw("line", { class: "pointer" })
  const handles = ENDS.map((_, i) => {
    const line = draw("line", { class: "handle-line" })
    const grip = draw("rect", { class: "handle-grip", x: -4, width: 8, height: 22, rx: 4 })
    const ends = { class: "brush handle", role: "slider", tabindex: "0", "data-end": i }
    return { group: draw("g", ends, [line, grip]), line, grip }
  })
  const tip = make("div", "tip", { "aria-hidden": "true" })
  const camera = make(
    "button",
    "camera",
    { type: "button", "aria-label": "Download the picture", title: "Download the picture" },
    [
      draw("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, [
        draw("path", { d: CAMERA, "fill-rule": "evenodd" }),
      ]),
    ],
  )
  root.append(svg, tip, camera)
  const view = /** @type {ChartView} */ ({
    root,
    svg,
    shade,
    pointer,
    handles,
    tip,
    camera,
    seq: null,
    range: null,
    drag: null,
    drawn: "",
  })
  view.onResize = () => layOut(view)
  view.observer = new ResizeObserver(view.onResize)
  view.observer.observe(root)
  window.addEventListener("resize", view.onResize)
  camera.addEventListener("click", () => savePicture(svg, view.data))
  listenToPointer(view)
  listenToKeys(view)
  return view
}

/** @param {ChartView} view @param {ChartPayload} data */
function receive(view, data) {
  view.data = data
  if (view.seq === null || data.seq >= view.seq) {
    view.seq = data.seq
    if (!view.drag && !view.pending) view.range = rangeOf(data)
  }
  view.svg.setAttribute("aria-label", spoken(data))
  view.camera.dataset.picture = data.picture
  layOut(view)
}

// An end that is open lies at the end of the axis.
/** @param {ChartPayload} data @returns {[low: number, high: number] | null} */
function rangeOf(data) {
  if (!data.brush) return null
  return [data.brush[0] ?? data.edges[0], data.brush[1] ?? data.edges[data.edges.length - 1]]
}

/** @param {ChartPayload} data */
function spoken(data) {
  return `${data.label}. ${data.domains.map((domain) => `${domain.name}: ${facts(data, domain)}`).join("; ")}`
}

// One row of plots is as high as the window leaves room for; many ridges make the page longer.
/** @param {ChartView} view */
function layOut(view) {
  const { data, svg } = view
  const width = Math.floor(view.root.clientWidth)
  if (!width || !data) return
  const room = Math.min(Math.max(window.innerHeight - 305, 400), 860)
  const height = data.ridges ? Math.max(room, 44 * data.domains.length + HEAD + AXIS_PX) : room
  const drawn = JSON.stringify([width, height, data.form, data.title, data.domains, data.edges])
  if (view.drawn !== drawn) {
    view.drawn = drawn
    setAttribute(svg, "width", width)
    setAttribute(svg, "height", height)
    view.at = layoutOf(data, width, height)
    drawPlot(svg, data, view.at)
    svg.append(view.pointer, view.shade, ...view.handles.map(({ group }) => group))
    hideTip(view)
  }
  paintBrush(view)
}

// --- the brush ----------------------------------------------------------------------------------------------------

/** @param {ChartView} view */
function paintBrush(view) {
  const { data, at, range, shade } = view
  const ends = [data.edges[0], data.edges[data.edges.length - 1]]
  const [low, high] = range ?? ends
  shade.style.display = range ? "" : "none"
  setAttribute(shade, "x", at.x(low).toFixed(1))
  setAttribute(shade, "y", at.top)
  setAttribute(shade, "width", Math.max(at.x(high) - at.x(low), 0).toFixed(1))
  setAttribute(shade, "height", at.height)
  view.handles.forEach(({ group: handle, line, grip }, i) => {
    const value = i ? high : low
    handle.classList.toggle("resting", !range)
    setAttribute(handle, "transform", `translate(${at.x(value).toFixed(1)},${at.top})`)
    setAttribute(line, "y2", at.height)
    setAttribute(grip, "y", at.height / 2 - 11)
    setAttribute(handle, "aria-label", `Brush, ${ENDS[i].toLowerCase()}`)
    setAttribute(handle, "aria-valuemin", ends[0])
    setAttribute(handle, "aria-valuemax", ends[1])
    setAttribute(handle, "aria-valuenow", value)
    setAttribute(handle, "aria-valuetext", range ? `${ENDS[i]} ${written(data, value)}` : "no brush")
  })
}

/** @param {ChartPayload} data @param {number} value */
function written(data, value) {
  const width = data.edges[data.edges.length - 1] - data.edges[0]
  return score(value, data.log ? 0 : scoreDigits([0, width]))
}

/** @param {ChartView} view @param {ChartView['range']} range */
function put(view, range) {
  view.range = range
  paintBrush(view)
}

/** @param {ChartView} view */
function commit(view) {
  clearTimeout(view.pending)
  view.pending = undefined
  view.seq = (view.seq ?? 0) + 1
  view.send({ seq: view.seq, range: view.range })
}

/** @param {ChartView} view @param {PointerEvent} event */
function pxOf(view, event) {
  return event.clientX - view.svg.getBoundingClientRect().left
}

/** @param {ChartView} view */
function listenToPointer(view) {
  const { svg } = view
  svg.addEventListener("pointerdown", (event) => {
    const px = pxOf(view, event)
    if (event.button !== 0 || !view.at || px < view.at.left - 8) return
    event.preventDefault()
    svg.setPointerCapture(event.pointerId)
    /** @type {SVGElement | null} */
    const end = elementOf(event).closest("[data-end]")
    // A handle keeps the other end where it is; anywhere else a new brush begins.
    const fixed = end && view.range ? view.range[1 - Number(end.dataset.end)] : view.at.valueAt(px)
    view.drag = { pointer: event.pointerId, px, fixed, moved: Boolean(end && view.range), before: view.range }
    hideTip(view)
  })
  svg.addEventListener("pointermove", (event) => {
    const px = pxOf(view, event)
    if (!view.drag) return showTip(view, px, event)
    if (event.pointerId !== view.drag.pointer) return
    if (!view.drag.moved && Math.abs(px - view.drag.px) < LEAST_DRAG_PX) return
    view.drag.moved = true
    const value = view.at.valueAt(px)
    put(view, [Math.min(view.drag.fixed, value), Math.max(view.drag.fixed, value)])
  })
  const lift = (event) => {
    const { drag } = view
    if (!drag || event.pointerId !== drag.pointer) return
    view.drag = null
    if (event.type === "pointercancel") return put(view, drag.before)
    // A click beside the brush takes it off.
    if (!drag.moved) put(view, null)
    if (drag.moved || drag.before) commit(view)
  }
  svg.addEventListener("pointerup", lift)
  svg.addEventListener("pointercancel", lift)
  svg.addEventListener("pointerleave", () => hideTip(view))
}

/** @param {ChartView} view */
function listenToKeys(view) {
  view.svg.addEventListener("keydown", (event) => {
    /** @type {SVGElement | null} */
    const handle = elementOf(event).closest("[data-end]")
    if (!handle || event.ctrlKey || event.metaKey || event.altKey) return
    const { data, at } = view
    if (event.key === "Escape" && view.range) {
      put(view, null)
      commit(view)
      return
    }
    const step = (STEPS[event.key] || 0) * (event.shiftKey ? 10 : 1)
    const end = event.key === "Home" ? 0 : event.key === "End" ? 1 : null
    if (!step && end === null) return
    event.preventDefault()
    const i = Number(handle.dataset.end)
    const [low, high] = view.range ?? [data.edges[0], data.edges[data.edges.length - 1]]
    /** @type {[low: number, high: number]} */
    const range = [low, high]
    range[i] =
      end === null ? at.valueAt(at.x(range[i]) + (step * at.width) / 100) : data.edges[end ? data.edges.length - 1 : 0]
    range[i] = i ? Math.max(range[1], range[0]) : Math.min(range[0], range[1])
    put(view, range)
    clearTimeout(view.pending)
    view.pending = setTimeout(() => commit(view), KEY_DELAY_MS)
  })
  // Whoever goes on to something else has drawn the range before that.
  view.svg.addEventListener("focusout", () => view.pending && commit(view))
}

// --- the value line -----------------------------------------------------------------------------------------------

/** @param {ChartView} view @param {number} px @param {PointerEvent} event */
function showTip(view, px, event) {
  const { data, at, tip, pointer } = view
  if (!at || px < at.left || px > at.left + at.width) return hideTip(view)
  const value = at.valueAt(px),
    bin = binOf(data.edges, value)
  const top = event.clientY - view.svg.getBoundingClientRect().top
  const many = data.domains.length > MOST_IN_TIP
  const under = Math.floor((top - at.top) / at.room)
  const shown = many ? data.domains.filter((_, d) => d === under) : data.domains
  const ends = [data.edges[bin], data.edges[bin + 1]].map((edge, i) => (data.log ? edge + (i ? -0.5 : 0.5) : edge))
  const head =
    data.form === "cumulative"
      ? `below ${written(data, ends[0])}`
      : `${written(data, ends[0])} to ${written(data, ends[1])}`
  tip.replaceChildren(
    make("b", "", {}, [head]),
    ...shown.map((domain) =>
      make("div", "", {}, [
        make("span", "", {}, [shortName(domain.name)]),
        make("span", "number", {}, [sizeIn(data, domain, bin)]),
      ]),
    ),
  )
  tip.style.display = ""
  const leftwards = px > at.left + at.width / 2
  tip.style.left = leftwards ? "" : `${px + 14}px`
  tip.style.right = leftwards ? `${view.svg.clientWidth - px + 14}px` : ""
  tip.style.top = `${Math.min(Math.max(top - 20, 0), Math.max(view.svg.clientHeight - tip.offsetHeight, 0))}px`
  pointer.style.display = ""
  const line = { x1: px, x2: px, y1: at.top, y2: at.top + at.height }
  for (const [name, place] of Object.entries(line)) setAttribute(pointer, name, place)
  return undefined
}

/** @param {ChartPayload} data @param {ChartDomain} domain @param {number} bin */
function sizeIn(data, domain, bin) {
  if (data.form === "cumulative") return percent(domain.heights[bin])
  return `${count(domain.counts[bin])} rows, ${percent(domain.counts[bin] / Math.max(domain.n, 1))}`
}

/** @param {ChartView} view */
function hideTip(view) {
  view.tip.style.display = view.pointer.style.display = "none"
  return undefined
}

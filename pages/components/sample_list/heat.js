// @ts-check
// Token losses over the text: six steps of colour, an underline that grows with the size, and a line of values.

const DIFFERENCE_EDGES = [0.1, 0.3, 1, 2, 4]
const LOSS_EDGES = [0.1, 0.5, 1, 2, 4]
const MODES = [
  ["difference", "Difference"],
  ["base", "Base"],
  ["reference", "Reference"],
]

/** @param {number} size @param {number[]} edges */
function stepOf(size, edges) {
  let step = 0
  while (step < edges.length && size >= edges[step]) step++
  return step
}

// Tokens that share characters (pieces of one letter in bytes) become one place with several losses.
/** @param {TokenLosses} tokens */
function tokenPlaces(tokens) {
  const places = []
  for (let i = 0; i < tokens.starts.length; i++) {
    const last = places[places.length - 1]
    if (last && tokens.starts[i] < last.end && tokens.response[i] === last.response) {
      last.tokens.push(i)
      last.end = Math.max(last.end, tokens.ends[i])
    } else {
      places.push({ start: tokens.starts[i], end: tokens.ends[i], tokens: [i], response: tokens.response[i] })
    }
  }
  return places
}

/** @param {(number | null)[]} values @param {number[]} tokens */
function sumOf(values, tokens) {
  let sum = 0
  for (const i of tokens) {
    if (values[i] === null) return null
    sum += values[i]
  }
  return sum
}

function placeValue(place, tokens, mode) {
  const base = sumOf(tokens.base, place.tokens)
  const reference = sumOf(tokens.reference, place.tokens)
  if (mode === "base") return base
  if (mode === "reference") return reference
  return base === null || reference === null ? null : base - reference
}

function heatClass(place, tokens, mode) {
  if (!place.response) return "tok prompt"
  const value = placeValue(place, tokens, mode)
  if (value === null) return "tok none"
  if (mode !== "difference") return `tok loss l${stepOf(value, LOSS_EDGES)}`
  return `tok ${value >= 0 ? "gain" : "worse"} l${stepOf(Math.abs(value), DIFFERENCE_EDGES)}`
}

// From the worst over nothing to the best; each step is named by the size at which it begins.
/** @param {string} mode */
function legend(mode) {
  const row = make("div", "legend")
  const swatch = (className, label, title) => {
    const item = make("span", "key")
    item.title = title
    item.append(make("span", `tok ${className}`, "\u00a0\u00a0\u00a0"), make("small", "", label))
    row.append(item)
  }
  const signed = mode === "difference"
  const edges = signed ? DIFFERENCE_EDGES : LOSS_EDGES
  if (signed) {
    for (let step = edges.length; step > 0; step--)
      swatch(`worse l${step}`, `\u2212${edges[step - 1]}`, `reference worse by ${edges[step - 1]} nats or more`)
    swatch("gain l0", "0", `less than ${edges[0]} nats apart`)
  } else swatch("loss l0", "0", `less than ${edges[0]} nats`)
  for (let step = 1; step <= edges.length; step++)
    swatch(
      `${signed ? "gain" : "loss"} l${step}`,
      `${signed ? "+" : ""}${edges[step - 1]}`,
      `${signed ? "learned " : ""}${edges[step - 1]} nats or more`,
    )
  const words = signed ? "nats per token; blue: learned, orange: reference worse" : "nats per token; darker: harder"
  row.append(make("span", "muted", words))
  return row
}

class HeatView {
  constructor(root, tokens, options) {
    this.root = root
    this.tokens = tokens
    this.options = options
    this.places = tokenPlaces(tokens)
    this.spans = []
    this.at = this.places.findIndex((place) => place.response)
    this.text = make("div", "heat-text")
    this.text.dir = "auto"
    this.values = make("div", "values")
    this.head = make("div", "heat-head")
    this.root.replaceChildren(this.head, this.text)
    this.fill()
    this.paint(options.mode)
    this.text.onmousemove = (event) => this.pointAt(event.target.closest("[data-place]"))
    this.text.onclick = (event) => this.pointAt(event.target.closest("[data-place]"))
    this.point(this.at)
  }

  fill() {
    let from = 0
    const { text } = this.tokens
    const nodes = document.createDocumentFragment()
    this.places.forEach((place, index) => {
      if (place.start > from) appendText(nodes, text.slice(from, place.start), this.options.showJoiners)
      const span = make("span")
      span.dataset.place = index
      const piece = text.slice(Math.max(place.start, from), place.end)
      if (piece) appendText(span, piece.replace(/\r?\n/g, "↵\n"), this.options.showJoiners)
      else span.append(make("span", "control", "∅"))
      nodes.append(span)
      this.spans.push(span)
      from = Math.max(from, place.end)
    })
    if (from < text.length) appendText(nodes, text.slice(from), this.options.showJoiners)
    this.text.append(nodes)
  }

  paint(mode) {
    this.mode = mode
    this.places.forEach((place, index) => (this.spans[index].className = heatClass(place, this.tokens, mode)))
    const modes = make("div", "modes")
    modes.setAttribute("role", "group")
    modes.setAttribute("aria-label", "Colours")
    for (const [name, label] of MODES) {
      const button = make("button", name === mode ? "chosen" : "", label)
      button.type = "button"
      button.setAttribute("aria-pressed", String(name === mode))
      button.onclick = () => {
        this.options.onMode(name)
        this.paint(name)
      }
      modes.append(button)
    }
    const top = make("div", "heat-top")
    top.append(modes, legend(mode))
    this.head.replaceChildren(top, this.values)
    this.point(this.at)
  }

  pointAt(span) {
    if (span) this.point(Number(span.dataset.place))
  }

  move(step) {
    let at = this.at + step
    while (at >= 0 && at < this.places.length && !this.places[at].response) at += step
    if (at < 0 || at >= this.places.length) return
    this.point(at)
    this.spans[at].scrollIntoView({ block: "nearest" })
  }

  point(at) {
    if (this.spans[this.at]) this.spans[this.at].classList.remove("at")
    this.at = at
    const place = this.places[at]
    if (!place) return
    this.spans[at].classList.add("at")
    const n = this.tokens.starts.length
    const first = place.tokens[0] + 1
    const which =
      place.tokens.length > 1
        ? `tokens ${formatCount(first)}–${formatCount(first + place.tokens.length - 1)}`
        : `token ${formatCount(first)}`
    const shown = make("span", "piece")
    appendText(shown, JSON.stringify(this.tokens.text.slice(place.start, place.end)), true)
    const facts = [make("b", "", `${which} of ${formatCount(n)}`)]
    if (!place.response) facts.push(make("span", "muted", "prompt, not scored"))
    else {
      for (const mode of ["base", "reference", "difference"])
        facts.push(
          make(
            "span",
            mode === this.mode ? "strong" : "",
            `${mode} ${formatNumber(placeValue(place, this.tokens, mode), 3)}`,
          ),
        )
      facts.push(make("span", "muted", "nats"))
    }
    facts.push(shown, make("span", "muted ids", `id ${place.tokens.map((i) => this.tokens.ids[i]).join(" ")}`))
    this.values.replaceChildren(...facts)
  }
}

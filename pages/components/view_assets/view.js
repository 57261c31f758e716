// @ts-check
// Draws a tree of [tag, attributes, children] and patches it in place when it changes.
// Text becomes text nodes, nothing else: a sample full of markup shows its markup.

const SVG_NS = "http://www.w3.org/2000/svg"
const HTML_TAGS = new Set(
  (
    "div span p b em small sub sup code pre h1 h2 h3 ul ol li dl dt dd table thead tbody tr th td col colgroup caption " +
    "button hr br section figure figcaption kbd"
  ).split(" "),
)
const SVG_TAGS = new Set("svg g path rect line circle text tspan polyline polygon defs clipPath title".split(" "))
const ATTRIBUTES = new Set(
  (
    "class title role tabindex dir lang colspan rowspan scope disabled id viewBox preserveAspectRatio d x y x1 x2 y1 y2 " +
    "width height r cx cy rx ry dx dy points transform fill stroke stroke-width stroke-dasharray text-anchor " +
    "dominant-baseline opacity clip-path vector-effect"
  ).split(" "),
)

const instances = new WeakMap()

/** @param {ViewNode} node @param {boolean} inSvg @returns {Node} */
function create(node, inSvg) {
  if (typeof node === "string") return document.createTextNode(node)
  const [tag, attributes, children] = node
  const svg = inSvg || tag === "svg"
  if (!(svg ? SVG_TAGS : HTML_TAGS).has(tag)) return document.createTextNode("")
  const element = svg ? document.createElementNS(SVG_NS, tag) : document.createElement(tag)
  setAttributes(element, {}, attributes, tag)
  for (const child of children) element.appendChild(create(child, svg))
  return element
}

/**
 * @param {HTMLElement | SVGElement} element
 * @param {Record<string, unknown>} before
 * @param {Record<string, unknown>} after
 * @param {string} tag
 */
function setAttributes(element, before, after, tag) {
  for (const name of Object.keys(before)) if (!(name in after)) setOne(element, name, null, tag)
  for (const [name, value] of Object.entries(after)) {
    if (name === "style" ? JSON.stringify(before.style) !== JSON.stringify(value) : before[name] !== value)
      setOne(element, name, value, tag)
  }
}

function setOne(element, name, value, tag) {
  if (name === "style") {
    const domain = element.style.getPropertyValue("--domain")
    element.removeAttribute("style")
    if (domain) element.style.setProperty("--domain", domain)
    for (const [property, text] of Object.entries(value || {})) element.style.setProperty(property, text)
  } else if (name === "domain") {
    if (value === null) element.style.removeProperty("--domain")
    else element.style.setProperty("--domain", `var(--d${Number(value) % 8})`)
  } else if (name === "on") {
    if (value === null) {
      delete element.dataset.on
      element.removeAttribute("tabindex")
    } else {
      element.dataset.on = value
      if (tag === "button") element.type = "button"
      else {
        element.setAttribute("tabindex", "0")
        if (tag !== "tr") element.setAttribute("role", "button")
      }
    }
  } else if (ATTRIBUTES.has(name) || name.startsWith("aria-")) {
    // Only references inside this view: url(#hatch), never an address.
    if (value === null || (typeof value === "string" && /url\((?!#)/.test(value))) element.removeAttribute(name)
    else element.setAttribute(name, value === true ? "" : String(value))
  }
}

/** @param {Node} parent @param {ViewNode[]} before @param {ViewNode[]} after @param {boolean} inSvg */
function patch(parent, before, after, inSvg) {
  const shared = Math.min(before.length, after.length)
  for (let i = 0; i < shared; i++) {
    const old = before[i],
      now = after[i],
      element = parent.childNodes[i]
    if (typeof old === "string" && typeof now === "string") {
      if (old !== now) element.nodeValue = now
    } else if (typeof old !== "string" && typeof now !== "string" && old[0] === now[0]) {
      setAttributes(/** @type {HTMLElement | SVGElement} */ (element), old[1], now[1], now[0])
      patch(element, old[2], now[2], inSvg || now[0] === "svg")
    } else {
      parent.replaceChild(create(now, inSvg), element)
    }
  }
  for (let i = before.length - 1; i >= shared; i--) parent.removeChild(parent.childNodes[i])
  for (let i = shared; i < after.length; i++) parent.appendChild(create(after[i], inSvg))
}

/** @param {Mounted<ViewPayload>} component */
export default function (component) {
  const { data, parentElement, setTriggerValue } = component
  const root = parentElement.querySelector(".root")
  if (!root || !data) return
  let state = instances.get(root)
  if (!state) {
    state = { tree: [], send: setTriggerValue }
    instances.set(root, state)
    const activate = (event) => {
      const target = event.target.closest("[data-on]")
      if (!target || target.hasAttribute("disabled")) return
      if (event.type === "keydown") {
        if (target.tagName === "BUTTON" || (event.key !== "Enter" && event.key !== " ")) return
        event.preventDefault()
      }
      state.send("event", target.dataset.on)
    }
    root.addEventListener("click", activate)
    root.addEventListener("keydown", activate)
  }
  state.send = setTriggerValue
  paintDomainColours(root)
  if (data.label) {
    root.setAttribute("role", "region")
    root.setAttribute("aria-label", data.label)
  }
  patch(root, state.tree, data.tree, false)
  state.tree = data.tree
}

// @ts-check
// Saves the drawing as a file: an SVG with its styles written into it, or a PNG of twice its size.

const STYLES = [
  "fill",
  "fill-opacity",
  "stroke",
  "stroke-width",
  "stroke-dasharray",
  "stroke-opacity",
  "opacity",
  "font-family",
  "font-size",
  "font-weight",
  "font-variant-numeric",
  "text-anchor",
]

/** @param {SVGElement} svg @param {string} ground */
function pictureOf(svg, ground) {
  const copy = /** @type {SVGElement} */ (svg.cloneNode(true))
  const shown = svg.querySelectorAll("*"),
    copied = copy.querySelectorAll("*")
  shown.forEach((element, i) => {
    const computed = getComputedStyle(element)
    copied[i].setAttribute("style", STYLES.map((name) => `${name}:${computed.getPropertyValue(name)}`).join(";"))
  })
  for (const element of copy.querySelectorAll(".brush, .pointer")) element.remove()
  copy.setAttribute("xmlns", SVG)
  copy.prepend(draw("rect", { width: "100%", height: "100%", style: `fill:${ground}` }))
  return new XMLSerializer().serializeToString(copy)
}

/** @param {Blob} blob @param {string} name */
function save(blob, name) {
  const link = make("a", "", { href: URL.createObjectURL(blob), download: name })
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}

/** @param {SVGSVGElement} svg @param {ChartPayload} asked */
function savePicture(svg, { name, picture }) {
  const ground = getComputedStyle(svg).getPropertyValue("--st-background-color") || "white"
  const text = pictureOf(svg, ground)
  if (picture === "svg") {
    save(new Blob([text], { type: "image/svg+xml" }), `${name}.svg`)
    return
  }
  const image = new Image()
  image.onload = () => {
    const canvas = make("canvas")
    canvas.width = svg.clientWidth * 2
    canvas.height = svg.clientHeight * 2
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height)
    canvas.toBlob((blob) => save(blob, `${name}.png`), "image/png")
  }
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`
}

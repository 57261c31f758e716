// What a test measures itself: contrast of words as they are painted, where the keyboard is, what is cut off.

window.measures = (() => {
  const parentOf = (node) => node.parentElement || node.parentNode?.host || null

  function* elements(root = document) {
    for (const node of root.querySelectorAll("*")) {
      yield node
      if (node.shadowRoot) yield* elements(node.shadowRoot)
    }
  }

  function isVisible(node) {
    return node.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && node.getClientRects().length > 0
  }

  // [red, green, blue, alpha], 0 to 255 and 0 to 1, of any colour that CSS can write.
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true })
  const known = new Map()
  function channels(colour) {
    if (!known.has(colour)) {
      canvas.clearRect(0, 0, 1, 1)
      canvas.fillStyle = colour
      canvas.fillRect(0, 0, 1, 1)
      const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data
      known.set(colour, [red, green, blue, alpha / 255])
    }
    return known.get(colour)
  }

  const over = (top, ground, alpha = top[3]) => [0, 1, 2].map((i) => top[i] * alpha + ground[i] * (1 - alpha))

  // What is painted behind an element: its own ground over those of its ancestors, null where an image is.
  function groundOf(node) {
    const layers = []
    for (let at = node; at; at = parentOf(at)) {
      const style = getComputedStyle(at)
      if (style.backgroundImage !== "none") return null
      const ground = channels(style.backgroundColor)
      if (ground[3] > 0) layers.push(ground)
      if (ground[3] === 1) break
    }
    return layers.reverse().reduce((ground, layer) => over(layer, ground), [255, 255, 255])
  }

  function luminance(colour) {
    const [red, green, blue] = colour.slice(0, 3).map((value) => {
      const share = value / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }

  function ratio(one, other) {
    const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a)
    return (light + 0.05) / (dark + 0.05)
  }

  function contrastOf(node) {
    const ground = groundOf(node)
    if (!ground) return null
    const style = getComputedStyle(node)
    let opacity = 1
    for (let at = node; at; at = parentOf(at)) opacity *= Number(getComputedStyle(at).opacity)
    const ink = channels(node instanceof SVGElement ? style.fill : style.color)
    return ratio(over(ink, ground, ink[3] * opacity), ground)
  }

  function isOff(node) {
    for (let at = node; at; at = parentOf(at))
      if (at.matches(":disabled, [aria-disabled=true], [aria-hidden=true], [data-disabled]")) return true
    return false
  }

  const name = (node) => `${node.tagName.toLowerCase()}.${[...node.classList].slice(-2).join(".")}`

  // Words below 4.5:1 (3:1 where they are large), as "ratio element words".
  function lowContrast() {
    const found = []
    for (const node of elements()) {
      const words = [...node.childNodes]
        .filter((child) => child.nodeType === 3)
        .map((child) => child.data.trim())
        .join(" ")
        .trim()
      if (!words || ["STYLE", "SCRIPT", "NOSCRIPT", "TITLE"].includes(node.tagName) || !isVisible(node) || isOff(node))
        continue
      const style = getComputedStyle(node)
      const size = Number.parseFloat(style.fontSize)
      const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700)
      const measured = contrastOf(node)
      // A half of a hundredth is what a rounded colour may be off.
      if (measured !== null && measured < (isLarge ? 3 : 4.5) - 0.005)
        found.push(`${measured.toFixed(2)} ${name(node)} ${words.slice(0, 60)}`)
    }
    return [...new Set(found)]
  }

  // The ratio of the first element that the selector finds, shadow roots too.
  function contrast(selector) {
    for (const node of elements()) if (node.matches(selector) && isVisible(node)) return contrastOf(node)
    return null
  }

  // A field shows the keyboard by the border of its box, or by a line under it; the ratio to the ground, 0 without one.
  function fieldRing(node, ground) {
    // A mark in a picture is drawn thicker.
    if (node instanceof SVGElement) {
      const thick = [...node.querySelectorAll("*")]
        .map(getComputedStyle)
        .filter((style) => Number.parseFloat(style.strokeWidth) >= 2 && style.stroke !== "none")
      return Math.max(0, ...thick.map((style) => ratio(over(channels(style.stroke), ground), ground)))
    }
    if (!node.matches("input:not([type=checkbox], [type=radio], [type=file]), textarea")) return 0
    const rings = [0]
    for (let at = node, up = 0; at && up < 5; at = parentOf(at), up += 1) {
      const style = getComputedStyle(at)
      if (Number.parseFloat(style.borderBottomWidth) >= 1 && style.borderBottomStyle !== "none")
        rings.push(ratio(over(channels(style.borderBottomColor), ground), ground))
      const shadow = style.boxShadow.match(/^(rgba?\([^)]*\)|color\([^)]*\))/)
      if (shadow) rings.push(ratio(over(channels(shadow[0]), ground), ground))
    }
    return Math.max(...rings)
  }

  // The element that has the keyboard, through shadow roots: its name, place, and the ratio of its outline to the ground.
  function focused() {
    let node = document.activeElement
    while (node?.shadowRoot?.activeElement) node = node.shadowRoot.activeElement
    if (!node || node === document.body) return null
    const style = getComputedStyle(node)
    const ring =
      style.outlineStyle !== "none" && Number.parseFloat(style.outlineWidth) >= 1 ? channels(style.outlineColor) : null
    const ground = groundOf(parentOf(node) ?? node) ?? [255, 255, 255]
    return {
      name: `${name(node)} ${(node.getAttribute("aria-label") || node.labels?.[0]?.textContent || node.textContent || "").trim().slice(0, 40)}`,
      ring: Math.max(ring && ring[3] > 0 ? ratio(over(ring, ground), ground) : 0, fieldRing(node, ground)),
      inSidebar: Boolean(node.closest("[data-testid=stSidebar]")),
      isVisible: isVisible(node),
    }
  }

  const CONTROLS =
    "button, a[href], input:not([type=hidden]), select, textarea, [role=button], [role=tab], [role=radio], [role=slider], [role=combobox]"

  // Controls that lie outside what is shown of a box that cannot be scrolled, and columns without width.
  function cutOff() {
    const found = []
    for (const node of elements()) {
      // A fixed table gives its last columns no width where there is none left.
      if (node.matches("th") && node.textContent.trim() && node.getBoundingClientRect().width < 16)
        found.push(`${name(node)} ${node.textContent}`)
      if (!node.matches(CONTROLS) || !isVisible(node) || isOff(node)) continue
      const box = node.getBoundingClientRect()
      if (box.width <= 1 || box.height <= 1) continue
      for (let at = parentOf(node); at; at = parentOf(at)) {
        const style = getComputedStyle(at)
        if (["auto", "scroll"].includes(style.overflowX)) break
        const isClipped = ["hidden", "clip"].includes(style.overflowX) || at === document.documentElement
        const frame =
          at === document.documentElement ? { left: 0, right: window.innerWidth } : at.getBoundingClientRect()
        if (isClipped && frame.right - frame.left > 2 && (box.right > frame.right + 1 || box.left < frame.left - 1)) {
          found.push(`${name(node)} ${(node.getAttribute("aria-label") || node.textContent || "").trim().slice(0, 40)}`)
          break
        }
      }
    }
    return found
  }

  return { lowContrast, contrast, focused, cutOff }
})()

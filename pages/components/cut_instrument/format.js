// How numbers are written and read; the same rules as the pages' theme.py.

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 })

function count(n) {
  return whole.format(n)
}

function compact(n) {
  for (const [size, letter] of [[1e9, "B"], [1e6, "M"], [1e3, "k"]]) {
    if (Math.abs(n) >= size * 0.99995 && (size > 1e3 || Math.abs(n) >= 1e4)) {
      const scaled = n / size
      return scaled.toFixed(Math.abs(scaled) < 10 ? 2 : Math.abs(scaled) < 100 ? 1 : 0) + letter
    }
  }
  return count(n)
}

// Percent points without the sign: two digits, three under 1 %.
function points(share) {
  const percent = share * 100
  return percent.toFixed(percent > 0 && percent < 1 ? 3 : 2)
}

function percent(share, digits = 1) {
  return Number.isFinite(share) ? `${(share * 100).toFixed(digits)} %` : "–"
}

// Enough digits for the width of the axis: 0.654 on −0.3 to 0.9, 412 on 0 to 2,000.
function scoreDigits(axis) {
  const width = Math.max(axis[1] - axis[0], 1e-9)
  return Math.min(Math.max(3 - Math.round(Math.log10(width)), 0), 6)
}

function score(value, digits) {
  if (value === null || !Number.isFinite(value)) return "–"
  const shown = Math.abs(value) < 0.5 * 10 ** -digits ? 0 : value
  const text = shown.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })
  return text.replace("-", "−")
}

// "13.7M", "60,000", "6 %", "−0.2", "≥ 0.65" as numbers; NaN for anything else.
function parseNumber(text) {
  const plain = text.trim().replace(/[,\s%≥]/g, "").replace("−", "-")
  const match = /^(-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)([kmb]?)$/i.exec(plain)
  if (!match) return NaN
  return Number(match[1]) * { "": 1, k: 1e3, m: 1e6, b: 1e9 }[match[2].toLowerCase()]
}

// Round steps for an axis: 1, 2 or 5 times a power of ten, about n of them.
function ticks(low, high, n) {
  const rough = (high - low) / Math.max(n, 1)
  if (!(rough > 0)) return [low]
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough) * power
  const found = []
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) found.push(i * step)
  return found
}

// @ts-check
// How numbers are written and read; the same rules as the pages' theme.py.

const LARGE = [
  { size: 1e9, letter: "B" },
  { size: 1e6, letter: "M" },
  { size: 1e3, letter: "k" },
]
const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 })

/** @param {number} n */
function count(n) {
  return whole.format(n)
}

/** @param {number} n */
function compact(n) {
  for (const { size, letter } of LARGE) {
    if (Math.abs(n) >= size * 0.99995 && (size > 1e3 || Math.abs(n) >= 1e4)) {
      const scaled = n / size
      return scaled.toFixed(Math.abs(scaled) < 10 ? 2 : Math.abs(scaled) < 100 ? 1 : 0) + letter
    }
  }
  return count(n)
}

// Percent points without the sign: two digits, three under 1 %.
/** @param {number} share */
function points(share) {
  const percent = share * 100
  return percent.toFixed(percent > 0 && percent < 1 ? 3 : 2)
}

/** @param {number} share */
function percent(share, digits = 1) {
  return Number.isFinite(share) ? `${(share * 100).toFixed(digits)} %` : "–"
}

// Enough digits for the width of the axis: 0.654 on −0.3 to 0.9, 412 on 0 to 2,000.
/** @param {readonly number[]} axis */
function scoreDigits(axis) {
  const width = Math.max(axis[1] - axis[0], 1e-9)
  return Math.min(Math.max(3 - Math.round(Math.log10(width)), 0), 6)
}

/** @param {number | null} value @param {number} digits */
function score(value, digits) {
  if (value === null || !Number.isFinite(value)) return "–"
  const shown = Math.abs(value) < 0.5 * 10 ** -digits ? 0 : value
  const text = shown.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })
  return text.replace("-", "−")
}

// "16,7", "1.234,5", "13.7M", "60,000", "6 %", "≥ 0.65": {value}, or {wrong} that says in a few words why there is none.
// The same rules as lobass_core/words/typed_numbers.py.
/**
 * @param {string} text
 * @param {NumberLimits} limits
 * @returns {{ value: number, wrong?: undefined } | { wrong: string }}
 */
function readNumber(text, limits = {}) {
  const typed = text.trim()
  if (limits.whole && typed.endsWith("%")) return { wrong: "must be a whole number, not a share" }
  const readings = [...new Set(readingsOf(typed, limits))]
  if (!readings.length) return { wrong: "not a number" }
  const whole = limits.whole ? readings.filter(Number.isInteger) : readings
  if (!whole.length) return { wrong: "not a whole number" }
  const { least = -Infinity, most = Infinity, above = -Infinity } = limits
  const fitting = whole.filter((value) => value >= least && value <= most && value > above)
  if (!fitting.length) return { wrong: limitWords(limits) }
  if (fitting.length > 1) return { wrong: `${typed} can mean ${fitting.join(" or ")}` }
  return { value: fitting[0] }
}

/** @param {NumberLimits} limits */
function limitWords({ least, most, above }) {
  if (above !== undefined) return `must be above ${above}${most === undefined ? "" : ` and at most ${most}`}`
  if (most === undefined) return `must be ${least} or more`
  return least === undefined ? `must be ${most} or less` : `must be ${least} to ${most}`
}

const SIZES = { "": 1, k: 1e3, m: 1e6, b: 1e9 }

/** @param {string} text @param {NumberLimits} limits @returns {number[]} */
function readingsOf(text, { whole, inPercent }) {
  const plain = text.replace("−", "-").replace(/^[≥≤]/, "").trim()
  const match = /^([+-]?)([.,]?\d(?:[\d.,\s'’_]*[\d.,])?)(e[+-]?\d+)?\s*([kmb]?)\s*(%?)$/i.exec(plain)
  if (!match) return []
  const [, sign, digits, power = "", size, percent] = match
  return plainDigits(digits, whole && !size)
    .map((reading) => Number(`${sign}${reading}${power}`) * SIZES[size.toLowerCase()])
    .filter(Number.isFinite)
    .map((value) => (size ? Number(value.toFixed(6)) : value))
    .map((value) => (percent && !inPercent ? Number((value / 100).toFixed(12)) : value))
}

/** @param {string} digits @param {boolean | undefined} whole @returns {string[]} */
function plainDigits(digits, whole) {
  const spaces = digits.match(/[\s'’_]/g) || []
  const decimals = [".", ","].filter((mark) => digits.includes(mark))
  if (spaces.length)
    return new Set(spaces).size === 1 && decimals.length < 2 ? split(digits, spaces[0] ?? "", decimals[0] ?? "") : []
  if (!decimals.length) return [digits]
  if (decimals.length === 2) {
    const last = digits.lastIndexOf(".") > digits.lastIndexOf(",") ? "." : ","
    return split(digits, last === "." ? "," : ".", last)
  }
  const mark = decimals[0]
  const several = digits.indexOf(mark) !== digits.lastIndexOf(mark)
  const grouped = mark === "," || whole || several ? split(digits, mark, "") : []
  return several || (whole && grouped.length) ? grouped : [digits.replace(mark, "."), ...grouped]
}

/** @param {string} digits @param {string} thousands @param {string} decimal @returns {string[]} */
function split(digits, thousands, decimal) {
  const place = decimal ? digits.indexOf(decimal) : -1
  const before = place < 0 ? digits : digits.slice(0, place),
    after = place < 0 ? "" : digits.slice(place + 1)
  const groups = before.split(thousands)
  const fits =
    groups.length > 1 && /^[1-9]\d{0,2}$/.test(groups[0]) && groups.slice(1).every((group) => /^\d{3}$/.test(group))
  return fits && /^\d*$/.test(after) ? [groups.join("") + (after ? `.${after}` : "")] : []
}

// Round steps for an axis: 1, 2 or 5 times a power of ten, about n of them.
/** @param {number} low @param {number} high @param {number} n @returns {number[]} */
function ticks(low, high, n) {
  const rough = (high - low) / Math.max(n, 1)
  if (!(rough > 0)) return [low]
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10) * power
  const values = []
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) values.push(i * step)
  return values
}

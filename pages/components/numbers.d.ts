// What a typed number may be; see cut_instrument/format.js.

interface NumberLimits {
  whole?: boolean
  inPercent?: boolean
  least?: number
  most?: number
  above?: number
}

// @ts-check
// The rows that the browser holds of one list, by page. A place counts the rows of the whole list from 0.

const PAGES_HELD = 12

class Held {
  constructor() {
    this.view = ""
    this.n = 0
    this.size = 1
    /** @type {Map<number, SampleRow[]>} */
    this.pages = new Map()
  }

  /** @param {string} view @param {number} n @param {number} size */
  open(view, n, size) {
    this.view = view
    this.n = n
    this.size = size
    this.pages = new Map()
  }

  get lastPage() {
    return Math.max(1, Math.ceil(this.n / this.size))
  }

  pageOf(place) {
    return Math.floor(place / this.size) + 1
  }

  firstOf(page) {
    return (page - 1) * this.size
  }

  has(page) {
    return this.pages.has(page)
  }

  /** @param {number} page @returns {SampleRow[]} */
  rowsOf(page) {
    return this.pages.get(page) || []
  }

  /** @param {number} place @returns {SampleRow | null} */
  rowAt(place) {
    return this.rowsOf(this.pageOf(place))[place % this.size] || null
  }

  // Holds a page, and lets go of the one furthest from the page in sight.
  /** @param {number} page @param {SampleRow[]} rows @param {number} inSight */
  put(page, rows, inSight) {
    this.pages.set(page, rows)
    while (this.pages.size > PAGES_HELD) {
      const furthest = [...this.pages.keys()].sort((a, b) => Math.abs(b - inSight) - Math.abs(a - inSight))[0]
      this.pages.delete(furthest)
    }
  }

  // The page in sight comes first; its neighbours are fetched before anybody turns to them.
  lacks(page) {
    if (!this.n) return false
    return [page, page + 1, page - 1].some((one) => one >= 1 && one <= this.lastPage && !this.has(one))
  }

  /** @param {(row: SampleRow, place: number) => void} change */
  each(change) {
    for (const [page, rows] of this.pages) rows.forEach((row, index) => change(row, this.firstOf(page) + index))
  }

  // Every row held of these samples: copies share their decision, tags and note.
  /** @param {{ has(key: number): boolean }} sampleKeys @param {(row: SampleRow) => void} change */
  eachOf(sampleKeys, change) {
    this.each((row) => {
      if (sampleKeys.has(row.sample_key)) change(row)
    })
  }

  // The rows held between two places, both included.
  /** @param {number} first @param {number} last @returns {SampleRow[]} */
  between(first, last) {
    /** @type {SampleRow[]} */
    const rows = []
    this.each((row, place) => {
      if (place >= first && place <= last) rows.push(row)
    })
    return rows
  }

  /** @param {{ key: number, turns: SampleTurn[] }} full */
  replaceTurns(full) {
    this.each((row) => {
      if (row.key === full.key) row.turns = full.turns
    })
  }
}

// @ts-check
// Where in the list: from row to row, over pages, and ranges of rows. `Object.assign` makes these methods of the App.

const NOTE_DELAY_MS = 250

/** @satisfies {ThisType<App>} */
const Walking = {
  move(step) {
    this.range.clear()
    this.goTo(this.place + step)
    this.anchor = this.place
  },

  // Up to the row one step further; the range begins where a row was last gone to by itself.
  extend(step) {
    if (this.range.size === 0) this.anchor = this.place
    this.stretchTo(this.place + step)
  },

  stretchTo(place) {
    const to = Math.min(Math.max(place, 0), this.held.n - 1)
    this.range.set(this.anchor, to)
    this.goTo(to)
    this.paintRange()
  },

  stepPast(place) {
    this.range.clear()
    this.paintRange()
    this.goTo(place + 1)
    this.anchor = this.place
  },

  turn(step, isHeldDown) {
    if (this.showTokens) this.heat?.move(step)
    else if (!isHeldDown) this.goToPage(this.page + step)
  },

  // The beginning of a range stays where it is: it may reach over pages.
  goToPage(page) {
    if (page < 1 || page > this.held.lastPage) return
    this.whenHere(() => {
      this.range.clear()
      this.goTo(this.held.firstOf(page))
    })
  },

  goTo(place) {
    if (!this.held.n) return
    const pageBefore = this.page
    this.place = Math.min(Math.max(place, 0), this.held.n - 1)
    this.form = null
    if (!this.held.has(this.page)) {
      this.isWaiting = true
      this.list.classList.add("waiting")
      this.list.setAttribute("aria-busy", "true")
      this.tell()
    } else {
      if (this.page !== pageBefore || this.paintedPage !== this.page) {
        this.paintList()
        this.want()
      }
      this.show()
    }
    if (this.page !== pageBefore) this.paintBar()
  },

  clicked(event) {
    const item = event.target.closest(".item")
    if (!item || this.isWaiting) return
    const place = Number(item.dataset.place)
    if (event.shiftKey) return this.stretchTo(place)
    this.range.clear()
    this.goTo(place)
    this.anchor = place
  },

  show({ quiet = false } = {}) {
    const old = this.list.querySelector(".item.current")
    old?.classList.remove("current")
    const item = this.list.querySelector(`[data-place="${this.place}"]`)
    if (item) {
      item.classList.add("current")
      item.scrollIntoView({ block: "nearest" })
      this.list.setAttribute("aria-activedescendant", item.id)
    }
    this.paintRange()
    this.paintSample()
    this.sample.scrollTop = 0
    this.marker.showFirst()
    keepPlace(this.data.project, { view: this.held.view, place: this.place, key: this.at })
    if (!quiet) this.noteInUrl()
    if (this.lacksTokens()) this.want()
  },

  // The address is replaced, not pushed: Back leads to the last filter, not through every sample.
  noteInUrl() {
    clearTimeout(this.urlTimer)
    const { pathname } = window.location
    this.urlTimer = setTimeout(() => {
      // The address of another page of the dashboard is none of this list's.
      if (this.at === null || window.location.pathname !== pathname) return
      const url = new URL(window.location.href)
      if (this.page > 1) url.searchParams.set("page", String(this.page))
      else url.searchParams.delete("page")
      url.searchParams.set("row", String(this.at))
      window.history.replaceState(window.history.state, "", url)
      // The server remembers the place too, for when the list is found anew.
      this.tell()
    }, NOTE_DELAY_MS)
  },
}

// Rows one after the other: from the one where it began to the one in sight, as places in the list.
class RowRange {
  constructor() {
    this.clear()
  }

  clear() {
    this.from = this.to = null
  }

  set(from, to) {
    this.from = from
    this.to = to
  }

  get ends() {
    return [Math.min(this.from, this.to), Math.max(this.from, this.to)]
  }

  get size() {
    return this.from === null ? 0 : Math.abs(this.to - this.from) + 1
  }

  has(place) {
    return this.size > 1 && place >= this.ends[0] && place <= this.ends[1]
  }
}

// @ts-check
// Puts the state of the App onto the page. `Object.assign` makes these its methods.

/** @satisfies {ThisType<App>} */
const Painting = {
  paintBar() {
    const { n, total, page_rows: size } = this.data
    this.count.replaceChildren(make("b", "", formatCount(n)), ` of ${formatCount(total)}`)
    if (n) {
      const first = this.held.firstOf(this.page) + 1
      this.count.append(
        make("span", "muted", ` · rows ${formatCount(first)}–${formatCount(Math.min(first + size - 1, n))}`),
      )
    }
    // Only when it changes: somebody may be typing a page number into it.
    const pages = `${this.page}/${this.held.lastPage}`
    if (this.pagerShows !== pages) {
      this.pagerShows = pages
      this.pagerBox.replaceChildren(
        ...(n > size ? [pager(this.page, this.held.lastPage, (page) => this.goToPage(page))] : []),
      )
    }
    this.paintProgress()
    this.paintStatus()
  },

  paintProgress() {
    const { n } = this.data
    const decided = Math.min(Math.max(this.nDecided, 0), n)
    const fill = make("span", "progress-fill")
    fill.style.width = `${n ? (100 * decided) / n : 0}%`
    const track = make("span", "progress-track")
    track.append(fill)
    const words = `${formatCount(decided)} decided of ${formatCount(n)}`
    this.progress.replaceChildren(...(n ? [track, make("span", "", words)] : []))
    if (this.range.size > 1) this.progress.append(make("b", "selected", `${formatCount(this.range.size)} selected`))
  },

  paintStatus() {
    const waiting = this.outbox.acts.length
    const { isLate } = this.outbox
    const { trouble } = this.data
    const isStuck = !waiting && this.isWaiting && Boolean(trouble)
    this.status.className = isLate || isStuck ? "saved late" : waiting ? "saved waiting" : "saved"
    const why = isLate && trouble ? `: ${trouble}` : isStuck ? trouble : ""
    this.status.title = why.replace(/^: /, "")
    this.status.textContent = isLate
      ? `${formatCount(waiting)} not saved${why}`
      : isStuck
        ? why
        : waiting
          ? "saving"
          : this.sentAny
            ? "saved"
            : ""
    if (waiting) this.sentAny = true
  },

  paintMoveOn() {
    this.moveOn.classList.toggle("chosen", this.settings.moveOn)
    this.moveOn.setAttribute("aria-pressed", String(this.settings.moveOn))
  },

  paintList() {
    this.list.classList.remove("waiting")
    this.list.setAttribute("role", "listbox")
    this.list.setAttribute("aria-busy", "false")
    const items = document.createDocumentFragment()
    const first = this.held.firstOf(this.page)
    this.held.rowsOf(this.page).forEach((row, index) => items.append(rowItem(row, first + index, this)))
    this.list.replaceChildren(items)
    this.list.scrollTop = 0
    this.paintedPage = this.page
    this.paintedView = this.held.view
  },

  paintRange() {
    for (const item of this.list.querySelectorAll(".item")) {
      const place = Number(item.dataset.place)
      const isPicked = this.range.has(place)
      item.classList.toggle("picked", isPicked)
      item.setAttribute("aria-selected", String(isPicked || place === this.place))
    }
    this.paintProgress()
  },

  repaintRows(sampleKeys) {
    for (const item of this.list.querySelectorAll(".item")) {
      const place = Number(item.dataset.place)
      const row = this.held.rowAt(place)
      if (!row || !sampleKeys.has(row.sample_key)) continue
      const fresh = rowItem(row, place, this)
      if (item.classList.contains("current")) fresh.classList.add("current")
      item.replaceWith(fresh)
    }
    this.paintRange()
    this.paintSample()
  },

  repaintVerdicts() {
    for (const item of this.list.querySelectorAll(".item")) {
      const row = this.held.rowAt(Number(item.dataset.place))
      if (row) paintVerdict(item, row)
    }
    const row = this.row
    const shown = this.sample.querySelector(".verdicts")
    if (row && shown) shown.replaceWith(verdictButtons(row, this))
    const tags = this.sample.querySelector(".tags")
    if (row && tags) tags.replaceWith(tagRow(row, this))
    const history = this.sample.querySelector(".history")
    if (row && history) history.replaceWith(historyNode(row, this))
    this.paintProgress()
  },

  paintSample() {
    const row = this.row
    this.heat = null
    if (!row) return this.paintNothing()
    const head = make("div", "sample-head")
    const buttons = make("div", "actions")
    buttons.append(
      verdictButtons(row, this),
      tool("Tag", "G", null, () => this.openForm("tag")),
      tool(row.note ? "Edit note" : "Note", "M", null, () => this.openForm("note")),
      make("span", "gap"),
      ...(this.showTokens ? [] : [formatTool(this)]),
      tool(this.showTokens ? "Text" : "Token losses", "T", this.showTokens, () => this.toggleTokens()),
    )
    const top = make("div", "top")
    top.append(factsOf(row, this), place(row, this.data.shapes[row.domain]))
    head.append(top, buttons, tagRow(row, this))
    if (this.form) head.append(inlineForm(this.form, row, this))
    else if (row.note) {
      const note = make("p", "note")
      note.dir = "auto"
      appendText(note, row.note, this.showJoiners)
      head.append(note)
    }
    this.sample.replaceChildren(head, historyNode(row, this), this.textNode(row))
    this.marker.use(this.finder)
    this.fetchHit(row)
    // The legend stays below the head, which grows with tags and notes.
    if (this.showTokens) this.root.style.setProperty("--head", `${head.offsetHeight}px`)
  },

  textNode(row) {
    return this.showTokens ? this.tokensNode(row) : turnsNode(row, this)
  },

  // What came for the text leaves alone what is being written above it.
  paintText() {
    if (!this.row) return
    this.heat = null
    this.sample.lastElementChild.replaceWith(this.textNode(this.row))
    this.marker.use(this.finder)
    this.marker.showFirst()
  },

  paintNothing() {
    const words = this.data.n ? "" : "No rows match. Remove a filter to widen the search."
    this.sample.replaceChildren(make("p", "muted nothing", words))
    if (!this.data.n) this.list.replaceChildren(make("p", "muted nothing", "No rows"))
    // A list box without options is none.
    this.list.setAttribute("role", this.data.n ? "listbox" : "region")
  },

  // A hit beyond what was sent of a long turn is no hit that can be read: the rest is asked for.
  fetchHit(row) {
    const hidden = row.turns.some(
      (turn) => turn.is_cut && (turn.excerpt || turn.thoughts.some((thought) => thought.excerpt)),
    )
    if (hidden && this.finder && this.full !== row.key) {
      this.full = row.key
      this.want()
    }
  },

  tokensNode(row) {
    const box = make("div", "heat")
    if (!this.tokens || this.tokens.key !== row.key) {
      box.append(make("p", "muted nothing", "Loading token losses"))
    } else if (this.tokens.error) {
      box.append(make("p", "trouble nothing", this.tokens.error))
    } else {
      const options = { mode: this.mode, showJoiners: this.showJoiners, onMode: (mode) => (this.mode = mode) }
      this.heat = new HeatView(box, this.tokens, options)
    }
    return box
  },

  say(words, isTrouble = false) {
    this.spoken.textContent = words
    this.spoken.classList.toggle("trouble", isTrouble)
    this.spoken.classList.add("shown")
    clearTimeout(this.sayTimer)
    this.sayTimer = setTimeout(() => this.spoken.classList.remove("shown"), isTrouble ? 6000 : 1200)
  },

  // From the list to the lower edge of the window, so that 1280 x 800 shows it all without scrolling the page.
  fit() {
    const scrolled = this.root.closest?.("section")?.scrollTop ?? 0
    const top = this.root.getBoundingClientRect().top + scrolled
    this.root.style.setProperty("--height", `${Math.max(420, window.innerHeight - top - 20)}px`)
  },
}

// @ts-check
// List and sample in one: moves and marks at once in the browser, and tells the server afterwards.
//
// What the browser says is one growing message under one key, so that fast acts cannot overtake or overwrite another:
//   { view, page, have: [pages held], at: row, acts: [...], tokens: row, full: row, seq }
// The server answers with the pages that are not held, and with the ids of the acts that are on disk.

const WANT_DELAY_MS = 60
// While another program has the project.
const TROUBLE_DELAY_MS = 1000

class App {
  constructor(root) {
    this.root = root
    this.held = new Held()
    this.range = new RowRange()
    this.outbox = new Outbox({
      tell: () => this.tell(),
      hasAnswer: () => this.data.seq >= this.seq - 1,
      onChange: () => this.paintStatus(),
    })
    this.acts = new Acts(this, this.outbox)
    this.settings = readSettings()
    this.place = 0
    this.anchor = 0
    this.nDecided = 0
    this.mode = "difference"
    this.showTokens = this.showJoiners = false
    this.reading = new Reading()
    this.form = this.draft = this.comeBackTo = this.rowToShow = this.typed = null
    this.later = []
    this.seq = 0
    this.build()
    this.onKey = (event) => this.key(event)
    document.addEventListener("keydown", this.onKey)
    this.onResize = () => this.fit()
    window.addEventListener("resize", this.onResize)
  }

  destroy() {
    document.removeEventListener("keydown", this.onKey)
    window.removeEventListener("resize", this.onResize)
    this.outbox.destroy()
    this.marker.destroy()
    clearTimeout(this.wanting)
    clearTimeout(this.urlTimer)
  }

  build() {
    this.count = make("div", "count")
    this.progress = make("div", "progress")
    this.status = make("div", "saved")
    this.status.setAttribute("role", "status")
    this.pagerBox = make("div", "pager-box")
    const bar = make("div", "bar-row")
    bar.append(this.count, this.progress, this.hintRow(), this.status, this.pagerBox)
    this.list = make("div", "list")
    this.list.tabIndex = 0
    this.list.setAttribute("role", "listbox")
    this.list.setAttribute("aria-label", "Samples")
    this.list.setAttribute("aria-multiselectable", "true")
    this.list.onclick = (event) => this.clicked(event)
    // Shift and a click would mark text between them.
    this.list.onmousedown = (event) => event.shiftKey && event.preventDefault()
    this.sample = make("div", "sample")
    this.sample.tabIndex = 0
    this.sample.setAttribute("role", "region")
    this.sample.setAttribute("aria-label", "Sample")
    this.marker = new Marker(this.sample)
    const body = make("div", "body")
    body.append(this.list, this.sample)
    this.spoken = make("div", "spoken")
    this.spoken.setAttribute("aria-live", "polite")
    this.help = helpPanel()
    this.root.replaceChildren(bar, body, this.spoken, this.help)
  }

  hintRow() {
    const hints = hintRow()
    this.moveOn = tool("Move on", "A", null, () => this.toggleMoveOn())
    this.moveOn.title = "After K or D, go to the next row"
    hints.append(this.moveOn)
    this.paintMoveOn()
    return hints
  }

  // ---- what the server says -------------------------------------------------------------------------------------

  /** @param {ListPayload} data @param {App['send']} send */
  receive(data, send) {
    const isFirst = this.data === undefined
    this.data = data
    this.send = send
    if (isFirst && this.outbox.open(data.project, data.server)) this.want()
    paintDomainColours(this.root)
    if (this.held.view !== data.view) this.openList(data)
    for (const [page, rows] of Object.entries(data.pages)) this.hold(Number(page), rows)
    this.acts.acknowledge(data)
    // With acts on their way the browser knows better.
    if (!this.outbox.acts.length) this.nDecided = data.decided
    if (data.tokens && data.tokens.key === this.at) this.tokens = data.tokens
    if (data.full) this.takeFull(data.full)
    if (this.isWaiting) this.arrive()
    else if (data.tokens || data.full) this.paintText()
    this.paintBar()
    this.fit()
    if (this.held.lacks(this.page)) this.want()
  }

  /** @param {ListPayload} data */
  openList(data) {
    this.held.open(data.view, data.n, data.page_rows)
    this.finder = finderOf(data.search)
    // What is being written stays, if its sample is in sight again: see `arrive`.
    if (!this.draft || this.range.size > 1 || this.comeBackTo !== null) this.form = null
    this.range.clear()
    this.comeBackTo = this.tokens = this.full = null
    this.later = []
    // Back from another page of the dashboard: the place is where this tab left it, whatever the server has heard.
    const left = readPlace(data)
    this.place = left ? left.place : this.held.firstOf(data.page)
    this.rowToShow = left ? left.key : data.row
    // Also when it is mounted anew while the server thinks that it holds the rows: they come with the next answer.
    this.isWaiting = true
  }

  /** @param {number} page @param {SampleRow[]} rows */
  hold(page, rows) {
    rows.forEach((row, index) => this.acts.applyPending(row, this.held.firstOf(page) + index))
    this.held.put(page, rows, this.page)
  }

  /** @param {NonNullable<ListPayload['full']>} full */
  takeFull(full) {
    this.held.replaceTurns(full)
    if (this.full === full.key) this.full = null
  }

  arrive() {
    if (this.held.n && !this.held.has(this.page)) return
    this.isWaiting = false
    const rows = this.held.rowsOf(this.page)
    const index = this.rowToShow === null ? -1 : rows.findIndex((row) => row.key === this.rowToShow)
    const isNewList = this.rowToShow !== null || this.paintedView !== this.held.view
    if (index >= 0) this.place = this.held.firstOf(this.page) + index
    this.rowToShow = null
    if (this.draft?.key !== this.row?.sample_key) this.form = null
    if (isNewList) this.anchor = this.place
    this.paintList()
    this.show({ quiet: isNewList })
    // Keys pressed meanwhile, in their order; one that turns the page again makes the rest wait for it.
    while (this.later.length && !this.isWaiting) this.later.shift()()
  }

  whenHere(act) {
    if (this.isWaiting) this.later.push(act)
    else act()
  }

  // ---- what the browser says ------------------------------------------------------------------------------------

  tell() {
    if (!this.send) return
    clearTimeout(this.wanting)
    this.seq += 1
    this.send("ui", {
      seq: this.seq,
      view: this.held.view,
      page: this.page,
      have: [...this.held.pages.keys()],
      at: this.at,
      tokens: this.lacksTokens() ? this.at : null,
      full: this.full,
      acts: this.outbox.acts,
    })
  }

  // Of a truncated sample the tokens say where the models stopped reading.
  lacksTokens() {
    const isWanted = this.showTokens || this.row?.flags.includes("truncated")
    return Boolean(isWanted) && this.tokens?.key !== this.at
  }

  // Moving fast asks for tokens and pages once the hand rests; acts are told at once.
  want() {
    clearTimeout(this.wanting)
    this.wanting = setTimeout(() => this.tell(), this.data.trouble ? TROUBLE_DELAY_MS : WANT_DELAY_MS)
  }

  // ---- where in the list ----------------------------------------------------------------------------------------

  get page() {
    return this.held.pageOf(this.place)
  }

  get row() {
    return this.isWaiting ? null : this.held.rowAt(this.place)
  }

  get at() {
    return this.row ? this.row.key : null
  }

  // ---- forms and settings ---------------------------------------------------------------------------------------

  // The reading pane calls these by name.
  decide(verdict) {
    this.acts.decide(verdict)
  }

  untag(tag) {
    this.acts.untag(tag)
  }

  openForm(kind) {
    if (kind === "reason") this.acts.openReason()
    else this.showForm(kind)
  }

  showForm(kind) {
    if (!this.row) return
    this.form = kind
    this.paintSample()
  }

  saveForm(kind, text) {
    this.form = null
    if (this.row && kind === "reason") this.acts.giveReason(text)
    else if (this.row && kind === "note") this.acts.note(text)
    else if (this.row) this.acts.tag(text)
    this.closeForm()
  }

  closeForm() {
    this.form = this.draft = null
    if (this.comeBackTo !== null) {
      const place = this.comeBackTo
      this.comeBackTo = null
      this.range.clear()
      this.goTo(place)
    }
    this.paintSample()
    this.list.focus({ preventScroll: true })
  }

  fetchFull(key) {
    this.full = key
    this.tell()
  }

  toggleTokens() {
    if (!this.data.scored) return this.say("no token losses yet: score the data first")
    this.showTokens = !this.showTokens
    this.paintSample()
    if (this.showTokens) this.tell()
  }

  toggleJoiners() {
    this.showJoiners = !this.showJoiners
    this.paintSample()
    this.say(this.showJoiners ? "joiners shown" : "joiners hidden")
  }

  toggleMoveOn() {
    this.settings.moveOn = !this.settings.moveOn
    keepSettings(this.settings)
    this.paintMoveOn()
    this.say(this.settings.moveOn ? "K and D go to the next row" : "K and D stay on the row")
  }

  // ---- keys -----------------------------------------------------------------------------------------------------

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return
    if (!this.data || !this.root.isConnected) return
    // The field takes Enter for itself; the list has the keys after it.
    if (leavesSearch(event)) return void setTimeout(() => this.list.focus({ preventScroll: true }))
    if (this.typed && !isInField(event)) return keepKey(this, event)
    if (event.defaultPrevented || isElsewhere(event, this.root)) return
    if (event.key === "Escape") return this.escape(event)
    const key = BY_NAME.get(keyName(event))
    // Shift and arrows also stretch text that is marked to be copied.
    if (!key || (event.shiftKey && key.names[0].startsWith("Shift+") && this.hasMarkedText())) return
    event.preventDefault()
    if (event.repeat && !key.repeats) return
    if (key.here) this.whenHere(() => key.run(this, event.repeat))
    else key.run(this, event.repeat)
  }

  hasMarkedText() {
    const selection = this.root.getRootNode().getSelection?.() ?? document.getSelection()
    return Boolean(selection) && !selection.isCollapsed
  }

  escape(event) {
    if (this.help.hidden && !this.range.size) return
    event.preventDefault()
    if (!this.help.hidden) return this.toggleHelp()
    this.range.clear()
    this.paintRange()
  }

  toggleHelp() {
    this.help.hidden = !this.help.hidden
  }
}

Object.assign(App.prototype, Walking, Painting)

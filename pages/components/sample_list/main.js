// List and sample in one: moves and marks at once in the browser, and tells the server afterwards.
//
// What the browser says is one growing message under one key, so that fast acts cannot overtake or overwrite another:
//   { view, page, have: [pages held], at: row, acts: [{ id, kind, key, text }], tokens: row, full: row, seq }
// The server answers with the pages that are not held, and with the ids of the acts that are on disk.

const SAVE_PATIENCE_MS = 3000
// After this long without any answer the server is another one than the page came from: only a reload reaches it.
const LOST_MS = 9000
const PAGES_HELD = 12
const WANT_DELAY_MS = 60
const HELP = [
  ["↓ ↑ or N P", "next, previous sample"],
  ["K D U", "keep, drop, undecided"],
  ["R", "reason for the decision"],
  ["G", "tag"],
  ["M", "note"],
  ["Z", "undo the last decision"],
  ["T", "token losses"],
  ["← →", "previous, next token; without token losses, page"],
  ["J", "show joiners (U+200D ...)"],
  ["?", "these keys"],
]

const apps = new WeakMap()

class App {
  constructor(root) {
    this.root = root
    this.pages = new Map()
    this.acts = []
    this.sentAt = new Map()
    this.decided = []
    this.undone = new Set()
    this.mode = "difference"
    this.showTokens = false
    this.showJoiners = false
    this.unfolded = false
    this.form = null
    this.seq = 0
    this.queued = 0
    this.waitingFor = null
    this.build()
    this.onKey = (event) => this.key(event)
    document.addEventListener("keydown", this.onKey)
    this.onResize = () => this.fit()
    window.addEventListener("resize", this.onResize)
    this.watch = setInterval(() => this.checkSaved(), 500)
  }

  destroy() {
    document.removeEventListener("keydown", this.onKey)
    window.removeEventListener("resize", this.onResize)
    clearInterval(this.watch)
    clearTimeout(this.wanting)
    clearTimeout(this.urlTimer)
  }

  build() {
    this.count = make("div", "count")
    this.hints = make("div", "hints")
    for (const [keys, word] of [["↓↑", "move"], ["K", "keep"], ["D", "drop"], ["U", "undecided"], ["T", "tokens"], ["?", "keys"]]) {
      const hint = make("span")
      hint.append(make("kbd", "", keys), word)
      this.hints.append(hint)
    }
    this.status = make("div", "saved")
    this.status.setAttribute("role", "status")
    this.pagerBox = make("div", "pager-box")
    const bar = make("div", "bar-row")
    bar.append(this.count, this.hints, this.status, this.pagerBox)
    this.list = make("div", "list")
    this.list.tabIndex = 0
    this.list.setAttribute("role", "listbox")
    this.list.setAttribute("aria-label", "Samples")
    this.list.onclick = (event) => {
      const item = event.target.closest(".item")
      if (item) this.select(Number(item.dataset.key))
    }
    this.sample = make("div", "sample")
    this.sample.tabIndex = 0
    this.sample.setAttribute("role", "region")
    this.sample.setAttribute("aria-label", "Sample")
    const body = make("div", "body")
    body.append(this.list, this.sample)
    this.spoken = make("div", "spoken")
    this.spoken.setAttribute("aria-live", "polite")
    this.help = this.helpPanel()
    this.root.replaceChildren(bar, body, this.spoken, this.help)
  }

  helpPanel() {
    const panel = make("div", "help")
    panel.hidden = true
    panel.setAttribute("role", "dialog")
    panel.setAttribute("aria-label", "Keys")
    const list = make("dl")
    for (const [keys, words] of HELP) {
      const term = make("dt")
      for (const key of keys.split(" ")) term.append(key === "or" ? " or " : make("kbd", "", key))
      list.append(term, make("dd", "", words))
    }
    panel.append(list, make("p", "muted", "Keys rest while you type, and while a menu is open. Esc closes this."))
    return panel
  }

  // ---- what the server says -------------------------------------------------------------------------------------

  receive(data, send) {
    const isFirst = this.data === undefined
    this.data = data
    this.send = send
    this.answered = data.seq
    if (isFirst) this.takeUpUnsaved()
    this.paintDomains()
    const fresh = this.view !== data.view
    if (fresh) {
      this.view = data.view
      this.pages.clear()
      this.page = data.page
      this.at = null
      this.form = null
      this.tokens = this.full = null
      this.queued = 0
      // Also when it is mounted anew while the server thinks that it holds the rows: they come with the next answer.
      this.waitingFor = "landing"
    }
    for (const [number, rows] of Object.entries(data.pages)) this.hold(Number(number), rows)
    this.acknowledge(data)
    if (data.tokens && data.tokens.key === this.at) this.tokens = data.tokens
    if (data.full) this.replaceRow(data.full)
    if (this.waitingFor !== null) this.arrive(data)
    else if (data.tokens || data.full) this.paintSample()
    this.paintBar()
    this.fit()
    if (this.lacksPages()) this.want()
  }

  // The page in sight comes first; its neighbours are fetched before anybody turns to them.
  lacksPages() {
    if (!this.data.n) return false
    return [this.page, this.page + 1, this.page - 1].some((n) => n >= 1 && n <= this.lastPage && !this.pages.has(n))
  }

  hold(number, rows) {
    this.pages.set(number, rows)
    for (const row of rows) this.applyPending(row)
    while (this.pages.size > PAGES_HELD) {
      const furthest = [...this.pages.keys()].sort((a, b) => Math.abs(b - this.page) - Math.abs(a - this.page))[0]
      this.pages.delete(furthest)
    }
  }

  // A page that was read before an act was written must not take the mark back.
  applyPending(row) {
    for (const act of this.acts) if (act.key === row.sample_key && MARKS[act.kind]) row.verdict = act.kind
  }

  arrive(data) {
    const rows = data.n === 0 ? [] : this.pages.get(this.page)
    if (!rows) return
    const side = this.waitingFor
    this.waitingFor = null
    const wanted = data.row !== null && rows.find((row) => row.key === data.row)
    const start = side === "end" ? rows.length - 1 : wanted ? rows.indexOf(wanted) : 0
    const first = rows[Math.min(Math.max(start + this.queued, 0), rows.length - 1)]
    this.queued = 0
    this.paintList()
    if (first) this.select(first.key, { quiet: side === "landing" })
    else {
      this.at = null
      this.paintSample()
    }
  }

  acknowledge(data) {
    const done = new Set(data.acked)
    const failed = new Map(data.failed)
    for (const act of this.acts) if (failed.has(act.id)) this.say(`not saved: ${failed.get(act.id)}`, true)
    this.acts = this.acts.filter((act) => !done.has(act.id) && !failed.has(act.id))
    for (const id of [...done, ...failed.keys()]) this.sentAt.delete(id)
    this.keepUnsaved()
    // The same answer may come twice; verdicts that an undo brought back are taken over once.
    for (const [id, verdicts] of Object.entries(data.changed)) {
      if (this.undone.has(id)) continue
      this.undone.add(id)
      for (const [key, verdict] of verdicts) this.eachRow(key, (row) => (row.verdict = this.pendingVerdict(key) || verdict))
      this.repaintVerdicts()
    }
  }

  pendingVerdict(key) {
    const pending = this.acts.filter((act) => act.key === key && MARKS[act.kind])
    return pending.length ? pending[pending.length - 1].kind : null
  }

  // ---- what the browser says ------------------------------------------------------------------------------------

  tell() {
    this.seq += 1
    this.send("ui", {
      seq: this.seq,
      view: this.view,
      page: this.page,
      have: [...this.pages.keys()],
      at: this.at,
      tokens: this.showTokens && (!this.tokens || this.tokens.key !== this.at) ? this.at : null,
      full: this.full,
      acts: this.acts,
    })
  }

  // Moving fast asks for tokens and pages once the hand rests; acts are told at once.
  want() {
    clearTimeout(this.wanting)
    this.wanting = setTimeout(() => this.tell(), WANT_DELAY_MS)
  }

  act(kind, key, text) {
    const act = { id: crypto.randomUUID ? crypto.randomUUID() : fallbackId(), kind, key, text: text || "" }
    this.acts.push(act)
    this.sentAt.set(act.id, performance.now())
    this.keepUnsaved()
    clearTimeout(this.wanting)
    this.tell()
    this.paintStatus()
    return act
  }

  checkSaved() {
    const ages = this.acts.map((act) => performance.now() - (this.sentAt.get(act.id) ?? 0))
    const oldest = Math.max(0, ...ages)
    const isLate = oldest > SAVE_PATIENCE_MS
    // Say it again: a connection that came back has forgotten what it was told.
    if (isLate && this.send && performance.now() - (this.toldAgainAt ?? 0) > SAVE_PATIENCE_MS) {
      this.toldAgainAt = performance.now()
      this.tell()
    }
    if (isLate !== this.isLate) {
      this.isLate = isLate
      this.paintStatus()
    }
    if (oldest > LOST_MS && this.answered < this.seq - 1) this.reloadIfServerIsBack()
  }

  // A dashboard that was started anew does not know this page. The acts wait in the tab's own storage meanwhile.
  async reloadIfServerIsBack() {
    if (this.reloading) return
    this.reloading = true
    try {
      const answer = await fetch(new URL("/_stcore/health", window.location.href), { cache: "no-store" })
      if (answer.ok && this.acts.length) return window.location.reload()
    } catch {
      // Still away; asked again below.
    }
    setTimeout(() => (this.reloading = false), SAVE_PATIENCE_MS)
  }

  get unsavedKey() {
    return `lobass.unsaved.${this.data.project}`
  }

  keepUnsaved() {
    try {
      if (this.acts.length) sessionStorage.setItem(this.unsavedKey, JSON.stringify(this.acts))
      else sessionStorage.removeItem(this.unsavedKey)
    } catch {
      // Storage may be switched off; then acts live as long as the page.
    }
  }

  // Acts that the page before this one could not bring home; their ids make sure that none is done twice.
  takeUpUnsaved() {
    try {
      this.acts = JSON.parse(sessionStorage.getItem(this.unsavedKey)) || []
    } catch {
      this.acts = []
    }
    for (const act of this.acts) this.sentAt.set(act.id, performance.now())
    if (this.acts.length) this.wanting = setTimeout(() => this.tell(), WANT_DELAY_MS)
  }

  // ---- rows -----------------------------------------------------------------------------------------------------

  get rows() {
    return this.pages.get(this.page) || []
  }

  get row() {
    return this.rows.find((row) => row.key === this.at) || null
  }

  eachRow(sampleKey, change) {
    for (const rows of this.pages.values()) for (const row of rows) if (row.sample_key === sampleKey) change(row)
  }

  replaceRow(full) {
    for (const rows of this.pages.values()) {
      const at = rows.findIndex((row) => row.key === full.key)
      if (at >= 0) rows[at] = { ...rows[at], turns: full.turns }
    }
    if (this.full === full.key) this.full = null
  }

  select(key, { quiet = false } = {}) {
    const before = this.at
    this.at = key
    this.form = null
    const old = before === null ? null : this.list.querySelector(`[data-key="${before}"]`)
    if (old) {
      old.classList.remove("current")
      old.setAttribute("aria-selected", "false")
    }
    const item = this.list.querySelector(`[data-key="${key}"]`)
    if (item) {
      item.classList.add("current")
      item.setAttribute("aria-selected", "true")
      item.scrollIntoView({ block: "nearest" })
      this.list.setAttribute("aria-activedescendant", item.id)
    }
    this.paintSample()
    this.sample.scrollTop = 0
    if (!quiet) this.noteInUrl()
    if (this.showTokens) this.want()
  }

  move(step) {
    const rows = this.rows
    // A page is on its way: the keys pressed meanwhile count from its first row.
    if (!rows.length) return void (this.queued += step)
    const at = rows.findIndex((row) => row.key === this.at)
    const next = at + step
    if (next >= 0 && next < rows.length) return this.select(rows[next].key)
    const page = this.page + Math.sign(step)
    if (page >= 1 && page <= this.lastPage) this.go(page, step > 0 ? "start" : "end")
  }

  go(page, side = "start") {
    if (page < 1 || page > this.lastPage) return
    this.page = page
    this.waitingFor = side
    this.at = null
    this.queued = 0
    this.list.setAttribute("aria-busy", String(!this.pages.has(page)))
    clearTimeout(this.wanting)
    if (this.pages.has(page)) {
      this.arrive({ row: null, n: this.data.n })
      this.want()
    } else {
      this.list.classList.add("waiting")
      this.tell()
    }
    this.paintBar()
  }

  get lastPage() {
    return Math.max(1, Math.ceil(this.data.n / this.data.page_rows))
  }

  // The address is replaced, not pushed: Back leads to the last filter, not through every sample.
  noteInUrl() {
    clearTimeout(this.urlTimer)
    this.urlTimer = setTimeout(() => {
      if (this.at === null) return
      const url = new URL(window.location.href)
      if (this.page > 1) url.searchParams.set("page", String(this.page))
      else url.searchParams.delete("page")
      url.searchParams.set("row", String(this.at))
      window.history.replaceState(window.history.state, "", url)
      // The server remembers the place too, for when the page is left and found again.
      this.tell()
    }, 250)
  }

  // ---- acts -----------------------------------------------------------------------------------------------------

  decide(verdict, reason) {
    const row = this.row
    if (!row) return
    const act = this.act(verdict, row.sample_key, reason)
    this.decided.push({ id: act.id, key: row.sample_key, before: row.verdict })
    this.eachRow(row.sample_key, (one) => {
      one.verdict = verdict
      one.reason = reason || ""
    })
    this.repaintVerdicts()
    this.say(VERDICT_WORDS[verdict])
  }

  undo() {
    const last = this.decided.pop()
    this.act("undo", last ? last.key : -1, last ? last.id : "")
    if (last) {
      this.eachRow(last.key, (row) => (row.verdict = last.before))
      this.repaintVerdicts()
    }
    this.say("undone")
  }

  saveForm(kind, text) {
    const row = this.row
    this.form = null
    if (row && kind === "reason") this.decide(row.verdict, text)
    else if (row && kind === "note") {
      this.act("note", row.sample_key, text)
      this.eachRow(row.sample_key, (one) => (one.note = text))
    } else if (row && text) {
      this.act("tag", row.sample_key, text)
      this.eachRow(row.sample_key, (one) => (one.tags = [...new Set([...one.tags, text])].sort()))
      if (!this.data.tags.includes(text)) this.data.tags.push(text)
    }
    this.repaintItems(row)
    this.paintSample()
    this.list.focus({ preventScroll: true })
  }

  untag(tag) {
    const row = this.row
    this.act("untag", row.sample_key, tag)
    this.eachRow(row.sample_key, (one) => (one.tags = one.tags.filter((name) => name !== tag)))
    this.repaintItems(row)
    this.paintSample()
  }

  openForm(kind) {
    const row = this.row
    if (!row) return
    if (kind === "reason" && row.verdict === "undecided") return this.say("keep or drop first")
    this.form = kind
    this.paintSample()
  }

  closeForm() {
    this.form = null
    this.paintSample()
    this.list.focus({ preventScroll: true })
  }

  fetchFull(key) {
    this.full = key
    this.tell()
  }

  toggleTokens() {
    if (!this.data.scored) return this.say("nothing is scored yet, so tokens have no losses")
    this.showTokens = !this.showTokens
    this.paintSample()
    if (this.showTokens) this.tell()
  }

  say(words, isTrouble = false) {
    this.spoken.textContent = words
    this.spoken.classList.toggle("trouble", isTrouble)
    this.spoken.classList.add("shown")
    clearTimeout(this.sayTimer)
    this.sayTimer = setTimeout(() => this.spoken.classList.remove("shown"), isTrouble ? 6000 : 1200)
  }

  // ---- keys -----------------------------------------------------------------------------------------------------

  key(event) {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return
    if (!this.data || !this.root.isConnected || isElsewhere(event, this.root)) return
    if (event.key === "Escape" && !this.help.hidden) return this.toggleHelp(event)
    const moves = { ArrowDown: 1, n: 1, ArrowUp: -1, p: -1 }
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key
    // Only a letter may come with Shift; Shift and arrows mark text.
    if (event.shiftKey && name !== "?" && event.key.length > 1) return
    if (moves[name]) {
      event.preventDefault()
      return this.move(moves[name])
    }
    const once = {
      k: () => this.decide("keep"),
      d: () => this.decide("drop"),
      u: () => this.decide("undecided"),
      t: () => this.toggleTokens(),
      r: () => this.openForm("reason"),
      g: () => this.openForm("tag"),
      m: () => this.openForm("note"),
      z: () => this.undo(),
      j: () => this.toggleJoiners(),
      "?": () => this.toggleHelp(),
    }
    if (name === "ArrowLeft" || name === "ArrowRight") {
      event.preventDefault()
      const step = name === "ArrowRight" ? 1 : -1
      if (this.showTokens) return this.heat?.move(step)
      if (!event.repeat) this.go(this.page + step)
    } else if (once[name] && !event.repeat) {
      event.preventDefault()
      once[name]()
    }
  }

  toggleHelp(event) {
    event?.preventDefault()
    this.help.hidden = !this.help.hidden
  }

  toggleJoiners() {
    this.showJoiners = !this.showJoiners
    this.paintSample()
    this.say(this.showJoiners ? "joiners shown" : "joiners hidden")
  }

  // ---- painting -------------------------------------------------------------------------------------------------

  paintDomains() {
    const colours = getComputedStyle(this.root).getPropertyValue("--st-chart-categorical-colors").split(",")
    for (let i = 0; i < 8; i++) this.root.style.setProperty(`--d${i}`, (colours[i] || "").trim() || "currentColor")
  }

  paintBar() {
    const { n, total, page_rows: size } = this.data
    this.count.replaceChildren(make("b", "", formatCount(n)), ` of ${formatCount(total)}`)
    if (n) {
      const first = (this.page - 1) * size + 1
      this.count.append(make("span", "muted", ` · rows ${formatCount(first)}–${formatCount(Math.min(first + size - 1, n))}`))
    }
    // Only when it changes: somebody may be typing a page number into it.
    const pages = `${this.page}/${this.lastPage}`
    if (this.pagerShows !== pages) {
      this.pagerShows = pages
      this.pagerBox.replaceChildren(...(n > size ? [pager(this.page, this.lastPage, (page) => this.go(page))] : []))
    }
    this.paintStatus()
  }

  paintStatus() {
    const waiting = this.acts.length
    this.status.className = this.isLate ? "saved late" : waiting ? "saved waiting" : "saved"
    const why = this.isLate && this.data.trouble ? `: ${this.data.trouble}` : ""
    this.status.title = why.slice(2)
    this.status.textContent = this.isLate ? `${formatCount(waiting)} not saved${why}` : waiting ? "saving" : this.sentAny ? "saved" : ""
    if (waiting) this.sentAny = true
  }

  paintList() {
    this.list.classList.remove("waiting")
    this.list.setAttribute("aria-busy", "false")
    const items = document.createDocumentFragment()
    for (const row of this.rows) items.append(rowItem(row, this))
    this.list.replaceChildren(items)
    this.list.scrollTop = 0
  }

  repaintItems(row) {
    if (!row) return
    for (const one of this.rows.filter((other) => other.sample_key === row.sample_key)) {
      const item = this.list.querySelector(`[data-key="${one.key}"]`)
      const fresh = rowItem(one, this)
      if (item.classList.contains("current")) fresh.classList.add("current")
      item.replaceWith(fresh)
    }
  }

  repaintVerdicts() {
    for (const row of this.rows) {
      const item = this.list.querySelector(`[data-key="${row.key}"]`)
      if (item) paintVerdict(item, row)
    }
    const row = this.row
    const shown = this.sample.querySelector(".verdicts")
    if (row && shown) shown.replaceWith(verdictButtons(row, this))
    const tags = this.sample.querySelector(".tags")
    if (row && tags) tags.replaceWith(tagRow(row, this))
  }

  paintSample() {
    const row = this.row
    this.heat = null
    if (!row) {
      const words = this.data.n ? "" : "No row passes these conditions. Take a chip away to widen the search."
      this.sample.replaceChildren(make("p", "muted nothing", words))
      if (!this.data.n) this.list.replaceChildren(make("p", "muted nothing", "No rows"))
      return
    }
    const head = make("div", "sample-head")
    const buttons = make("div", "actions")
    buttons.append(
      verdictButtons(row, this),
      tool("Tag", "G", null, () => this.openForm("tag")),
      tool(row.note ? "Edit note" : "Note", "M", null, () => this.openForm("note")),
      make("span", "gap"),
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
    this.sample.replaceChildren(head, this.showTokens ? this.tokensNode(row) : turnsNode(row, this))
    // The legend stays below the head, which grows with tags and notes.
    if (this.showTokens) this.root.style.setProperty("--head", `${head.offsetHeight}px`)
  }

  tokensNode(row) {
    const box = make("div", "heat")
    if (!this.tokens || this.tokens.key !== row.key) {
      box.append(make("p", "muted nothing", "Reading token losses"))
    } else if (this.tokens.error) {
      box.append(make("p", "trouble nothing", this.tokens.error))
    } else {
      const options = { mode: this.mode, showJoiners: this.showJoiners, onMode: (mode) => (this.mode = mode) }
      this.heat = new HeatView(box, this.tokens, options)
    }
    return box
  }

  // From the list to the lower edge of the window, so that 1280 x 800 shows it all without scrolling the page.
  fit() {
    const scrolled = this.root.closest?.("section")?.scrollTop ?? 0
    const top = this.root.getBoundingClientRect().top + scrolled
    this.root.style.setProperty("--height", `${Math.max(420, window.innerHeight - top - 20)}px`)
  }
}

function fallbackId() {
  // crypto.randomUUID needs a secure context; an address in the local network is none.
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")
}

const EDITABLE = "input, textarea, select, [contenteditable=''], [contenteditable='true']"
const OWN_KEYS = "tab radio slider menu menuitem combobox spinbutton textbox searchbox grid treegrid".split(" ")

// Whether the key belongs to something else: a field, a menu, another list, an open popover or dialog.
function isElsewhere(event, root) {
  for (const node of event.composedPath()) {
    if (!(node instanceof Element)) continue
    if (node.matches(EDITABLE) || OWN_KEYS.includes(node.getAttribute("role"))) return true
    if (node === root) break
  }
  return [...document.querySelectorAll("[role='dialog'], [data-baseweb='popover'], [data-testid='stPopoverBody']")].some(
    (node) => node.getClientRects().length > 0,
  )
}

export default function (component) {
  const { data, parentElement, setStateValue } = component
  const root = parentElement.querySelector(".browser")
  if (!root || !data) return undefined
  let app = apps.get(root)
  if (!app) {
    app = new App(root)
    apps.set(root, app)
  }
  app.receive(data, setStateValue)
  return () => {
    app.destroy()
    apps.delete(root)
  }
}

// @ts-check
// Every key in one table: what it does, and what the help says of it.

// `here`: it is about the row in sight, so it waits while a page is on its way. `repeats`: it goes on while held down.
// biome-ignore format: one key a line.
const KEYS = [
  { names: ["ArrowDown", "n"], shown: "↓ or N", words: "next sample", here: true, repeats: true, run: (app) => app.move(1) },
  { names: ["ArrowUp", "p"], shown: "↑ or P", words: "previous sample", here: true, repeats: true, run: (app) => app.move(-1) },
  { names: ["Shift+ArrowDown"], shown: "Shift ↓", words: "extend the selection down; Shift+click extends it to a row on any page", here: true, repeats: true, run: (app) => app.extend(1) },
  { names: ["Shift+ArrowUp"], shown: "Shift ↑", words: "shrink the selection, or extend it up", here: true, repeats: true, run: (app) => app.extend(-1) },
  { names: ["k"], shown: "K", words: "keep the row or the selected rows", here: true, run: (app) => app.acts.decide("keep") },
  { names: ["d"], shown: "D", words: "drop the row or the selected rows", here: true, run: (app) => app.acts.decide("drop") },
  { names: ["u"], shown: "U", words: "clear the decision", here: true, run: (app) => app.acts.decide("undecided") },
  { names: ["a"], shown: "A", words: "turn on or off: K and D go to the next row", run: (app) => app.toggleMoveOn() },
  { names: ["."], shown: ".", words: "repeat the last decision or tag", here: true, run: (app) => app.acts.repeat() },
  { names: ["z"], shown: "Z", words: "undo the last decision", here: true, run: (app) => app.acts.undo() },
  { names: ["r"], shown: "R", words: "add a reason to the decision", here: true, run: (app) => app.acts.openReason() },
  { names: ["g"], shown: "G", words: "add a tag", here: true, run: (app) => app.showForm("tag") },
  { names: ["m"], shown: "M", words: "edit the note", here: true, run: (app) => app.showForm("note") },
  { names: ["/"], shown: "/", words: "search; Enter returns to the list", run: (app) => void searchFor(app) },
  { names: ["q"], shown: "Q", words: "open the review queue: rows near the cut and flagged rows", run: (app) => void press(app, "browse-review") },
  { names: ["s"], shown: "S", words: "open saved filters", run: (app) => void openSaved(app) },
  { names: ["t"], shown: "T", words: "show token losses or the text", here: true, run: (app) => app.toggleTokens() },
  { names: ["f"], shown: "F", words: "show Markdown and LaTeX formatted, or the exact text", here: true, run: (app) => toggleFormatted(app) },
  { names: ["ArrowLeft"], shown: "←", words: "previous page; with token losses, previous token", here: true, repeats: true, run: (app, held) => app.turn(-1, held) },
  { names: ["ArrowRight"], shown: "→", words: "next page or token", here: true, repeats: true, run: (app, held) => app.turn(1, held) },
  { names: ["j"], shown: "J", words: "show or hide joiners (U+200D ...)", run: (app) => app.toggleJoiners() },
  { names: ["?"], shown: "?", words: "show this list; Esc closes it", run: (app) => app.toggleHelp() },
]
const BY_NAME = new Map(KEYS.flatMap((key) => key.names.map((name) => [name, key])))
const HINTS = [
  ["↓↑", "move"],
  ["K", "keep"],
  ["D", "drop"],
  ["/", "search"],
  ["?", "keys"],
]

const EDITABLE = "input, textarea, select, [contenteditable=''], [contenteditable='true']"
const OWN_KEYS = "tab radio slider menu menuitem combobox spinbutton textbox searchbox grid treegrid".split(" ")

// Letters come with or without Shift; Shift and an arrow are a key of their own.
/** @param {KeyboardEvent} event */
function keyName(event) {
  if (event.key.length === 1) return event.key.toLowerCase()
  return event.shiftKey ? `Shift+${event.key}` : event.key
}

/** @param {Event} event */
function isInField(event) {
  return event.composedPath().some((node) => node instanceof Element && node.matches(EDITABLE))
}

// Whether the key belongs to something else: a field, a menu, another list, an open popover or dialog.
/** @param {KeyboardEvent} event @param {Element} root */
function isElsewhere(event, root) {
  for (const node of event.composedPath()) {
    if (!(node instanceof Element)) continue
    if (node.matches(EDITABLE) || OWN_KEYS.includes(node.getAttribute("role") ?? "")) return true
    if (node === root) break
  }
  return [
    ...document.querySelectorAll("[role='dialog'], [data-baseweb='popover'], [data-testid='stPopoverBody']"),
  ].some((node) => node.getClientRects().length > 0)
}

function helpPanel() {
  const panel = make("div", "help")
  panel.hidden = true
  panel.setAttribute("role", "dialog")
  panel.setAttribute("aria-label", "Shortcuts")
  // It may be higher than the window, and is scrolled by keys then.
  panel.tabIndex = 0
  const list = make("dl")
  for (const { shown, words } of KEYS) {
    const term = make("dt")
    for (const key of shown.split(" ")) term.append(key === "or" ? " or " : make("kbd", "", key))
    list.append(term, make("dd", "", words))
  }
  panel.append(list, make("p", "muted", "Shortcuts are off while you type or a menu is open."))
  return panel
}

function hintRow() {
  const hints = make("div", "hints")
  for (const [keys, word] of HINTS) {
    const hint = make("span")
    hint.append(make("kbd", "", keys), word)
    hints.append(hint)
  }
  return hints
}

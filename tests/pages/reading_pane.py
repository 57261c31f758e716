"""The reading pane's own functions in node, over a document of a few lines: what becomes which element.

drawn("**a** <b>", formatted=True)      [["div.formatted", ["p.md-paragraph", ["strong", "a"], " <b>"]]]
"""

import json
import subprocess
from pathlib import Path

from playwright._impl._driver import compute_driver_executable

from pages.components import sample_list

FOLDER = Path(sample_list.__file__).parent
SCRIPTS = ("text.js", "code.js", "math.js", "markdown.js", "reading.js")
KATEX = Path(sample_list.st.__file__).parent / "static" / "static" / "js" / sample_list.katex_file()
DOCUMENT = """
class Node {
  constructor(tag) {
    Object.assign(this, { tag, className: "", childNodes: [], attributes: {}, style: {}, isConnected: true })
  }
  append(...nodes) { this.childNodes.push(...nodes) }
  appendChild(node) { this.append(node) }
  replaceChildren(...nodes) { this.childNodes = nodes }
  setAttribute(name, value) { this.attributes[name] = value }
  set textContent(text) { this.childNodes = text ? [text] : [] }
  get classList() {
    return {
      add: (name) => (this.className = `${this.className} ${name}`),
      remove: (name) => (this.className = this.className.replace(` ${name}`, "")),
    }
  }
}
const document = {
  compatMode: "CSS1Compat",
  createElement: (tag) => new Node(tag),
  createElementNS: (_, tag) => new Node(tag),
  createTextNode: (text) => text,
  createDocumentFragment: () => new Node(""),
  querySelector: () => null,
}
globalThis.document = document
const KATEX_FILE = ""
const outline = (node) => {
  if (!(node instanceof Node)) return typeof node === "string" ? node : String(node.text ?? node)
  const classes = node.className.split(" ").filter(Boolean).map((name) => `.${name}`).join("")
  const words = []
  for (const child of node.childNodes.map(outline)) {
    if (typeof child === "string" && typeof words.at(-1) === "string") words[words.length - 1] += child
    else words.push(child)
  }
  return [node.tag + classes, ...words]
}
"""


def run(expression: str, **given: object) -> object:
    """The value of a JavaScript expression over the pane's functions; `given` are its names."""
    node, _ = compute_driver_executable()
    sources = "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in SCRIPTS)
    names = "".join(f"const {name} = {json.dumps(value)}\n" for name, value in given.items())
    script = f"{DOCUMENT}{sources}\n{names}console.log(JSON.stringify({expression}))"
    done = subprocess.run(
        [node, "--input-type=module"], input=script, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def drawn(text: str, *, formatted: bool = False, read_to: int | None = None) -> list:
    """The outline of a turn's text: [tag and classes, children...] of every element."""
    options = {"isFormatted": formatted, "showJoiners": False}
    return run("textNodes(text, options, readTo).map(outline)", text=text, options=options, readTo=read_to)


def words_of(outline: object) -> str:
    """All text in an outline, in order."""
    return outline if isinstance(outline, str) else "".join(words_of(child) for child in outline[1:])

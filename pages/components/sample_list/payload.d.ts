// What payload.py and the list's scripts send each other.

/** Name of the KaTeX that this Streamlit serves, "" where it has none; `__init__.py` writes it. */
declare const KATEX_FILE: string

type Verdict = "keep" | "drop" | "undecided"

/** [kind, text, reason, author, made at, ended at] of an act on a sample. */
type PastAct = [kind: string, text: string, reason: string, author: string, madeAt: string, endedAt: string]

interface Thought {
  key: string
  text: string
  n_chars: number
  excerpt: string
}

/** `content` may be the beginning alone: then `is_cut`, and `excerpt` is what lies around the first hit beyond it. */
interface SampleTurn {
  role: string
  thoughts: Thought[]
  content: string
  excerpt: string
  n_chars: number
  is_cut: boolean
  scored: boolean
  name: string
  tool_calls: string
  rejected: boolean
}

interface SampleRow {
  key: number
  sample_key: number
  sample_id: string
  rank: number | null
  rank_in_domain: number | null
  score: number | null
  numbers: { text: string; about: string }[]
  /** Null where no model has read the row. */
  n_tokens: number | null
  n_prompt_tokens: number | null
  n_chars: number
  domain: string
  dataset: string
  row_index: number
  is_duplicate: boolean
  flags: string[]
  kind: string
  review: string[]
  turns: SampleTurn[]
  tools: string
  verdict: Verdict
  reason: string
  tags: string[]
  note: string
  history: PastAct[]
}

/** The scores of a domain as a small histogram. */
interface DomainShape {
  n_scored: number
  low: number
  high: number
  counts: number[]
  label: string
}

/** Offsets count UTF-16 units of `text`; `error` stands alone, where there are no losses. */
interface TokenLosses {
  key: number
  error?: string
  sample_id: string
  read_to: { turn: number; at: number | null } | null
  text: string
  ids: number[]
  starts: number[]
  ends: number[]
  response: boolean[]
  base: (number | null)[]
  reference: (number | null)[]
}

interface Search {
  text: string
  scope: string
  match_case: boolean
}

interface ListPayload {
  project: string
  server: string
  seq: number
  trouble: string
  view: string
  n: number
  total: number
  decided: number
  search: Search
  page_rows: number
  page: number
  row: number | null
  pages: Record<string, SampleRow[]>
  slots: Record<string, number>
  shapes: Record<string, DomainShape>
  tags: string[]
  author: string
  scored: boolean
  acked: string[]
  failed: [id: string, why: string][]
  changed: Record<string, [sampleKey: number, verdict: Verdict][]>
  tokens: TokenLosses | null
  full: { key: number; turns: SampleTurn[] } | null
}

/** What an act is about: one sample, several, or the rows of a list from one place to another. */
type ActTarget = { key: number } | { keys: number[] } | { view: string; first: number; last: number }

type SentAct = {
  id: string
  kind: string
  text: string
  key?: number
  keys?: number[]
  view?: string
  first?: number
  last?: number
}

/** A decision that can be undone: `before` says what stood of each sample, `first` to `last` are its places. */
interface Decided {
  id: string
  verdict: Verdict
  before: [sampleKey: number, verdict: Verdict, reason: string][]
  first: number
  last: number
  view: string
}

interface ListMessage {
  seq: number
  view: string
  page: number
  have: number[]
  at: number | null
  tokens: number | null
  full: number | null
  acts: SentAct[]
}

/** What is looked for: `needle` is in lower case unless `matchCase`; `roles` null searches all. */
interface Finder {
  needle: string
  matchCase: boolean
  roles: string[] | null
}

/** How a text is drawn. */
interface TextOptions {
  showJoiners: boolean
  isFormatted?: boolean
  finder?: Finder | null
  nFormulas?: number
}

/** The list and the open sample: the class of app.js with the methods of walk.js and paint.js. */
interface App extends WalkingMethods, PaintingMethods {
  data: ListPayload
  send: (name: string, message: ListMessage) => void
  tokens: TokenLosses | null
  heat: HeatView | null
  finder: Finder | null
  full: number | null
  form: string | null
  /** What is written in the form and not saved yet. */
  draft: { kind: string; key: number; text: string } | null
  historyIsOpen?: boolean
  /** Keys pressed while the field that they are meant for is on its way. */
  typed: string[] | null
  marker: Marker
  sentAny?: boolean
  pagerShows?: string
  paintedPage?: number
  paintedView?: string
  urlTimer?: ReturnType<typeof setTimeout>
  sayTimer?: ReturnType<typeof setTimeout>
}

type WalkingMethods = typeof Walking
type PaintingMethods = typeof Painting

// What payload.py and the instrument send each other, and what the arithmetic works on.

type BudgetKind = "ratio" | "samples" | "tokens" | "threshold"

/** `sign` is -1 where the lowest are the best. */
interface ShownMeasure {
  title: string
  notation: string
  sign: 1 | -1
}

interface InstrumentDomain {
  name: string
  slot: number
  nRows: number
  nByHand: number
  nCompeting: number
  tokens: number
  tokensByHand: number
  tokensCompeting: number
  nBelow: number
  nAbove: number
}

interface SentSpec {
  budget: BudgetKind
  value: number
  balance: "global" | "natural" | "equal" | "custom"
  weights: Record<string, number>
}

/** `cut` is null where nothing is kept by its score. */
interface DomainAnswer {
  kept: number
  tokens: number
  cut: number | null
  exhausted: boolean
}

interface Answer {
  kept: number
  tokens: number
  cut: number | null
  domains: DomainAnswer[]
}

/** An Arrow table with a row for each knot, grouped by domain in the order of `domains`. */
interface KnotTable {
  getChild(name: "domain" | "knot" | "n_above" | "tokens_above"): { toArray(): ArrayLike<number | bigint> }
}

interface InstrumentPayload {
  table_id: string
  measure: ShownMeasure
  n_rows: number
  n_tokens: number
  /** Rows whose response tokens are not counted; `n_tokens` lacks theirs. */
  n_uncounted: number
  /** Whether the response tokens of all rows that compete are counted, as a budget of tokens needs. */
  has_tokens: boolean
  least_ratio: number
  axis: [low: number, high: number]
  bins: number[][]
  domains: InstrumentDomain[]
  knots: KnotTable
  seq: number
  rev: number
  error: string
  spec: SentSpec
  exact: Answer
}

interface InstrumentMessage {
  seq: number
  rev: number
  budget: BudgetKind
  value: number
  weights: Record<string, number> | null
}

/** Edges ascend; counts and tokens are what scores at least as high as each. */
interface Curve {
  edges: Float64Array
  counts: Float64Array
  tokens: Float64Array
}

/** A fraction f of the way from edge k to the next. */
interface Place {
  k: number
  f: number
}

interface InstrumentModel {
  measure: ShownMeasure
  nRows: number
  nTokens: number
  nUncounted: number
  hasTokens: boolean
  leastRatio: number
  axis: [low: number, high: number]
  bins: number[][]
  domains: InstrumentDomain[]
  curves: Curve[]
  pool: Curve & { each: Omit<Curve, "edges">[] }
}

/** The elements of one domain, which stage.js makes and paint.js changes; a weight where the balance is custom. */
interface InstrumentRow {
  label: HTMLElement
  sub: HTMLElement
  numbers: HTMLElement
  kept: HTMLElement
  rate: HTMLElement
  tokens: HTMLElement
  bars: HTMLElement
  rowBar: HTMLElement
  tokenBar: HTMLElement
  rowTick: HTMLElement
  tokenTick: HTMLElement
  clip?: SVGElement
  handle?: { group: SVGElement; slider: SVGElement; text: SVGElement }
  weight?: { fill: HTMLElement; thumb: HTMLElement; input: HTMLInputElement; note: HTMLElement }
}

interface InstrumentStage {
  head: HTMLElement
  body: HTMLElement
  foot: HTMLElement
  below: HTMLElement
  above: HTMLElement
  left: HTMLElement
  right: HTMLElement
  plot: HTMLElement
  svg: SVGElement
  axis: SVGElement
  cut: HTMLElement
  cutBadge: HTMLElement
  rows: InstrumentRow[]
}

interface BudgetCell {
  box: HTMLElement
  lock: HTMLButtonElement
  input: HTMLInputElement
  note: HTMLElement
}

/** What mount() in instrument.js keeps of one instrument. */
interface InstrumentView {
  root: HTMLElement
  strip: HTMLElement
  cells: Record<BudgetKind, BudgetCell>
  status: HTMLElement
  thumb: HTMLElement
  fill: HTMLElement
  rail: HTMLElement
  presets: HTMLElement[]
  stage: InstrumentStage | null
  state: "exact" | "preview" | "sent" | "silent" | "error"
  message: string
  seq: number
  rev: number | null
  width: number
  rowHeight: number
  digits: number
  drag: {
    kind: string
    target: Element
    d: number | null
    box: DOMRect
    x: number
    pointer: number
    asked?: boolean
  } | null
  model: InstrumentModel
  spec: SentSpec
  shown: Answer
  exact: Answer
  tableId: string
  layout: string
  pending?: number
  silence?: number
  wrong: { input: HTMLInputElement; words: string; note: HTMLElement } | null
  observer: ResizeObserver
  x(score: number): number
  scoreAt(px: number): number
  send(message: InstrumentMessage): void
  onResize(): void
}

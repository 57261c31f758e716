// What payload.py and the chart send each other.

interface ChartDomain {
  name: string
  slot: number
  n: number
  median: number | null
  top: number
  heights: number[]
  counts: number[]
}

/** `heights` has a value for each bin, of a cumulative line one for each edge. An open end of the brush is null. */
interface ChartPayload {
  form: "density" | "count" | "cumulative"
  ridges: boolean
  log: boolean
  title: string
  name: string
  label: string
  picture: "svg" | "png"
  edges: number[]
  domains: ChartDomain[]
  brush: [low: number | null, high: number | null] | null
  seq: number
}

interface BrushMessage {
  seq: number
  range: [low: number, high: number] | null
}

/** Where everything stands, in px; see layoutOf in plot.js. */
interface ChartLayout {
  left: number
  top: number
  width: number
  height: number
  room: number
  drawn: number
  x(value: number): number
  valueAt(px: number): number
  base(domain: number): number
}

/** What mount() in chart.js keeps of one chart. */
interface ChartView {
  root: HTMLElement
  svg: SVGSVGElement
  shade: SVGElement
  pointer: SVGElement
  handles: { group: SVGElement; line: SVGElement; grip: SVGElement }[]
  tip: HTMLElement
  camera: HTMLElement
  seq: number | null
  range: [low: number, high: number] | null
  drag: {
    pointer: number
    px: number
    fixed: number
    moved: boolean
    before: [low: number, high: number] | null
  } | null
  drawn: string
  data: ChartPayload
  at: ChartLayout
  pending?: number
  observer: ResizeObserver
  onResize(): void
  send(message: BrushMessage): void
}

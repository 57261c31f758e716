// What Streamlit calls the default export of a component with. What that returns is called before the component goes.

interface Mounted<Payload> {
  data: Payload | null
  parentElement: { querySelector(selectors: string): HTMLElement | null }
  setStateValue(name: string, value: unknown): void
  setTriggerValue(name: string, value: unknown): void
}

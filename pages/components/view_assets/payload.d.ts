// What view.py sends: text, or [tag, attributes, children].

type ViewElement = [tag: string, attributes: Record<string, unknown>, children: ViewNode[]]
type ViewNode = string | ViewElement

interface ViewPayload {
  tree: ViewNode[]
  label: string
}

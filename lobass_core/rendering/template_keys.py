"""Which keys of a message a chat template reads, found in its syntax tree.

Names are followed from `messages` on: a loop over it, `messages[0]`, `set`, macros and namespaces give lists of
messages or single messages, and every attribute, item, `get`, `in` and `selectattr` on those is a key that is read.
Scopes are not told apart: a name that means a message in one place means one everywhere. That finds a key too many
rather than one too few.
"""

from functools import lru_cache

from jinja2 import nodes

from lobass_core.rendering.chat_jinja import template_environment

_LIST, _MESSAGE = "list", "message"
_OF_LIST = frozenset(
    ("reverse", "list", "selectattr", "rejectattr", "select", "reject", "sort", "unique", "default", "d")
)
_KEY_FILTERS = frozenset(("selectattr", "rejectattr", "map", "sort", "unique", "groupby", "sum", "join", "max", "min"))
_OF_MESSAGE = frozenset(("default", "d"))
_WHOLE_FILTERS = frozenset(("tojson", "items", "dictsort", "string", "pprint", "list", "xmlattr"))
_WHOLE_METHODS = frozenset(("items", "keys", "values", "copy"))
_METHODS = frozenset(("get", *_WHOLE_METHODS))

Kinds = frozenset[str]
NOTHING: Kinds = frozenset()


@lru_cache(maxsize=32)
def message_keys(text: str) -> frozenset[str] | None:
    """The keys that the template reads from messages; None where it reads whatever is there (`message | tojson`).

    Raises:
        jinja2.TemplateSyntaxError: the text is not Jinja.
    """
    tree = template_environment().parse(text)
    reader = _Reader(tree)
    return None if reader.reads_all else frozenset(reader.keys)


class _Reader:
    """What each name holds, to a fixed point, then the keys that are read."""

    def __init__(self, tree: nodes.Template) -> None:
        self._names: dict[str, set[str]] = {"messages": {_LIST}}
        self._macros = {macro.name: macro for macro in tree.find_all(nodes.Macro)}
        self.keys: set[str] = set()
        self.reads_all = False
        n_known = -1
        while n_known != (n_known := sum(map(len, self._names.values()))):
            self._follow(tree)
        self._read(tree)

    def _give(self, name: str, kinds: Kinds) -> None:
        if kinds:
            self._names.setdefault(name, set()).update(kinds)

    def _follow(self, tree: nodes.Template) -> None:
        for loop in tree.find_all(nodes.For):
            if _LIST in self._kinds(loop.iter):
                self._assign(loop.target, frozenset((_MESSAGE,)))
                self._give("loop.item", frozenset((_MESSAGE,)))
        for assignment in tree.find_all(nodes.Assign):
            self._assign(assignment.target, self._kinds(assignment.node))
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name):
                self._follow_call(call, call.node.name)

    def _assign(self, target: nodes.Node, kinds: Kinds) -> None:
        if isinstance(target, nodes.Name):
            self._give(target.name, kinds)
        elif isinstance(target, nodes.NSRef):
            self._give(f"{target.name}.{target.attr}", kinds)

    def _follow_call(self, call: nodes.Call, name: str) -> None:
        macro = self._macros.get(name)
        for keyword in call.kwargs:
            # A namespace keeps what it is given as attributes; a macro's parameters are names.
            self._give(keyword.key, self._kinds(keyword.value))
        if macro is not None:
            for parameter, given in zip(macro.args, call.args, strict=False):
                self._give(parameter.name, self._kinds(given))

    def _kinds(self, node: nodes.Node | None) -> Kinds:
        """What an expression may be: messages, a message, or nothing that matters here."""
        match node:
            case nodes.Name():
                return frozenset(self._names.get(node.name, ()))
            case nodes.Getattr():
                return self._kinds_of_attribute(node)
            case nodes.Getitem():
                if _LIST not in self._kinds(node.node):
                    return NOTHING
                return frozenset((_LIST,)) if isinstance(node.arg, nodes.Slice) else frozenset((_MESSAGE,))
            case nodes.CondExpr():
                return self._kinds(node.expr1) | self._kinds(node.expr2)
            case nodes.Or() | nodes.And() | nodes.Add():
                return self._kinds(node.left) | self._kinds(node.right)
            case nodes.List() | nodes.Tuple():
                held = frozenset[str]().union(*map(self._kinds, node.items))
                return frozenset((_LIST,)) if _MESSAGE in held else NOTHING
            case nodes.Filter():
                return self._kinds_of_filter(node)
        return NOTHING

    def _kinds_of_attribute(self, node: nodes.Getattr) -> Kinds:
        if isinstance(node.node, nodes.Name):
            if node.node.name == "loop" and node.attr in ("previtem", "nextitem"):
                return frozenset(self._names.get("loop.item", ()))
            if _MESSAGE not in self._kinds(node.node):
                # An attribute of a namespace; what its constructor was given stands under the bare keyword.
                held = self._names.get(f"{node.node.name}.{node.attr}", set())
                return frozenset(held | self._names.get(node.attr, set()))
        return NOTHING

    def _kinds_of_filter(self, node: nodes.Filter) -> Kinds:
        kinds = self._kinds(node.node)
        if _LIST in kinds and node.name in ("first", "last", "random"):
            return frozenset((_MESSAGE,))
        kept = {_LIST} if node.name in _OF_LIST else set()
        return kinds & (kept | ({_MESSAGE} if node.name in _OF_MESSAGE else set()))

    def _is_message(self, node: nodes.Node | None) -> bool:
        return _MESSAGE in self._kinds(node)

    def _read(self, tree: nodes.Template) -> None:
        for attribute in tree.find_all(nodes.Getattr):
            if self._is_message(attribute.node):
                self.reads_all |= attribute.attr in _WHOLE_METHODS
                self.keys |= {attribute.attr} - _METHODS
        for item in tree.find_all(nodes.Getitem):
            if self._is_message(item.node):
                self._read_key(item.arg)
        for call in tree.find_all(nodes.Call):
            method = call.node
            if isinstance(method, nodes.Getattr) and method.attr == "get" and self._is_message(method.node):
                self._read_key(call.args[0] if call.args else None)
        for comparison in tree.find_all(nodes.Compare):
            for operand in comparison.ops:
                if operand.op in ("in", "notin") and self._is_message(operand.expr):
                    self._read_key(comparison.expr)
        for applied in tree.find_all(nodes.Filter):
            self._read_filter(applied)
        for loop in tree.find_all(nodes.For):
            self.reads_all |= self._is_message(loop.iter)

    def _read_filter(self, applied: nodes.Filter) -> None:
        kinds = self._kinds(applied.node)
        self.reads_all |= bool(kinds) and applied.name == "tojson"
        self.reads_all |= _MESSAGE in kinds and applied.name in _WHOLE_FILTERS
        if _LIST in kinds and applied.name in _KEY_FILTERS:
            named = [keyword.value for keyword in applied.kwargs if keyword.key == "attribute"]
            first = applied.args[:1] if applied.name in ("selectattr", "rejectattr", "groupby") else []
            for key in (*named, *first):
                self._read_key(key)

    def _read_key(self, key: nodes.Node | None) -> None:
        if isinstance(key, nodes.Const) and isinstance(key.value, str):
            self.keys.add(key.value.partition(".")[0])
        elif key is not None and not isinstance(key, nodes.Const):
            self.reads_all = True  # a key that is only known when the template runs

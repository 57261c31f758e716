"""Pictures, videos and sounds beside the text of a row: found, so that the row is rejected, or taken out of it."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

KINDS = ("image", "video", "audio")
_COLUMNS = {
    **dict.fromkeys(
        ("image", "images", "img", "image_path", "image_paths", "image_url", "image_urls", "image_file"), "image"
    ),
    **dict.fromkeys(("video", "videos", "video_path", "video_paths", "video_url", "video_urls"), "video"),
    **dict.fromkeys(("audio", "audios", "audio_path", "audio_paths", "audio_url", "audio_urls"), "audio"),
}
_NAMES = frozenset(_COLUMNS)
_MARKER = re.compile(r"<(image|video|audio)>\n|\n?<(image|video|audio)>")
# How a column of pictures or sounds looks once `datasets` saved it.
_STORED = (frozenset({"bytes", "path"}), frozenset({"array", "path", "sampling_rate"}))


def media_of(row: dict[str, Any]) -> Counter[str] | None:
    """How many pictures, videos and sounds the row holds, by kind; None for nearly every row.

    A marker such as `<image>` in the text of a row with columns for media, but with none in them, counts as one.
    """
    kinds: list[str] = []
    has_columns = not _NAMES.isdisjoint(row)
    for key, value in row.items():
        if has_columns and key in _COLUMNS:
            kinds += [_COLUMNS[key]] * _n_items(value)
        elif isinstance(value, dict):
            kinds += _in_object(value)
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, dict):
                    kinds += _in_object(item)
    if has_columns and not kinds:
        kinds = _markers(row)
    return Counter(kinds) if kinds else None


def _n_items(value: Any) -> int:
    if isinstance(value, list):
        return sum(map(_n_items, value))
    if isinstance(value, dict):
        return 1 if any(item not in (None, "") for item in value.values()) else 0
    return 1 if isinstance(value, str) and value else 0


def _in_object(item: dict[str, Any]) -> list[str]:
    """Kinds of the media in a turn, in its parts of content, or in a stored picture."""
    if "path" in item and _is_stored(item):
        return ["audio" if "sampling_rate" in item else "image"] if _n_items(item) else []
    kinds: list[str] = []
    if not _NAMES.isdisjoint(item):
        for key in _NAMES & item.keys():
            kinds += [_COLUMNS[key]] * _n_items(item[key])
    if isinstance(content := item.get("content"), list):
        kinds += [kind for part in content if (kind := _kind_of_part(part)) is not None]
    return kinds


def _kind_of_part(part: Any) -> str | None:
    """The kind of medium that a part of a message's content is; None for text and for what is unknown."""
    if not isinstance(part, dict):
        return None
    name = str(part.get("type", ""))
    return next((kind for kind in KINDS if kind in name), None)


def _markers(value: Any) -> list[str]:
    if isinstance(value, str):
        return [one or other for one, other in _MARKER.findall(value)]
    if isinstance(value, dict):
        return [kind for item in value.values() for kind in _markers(item)]
    return [kind for item in value for kind in _markers(item)] if isinstance(value, list) else []


def without_media(value: Any) -> Any:
    """The row without its media columns, without parts of content that are media, and without their markers."""
    if isinstance(value, str):
        return _MARKER.sub("", value)
    if isinstance(value, list):
        return [without_media(item) for item in value if _kind_of_part(item) is None and not _is_stored(item)]
    if isinstance(value, dict):
        return {key: without_media(item) for key, item in value.items() if key not in _COLUMNS and not _is_stored(item)}
    return value


def _is_stored(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() in _STORED


def counted(media: Mapping[str, int]) -> str:
    """The counts in words: "2 images, 1 video and 1 audio file"."""
    words = {"image": "image", "video": "video", "audio": "audio file"}
    names = [f"{n:,} {words[kind]}{'' if n == 1 else 's'}" for kind in KINDS if (n := media.get(kind, 0))]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)

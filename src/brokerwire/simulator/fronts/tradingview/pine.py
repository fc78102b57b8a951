"""The indicator desk: which scripts there are, what they take and give, and the scripts that somebody saved."""

import urllib.parse
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from brokerwire.simulator.fronts.tradingview.side_door import SideDoor, answer
from brokerwire.simulator.fronts.tradingview.study_catalog import STUDIES, Study, by_pine_id, source_names
from brokerwire.simulator.fronts.tradingview.tokens import TokenDesk

_ROOT = "/pine-facade"


class Pine:
    """Handlers of the indicator desk. Saved scripts can be kept and fetched; they are not run."""

    def __init__(self, tokens: TokenDesk) -> None:
        self._tokens = tokens
        self._saved: dict[str, dict[str, Any]] = {}

    def add_routes(self, app: web.Application, door: SideDoor) -> None:
        """Serve the indicator desk from ``app``."""
        add_get, add_post = app.router.add_get, app.router.add_post
        for slash in ("", "/"):
            add_get(f"{_ROOT}/list{slash}", door.guard(self._list))
            add_post(f"{_ROOT}/translate_light{slash}", door.guard(self._check))
            add_get(f"/pubscripts-suggest-json{slash}", door.guard(self._suggest))
        add_get(f"{_ROOT}/translate/{{id}}/{{version}}", door.guard(self._translate))
        add_get(f"{_ROOT}/get/{{id}}/{{version}}", door.guard(self._get))
        add_get(f"{_ROOT}/is_auth_to_get/{{id}}/{{version}}", door.guard(self._may_get))
        add_post(f"{_ROOT}/save/new", door.guard(self._save_new))
        add_post(f"{_ROOT}/save/next/{{id}}", door.guard(self._save_next))
        add_post(f"{_ROOT}/delete/{{id}}", door.guard(self._delete))

    async def _list(self, request: web.Request) -> web.Response:
        kind = request.query.get("filter", "standard")
        if kind == "saved":
            self._require_user(request)
            return answer([_shown(saved) for saved in self._saved.values()])
        return answer([_catalogued(study) for study in STUDIES] if kind == "standard" else [])

    async def _translate(self, request: web.Request) -> web.Response:
        script_id, version = _script_id(request), request.match_info["version"]
        study = by_pine_id(script_id)
        if study is None or version not in ("last", study.version):
            return answer({"success": False, "reason": f"Script {script_id} {version} not found"})
        result = {"IL": study.template, "ilTemplate": study.template, "metaInfo": _metadata(study)}
        return answer({"success": True, "result": result})

    async def _get(self, request: web.Request) -> web.Response:
        self._require_user(request)
        saved = self._saved.get(_script_id(request))
        if saved is None:
            raise web.HTTPNotFound
        return answer(saved)

    async def _may_get(self, request: web.Request) -> web.Response:
        script_id = _script_id(request)
        return answer(by_pine_id(script_id) is not None or script_id in self._saved)

    async def _check(self, request: web.Request) -> web.Response:
        self._require_user(request)
        form = await request.post()
        return answer({"success": True, "result": _checked(str(form.get("source", "")))})

    async def _save_new(self, request: web.Request) -> web.Response:
        self._require_user(request)
        form = await request.post()
        script_id = f"USER;{len(self._saved) + 1:032x}"
        name = str(request.query.get("name") or form.get("name") or "Untitled")
        return self._keep(script_id, name, str(form.get("source", "")))

    async def _save_next(self, request: web.Request) -> web.Response:
        self._require_user(request)
        form, script_id = await request.post(), _script_id(request)
        if script_id not in self._saved:
            raise web.HTTPNotFound
        name = str(request.query.get("name") or self._saved[script_id]["scriptName"])
        return self._keep(script_id, name, str(form.get("source", "")))

    def _keep(self, script_id: str, name: str, source: str) -> web.Response:
        checked = _checked(source)
        if checked["errors"]:
            return answer({"success": False, "reason": "compile error", "result": checked})
        version = f"{int(float(self._saved.get(script_id, {}).get('version', '0')) + 1)}.0"
        saved = {"scriptIdPart": script_id, "scriptName": name, "version": version, "source": source}
        self._saved[script_id] = saved
        meta = {"scriptIdPart": script_id, "description": name, "pine": {"version": version}}
        return answer({"success": True, "result": checked | {"metaInfo": meta}})

    async def _delete(self, request: web.Request) -> web.Response:
        self._require_user(request)
        if self._saved.pop(_script_id(request), None) is None:
            raise web.HTTPNotFound
        return answer("ok")

    async def _suggest(self, request: web.Request) -> web.Response:
        text = request.query.get("search", "").lower()
        found = [study for study in STUDIES if text in study.title.lower() or text in study.short_title.lower()]
        return answer({"next": "", "results": [_suggested(study) for study in found]})

    def _require_user(self, request: web.Request) -> None:
        if not self._tokens.knows(request.cookies):
            raise web.HTTPForbidden


def _script_id(request: web.Request) -> str:
    """Return the id of a script; some clients escape it twice."""
    return urllib.parse.unquote(request.match_info["id"])


def _checked(source: str) -> dict[str, Any]:
    errors: list[dict[str, Any]] = []
    if "indicator(" not in source and "strategy(" not in source and "study(" not in source:
        position = {"line": 1, "column": 1}
        errors.append({"message": "Script must have a declaration", "start": position, "end": position})
    return {"errors": errors, "warnings": []}


def _shown(saved: Mapping[str, Any]) -> dict[str, Any]:
    return {name: saved[name] for name in ("scriptIdPart", "scriptName", "version")} | {"scriptAccess": "open_no_auth"}


def _catalogued(study: Study) -> dict[str, Any]:
    return {
        "scriptName": study.title,
        "scriptIdPart": study.pine_id,
        "version": study.version,
        "userId": 1,
        "scriptAccess": "open_no_auth",
        "scriptSource": "",
        "extra": {
            "kind": "study",
            "shortDescription": study.short_title,
            "isHiddenStudy": False,
            "isBuiltIn": True,
            "tags": [],
        },
    }


def _suggested(study: Study) -> dict[str, Any]:
    return {
        "scriptName": f"{study.title} ({study.short_title})",
        "scriptIdPart": study.pine_id,
        "version": study.version,
        "imageUrl": "simulated",
        "author": {"id": 1, "username": "simulated"},
        "access": 1,
        "agreeCount": 100,
        "isRecommended": True,
        "extra": {"kind": "study"},
    }


def _metadata(study: Study) -> dict[str, Any]:
    plots = [{"id": f"plot_{number}", "type": "line"} for number in range(len(study.plots))]
    return {
        "id": "Script$" + study.pine_id + "@tv-scripting-101",
        "scriptIdPart": study.pine_id,
        "description": study.title,
        "shortDescription": study.short_title,
        "is_price_study": study.on_price,
        "pine": {"version": study.version, "digest": "simulated"},
        "inputs": [*_fixed_inputs(study), *_own_inputs(study)],
        "plots": plots,
        "styles": {plot["id"]: {"title": title} for plot, title in zip(plots, study.plots, strict=True)},
        "defaults": {"inputs": {f"in_{number}": each.default for number, each in enumerate(study.inputs)}},
        "palettes": {},
        "warnings": [],
    }


def _fixed_inputs(study: Study) -> list[dict[str, Any]]:
    hidden = {"name": "ILScript", "type": "text", "isHidden": True}
    return [
        hidden | {"id": "text", "defval": study.template},
        hidden | {"id": "pineId", "name": "pineId", "defval": study.pine_id},
        hidden | {"id": "pineVersion", "name": "pineVersion", "defval": study.version},
    ]


def _own_inputs(study: Study) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for number, each in enumerate(study.inputs):
        item: dict[str, Any] = {
            "id": f"in_{number}",
            "name": each.name,
            "type": each.type,
            "defval": each.default,
            "isFake": True,
        }
        if each.type == "source":
            item["options"] = source_names()
        if each.type == "integer":
            item |= {"min": 1, "max": 5000}
        found.append(item)
    return found

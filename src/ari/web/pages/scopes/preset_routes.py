"""Presets on Settings > API > Scopes: add, change, reset or remove them, and choose the default for new keys."""

from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari import keys
from ari.base.errors import Invalid, Problem
from ari.http.body import form_of
from ari.http.context import deps_of
from ari.http.route_policy import AuthMode, policy
from ari.keys.custom_scopes import DESCRIPTION_LENGTH
from ari.keys.ports import KeyTransaction
from ari.keys.presets import LABEL_LENGTH, Preset
from ari.keys.presets import PRESETS as BUILT_IN
from ari.web.access_choices import AccessChoices, read_access_choices
from ari.web.forms import Form, form_from
from ari.web.pages.scopes.urls import (
    DEFAULT_CHOSEN,
    NEW_PRESET,
    PRESET_REMOVED,
    PRESET_RESET,
    PRESET_SAVED,
    PRESETS,
    SCOPES,
)
from ari.web.render import Pages


@dataclass(frozen=True, slots=True)
class PresetForm:
    """The form of a preset; ``name`` is ``None`` for a new one."""

    name: str | None
    form: Form
    ticked: tuple[str, ...]


class PresetPages:
    """``/settings/presets/{name}``."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        one = f"{PRESETS}/{{preset}}"
        return [
            Route(NEW_PRESET, self.add_form, methods=["GET"]),
            Route(NEW_PRESET, self.save, methods=["POST"]),
            Route(f"{one}/edit", self.edit_form, methods=["GET"]),
            Route(f"{one}/edit", self.save, methods=["POST"]),
            Route(f"{one}/remove", self.remove_form, methods=["GET"]),
            Route(f"{one}/remove", self.remove, methods=["POST"]),
            Route(f"{one}/default", self.choose_default, methods=["POST"]),
        ]

    @policy(AuthMode.SESSION)
    async def add_form(self, request: Request) -> Response:
        """The form for a new preset."""
        return await self._form(request, PresetForm(None, Form(), ()))

    @policy(AuthMode.SESSION)
    async def edit_form(self, request: Request) -> Response:
        """The form for a preset."""
        preset = await deps_of(request).read(keys.get_preset, _name(request))
        form = Form({"label": preset.label, "description": preset.description})
        return await self._form(request, PresetForm(preset.name, form, preset.scopes))

    @policy(AuthMode.SESSION)
    async def save(self, request: Request) -> Response:
        """Create or change the preset."""
        form, ticked = form_from(form_of(request), "name", "label", "description"), form_of(request).get("scope", [])
        is_new = "preset" not in request.path_params
        name = form.value("name") if is_new else _name(request)
        wanted = Preset(name, form.value("label"), form.value("description"), tuple(ticked))
        try:
            await deps_of(request).do(_save, wanted, is_new)
        except Invalid as error:
            shown = PresetForm(None if is_new else name, form.with_problems(error.problems), tuple(ticked))
            return await self._form(request, shown, 422)
        return self._pages.go(request, SCOPES, PRESET_SAVED)

    @policy(AuthMode.SESSION)
    async def remove_form(self, request: Request) -> Response:
        """The question before a preset is removed, or one of ARI's own is reset."""
        preset = await deps_of(request).read(keys.get_preset, _name(request))
        original = BUILT_IN.get(preset.name)
        return self._pages.page(request, "pages/scopes/remove_preset.html", preset=preset, original=original)

    @policy(AuthMode.SESSION)
    async def remove(self, request: Request) -> Response:
        """Remove or reset the preset."""
        await deps_of(request).do(keys.remove_preset, _name(request))
        return self._pages.go(request, SCOPES, PRESET_RESET if _name(request) in BUILT_IN else PRESET_REMOVED)

    @policy(AuthMode.SESSION)
    async def choose_default(self, request: Request) -> Response:
        """Make it the default for new keys."""
        await deps_of(request).do(keys.choose_default_preset, _name(request))
        return self._pages.go(request, SCOPES, DEFAULT_CHOSEN)

    async def _form(self, request: Request, shown: PresetForm, status: int = 200) -> Response:
        choices: AccessChoices = await deps_of(request).read(read_access_choices)
        return self._pages.page(
            request,
            "pages/scopes/preset_form.html",
            status=status,
            form=shown.form,
            name=shown.name,
            ticked=shown.ticked,
            choices=replace(choices, built_in={"*": "Everything, including future scopes."} | choices.built_in),
            label_length=LABEL_LENGTH,
            description_length=DESCRIPTION_LENGTH,
        )


def _name(request: Request) -> str:
    name: str = request.path_params["preset"]
    return name


def _save(tx: KeyTransaction, wanted: Preset, is_new: bool) -> Preset:
    if is_new and wanted.name in keys.list_presets(tx):
        raise Invalid(Problem("name", "Another preset has this name. Choose another one, or change that preset."))
    return keys.save_preset(tx, wanted)

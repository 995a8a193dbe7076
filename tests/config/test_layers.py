"""Layers: the last one wins, and no combination of them loosens a guard."""

from hypothesis import given
from hypothesis import strategies as st

from pgtop.config.layers import Layer, LayeredValue, LayerKind, Origin, merge
from pgtop.config.tables import DISPLAY, TOP, plain_fields

_KINDS = list(LayerKind)[1:]
_GUARDS = {
    "read_only": st.booleans(),
    "require_audit": st.booleans(),
    "redact": st.booleans(),
    "protect": st.lists(st.sampled_from(["user:a", "db:b", "app:c"])).map(tuple),
}


def _layer(kind: LayerKind, values: dict[str, object]) -> Layer:
    origin = Origin(kind, kind.value)
    return Layer(
        kind, {name: LayeredValue(value, origin) for name, value in values.items()}
    )


_LAYERS = st.lists(
    st.builds(
        _layer, st.sampled_from(_KINDS), st.fixed_dictionaries({}, optional=_GUARDS)
    ),
    max_size=6,
)


@given(_LAYERS, _LAYERS)
def test_no_layer_ever_loosens_a_guard(below: list[Layer], above: list[Layer]) -> None:
    """The guards of some layers stay in force below and above any other layers."""
    fields = list(plain_fields(TOP))
    alone = merge(fields, below)
    for layers in ([*below, *above], [*above, *below]):
        together = merge(fields, layers)
        for field in fields:
            guard = alone[field.name].value
            in_force = together[field.name].value
            if isinstance(guard, tuple):
                assert set(guard) <= set(in_force)
            else:
                assert in_force >= guard


@given(_LAYERS)
def test_a_guard_that_is_set_comes_from_a_layer_that_sets_it(
    layers: list[Layer],
) -> None:
    for name, value in merge(plain_fields(TOP), layers).items():
        setters = [
            layer.kind
            for layer in layers
            if name in layer.values and layer.values[name].value
        ]
        assert not value.value or value.origin.layer in setters


def test_a_list_of_several_layers_comes_from_all_of_them() -> None:
    layers = [
        _layer(LayerKind.SYSTEM, {"protect": ("user:a",)}),
        _layer(LayerKind.USER, {"protect": ()}),
        _layer(LayerKind.ENVIRONMENT, {"protect": ("user:b",)}),
    ]
    value = merge(plain_fields(TOP), layers)["protect"]
    assert value.value == ("user:a", "user:b")
    assert value.places == "system file, environment"


def test_the_last_layer_decides_about_the_display() -> None:
    layers = [
        _layer(LayerKind.SYSTEM, {"theme": "dark", "interval": 5.0}),
        _layer(LayerKind.USER, {"theme": "light"}),
    ]
    values = merge(plain_fields(DISPLAY), layers)
    assert values["theme"] == LayeredValue("light", Origin(LayerKind.USER, "user file"))
    assert values["interval"].origin.layer is LayerKind.SYSTEM
    assert values["warn"] == LayeredValue(80.0)


def test_every_field_that_guards_is_a_guard() -> None:
    """Each key above all tables is a guard, and none in [display] is."""
    assert {field.name for field in plain_fields(TOP)} == _GUARDS.keys()
    assert all(field.setting and field.setting.is_guard for field in plain_fields(TOP))
    display = plain_fields(DISPLAY)
    assert not any(field.setting and field.setting.is_guard for field in display)

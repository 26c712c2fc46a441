"""The dated table of both providers: regions, limits, defaults, prices and quotas.

The two founding pages speak first (``WAN_PAGE``, ``APIYI_HAPPYHORSE_PAGE``); a later page speaks where
they are silent or where it is about another region. Every group of numbers names its source; a team
overrides any of them in one file (``RECUT_CATALOG``), see `Catalog.overridden`.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict

from flows.rules.job import HAPPYHORSE, WAN, Provider
from flows.rules.offers import (
    ImageLimits,
    Offer,
    Output,
    Parameter,
    Parameters,
    Price,
    PromptLimits,
    Quotas,
    RunTimes,
    Source,
    VideoLimits,
)

WAN_PAGE = Source(page="alibabacloud.com/help/en/model-studio/wan-video-editing-api-reference", date="2026-04-03")
WAN_PAGE_CN = Source(page="help.aliyun.com/zh/model-studio/wan-video-editing-api-reference", date="2026-05-30")
HAPPYHORSE_PAGE = Source(page="help.aliyun.com/zh/model-studio/happyhorse-video-edit-api-reference", date="2026-09-30")
APIYI_HAPPYHORSE_PAGE = Source(page="docs.apiyi.com/en/api-capabilities/happyhorse/video-edit", date="2026-11-20")
APIYI_WAN_PAGE = Source(page="docs.apiyi.com/en/api-capabilities/wan/video-edit", date="2026-11-20")
PRICING_PAGE = Source(page="help.aliyun.com/zh/model-studio/model-pricing", date="2026-05-30")
APIYI_PRICING = Source(page="docs.apiyi.com/api-capabilities/wan/overview", date="2026-11-20")
LIMITS_PAGE = Source(page="help.aliyun.com/zh/model-studio/rate-limit", date="2026-05-30")
APIYI_FAQ = Source(page="docs.apiyi.com/api-capabilities/wan/overview", date="2026-11-20")
REGIONS_PAGE = Source(page="help.aliyun.com/zh/model-studio/regions", date="2026-05-30")

MB = 1024 * 1024
SINGAPORE, BEIJING, VIRGINIA = "ap-southeast-1", "cn-beijing", "us-east-1"
FRANKFURT, TOKYO, HONG_KONG = "eu-central-1", "ap-northeast-1", "cn-hongkong"
#: APIYI is one gateway for the whole world.
GATEWAY = "global"


class Region(BaseModel):
    """A DashScope region: model, address and key must all belong to the same one."""

    model_config = ConfigDict(frozen=True)

    name: str
    place: str
    shared_host: str | None
    source: Source = REGIONS_PAGE

    def workspace_host(self, workspace_id: str) -> str:
        """Returns the host of one workspace in this region."""
        return f"{workspace_id}.{self.name}.maas.aliyuncs.com"


REGIONS: Mapping[str, Region] = {
    region.name: region
    for region in (
        Region(name=SINGAPORE, place="Singapore", shared_host="dashscope-intl.aliyuncs.com", source=WAN_PAGE),
        Region(name=BEIJING, place="Beijing", shared_host="dashscope.aliyuncs.com", source=WAN_PAGE),
        Region(name=VIRGINIA, place="Virginia", shared_host="dashscope-us.aliyuncs.com"),
        Region(name=FRANKFURT, place="Frankfurt", shared_host=None),
        Region(name=TOKYO, place="Tokyo", shared_host=None, source=HAPPYHORSE_PAGE),
        Region(name=HONG_KONG, place="Hong Kong", shared_host="cn-hongkong.dashscope.aliyuncs.com"),
    )
}

#: The APIYI hosts: the primary one first, then the backup.
APIYI_HOSTS = ("api.apiyi.com", "vip.apiyi.com")

_RESOLUTIONS = ("720P", "1080P")
_SEED = Parameter(kind="integer", minimum=0, maximum=2_147_483_647)
_AUDIO = Parameter(kind="choice", choices=("auto", "origin"), default="auto")
_RATIO = Parameter(kind="choice", choices=("16:9", "9:16", "1:1", "4:3", "3:4"))
_OFF = Parameter(kind="flag", default=False)
_ON = Parameter(kind="flag", default=True)


def _resolution(default: str) -> Parameter:
    return Parameter(kind="choice", choices=_RESOLUTIONS, default=default)


def _duration(default: int | None) -> Parameter:
    return Parameter(kind="integer", minimum=2, maximum=10, also=(0,), default=default)


def _asked_only(parameter: Parameter) -> Parameter:
    """A parameter the gateway does not list but passes through: sent only when somebody asks for it."""
    return parameter.model_copy(update={"default": None})


_WAN_VIDEO = VideoLimits(
    min_seconds=2,
    max_seconds=10,
    min_side=240,
    max_side=4096,
    max_aspect=8,
    max_bytes=100 * MB,
    source=WAN_PAGE,
)
_HAPPYHORSE_VIDEO = VideoLimits(
    min_seconds=3,
    max_seconds=60,
    min_side=360,
    max_side=4096,
    max_aspect=2.5,
    max_bytes=100 * MB,
    min_frame_rate=8,
    max_frame_rate=60,
    source=HAPPYHORSE_PAGE,
)
_WAN_IMAGES = ImageLimits(
    formats=frozenset({"jpeg", "png", "bmp", "webp"}),
    alpha_allowed=False,
    min_count=0,
    max_count=3,
    min_side=240,
    max_side=8000,
    max_aspect=8,
    max_bytes=20 * MB,
    source=WAN_PAGE,
)
_HAPPYHORSE_IMAGES = ImageLimits(
    formats=frozenset({"jpeg", "png", "webp"}),
    alpha_allowed=True,
    min_count=0,
    max_count=5,
    min_side=300,
    max_aspect=2.5,
    max_bytes=20 * MB,
    source=HAPPYHORSE_PAGE,
)
_WAN_PROMPT = PromptLimits(required=False, max_characters=5000, negative_max_characters=500, source=WAN_PAGE)
_HAPPYHORSE_PROMPT = PromptLimits(required=True, max_characters=5000, chinese_weight=2, source=HAPPYHORSE_PAGE)

_WAN_PARAMETERS = Parameters(
    by_name={
        "resolution": _resolution("1080P"),
        "ratio": _RATIO,
        "duration": _duration(0),
        "audio_setting": _AUDIO,
        "prompt_extend": _ON,
        "watermark": _OFF,
        "seed": _SEED,
    },
    source=WAN_PAGE,
)
# The page's own watermark default is on; recut chooses off unless asked.
_HAPPYHORSE_PARAMETERS = Parameters(
    by_name={
        "resolution": _resolution("1080P"),
        "audio_setting": _AUDIO,
        "watermark": _OFF,
        "seed": _SEED,
    },
    source=HAPPYHORSE_PAGE,
)
_APIYI_COMMON = {"resolution": _resolution("720P"), "prompt_extend": _ON, "watermark": _OFF}
_APIYI_HAPPYHORSE_PARAMETERS = Parameters(
    by_name={**_APIYI_COMMON, "audio_setting": _asked_only(_AUDIO), "seed": _SEED},
    source=APIYI_HAPPYHORSE_PAGE,
)
_APIYI_WAN_PARAMETERS = Parameters(
    by_name={
        **_APIYI_COMMON,
        "audio_setting": _asked_only(_AUDIO),
        "ratio": _RATIO,
        "duration": _duration(None),
        "seed": _SEED,
    },
    source=APIYI_WAN_PAGE,
)

_DASHSCOPE_QUOTAS = Quotas(
    submits_per_second=5, running=5, queued=500, queries_per_second=20, min_poll_seconds=1, source=LIMITS_PAGE
)
# "Keep active tasks at or under 10", "4 to 8 simultaneous submissions", "never under 3 s between polls".
_APIYI_QUOTAS = Quotas(
    submits_per_second=4, running=5, queued=5, queries_per_second=20, min_poll_seconds=3, source=APIYI_FAQ
)

# Alibaba's own examples took 224 to 628 s for 5 s at 720P, resellers' recordings 45 to 324 s.
_WAN_TIMES = RunTimes(median_seconds=200, p95_seconds=420, source=WAN_PAGE_CN)
_HAPPYHORSE_TIMES = RunTimes(median_seconds=95, p95_seconds=170, source=HAPPYHORSE_PAGE)
_WAN_OUTPUT = Output(frame_rate=30, source=WAN_PAGE_CN)
_HAPPYHORSE_OUTPUT = Output(frame_rate=24, max_seconds=15, source=HAPPYHORSE_PAGE)


def _price(at_720p: str, at_1080p: str, currency: str, source: Source = PRICING_PAGE) -> Price:
    return Price(per_second={"720P": Decimal(at_720p), "1080P": Decimal(at_1080p)}, currency=currency, source=source)


def _dashscope_wan(region: str, price: Price, images: ImageLimits = _WAN_IMAGES) -> Offer:
    return Offer(
        provider=Provider.DASHSCOPE,
        model=WAN,
        region=region,
        video=_WAN_VIDEO,
        images=images,
        prompt=_WAN_PROMPT,
        parameters=_WAN_PARAMETERS,
        price=price,
        quotas=_DASHSCOPE_QUOTAS,
        run_times=_WAN_TIMES,
        output=_WAN_OUTPUT,
        temporary_store=True,
    )


def _dashscope_happyhorse(region: str, price: Price | None) -> Offer:
    return Offer(
        provider=Provider.DASHSCOPE,
        model=HAPPYHORSE,
        region=region,
        video=_HAPPYHORSE_VIDEO,
        images=_HAPPYHORSE_IMAGES,
        prompt=_HAPPYHORSE_PROMPT,
        parameters=_HAPPYHORSE_PARAMETERS,
        price=price,
        quotas=_DASHSCOPE_QUOTAS,
        run_times=_HAPPYHORSE_TIMES,
        output=_HAPPYHORSE_OUTPUT,
        temporary_store=True,
    )


_OFFERS = (
    _dashscope_wan(SINGAPORE, _price("0.733924", "1.100886", "CNY")),
    _dashscope_wan(
        BEIJING,
        _price("0.6", "1.0", "CNY"),
        _WAN_IMAGES.model_copy(update={"max_count": 4, "source": WAN_PAGE_CN}),
    ),
    _dashscope_happyhorse(SINGAPORE, _price("1.049188", "1.798608", "CNY")),
    _dashscope_happyhorse(BEIJING, _price("0.9", "1.6", "CNY")),
    _dashscope_happyhorse(VIRGINIA, _price("0.9", "1.6", "CNY")),
    _dashscope_happyhorse(FRANKFURT, _price("0.9", "1.6", "CNY")),
    # No price is published for Tokyo: unknown, which is not zero.
    _dashscope_happyhorse(TOKYO, None),
    Offer(
        provider=Provider.APIYI,
        model=HAPPYHORSE,
        region=GATEWAY,
        video=_HAPPYHORSE_VIDEO,
        images=_HAPPYHORSE_IMAGES.model_copy(update={"min_count": 1, "source": APIYI_HAPPYHORSE_PAGE}),
        prompt=_HAPPYHORSE_PROMPT,
        parameters=_APIYI_HAPPYHORSE_PARAMETERS,
        price=_price("0.126", "0.224", "USD", APIYI_PRICING),
        quotas=_APIYI_QUOTAS,
        run_times=_HAPPYHORSE_TIMES,
        output=_HAPPYHORSE_OUTPUT,
        temporary_store=False,
    ),
    Offer(
        provider=Provider.APIYI,
        model=WAN,
        region=GATEWAY,
        video=_WAN_VIDEO,
        images=_WAN_IMAGES.model_copy(update={"min_count": 1, "max_count": 5, "source": APIYI_WAN_PAGE}),
        prompt=_WAN_PROMPT.model_copy(update={"required": True, "source": APIYI_WAN_PAGE}),
        parameters=_APIYI_WAN_PARAMETERS,
        price=_price("0.084", "0.14", "USD", APIYI_PRICING),
        quotas=_APIYI_QUOTAS,
        run_times=_WAN_TIMES,
        output=_WAN_OUTPUT,
        temporary_store=False,
    ),
)


#: What an entry is named by.
_NAMED_BY = ("provider", "model", "region")


class NotOffered(ValueError):
    """The provider does not run this model in this region."""


class Catalog:
    """Looks up what a provider offers.

    Args:
        offers: The entries; default: the dated table of this module.
    """

    def __init__(self, offers: Iterable[Offer] = _OFFERS) -> None:
        self._offers = {(offer.provider, offer.model, offer.region): offer for offer in offers}

    def __iter__(self) -> Any:
        return iter(self._offers.values())

    def offer(self, provider: Provider, model: str, region: str) -> Offer:
        """Returns the entry for a model at a provider in a region.

        Raises:
            NotOffered: The model is unknown, or not run there; the text says what is.
        """
        found = self._offers.get((provider, model, region))
        if found is not None:
            return found
        regions = sorted(r for p, m, r in self._offers if (p, m) == (provider, model))
        if regions:
            raise NotOffered(f"{model} is not offered in {region}; {provider} runs it in {', '.join(regions)}")
        models = sorted({m for p, m, _ in self._offers if p == provider})
        raise NotOffered(f"{provider} has no video-edit model {model!r}; it has {' and '.join(models)}")

    def overridden(self, overrides: Iterable[Mapping[str, Any]]) -> "Catalog":
        """Returns a catalogue with some numbers replaced.

        Args:
            overrides: Each names the entries it is about (any of ``provider``, ``model``, ``region``) and what to
                ``set``: dotted paths into `Offer`, such as ``{"video.max_seconds": 12}``.

        Raises:
            ValueError: An entry or path that does not exist, or a value of the wrong type.
        """
        entries = [offer.model_dump() for offer in self._offers.values()]
        for override in overrides:
            about = {key: value for key, value in override.items() if key != "set"}
            meant = [data for data in entries if about.items() <= {key: data[key] for key in _NAMED_BY}.items()]
            if not meant:
                raise ValueError(f"the catalogue has no entry for {about}")
            for data in meant:
                for path, value in override["set"].items():
                    _assign(data, path.split("."), value)
        return Catalog(Offer.model_validate(data) for data in entries)


def _assign(entry: dict[str, Any], path: list[str], value: Any) -> None:
    *parents, last = path
    data: Any = entry
    for parent in parents:
        data = data.get(parent) if isinstance(data, dict) else None
    if not isinstance(data, dict) or last not in data:
        raise ValueError(f"{entry['model']} on {entry['provider']} in {entry['region']} has no {'.'.join(path)!r}")
    data[last] = value

"""Accepting a create, in either dialect."""

from deployments.emulator.catalog import WAN, ModelRules
from deployments.emulator.errors import OSS_UNRESOLVED, ApiyiBody, BodyTexts, DashScopeBody, ErrorText, RefusedError
from deployments.emulator.faults import Fate
from deployments.emulator.front import Call
from deployments.emulator.request import Customer, EditRequest, cut_prompt, read_request
from deployments.emulator.tasks import ProviderTask

_HEADERS_OF_INTEREST = (
    "user-agent",
    "content-type",
    "accept-encoding",
    "x-dashscope-async",
    "x-dashscope-ossresourceresolve",
    "x-dashscope-workspace",
    "x-dashscope-datainspection",
    "x-dashscope-sdk-client",
    "idempotency-key",
)


async def create(call: Call, rules: ModelRules, account: str) -> ProviderTask:
    """Check a create and take the provider task in.

    Args:
        call: The request.
        rules: The model's rules at this provider.
        account: Alias of the account that pays.

    Raises:
        RefusedError: Too many requests, a wrong body or, where so configured, wrong media.
    """
    world = call.world
    world.books.admit("create", rules.provider, account, rules.model, world.clock.now())
    request, refusal = _read(call, rules)
    customer = Customer(account, rules.model)
    materials = None
    if request is not None and world.config.check_media_at == "create":
        materials = await world.workshop.gather(request, rules, customer, world.clock.now())
    fate = next((effect for effect in call.effects if isinstance(effect, Fate)), None)
    run_seconds = world.books.run_seconds(rules.model)
    if fate is not None and fate.run_seconds is not None:
        run_seconds = fate.run_seconds
    now = world.clock.now()
    task = ProviderTask(
        provider_task_id=world.books.new_id(rules.provider, rules.model),
        rules=rules,
        customer=customer,
        create_request_id=call.request_id,
        body=call.body.decode(errors="replace"),
        headers={name: value for name, value in call.request.headers.items() if name in _HEADERS_OF_INTEREST},
        prompt=cut_prompt(str(call.prompt or ""), rules.chinese_weight),
        request=request,
        refusal=refusal,
        run_seconds=run_seconds,
        submitted_at=now,
        fate=fate,
    )
    world.books.accept(task, now)
    if materials is not None:
        world.hold(task, materials)
    return task


def _read(call: Call, rules: ModelRules) -> tuple[EditRequest | None, ErrorText | None]:
    """The request, or what is wrong with it.

    Raises:
        RefusedError: It is so wrong that even a provider that checks at run time cannot take it.
    """
    gateway: BodyTexts = ApiyiBody if rules.provider == "apiyi" else DashScopeBody
    try:
        return _checked(call, rules, gateway), None
    except RefusedError as refused:
        # APIYI's gateway parses every body itself, whoever checks its meaning.
        if call.world.config.check_at == "create" or refused.text.kind == ApiyiBody.malformed.kind:
            raise
    try:
        return _checked(call, rules, DashScopeBody), None
    except RefusedError as refused:
        return None, refused.text


def _checked(call: Call, rules: ModelRules, texts: BodyTexts) -> EditRequest:
    assert call.document is not None
    most = call.world.config.wan_references if (rules.provider, rules.model) == ("dashscope", WAN) else None
    request = read_request(call.document, rules, texts, most)
    resolves = call.request.headers.get("x-dashscope-ossresourceresolve", "").lower() == "enable"
    if not resolves and any(url.startswith("oss://") for url in (request.video, *request.references)):
        raise RefusedError(OSS_UNRESOLVED)
    return request

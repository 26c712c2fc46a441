"""What storage and providers tell over HTTP, in the forms that reach a webhook. Decides nothing but what was said.

Known are S3 event records (AWS, MinIO's webhook, and others that speak S3), the same wrapped by SNS, AWS EventBridge,
Alibaba OSS as EventBridge and as MNS deliver it, and DashScope's event for a finished provider task (EventBridge).
"""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_plus

from pydantic import BaseModel, ConfigDict, Field, ValidationError

#: `type` of the event that Alibaba's EventBridge has for every provider task that is over.
_DASHSCOPE_FINISHED: Final = "dashscope:System:AsyncTaskFinish"
#: SNS wraps S3's own words once; nothing known wraps twice.
_MOST_WRAPPERS: Final = 2


class NotUnderstood(Exception):
    """A body is of no known form; the text says so without quoting it."""


@dataclass(frozen=True)
class Told:
    """What one notice says.

    Attributes:
        objects: Bucket and key of every object that was created, the key as it was said.
        provider_task_ids: Provider tasks that are over.
    """

    objects: tuple[tuple[str, str], ...] = ()
    provider_task_ids: tuple[str, ...] = ()

    def touches(self, bucket: str, prefix: str) -> bool:
        """Whether an object was created in a bucket under a prefix.

        Keys come URL-encoded from S3 and MinIO and plain from EventBridge, and nothing in them tells which: both
        readings count, since a listing decides.
        """
        return any(
            told_bucket == bucket and (key.startswith(prefix) or unquote_plus(key).startswith(prefix))
            for told_bucket, key in self.objects
        )


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)


class _Bucket(_Model):
    name: str


class _Object(_Model):
    key: str


class _Where(_Model):
    bucket: _Bucket
    object: _Object


class _S3Record(_Model):
    event_name: str = Field(alias="eventName")
    s3: _Where


class _S3Records(_Model):
    records: list[_S3Record] = Field(alias="Records")

    def told(self) -> Told:
        return _created((record.event_name, record.s3) for record in self.records)


class _AwsEventBridge(_Model):
    detail_type: str = Field(alias="detail-type")
    detail: _Where

    def told(self) -> Told:
        return _created([(self.detail_type, self.detail)])


class _OssRecord(_Model):
    event_name: str = Field(alias="eventName")
    oss: _Where


class _OssRecords(_Model):
    events: list[_OssRecord]

    def told(self) -> Told:
        return _created((record.event_name, record.oss) for record in self.events)


class _OssData(_Model):
    oss: _Where


class _OssEventBridge(_Model):
    type: str
    data: _OssData

    def told(self) -> Told:
        return _created([(self.type, self.data.oss)])


class _FinishedTask(_Model):
    task_id: str = Field(pattern=r"^[\w.:-]{1,200}$")


class _DashScopeEvent(_Model):
    type: str
    data: _FinishedTask

    def told(self) -> Told:
        return Told(provider_task_ids=(self.data.task_id,)) if self.type == _DASHSCOPE_FINISHED else Told()


class _Test(_Model):
    """What S3 sends once, when notifications are switched on."""

    event: str = Field(alias="Event", pattern="^s3:TestEvent$")

    def told(self) -> Told:
        return Told()


_FORMS: Final = (_S3Records, _AwsEventBridge, _OssRecords, _OssEventBridge, _DashScopeEvent, _Test)


def understand(body: bytes) -> Told:
    """Returns what a notice says; other events than creations and ends say nothing.

    Raises:
        NotUnderstood: It is not JSON, or of no known form.
    """
    said = _json(body)
    for _ in range(_MOST_WRAPPERS):
        if isinstance(said, dict) and isinstance(said.get("Message"), str):  # SNS and MNS
            said = _json(_plain(said["Message"]))
    for form in _FORMS:
        try:
            return form.model_validate(said).told()
        except ValidationError:
            continue
    raise NotUnderstood("it is none of the notices that are known here: S3, MinIO, SNS, EventBridge, OSS, DashScope")


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotUnderstood("it is not JSON") from error


def _plain(message: str) -> bytes:
    """Returns a wrapped notice; MNS wraps in base64 unless told otherwise."""
    try:
        return base64.b64decode(message, validate=True)
    except (binascii.Error, ValueError):
        return message.encode("utf-8", "surrogatepass")


def _created(records: Any) -> Told:
    return Told(tuple((where.bucket.name, where.object.key) for name, where in records if "created" in name.lower()))

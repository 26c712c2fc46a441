"""Reading the providers' words for states, and what counts as over."""

import pytest

from flows.rules.states import ProviderState, read_state

FINAL = {ProviderState.SUCCEEDED, ProviderState.FAILED, ProviderState.CANCELED, ProviderState.UNKNOWN}


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("PENDING", ProviderState.PENDING),
        ("RUNNING", ProviderState.RUNNING),
        ("SUCCEEDED", ProviderState.SUCCEEDED),
        ("FAILED", ProviderState.FAILED),
        ("CANCELED", ProviderState.CANCELED),
        ("UNKNOWN", ProviderState.UNKNOWN),
        ("submitted", ProviderState.PENDING),
        ("queued", ProviderState.PENDING),
        ("in_progress", ProviderState.RUNNING),
        ("completed", ProviderState.SUCCEEDED),
        ("success", ProviderState.SUCCEEDED),
        ("failed", ProviderState.FAILED),
        ("cancelled", ProviderState.CANCELED),
        ("unknown", ProviderState.UNKNOWN),
    ],
)
def test_both_providers_words_are_understood_in_any_letter_case(word, state):
    assert {read_state(spelt) for spelt in (word, word.upper(), word.lower(), f" {word.title()} ")} == {state}


@pytest.mark.parametrize("word", ["SUSPENDED", "THINKING", "", None, 3, {"status": "completed"}, "succeeded?"])
def test_a_word_nobody_documented_means_still_under_way(word):
    assert read_state(word) is ProviderState.RUNNING
    assert not read_state(word).is_final


def test_only_these_states_end_a_provider_task():
    assert {state for state in ProviderState if state.is_final} == FINAL
